"""The first line of ``%%tokenlab`` -> what it asks for. Pure: nothing is looked up, nothing is sent.

Words stand between blanks; quotes hold a value with blanks together. A backslash is a backslash, and braces, dollars
and percent signs are what they are: nothing is expanded.
"""

from __future__ import annotations

import difflib
import json
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tokenlab_nb.contract.model import Issue, Json
from tokenlab_nb.contract.params import lookup
from tokenlab_nb.errors import ValidationError

__all__ = ["FLAGS", "OPTIONS", "Command", "Option", "fragment", "option_name", "prompt_of", "read", "told"]

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"?|'[^']*'?)+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_OPTION = re.compile(r"--?[^\W\d]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the magic itself.

    Attributes:
        names: As it is written, the usual one first.
        value: What its value is called in the help; empty for one without.
        help: One sentence for people.
    """

    names: tuple[str, ...]
    value: str
    help: str


OPTIONS = (
    Option(("-m", "--model"), "MODEL", "Which model; given several times, the models are compared."),
    Option(("--operation",), "NAME", "What it does; by default what fits the pictures and the mask."),
    Option(("--reference",), "PICTURE", "A path, an address or a variable; may be given several times."),
    Option(("--mask",), "PICTURE", "What an edit may change: a path, an address or a variable."),
    Option(("-n",), "COUNT", "How many pictures; each one is paid for."),
    Option(("--as",), "NAME", "The variable for the result; by default _job, or _grid of a comparison."),
    Option(("--session",), "VARIABLE", "The session to use, in place of the one that tl.Studio() uses."),
    Option(("--budget",), "DOLLARS", "Send nothing if it might cost more."),
    Option(("--dry",), "", "Show what would be sent and what it costs; send nothing."),
    Option(("-h", "--help"), "", "This text; with -m also the settings of that model."),
)

FLAGS = frozenset(name for option in OPTIONS if not option.value for name in option.names)
"""Options without a value."""

_HOMES = {name: option.names[-1].lstrip("-") for option in OPTIONS for name in option.names}
_OTHERWISE = {
    "prompt": "The prompt is the body of the cell.",
    "prompts": "The prompt is the body of the cell.",
    "models": "Write -m MODEL for each model.",
    "references": "Write --reference PICTURE for each picture.",
    "operations": "Write --operation NAME.",
}


@dataclass(frozen=True, slots=True)
class Command:
    """What a line asks for.

    Attributes:
        models: Ids.
        operation: Its name, or None.
        references: Paths, addresses or names of variables.
        mask: The same.
        params: Request fields, by name.
        name: The variable for the result, or None.
        session: The variable that holds the session, or None.
        budget: US dollars, or None.
        dry: Whether to send nothing.
        help: Whether to explain.
    """

    models: tuple[str, ...] = ()
    operation: str | None = None
    references: tuple[str, ...] = ()
    mask: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    name: str | None = None
    session: str | None = None
    budget: float | None = None
    dry: bool = False
    help: bool = False


def read(line: str) -> Command:
    """Read a line of options.

    Args:
        line: What stands behind ``%%tokenlab``.

    Raises:
        ValidationError: If a word has no place, a value is missing, or an option is given twice.
    """
    command, params = Command(), {}
    for flag, name, raw in _pairs(line):
        if name in params or (name in ("operation", "mask", "as", "session", "budget") and _given(command, name)):
            raise refusal(flag, f"{flag} is given twice.", "Give it once; what varies belongs in session.compare().")
        if name in _OTHERWISE:
            raise refusal(flag, f"{flag} is no option here.", _OTHERWISE[name])
        if flag in _HOMES and name != "n":
            command = _with(command, name, _text(raw, flag))
        else:
            params[name] = _value(name, _text(raw, flag))
    return replace(command, params=params)


def _given(command: Command, name: str) -> bool:
    return getattr(command, "name" if name == "as" else name) is not None


def _with(command: Command, name: str, text: str) -> Command:
    """The command with one more option of the magic itself."""
    if name == "model":
        return replace(command, models=tuple(dict.fromkeys((*command.models, text))))
    if name == "reference":
        return replace(command, references=(*command.references, text))
    if name == "as":
        return replace(command, name=_variable(text))
    changes: dict[str, Any] = {name: text}
    if name in ("dry", "help"):
        changes = {name: True}
    elif name == "budget":
        changes = {name: _dollars(text)}
    return replace(command, **changes)


def _variable(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise refusal("--as", f"{text!r} is no name of a variable.", "Give one, such as --as fox.")
    return text


def _dollars(text: str) -> float:
    found = _json(text)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise refusal("--budget", f"A budget of {text!r} is none.", "Give US dollars, such as --budget 2.50.")
    return float(found)


def _pairs(line: str) -> Iterator[tuple[str, str, str]]:
    """``(as it is written, the option's or field's name, raw value)`` of each option."""
    words = iter(_WORD.findall(line))
    for word in words:
        flag, equals, raw = word.partition("=") if word.startswith("--") else (word, "", "")
        if not _OPTION.match(flag):
            what = "Options stand first; the prompt is the body of the cell. Quote a value that holds blanks."
            raise refusal("options", f"{_text(word, word)!r} belongs to no option.", what)
        name = option_name(flag)
        if flag in FLAGS:
            if equals:
                raise refusal(flag, f"{flag} takes no value.", f"Write {flag} alone.")
        elif not equals:
            raw = next(words, "")
            if not raw or _OPTION.match(raw):
                raise refusal(flag, f"{flag} has no value.", f"Write {flag} VALUE, or {_long(flag)}=VALUE.")
        yield flag, name, raw


def option_name(flag: str) -> str:
    """The option's or field's name: ``-m`` is ``model``, ``--output-format`` is ``output_format``.

    Raises:
        ValidationError: If it is a short option that is none.
    """
    if flag in _HOMES:
        return _HOMES[flag]
    if not flag.startswith("--"):
        near = difflib.get_close_matches(flag, _HOMES, n=1, cutoff=0.6)
        remedy = f"Did you mean {near[0]}?" if near else "Settings begin with two dashes; --help lists them all."
        raise refusal(flag, f"There is no option {flag}.", remedy)
    return flag.removeprefix("--").replace("-", "_")


def _long(flag: str) -> str:
    return flag if flag.startswith("--") else f"--{_HOMES[flag]}"


def _text(raw: str, flag: str) -> str:
    """A word without its quotes; what begins like JSON keeps them."""
    rest = _QUOTED.sub("", raw)
    if '"' in rest or "'" in rest:
        raise refusal(flag, f"A quote is not closed: {raw}", "Close it, or put the other kind of quotes around it.")
    if raw[:1] in ("{", "["):
        return raw
    return _QUOTED.sub(lambda found: found[1] if found[1] is not None else found[2], raw)


def _value(name: str, text: str) -> Json:
    """A setting as it is sent: numbers, true, false, objects and lists are read as JSON; else it is a text.

    Fields that hold a text by the documents stay one, whatever it looks like: a user named 7 is no number.
    """
    kind, found = lookup(name).kind, _json(text)
    taken = {"text": (), "string": (list,), "choice": (list,)}.get(kind, (bool, int, float, dict, list))
    return found if isinstance(found, taken) else text


def _json(text: str) -> Json:
    """What the text says as JSON; None where it says nothing."""
    try:
        found: Json = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are no JSON


def prompt_of(body: str) -> str | None:
    """The prompt of a cell: its body as it is, less the line breaks at its end; None where there is nothing in it."""
    return body.rstrip("\r\n") if body.strip() else None


def fragment(before: str) -> tuple[tuple[str, ...], str]:
    """What stands before the cursor: the words that are complete, and the one that is being written, maybe empty."""
    words = _WORD.findall(before)
    unfinished = words.pop() if words and before.endswith(words[-1]) else ""
    return tuple(words), unfinished


def told() -> str:
    """All options as a table."""
    rows = [(f"{', '.join(option.names)} {option.value}".strip(), option.help) for option in OPTIONS]
    wide = max(len(left) for left, _ in rows)
    return "\n".join(f"  {left.ljust(wide)}  {right}" for left, right in rows)


def refusal(name: str, message: str, remedy: str) -> ValidationError:
    """What is wrong with a line."""
    return ValidationError(f"{message} {remedy}", issues=(Issue(name, message, remedy=remedy),), hint=remedy)
