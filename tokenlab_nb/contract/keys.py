"""Keys in a text, told by the shapes that their vendors give them. A table, and little code.

Each shape begins with a mark that `str.find` looks for, so a text without marks costs next to nothing, however long it
is. What only stands in for a key (``sk-your-key-here``, ``AKIA...EXAMPLE``) is none, and neither are words that happen
to begin like one (scikit-learn's ``sk-`` classes).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["KeyShape", "find_keys", "is_placeholder"]

_STANDS_IN = re.compile(
    r"example|placeholder|dummy|redacted|xxxx|\*\*\*|\.\.\.|change-?me|[<>{}$]"
    r"|your[-_ ]|your(?:api|key|token|secret)|my[-_](?:api|key|secret|token)",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"(?:\\[nrt]|\\u00[0-7][0-9a-fA-F]|%[0-7][0-9a-fA-F])\Z")  # of a line break, a quote, ...
_LEAST_CHARACTERS = 5  # different ones; what has fewer was made by holding a key down
_SEGMENT, _DIGITS, _LEAST = 16, 4, 12


@dataclass(frozen=True, slots=True)
class KeyShape:
    """How one kind of key looks.

    Attributes:
        vendor: Whose it is.
        mark: What it begins with, for a fast search.
        pattern: The whole of it, matched at the mark; a group ``secret`` in it is what is judged and cut out.
        judge: Whether what has the shape is a key.
        shown: What may be shown in its place.
        starts: Whether the character in front of it must not be one of a name.
    """

    vendor: str
    mark: str
    pattern: re.Pattern[str]
    shown: str
    judge: Callable[[str], bool] = lambda _secret: True
    starts: bool = True


def is_placeholder(text: str) -> bool:
    """Whether a text stands in for a key in documents, rather than being one."""
    return bool(_STANDS_IN.search(text)) or len(set(text.lower())) < _LEAST_CHARACTERS


def find_keys(text: str, secrets: Sequence[str] = ()) -> Iterator[tuple[int, int, str]]:
    """Find keys.

    Args:
        text: Any text.
        secrets: Keys that are known as they are.

    Yields:
        Where each begins and ends, and what may be shown in its place.
    """
    for secret in filter(None, secrets):
        for start in _places(text, secret):
            yield start, start + len(secret), "..."
    folded = text.lower()
    for shape in _SHAPES:
        for start in _places(text if shape.starts else folded, shape.mark):
            yield from _judged(shape, text, start)


def _places(text: str, mark: str) -> Iterator[int]:
    start = text.find(mark)
    while start >= 0:
        yield start
        start = text.find(mark, start + len(mark))


def _judged(shape: KeyShape, text: str, start: int) -> Iterator[tuple[int, int, str]]:
    if shape.starts and start and _is_named(text, start - 1):
        return
    match = shape.pattern.match(text, start)
    if match is None:
        return
    group = "secret" if "secret" in shape.pattern.groupindex else 0
    if not is_placeholder(match[group]) and shape.judge(match[group]):
        yield *match.span(group), shape.shown


def _is_named(text: str, at: int) -> bool:
    """Whether the character belongs to a name that goes on; the end of an escaped character does not."""
    char = text[at]
    if not (char.isalnum() or char in "_-"):
        return False
    escapes = _ESCAPE.search(text, max(0, at - 5), at + 1) is not None
    coloured = char == "m" and "\x1b[" in text[max(0, at - 12) : at]
    return not (escapes or coloured)


def _looks_random(secret: str) -> bool:
    """One long piece without a hyphen, or many digits: words and names of classes have neither."""
    pieces = re.split(r"[-_]", secret)
    digits = sum(char.isdigit() for char in secret)
    return max(map(len, pieces)) >= _SEGMENT or (digits >= _DIGITS and len(secret) >= _LEAST)


def _is_mixed(secret: str) -> bool:
    """Digits and letters, and enough different ones: what is written into a variable that is called a key."""
    digits = sum(char.isdigit() for char in secret)
    letters = sum(char.isalpha() for char in secret)
    return digits >= _DIGITS and letters >= _DIGITS and len(set(secret)) >= 2 * _LEAST_CHARACTERS


def _is_pair(secret: str) -> bool:
    """Base64 of a user and a password."""
    try:
        user, colon, password = b64decode(secret, validate=True).decode("ascii").partition(":")
    except ValueError:
        return False
    return bool(user and colon and password) and password.isprintable()


def _shape(vendor: str, mark: str, rest: str, judge: Callable[[str], bool] = lambda _secret: True) -> KeyShape:
    return KeyShape(vendor, mark, re.compile(re.escape(mark) + rest), f"{mark}...", judge)


_AFTER_NAME = (
    r"[\w-]{0,20}\\?[\"'\]]{0,2}\s{0,4}(?:=|:|,)\s{0,4}\\?[\"']?(?P<secret>[A-Za-z0-9_+/=~-]{16,200})(?![\w.(\[])"
)


def _named(mark: str) -> KeyShape:
    """What is assigned to a name like this one, in Python, JSON, YAML or a shell."""
    pattern = re.compile(re.escape(mark) + _AFTER_NAME, re.IGNORECASE)
    return KeyShape("a name", mark, pattern, "...", _is_mixed, starts=False)


def _after(vendor: str, mark: str, rest: str, judge: Callable[[str], bool] = lambda _secret: True) -> KeyShape:
    """What stands behind a mark of any case, and has no shape of its own."""
    pattern = re.compile(rf"(?i:{re.escape(mark)})(?:{rest})")
    return KeyShape(vendor, mark, pattern, "...", judge, starts=False)


_WORD = r"[A-Za-z0-9]"
_APART = r"\W{1,8}"
_PAIR = r"(?P<secret>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32})"
_SHAPES: tuple[KeyShape, ...] = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Stability, TokenLab and its sisters
    _shape("sk-", "sk-", r"[A-Za-z0-9_-]{8,250}", _looks_random),
    _shape("TokenLab", "mt-", r"[A-Za-z0-9_-]{8,250}", _looks_random),
    _shape("ElevenLabs", "sk_", r"[0-9a-f]{48}(?!\w)"),
    _shape("Hugging Face", "hf_", rf"{_WORD}{{30,60}}(?!\w)"),
    _shape("Hugging Face", "api_org_", rf"{_WORD}{{30,60}}(?!\w)"),
    *(_shape("GitHub", f"gh{kind}_", rf"{_WORD}{{36,255}}") for kind in "pousr"),
    _shape("GitHub", "github_pat_", r"\w{60,100}"),
    _shape("GitLab", "glpat-", r"[\w-]{20,60}"),
    *(_shape("Amazon", kind, r"[A-Z0-9]{16}(?!\w)") for kind in ("AKIA", "ASIA")),
    _shape("Google", "AIza", r"[\w-]{35}(?![\w-])"),
    _shape("Google", "ya29.", r"[\w-]{20,400}"),
    *(_shape("Slack", f"xox{kind}-", r"[\w-]{10,250}") for kind in "abeprs"),
    _shape("Slack", "xapp-", r"[\w-]{20,250}"),
    _shape("Slack", "hooks.slack.com/services/", r"T\w{6,20}/B\w{6,20}/\w{16,40}"),
    _shape("Replicate", "r8_", rf"{_WORD}{{37}}(?!\w)"),
    _shape("Groq", "gsk_", rf"{_WORD}{{40,80}}(?!\w)"),
    _shape("xAI", "xai-", rf"{_WORD}{{60,120}}"),
    _shape("Perplexity", "pplx-", rf"{_WORD}{{40,80}}"),
    _shape("NVIDIA", "nvapi-", r"[\w-]{50,100}"),
    _shape("Fireworks", "fw_", rf"{_WORD}{{22,40}}(?!\w)", _is_mixed),
    *(_shape("Stripe", kind, rf"{_WORD}{{16,250}}") for kind in ("sk_live_", "rk_live_", "sk_test_", "rk_test_")),
    _shape("SendGrid", "SG.", r"[\w-]{16,32}\.[\w-]{30,64}"),
    _shape("npm", "npm_", rf"{_WORD}{{36}}(?!\w)"),
    _shape("PyPI", "pypi-", r"AgE[\w-]{50,250}"),
    _shape("DigitalOcean", "dop_v1_", r"[a-f0-9]{64}"),
    _shape("Databricks", "dapi", r"[a-f0-9]{32}(?!\w)"),
    _shape("a signed token", "eyJ", r"[\w-]{10,2000}\.eyJ[\w-]{10,6000}\.[\w-]{20,2000}"),
    KeyShape(
        "a private key",
        "-----begin ",
        re.compile(
            r"-----begin (?P<secret>[a-z ]{0,30}private key(?: block)?-----[^-]{16,20000}"
            r"(?:-----end [a-z ]{1,40}-----)?)",
            re.IGNORECASE,
        ),
        "PRIVATE KEY ...",
        starts=False,
    ),
    KeyShape(
        "a header",
        "bearer ",
        re.compile(r"bearer (?P<secret>[A-Za-z0-9_.~+/=-]{16,2000})", re.IGNORECASE),
        "...",
        _is_mixed,
        starts=False,
    ),
    KeyShape(
        "a password in an address",
        "://",
        re.compile(r"://(?P<secret>[^\s/:@\"'<>\\]{1,100}:[^\s/@\"'<>\\]{4,200})@"),
        "...",
        lambda secret: secret.partition(":")[2].lower() not in {"password", "pass", "passwd", "secret"},
        starts=False,
    ),
    _after("a header", "basic ", r"(?P<secret>[A-Za-z0-9+/]{12,2000}={0,2})(?!\w)", _is_pair),
    *(_after("fal", mark, apart + _PAIR) for mark, apart in (("fal_key", _APART), ("key ", ""))),
    *(
        _after("Amazon", mark, _APART + r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")
        for mark in ("secret_access_key", "secretaccesskey")
    ),
    KeyShape("Azure", "accountkey=", re.compile(r"(?i:accountkey)=(?P<secret>[\w+/]{60,100}=*)"), "...", starts=False),
    *map(
        _named,
        ("api_key", "api-key", "apikey", "secret", "access_token", "auth_token", "api_token", "password", "passwd"),
    ),
)
