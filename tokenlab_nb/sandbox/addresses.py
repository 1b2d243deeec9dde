"""Which hosts a reference may lie on, by name or literal address. Nothing is resolved: the sandbox has no network.

The vendor's pages "Create image" and "Edit image" refuse what is local, private or reserved, without a list; the
networks here are those of IANA's special-purpose registries. An IPv6 address that holds an IPv4 one is refused whole.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata

_LOCAL = re.compile(
    r"(.*\.)?(local|localhost|localdomain|internal|home\.arpa|lan|home|corp|mail|intranet|private|svc"
    r"|test|invalid|example|onion|alt)"
)
_NAME = re.compile(r"(?:[\w-]{1,63}\.)+[^\W\d_](?:[\w-]{0,62})")
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*", re.ASCII)
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")

_IPV4_REFUSED = [
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32"),
    )
]
_IPV6_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_IPV6_REFUSED = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_ISATAP = re.compile(r"(0000|0200):5efe:[0-9a-f]{4}:[0-9a-f]{4}")


def is_private(host: str) -> bool:
    """Whether a host is not known to be on the public internet: local, private, reserved, or no readable host at all.

    Args:
        host: A name or a literal address in any spelling, without brackets.
    """
    plain = unicodedata.normalize("NFKC", host.translate(_DOTS)).casefold()
    name = "".join(each for each in plain if unicodedata.category(each) != "Cf").removesuffix(".")
    if ":" in name:
        return _is_private_ipv6(name)
    if _NUMBERS.fullmatch(name):
        return _is_private_ipv4(name)
    return not _NAME.fullmatch(name) or bool(_LOCAL.fullmatch(name))


def _is_private_ipv4(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(socket.inet_aton(text))  # decimal, octal, hex and short forms, as resolvers do
    except (OSError, ValueError):
        return True
    return any(address in network for network in _IPV4_REFUSED)


def _is_private_ipv6(text: str) -> bool:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return True
    if address.scope_id is not None or address not in _IPV6_GIVEN_OUT or _ISATAP.search(address.exploded[20:]):
        return True
    return any(address in network for network in _IPV6_REFUSED)
