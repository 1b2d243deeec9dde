"""Tab in the first line of ``%%tokenlab``: options, models, settings, and what they may be.

Models and contracts come from the service, so the first Tab may ask for them: for at most two seconds, after which
it offers what is known so far, and the next Tab has the answer. Nothing that costs is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.completer import SimpleCompletion, context_matcher

from tokenlab_nb.contract.params import FIELDS
from tokenlab_nb.contract.workflows import default_operation
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.widgets._command import FLAGS, OPTIONS, fragment, option_name

if TYPE_CHECKING:
    from tokenlab_nb.contract.model import Model, Param
    from tokenlab_nb.jobs.engine import Answer
    from tokenlab_nb.session import Session

__all__ = ["Completer"]

PATIENCE = 2.0
"""Seconds that one Tab waits for the service."""

_LINE = re.compile(r"\s*%%?tokenlab\s(.*)", re.DOTALL)
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


class Holder(Protocol):
    """Who knows the session."""

    @property
    def session(self) -> Session:
        """The one that a cell would use."""


class Completer:
    """Completes one shell's ``%%tokenlab`` lines.

    Args:
        shell: IPython's.
        holder: The magic.
    """

    def __init__(self, shell: Any, holder: Holder) -> None:
        self._shell = shell
        self._holder = holder
        self._listing: tuple[Session, Answer[tuple[Model, ...]]] | None = None

    @context_matcher(identifier="tokenlab_nb.magic")  # type: ignore[untyped-decorator]  # IPython carries no types
    def matcher(self, context: Any) -> dict[str, Any]:
        """IPython's hook: what could stand at the cursor. No failure comes out of it: Tab is no place for one."""
        lines = context.full_text.split("\n")
        match = _LINE.fullmatch(lines[context.cursor_line][: context.cursor_position])
        is_first = not "".join(lines[: context.cursor_line]).strip()
        if match is None or not (is_first or "%%" not in lines[context.cursor_line]):
            return {"completions": []}
        words, unfinished = fragment(match[1])
        found: list[str] = []
        with suppress(TokenLabError, OSError, TimeoutError):
            unfinished, found = self.offered(words, unfinished)
        return {
            "completions": [
                SimpleCompletion(each, type="option" if each.startswith("-") else "value") for each in found
            ],
            "matched_fragment": unfinished,
            "ordered": True,
            "suppress": True,
        }

    def offered(self, words: Sequence[str], unfinished: str) -> tuple[str, list[str]]:
        """What could stand there.

        Args:
            words: The words before.
            unfinished: The word at the cursor.

        Returns:
            The part that a completion replaces, and the completions.
        """
        flag, equals, value = unfinished.partition("=") if unfinished.startswith("--") else ("", "", "")
        if equals:
            unfinished = value
        elif words and words[-1].startswith("-") and "=" not in words[-1] and words[-1] not in FLAGS:
            flag = words[-1]
        else:
            return unfinished, _starting(self._options(words), unfinished)
        return unfinished, _starting(self._values(option_name(flag), words, unfinished), unfinished)

    # ---------------------------------------------------------------------------------------- details

    def _options(self, words: Sequence[str]) -> Iterator[str]:
        """Every option that is not given yet; settings as the chosen models take them, else all that there are."""
        given = {word.partition("=")[0] for word in words}
        repeated = {"-m", "--reference"}
        for option in OPTIONS:
            if not given & set(option.names) - repeated:
                yield option.names[0] if option.names[0] != "-h" else "--help"
        models = self._models(words)
        names = [param.name for model in models for param in self._params(model, words)]
        if not models:
            names = [name for name, row in FIELDS.items() if row.param.role == "option"]
        yield from (f"--{name}" for name in dict.fromkeys(names) if f"--{name}" not in given and name != "n")

    def _values(self, name: str, words: Sequence[str], unfinished: str) -> Iterable[str]:
        if name == "model":
            return [model.id for model in self._listed()]
        if name == "operation":
            return dict.fromkeys(each for model in self._models(words) for each in model.contract.operations)
        if name == "session":
            return [each for each, value in self._variables() if type(value).__name__ == "Session"]
        if name in ("reference", "mask"):
            return [*self._picture_variables(), *_files(unfinished)]
        models = self._models(words)
        params = [each for model in models for each in self._params(model, words) if each.name == name]
        if not models and name in FIELDS:
            params = [FIELDS[name].param]
        return dict.fromkeys(each for param in params for each in _choices(param))

    def _params(self, model: Model, words: Sequence[str]) -> tuple[Param, ...]:
        """The settings of the operation that the line asks for."""
        operations = model.contract.operations
        asked = _after(words, ("--operation",))
        flags = {word.partition("=")[0] for word in words}
        usual = default_operation(model, has_pictures="--reference" in flags, has_mask="--mask" in flags)
        operation = operations.get(asked[-1] if asked else usual)
        return operation.options if operation else ()

    def _models(self, words: Sequence[str]) -> list[Model]:
        """The models that the line names, as far as they can be had."""
        asked = [self._holder.session.fetch_model(name) for name in dict.fromkeys(_after(words, ("-m", "--model")))]
        found = []
        for answer in asked:
            with suppress(TokenLabError, TimeoutError):
                found.append(answer.result(PATIENCE))
        return found

    def _listed(self) -> tuple[Model, ...]:
        session = self._holder.session
        if self._listing is None or self._listing[0] is not session or _failed(self._listing[1]):
            self._listing = (session, session.fetch_models())
        return self._listing[1].result(PATIENCE)

    def _variables(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in list(self._shell.user_ns.items()) if not name.startswith("_")]

    def _picture_variables(self) -> list[str]:
        """Names of what is surely a picture, or a list of pictures."""
        found = []
        for name, value in self._variables():
            each = value[0] if isinstance(value, list) and value else value
            if isinstance(each, Job | ImageResult) or type(each).__module__.startswith("PIL."):
                found.append(name)
        return found


def _starting(names: Iterable[str], unfinished: str) -> list[str]:
    begun = unfinished.lstrip("\"'").lower()
    return [name for name in dict.fromkeys(names) if name.lstrip("\"'").lower().startswith(begun)]


def _after(words: Sequence[str], flags: tuple[str, ...]) -> list[str]:
    """The values that options have."""
    found = [value for flag, value in pairwise(words) if flag in flags]
    return found + [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]


def _choices(param: Param) -> tuple[str, ...]:
    if param.kind == "boolean":
        return ("true", "false")
    return param.choices or param.suggestions


def _failed(answer: Answer[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)


def _files(unfinished: str) -> Iterator[str]:
    """Pictures and folders whose path begins so; a path with blanks in quotes."""
    begun = unfinished.lstrip("\"'")
    folder, slash, _ = begun.rpartition("/")
    place = Path(folder + slash).expanduser()
    for entry in sorted(place.iterdir() if place.is_dir() else ()):
        if entry.name.startswith(".") or not (entry.is_dir() or entry.suffix.lower() in _PICTURES):
            continue
        name = f"{folder}{slash}{entry.name}" + ("/" if entry.is_dir() else "")
        yield f'"{name}"' if " " in name else name
