"""Which addresses may be fetched: public http(s) hosts only. Pure: names are judged, not resolved.

The vendor's rules for reference pictures (pages "Create image" and "Edit image"): http or https, no credentials, no
fragment, and no host that is local, private or reserved. Where parsers differ about an address, it is refused.

What is not public: the special-purpose registries of IANA (RFC 6890) and what stands beside each row here. Python's own
`ipaddress.IPv4Address.is_global` knows only a part of it, and another part in each version.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names that the public DNS never holds (RFC 6761, RFC 8375, RFC 9476), and what routers and companies use at home.
_LOCAL_SUFFIXES = (
    *(".local", ".localhost", ".localdomain", ".internal", ".home.arpa", ".lan", ".home", ".corp", ".intranet"),
    *(".private", ".mail", ".svc", ".test", ".invalid", ".example", ".onion", ".alt"),
)
_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}")  # what ends in a number is meant as an address
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # control, and turned writing
_LONGEST_NAME = 253  # RFC 1035

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052; the local 64:ff9b:1::/48 (RFC 8215) is no global unicast
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # RFC 4291
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: the 32 bits in front of the IPv4 address, which is one of the site's own
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # RFC 6890: protocol assignments; one cloud's metadata too
        "192.88.99.0/24",  # RFC 7526: relays of 6to4
        "168.63.129.16/32",  # a public number by which one cloud answers its own machines
        "2001::/23",  # RFC 2928: protocol assignments, with Teredo (RFC 4380), ORCHID and benchmarks
        "2001:db8::/32",  # RFC 3849: documentation
        "3fff::/20",  # RFC 9637: documentation
    )
)


def url_problem(url: str, *, trusted_origin: str = "") -> str:
    """Say why a picture address cannot be used, in one sentence; an empty text when it can.

    Args:
        url: The address.
        trusted_origin: Scheme, host and port of the API itself, whose own pictures are always allowed.
    """
    if url != url.strip() or _ODD.search(url):  # parsers differ on these: some drop them, some do not
        return "It holds a line break, a control character or a space at its end."
    if "\\" in url:  # a slash to browsers, a letter to others
        return "It holds a backslash, which some take for a slash: write %5C."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "It is not a readable address."
    if parts.scheme not in ("http", "https"):
        return f"Only http and https addresses are taken, not {parts.scheme or 'a bare name'}."
    if parts.username is not None or parts.password is not None:
        return "It holds a user name or password."
    if "#" in url:
        return "It has a #fragment."
    if port == 0 or ("[" in parts.netloc and ":" not in host):
        return "It is not a readable address."
    if trusted_origin and f"{parts.scheme}://{parts.netloc}".lower() == trusted_origin.lower():
        return ""
    return host_problem(host)


def host_problem(host: str) -> str:
    """Say why a host name or literal address is not a public one; an empty text when it may be."""
    name = _as_resolvers_see(host)
    if name is None:
        return "Its host is not a readable name."
    if not name:
        return "It has no host."
    address = literal(name)
    if address is not None:
        return address_problem(address) or _zone_problem(name)
    if not _NAME.fullmatch(name) or _ends_in_digits(name):
        return "Its host is not a readable name."
    if "." not in name or name.endswith(_LOCAL_SUFFIXES):
        return f"{name} is a name of a private network."
    return ""


def _zone_problem(literal_host: str) -> str:
    """RFC 4007: a zone id names a network card."""
    return "Its host has a zone (%), which only one machine knows." if "%" in literal_host else ""


def _ends_in_digits(name: str) -> bool:
    """Whether the last label is digits of another script, which some take for the end of an IPv4 address."""
    last = name.rpartition(".")[2]
    if not last.startswith("xn--"):
        return False
    try:
        return last[4:].encode("ascii").decode("punycode")[:1].isnumeric()
    except UnicodeError:
        return True


def _as_resolvers_see(host: str) -> str | None:
    """The name that is looked up: other scripts' digits, dots and letters become ASCII (IDNA); None if it cannot be."""
    if len(host) > _LONGEST_NAME:
        return None
    name = host.lower()
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii").lower()
        return name.removesuffix(".")
    except UnicodeError:
        return None


def literal(host: str) -> IPAddress | None:
    """Read a literal address in every spelling that system resolvers take: also decimal, octal, hex and short IPv4."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") and ":" in host else host
    try:
        return ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return _classic_ipv4(host)


def _classic_ipv4(host: str) -> ipaddress.IPv4Address | None:
    parts = host.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    try:
        numbers = [_classic_number(part) for part in parts]
    except ValueError:
        return None
    *heads, tail = numbers
    width = 4 - len(heads)
    if any(head > 255 for head in heads) or tail >= 256**width:
        return None
    value = tail + sum(head << (8 * (3 - place)) for place, head in enumerate(heads))
    return ipaddress.IPv4Address(value)


def _classic_number(text: str) -> int:
    if not text.isascii() or not text.isalnum():
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") and text != "0" else int(text)


def address_problem(address: IPAddress) -> str:
    """Say why an address is not public, embedded IPv4 addresses unwrapped; an empty text when it is."""
    inner = _embedded(address)
    if inner is not None:
        return address_problem(inner)
    return "" if _is_public(address) else f"{address} is a private, local or reserved address."


def _is_public(address: IPAddress) -> bool:
    if not address.is_global or address.is_multicast or any(address in network for network in _NOT_PUBLIC):
        return False
    return isinstance(address, ipaddress.IPv4Address) or (address in _GLOBAL_UNICAST and not _is_isatap(address))


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFFFFFFFF in _ISATAP


def _embedded(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is really spoken to: mapped (RFC 4291), behind NAT64 (RFC 6052), by 6to4 (RFC 3056)."""
    if isinstance(address, ipaddress.IPv4Address) or _is_isatap(address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
