"""Signed picture addresses: whose they are, until when they work, and how an address is shown without its secret.

Whoever has a signed address may read what it leads to, so none of ours is shown with its query. The service fetches
references itself, some time after it took the request (page "Create image": a signed address must outlive the start of
the work), so one that is about to expire is refused here.

Parameters by the vendors' own pages: "Authenticating Requests: Using Query Parameters" (Amazon S3, version 4 and 2),
"Signed URLs" (Google Cloud Storage, version 4 and 2), "Create a service SAS" (Azure Storage), "Use signed URLs"
(CloudFront, canned and custom policies), "Add signatures to URLs" (Alibaba Cloud OSS), "Request signature" (Tencent
Cloud COS), and the attachments of Discord.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from tokenlab_nb.contract.model import Issue

LEAST_SECONDS = 60.0
"""An address that works no longer than so many seconds is refused: the service may not have fetched it by then."""

_LONGEST_SHOWN = 200  # characters
_DIGITS = 10  # of a time in seconds
_PREFIX = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]*", re.IGNORECASE)
_UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))
_DISCORD = (".discordapp.com", ".discordapp.net")

_Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed address says about itself.

    Attributes:
        kind: Who checks the signature, such as ``Amazon S3``.
        expires_at: When it ends, in seconds since 1970; None where the address does not say.
    """

    kind: str
    expires_at: float | None = None


def read_signed(url: str) -> Signed | None:
    """Recognise a signed address by its parameters, in any case: some vendors take them so.

    Returns:
        What it says; None for an address that no vendor known here signed.
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return None
    query = {name.lower(): value for name, value in reversed(pairs)}  # of a name that comes twice, the first counts
    host = f".{parts.hostname or ''}"
    for marks, kind, ends in _KINDS:
        if all(mark in query for mark in marks) and (kind != "Discord" or host.endswith(_DISCORD)):
            return Signed(kind, ends(query))
    return None


def url_issue(field: str, url: str, now: float | None = None) -> Issue | None:
    """What should be known of a signed address that goes in as a picture.

    Args:
        field: How an issue calls the picture.
        url: Its address.
        now: The time, in seconds since 1970; None judges nothing by time.

    Returns:
        An error for one that has expired, or will before the service can fetch it; a warning for any other one that is
        signed; else None. The signature is in none of them.
    """
    signed = read_signed(url)
    if signed is None:
        return None
    what = f"{shown(url)} is signed for {signed.kind}"
    left = None if now is None or signed.expires_at is None else signed.expires_at - now
    if left is not None and left <= LEAST_SECONDS:
        when = f"expired {_ago(-left)} ago" if left <= 0 else f"expires in {_ago(left)}, perhaps before it is fetched"
        remedy = "Make a new signed address, or hand in the file itself."
        return Issue(field, f"{what} and {when} ({_moment(signed.expires_at or 0.0)}).", remedy=remedy)
    if signed.expires_at is None:
        until = "it does not say until when"
    else:
        until = f"it expires {_moment(signed.expires_at)}" + ("" if left is None else f", in {_ago(left)}")
    remedy = "Whoever has it can read the picture, and it is kept with the job: share neither while it works."
    return Issue(field, f"{what}: {until}.", remedy=remedy, severity="warning")


def shown(url: str) -> str:
    """An address as it may be shown: without its query and fragment, which may hold a signature, and without user.

    It never fails: what is no address at all is shown as it is, cut short.
    """
    head = re.split(r"[?#]", url, maxsplit=1)[0]
    prefix = _PREFIX.match(head)
    start = prefix.end() if prefix else 0
    authority = re.split(r"[/\\]", head[start:], maxsplit=1)[0]
    path = head[start + len(authority) :]
    text = "".join(each if each.isprintable() else "?" for each in head[:start] + authority.rpartition("@")[2] + path)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _moment(seconds: float) -> str:
    """A time for people, in UTC: the service's clock and the vendor's are in another zone than the reader's."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _ago(seconds: float) -> str:
    size, name = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    count = int(seconds / size)
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


# ------------------------------------------------------------------------------------------------- when each kind ends


def _unix(text: str, base: int = 10) -> float | None:
    """Seconds since 1970. What has more digits than a time of this millennium is none."""
    try:
        return float(int(text, base)) if text.isascii() and text.isalnum() and len(text) <= _DIGITS else None
    except ValueError:
        return None


def _since(made: str, lasts: str) -> float | None:
    """When what was made at ``20261126T180000Z`` and lasts so many seconds ends."""
    seconds = _unix(lasts)
    try:
        start = datetime.strptime(made, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return None if seconds is None else (start + timedelta(seconds=seconds)).timestamp()
    except (ValueError, OverflowError):
        return None


def _dated(prefix: str) -> Callable[[_Query], float | None]:
    return lambda query: _since(query.get(f"{prefix}-date", ""), query.get(f"{prefix}-expires", ""))


def _stated(name: str, base: int = 10) -> Callable[[_Query], float | None]:
    return lambda query: _unix(query.get(name, ""), base)


def _azure(query: _Query) -> float | None:
    """``se``: a date, or a date and time in UTC; missing where a policy that is kept there says it."""
    try:
        end = datetime.fromisoformat(query.get("se", "")).replace(microsecond=0)
        return (end if end.tzinfo else end.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _cloudfront(query: _Query) -> float | None:
    """``Expires``, or the time in a policy: JSON in base64 with ``-_~`` for ``+=/``."""
    if "expires" in query:
        return _unix(query["expires"])
    plain = query["policy"].translate(str.maketrans("-_~", "+=/"))
    try:
        policy = json.loads(b64decode(plain))
        return _unix(str(policy["Statement"][0]["Condition"]["DateLessThan"]["AWS:EpochTime"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _tencent(query: _Query) -> float | None:
    return _unix(query["q-sign-time"].partition(";")[2])


_KINDS: tuple[tuple[tuple[str, ...], str, Callable[[_Query], float | None]], ...] = (
    (("x-amz-signature",), "Amazon S3", _dated("x-amz")),
    (("awsaccesskeyid", "signature"), "Amazon S3", _stated("expires")),
    (("x-goog-signature",), "Google Cloud Storage", _dated("x-goog")),
    (("googleaccessid", "signature"), "Google Cloud Storage", _stated("expires")),
    (("sig", "se"), "Azure Storage", _azure),
    (("sig", "si"), "Azure Storage", _azure),
    (("key-pair-id", "signature", "expires"), "Amazon CloudFront", _cloudfront),
    (("key-pair-id", "signature", "policy"), "Amazon CloudFront", _cloudfront),
    (("x-oss-signature",), "Alibaba Cloud OSS", _dated("x-oss")),
    (("ossaccesskeyid", "signature"), "Alibaba Cloud OSS", _stated("expires")),
    (("x-tos-signature",), "Volcano Engine TOS", _dated("x-tos")),
    (("q-sign-time", "q-signature"), "Tencent Cloud COS", _tencent),
    (("ex", "hm"), "Discord", _stated("ex", 16)),
)
