"""``%%tokenlab``: a cell whose body is the prompt, as it stands there.

```
%load_ext tokenlab_nb

%%tokenlab -m gpt-image-2 --size 1024x1024 --as fox
A red fox in {deep} snow, 50 % off, for $5
```
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.params import FIELDS
from tokenlab_nb.errors import TokenLabError, TokenLabWarning
from tokenlab_nb.widgets import _command
from tokenlab_nb.widgets._base import failure_text
from tokenlab_nb.widgets._command import Command, refusal
from tokenlab_nb.widgets._complete import Completer

if TYPE_CHECKING:
    from tokenlab_nb.contract.model import Param
    from tokenlab_nb.jobs.handle import Job
    from tokenlab_nb.session import Session
    from tokenlab_nb.sweep.run import GridRun
    from tokenlab_nb.sweep.sweep import Sweep

__all__ = ["TokenLabMagic", "load_ipython_extension", "unload_ipython_extension"]

_FIRST_LINE = re.compile(r"%%tokenlab(?=\s|$)[ \t]*([^\r\n]*)")
_ITEM = re.compile(r"([^\W\d]\w*)(?:\[(\d+)\])?")

HELP = f"""%%tokenlab -m MODEL [options]
PROMPT

Makes pictures. The body of the cell is the prompt, as it stands there: braces, commas, $, %, quotes and backslashes
are not touched. Only line breaks at its very end do not belong to it.

{_command.told()}
  --SETTING VALUE        Any field of the model's contract: --size 1024x1024, --seed 7, --output-format png.

Only what is given is sent. Numbers, true, false, {{...}} and [...] are read as JSON, anything else is a text. Quotes of
either kind hold a value with blanks together: --negative_prompt "no people". One that begins with a dash follows an
equals sign: --negative_prompt="-, --". A picture is the variable of that name, if there is one (also one of a list:
--reference foxes[0]), else a path or an address; ./fox is always a path.

One model makes a job, as session.submit() does: it runs in the background, and each run of the cell is sent, and paid
for, once. Several models make a grid, as session.compare() does: what an earlier run made is not made again, and a
setting may be a list, --quality '["low", "high"]'. A setting that none of them takes is refused.

%tokenlab                       what the session is, and what it did so far
%tokenlab --session VARIABLE    use this session from now on
%tokenlab --help [-m MODEL]     this text, and the settings of a model"""


@magics_class
class TokenLabMagic(Magics):  # type: ignore[misc]  # IPython carries no types
    """Runs ``%%tokenlab`` and ``%tokenlab`` in one shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._chosen: Session | None = None
        self._told: Session | None = None

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def tokenlab(self, line: str, cell: str | None = None) -> Job | GridRun | Sweep | None:
        """Make pictures of the cell's body, or tell about the session; ``%tokenlab --help`` explains it all."""
        try:
            command = _command.read(line)
            if cell is not None and not command.help:
                return self._made(command, _command.prompt_of(cell))
            print(self._help(command) if command.help else self._state(command))  # noqa: T201  # what was asked for
        except TokenLabError as error:
            raise _short(error)  # noqa: B904  # the same error, only shown otherwise
        return None

    @property
    def session(self) -> Session:
        """The session of ``%tokenlab --session``, else the one that all widgets share."""
        if self._chosen is None or self._chosen.is_closed:
            shared: Session = import_module("tokenlab_nb.opening").shared_session()
            return shared
        return self._chosen

    # ---------------------------------------------------------------------------------------- work

    def _made(self, command: Command, prompt: str | None) -> Job | GridRun | Sweep:
        if not command.models:
            raise refusal("-m", "No model is chosen.", "Write -m MODEL; Tab behind -m lists them.")
        session = self._session_of(command)
        references = [each for name in command.references for each in self._pictures(name)]
        mask = self._pictures(command.mask)[0] if command.mask else None
        with _notes():
            compares = len(command.models) > 1
            made = self._grid if compares else self._job
            result = made(session, command, prompt, references, mask)
        self.shell.user_ns[command.name or ("_grid" if compares else "_job")] = result
        return result

    def _job(
        self, session: Session, command: Command, prompt: str | None, references: list[Any], mask: Any
    ) -> Job | Sweep:
        (model,) = command.models
        values = dict(command.params) if prompt is None else {**command.params, "prompt": prompt}
        request = session.prepare(model, values, operation=command.operation, references=references, mask=mask)
        if command.dry:
            return self._planned(session, command, prompt, references, mask)
        budget = None if command.budget is None else session.budget_of(command.budget)
        return session.send(request, budget=budget)

    def _grid(
        self, session: Session, command: Command, prompt: str | None, references: list[Any], mask: Any
    ) -> GridRun | Sweep:
        plan = self._planned(session, command, prompt, references, mask)
        _refuse_useless(session, plan, command)
        return plan if command.dry else plan.run(command.budget)

    def _planned(
        self, session: Session, command: Command, prompt: str | None, references: list[Any], mask: Any
    ) -> Sweep:
        several = [references] if references else None  # a list would be an axis
        params: dict[str, Any] = {"strict": True} if len(command.models) == 1 else {}
        return session.sweep(
            command.models,
            prompt,
            references=several,
            mask=mask,
            operations=command.operation,
            **{**params, **command.params},
        )

    # --------------------------------------------------------------------------------- what is named

    def _session_of(self, command: Command) -> Session:
        """The session for this cell; where it is the shared one, its place is told once."""
        if command.session is not None:
            return self._named(command.session)
        session = self.session
        if session is not self._chosen and session is not self._told:
            self._told = session
            print(f"{session.place}. {session.notice}".strip())  # noqa: T201  # as connect() does
        return session

    def _named(self, name: str) -> Session:
        found: Any = self.shell.user_ns.get(name)
        if not isinstance(found, import_module("tokenlab_nb.session").Session):
            what = "is not there" if found is None else f"is a {type(found).__name__}"
            raise refusal("--session", f"The variable {name!r} {what}.", "Name one that tl.connect() was put in.")
        session: Session = found
        return session

    def _pictures(self, name: str) -> list[Any]:
        """What an argument stands for: the variable of that name, if there is one, else a path or an address."""
        match = _ITEM.fullmatch(name)
        found = self.shell.user_ns.get(match[1]) if match else None
        if match is None or found is None:
            return [name]
        several = list(found) if isinstance(found, list | tuple) else [found]
        if match[2] is None and several:
            return several
        if match[2] is None or int(match[2]) >= len(several):
            what = f"{match[1]} holds {len(several)} picture{'' if len(several) == 1 else 's'}: there is no {name}."
            raise refusal(name, what, "Count from 0.")
        return [several[int(match[2])]]

    # --------------------------------------------------------------------------------------- words

    def _state(self, command: Command) -> str:
        """``%tokenlab``: choose a session, and tell of it."""
        if command != Command(session=command.session):
            what = "A line that begins with one % sends nothing."
            raise refusal("%tokenlab", what, "Put %%tokenlab first in a cell, and the prompt below it.")
        if command.session is not None:
            self._chosen = self._named(command.session)
        session = self.session
        self._told = session
        states = Counter(str(job.status) for job in session.jobs)
        jobs = ", ".join(f"{count} {state}" for state, count in states.items()) or "none yet"
        place = f"{session.place}. {session.notice}".strip()
        return f"{place}\nJobs: {jobs}. %tokenlab --help explains how to make some."

    def _help(self, command: Command) -> str:
        parts = [HELP]
        if not command.models:
            known = ", ".join(name for name, row in FIELDS.items() if row.param.role == "option")
            parts.append(f"Settings that the documents know: {known}. -m MODEL tells which of them it takes.")
        for name in command.models:
            for operation in self._session_of(command).model(name).contract.operations.values():
                rows = [f"  --{param.name}  {_limits(param)}".rstrip() for param in operation.options]
                parts.append("\n".join([f"{name}, {operation.name}:", *rows]))
        return "\n\n".join(parts)


