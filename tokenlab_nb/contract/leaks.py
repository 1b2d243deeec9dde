"""Finding what must not be shared in a text: keys, signed addresses, paths of this machine or of a person's home.

Long stretches of base64 (pictures) are passed over, so a text of 100 MB takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from tokenlab_nb.contract.keys import find_keys, is_placeholder
from tokenlab_nb.contract.signed import read_signed, shown
from tokenlab_nb.errors import LeakError

__all__ = ["WORDS", "Kind", "Leak", "find_leaks", "redacted", "refuse_leaks"]

Kind = Literal["key", "address", "path"]

WORDS = {"key": "a key", "address": "a signed address", "path": "a path of this machine"}
"""What each kind is called."""

_PICTURE = re.compile(r";base64,[A-Za-z0-9+/=]{64,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*+=*+\s*+|(?:[A-Za-z0-9+/]{60,76}\r?\n)*+[A-Za-z0-9+/]{0,76}=*+\s*+")
_LONG = 4096  # characters; a text of this length that is all base64, in one line or many, is a picture or the like
# With its round brackets in pairs, else the one that stands around it would belong to it; and as JSON may spell it.
_URL = re.compile(r"https?:\\?/\\?/(?:\([^\s\"'<>\\()]{0,200}\)|[^\s\"'<>\\)]|\\u0026|\\/)+", re.IGNORECASE)
_ASKED = frozenset({"token", "access_token", "auth_token", "api_key", "apikey", "key", "sig", "signature"})
_ASKING = re.compile(r"\?.*?(?:sig|key|token|hm=)", re.IGNORECASE)  # what is signed or carries a secret has one of them
_LEAST_SECRET = 16

# In front of a path of its own stands no letter and no slash, else it is the middle of an address or of another path;
# the ends of an escaped line break and of a terminal's colour are letters all the same.
_BEFORE = r"(?:(?<![\w.~%/\\-])|(?<=file://)|(?<=\\n)|(?<=\\t)|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=;\dm)|(?<=;\d\dm)|(?<=;\d\d\dm))"
_NAME = r"(?P<who>[^\s\"'<>,;:|*?/\\(){}\[\]$%\x1b]+)"
_HOMES = (
    ("/home/", re.compile(rf"{_BEFORE}/home/{_NAME}")),
    ("/Users/", re.compile(rf"(?:{_BEFORE}|(?<=[A-Za-z]:)|(?<=/mnt/[a-z]))/Users/{_NAME}")),
    ("/root/", re.compile(rf"{_BEFORE}(?P<who>/root)(?=/\.?\w)")),
    ("\\Users\\", re.compile(rf"(?i:[A-Z]:\\{{1,4}}Users\\{{1,4}}){_NAME}")),
)
_REST = re.compile(r"[/\\][^\s\"'<>,;:|\x1b]*")
_NOBODY = re.compile(
    r"(?:your[-_]?)?(?:user|username|name)|youruser|me|you|shared|public|default|all|jovyan|runner|runneradmin"
    r"|codespace|vscode|sagemaker-user|ec2-user|ubuntu|[A-Z_]+|[._~%…-]+"
)
"""Names in paths that stand for any name, or for a machine's own."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One place in a text.

    Attributes:
        kind: What it is.
        start: Where it begins.
        end: Where it ends.
        shown: What may be shown in its place, without the secret itself: of a path, ``~`` and what follows the home.
    """

    kind: Kind
    start: int
    end: int
    shown: str


def find_leaks(text: str, *, paths: Sequence[str] = (), secrets: Sequence[str] = ()) -> tuple[Leak, ...]:
    """Return what must not be shared, in the order of the text; none overlaps another.

    Args:
        text: Any text, source or JSON.
        paths: Folders that are private, beside home folders.
        secrets: Keys that are known as they are, whatever their shape.
    """
    found = [leak for start, end in _stretches(text) for leak in _all(text[start:end], start, paths, secrets)]
    kept: list[Leak] = []
    for leak in sorted(found, key=lambda leak: (leak.start, -leak.end)):
        if kept and kept[-1].kind == "path":
            kept[-1] = _cut(kept[-1], leak.start)
        if not kept or leak.start >= kept[-1].end:
            kept.append(leak)
    return tuple(kept)


def redacted(text: str, leaks: Sequence[Leak]) -> str:
    """The text with each of these leaks, as `find_leaks` returned them, replaced by what may be shown."""
    pieces, end = [], 0
    for leak in leaks:
        pieces += [text[end : leak.start], leak.shown]
        end = leak.end
    return "".join([*pieces, text[end:]])


def refuse_leaks(text: str, what: str, *, kinds: Sequence[Kind] = ("key", "address")) -> None:
    """Refuse a text that holds what must not be shared.

    Args:
        text: What is about to be written.
        what: What it is, for the message.
        kinds: What is refused.

    Raises:
        LeakError: If it does; the message names kind and number, never the secret.
    """
    if found := [leak for leak in find_leaks(text) if leak.kind in kinds]:
        told = ", ".join(dict.fromkeys(f"{WORDS[leak.kind]} ({leak.shown})" for leak in found))
        raise LeakError(f"{what} would hold {told}. Nothing was written.")


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """The text without pictures in base64."""
    if len(text) >= _LONG and _BASE64.fullmatch(text):
        return
    start = 0
    for match in _PICTURE.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _all(text: str, offset: int, paths: Sequence[str], secrets: Sequence[str]) -> Iterator[Leak]:
    for start, end, instead in find_keys(text, secrets):
        yield Leak("key", offset + start, offset + end, instead)
    for start, end, instead in _addresses(text):
        yield Leak("address", offset + start, offset + end, instead)
    for start, head in _private(text, paths):
        rest = _REST.match(text, head)
        tail = rest[0] if rest else ""
        yield Leak("path", offset + start, offset + head + len(tail), f"~{tail}")


def _cut(path: Leak, at: int) -> Leak:
    """A path as far as another leak in what follows its private part, which must not hide that one."""
    private = path.end - len(path.shown) + 1
    return replace(path, end=at, shown=path.shown[: at - path.end]) if private <= at < path.end else path


def _addresses(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _URL.finditer(text):
        if _ASKING.search(match[0]):
            url = unescape(match[0].replace("\\u0026", "&").replace("\\/", "/"))
            if read_signed(url) or _carries_secret(url):
                yield *match.span(), shown(url)


def _carries_secret(url: str) -> bool:
    """Whether a parameter that is called a key or a token holds something like one."""
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:
        return False
    return any(
        (name.lower() in _ASKED or name.lower().endswith("-signature"))
        and len(value) >= _LEAST_SECRET
        and any(char.isdigit() for char in value)
        and not is_placeholder(value)
        for name, value in pairs
    )


def _private(text: str, folders: Sequence[str]) -> Iterator[tuple[int, int]]:
    for mark, pattern in _HOMES:
        if mark in text:
            for match in pattern.finditer(text):
                if not _NOBODY.fullmatch(match["who"]) and not _NOBODY.fullmatch(match["who"].lower()):
                    yield match.span()
    for folder in folders:
        for spelled in dict.fromkeys((folder, folder.replace("\\", "\\\\"))):
            for match in re.finditer(rf"{re.escape(spelled)}(?![\w-])", text):
                yield match.span()
