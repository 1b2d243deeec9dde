"""Which addresses may be fetched: public http(s) hosts only. Pure: names are judged, not resolved.

The vendor's rules for reference pictures (guide "Image Generation"): http or https, no credentials, no fragment, and
no host that is local, private or reserved.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names that the public DNS never holds: RFC 6761, RFC 8375, and what routers and companies use at home.
_LOCAL_SUFFIXES = (
    *(".local", ".localhost", ".localdomain", ".internal", ".home.arpa", ".lan", ".home", ".corp", ".intranet"),
    *(".private", ".test", ".invalid", ".example", ".onion"),
)
_NAME = re.compile(r"([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*")  # what ends in a number is meant as an address
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME = 253  # RFC 1035
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def url_problem(url: str, *, trusted_origin: str = "") -> str:
    """Say why a picture address cannot be used, in one sentence; an empty text when it can.

    Args:
        url: The address.
        trusted_origin: Scheme, host and port of the API itself, whose own pictures are always allowed.
    """
    if url != url.strip() or _CONTROL.search(url):  # parsers differ on these: some drop them, some do not
        return "It holds a line break, a control character or a space at its end."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "It is not a readable address."
    if parts.scheme not in ("http", "https"):
        return f"Only http and https addresses are taken, not {parts.scheme or 'a bare name'}."
    if parts.username is not None or parts.password is not None:
        return "It holds a user name or password."
    if "#" in url:
        return "It has a #fragment."
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
        return address_problem(address)
    if not _NAME.fullmatch(name):
        return "Its host is not a readable name."
    if "." not in name or name.endswith(_LOCAL_SUFFIXES):
        return f"{name} is a name of a private network."
    return ""


def _as_resolvers_see(host: str) -> str | None:
    """The name that is looked up: other scripts' digits, dots and letters become ASCII (IDNA); None if it cannot be."""
    if len(host) > _LONGEST_NAME:
        return None
    name = host.lower().rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii").rstrip(".")
    except UnicodeError:
        return None


def literal(host: str) -> IPAddress | None:
    """Read a literal address in every spelling that system resolvers take: also decimal, octal, hex and short IPv4."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
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
    if address.is_global and not address.is_multicast and (address.version == 4 or address in _GLOBAL_UNICAST):
        return ""
    return f"{address} is a private, local or reserved address."


def _embedded(address: IPAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