def _limits(param: Param) -> str:
    """What a setting may be, who says so, and what it is."""
    allowed = ", ".join(param.choices) or describe.limits(param)
    return f"{param.help} {allowed and f'{allowed} ({describe.source(param)})'}".strip()


def _refuse_useless(session: Session, plan: Sweep, command: Command) -> None:
    """Refuse a comparison with a mistyped model or setting: a grid would show it, but only beside what was paid for.

    Raises:
        ValidationError: If there is one, or no cell at all can be made.
    """
    first = {cell.model: cell for cell in reversed(plan.cells)}
    for name in command.models:
        if session.model_at_hand(name) is None:
            raise refusal("-m", first[name].reason, "Nothing was sent.")
    possible = [cell for cell in plan.cells if cell.status != "impossible"]
    if not possible:
        raise refusal("-m", plan.cells[0].reason, "None of the models can do this. Nothing was sent.")
    for name in command.params:
        left_out = [each for cell in possible for each in cell.differences if each.field == name and each.sent is None]
        if len(left_out) == len(possible):
            raise refusal(f"--{name}", f"None of these models takes it: {left_out[0].text}", "Nothing was sent.")


@contextmanager
def _notes() -> Iterator[None]:
    """Print what may go wrong without being refused: as a warning it would name a file of IPython's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TokenLabWarning)
        yield
    for each in caught:
        if issubclass(each.category, TokenLabWarning):
            print(f"Note: {each.message}")  # noqa: T201  # it belongs to the cell
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _short(error: TokenLabError) -> TokenLabError:
    """The error, told in a line: a traceback would lead into files that the user has not written."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {failure_text(error)}"]  # type: ignore[attr-defined]  # IPython's hook
    return error


# ------------------------------------------------------------------------------------- the extension


def as_it_stands(lines: Sequence[str]) -> list[str]:
    """Hand a ``%%tokenlab`` cell to the magic before IPython mends it.

    IPython takes what looks like a Python prompt (``>>>``, ``...``) and common indentation out of every cell, also out
    of one whose body is no Python; and it refuses a cell without a body, which a variation or ``--help`` does without.
    """
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    match = _FIRST_LINE.match(lines[first]) if lines else None
    if match is None:
        return list(lines)
    body = "".join(lines[first + 1 :]) or "\n"
    return [f"get_ipython().run_cell_magic('tokenlab', {match[1]!r}, {body!r})\n"]


_loaded: dict[Any, TokenLabMagic] = {}


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext tokenlab_nb``: register the magic, and its completion with Tab."""
    unload_ipython_extension(shell)
    magic = _loaded[shell] = TokenLabMagic(shell)
    magic.completer = Completer(shell, magic)
    shell.register_magics(magic)
    shell.input_transformers_cleanup.insert(0, as_it_stands)
    shell.Completer.custom_matchers.append(magic.completer.matcher)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext tokenlab_nb``: take both away; jobs go on."""
    magic = _loaded.pop(shell, None)
    if magic is None:
        return
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("tokenlab", None)
    for hooks, hook in (
        (shell.input_transformers_cleanup, as_it_stands),
        (shell.Completer.custom_matchers, magic.completer.matcher),
    ):
        if hook in hooks:
            hooks.remove(hook)
