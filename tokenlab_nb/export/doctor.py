"""The doctor: finds in notebooks, of any origin, what should not be shared or does not show, and mends what it can.

One examination finds and mends in memory. Whether the mended notebook is written is the caller's choice, so a dry run
shows the very change that ``--fix`` makes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokenlab_nb.contract.leaks import redacted
from tokenlab_nb.contract.model import Model
from tokenlab_nb.disk import write_whole
from tokenlab_nb.errors import NotFoundError, TokenLabError
from tokenlab_nb.export import notebook as files
from tokenlab_nb.export.differences import differences
from tokenlab_nb.export.exposed import Watch, treat_exposed
from tokenlab_nb.export.findings import Finding, Limits
from tokenlab_nb.export.heavy import treat_heavy
from tokenlab_nb.export.pins import drift, read_pins
from tokenlab_nb.export.text import printable
from tokenlab_nb.export.widget_state import treat_widgets

__all__ = ["CANNOT_READ", "CLEAN", "FOUND", "Doctor", "Report", "Today"]

CLEAN, FOUND, CANNOT_READ = 0, 1, 2
"""Exit codes."""

Today = Callable[[str, str], Model | None]
"""Asks for a model by the API's origin and its id.

None where it is gone; raises `TokenLabError` where nobody can be asked.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one notebook.

    Attributes:
        findings: In order.
        old: The file's text.
        new: The text that mends it; the same where nothing is mended.
        refused: Why the mended text is not written; empty where it may be.
    """

    findings: tuple[Finding, ...]
    old: str = field(repr=False)
    new: str = field(repr=False)
    refused: str = ""

    @property
    def bad(self) -> tuple[Finding, ...]:
        """The findings that are more than notes."""
        return tuple(each for each in self.findings if not each.note)

    @property
    def left(self) -> tuple[Finding, ...]:
        """What is bad and stays so after mending."""
        return tuple(each for each in self.bad if not each.mended or self.refused)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines notebooks.

    Attributes:
        limits: Sizes that are meant.
        watch: What is looked for beside known shapes.
        today: Tells models as they are today; None leaves contracts alone.
        now: Seconds since 1970.
        say: Takes each line that is to be seen.
    """

    limits: Limits = field(default_factory=Limits)
    watch: Watch = field(default_factory=Watch)
    today: Today | None = None
    now: Callable[[], float] = lambda: 0.0
    say: Callable[[str], object] = lambda line: sys.stdout.write(f"{line}\n")

    def examine(self, data: bytes) -> Report:
        """Look through a notebook.

        Args:
            data: The file.

        Raises:
            NotebookError: If it is none.
        """
        read = files.parse(data)
        invalid = files.problem(read.tree)
        findings = [*self._drifts(read.tree)]
        findings += treat_widgets(read.tree)
        findings += treat_exposed(read.tree, self.watch)
        findings += treat_heavy(read.tree, self.limits, len(read.text))
        mends = any(each.mended for each in findings)
        if not read.writable:
            refused = "It is of an older format: open and save it in Jupyter first." if mends else ""
            return Report(tuple(findings), read.text, read.text, refused)
        if invalid and (still := files.problem(read.tree)):
            findings.insert(
                0, Finding("format", "notebook", f"It is not valid: {printable(still)}.", "Save it in Jupyter.")
            )
        elif invalid:
            findings.insert(0, Finding("format", "notebook", f"It is not valid: {printable(invalid)}.", mended=True))
        return Report(tuple(findings), read.text, read.dump() if mends else read.text)

    def treat(self, path: Path, *, fix: bool, keep: bool, diff: bool = True) -> int:
        """Look through one file, tell what there is, and mend it if asked to.

        Args:
            path: The file.
            fix: Whether it is written.
            keep: Whether the old one is kept beside it.
            diff: Whether the change is shown in a dry run.

        Returns:
            The exit code.
        """
        name = printable(str(path))
        try:
            data = path.read_bytes()
            report = self.examine(data)
            changes = report.new != report.old and not report.refused
            if changes and fix:
                files.refuse_closed(path)
            self._tell(name, report, fix=fix)
            if changes and fix:
                self._write(path, data, report, keep=keep)
            elif changes and diff:
                for line in differences(report.old, report.new, path.name, self._covered):
                    self.say(line)
        except OSError as error:
            self.say(printable(f"{name}: {error.strerror or error}."))  # the name stands before it
            return CANNOT_READ
        except TokenLabError as error:
            self.say(printable(f"{name}: {error}"))
            return CANNOT_READ
        return FOUND if (report.left if fix else report.bad) else CLEAN

    def _write(self, path: Path, data: bytes, report: Report, *, keep: bool) -> None:
        if path.read_bytes() != data:
            raise files.NotebookError("It was changed meanwhile. Nothing was written.", hint="Run this again.")
        if keep:
            kept = files.backup(path, data)
            self.say(f"  The old file is kept as {printable(kept.name)}. It holds what was taken out: do not share it.")
        write_whole(path, report.new.encode())
        self.say(f"  Written: {printable(path.name)}.")

    def _tell(self, name: str, report: Report, *, fix: bool) -> None:
        bad, notes = len(report.bad), len(report.findings) - len(report.bad)
        found = f"{bad} finding{'' if bad == 1 else 's'}" if bad else "nothing wrong"
        self.say(f"{name}: {found}" + (f", {notes} note{'' if notes == 1 else 's'}" if notes else ""))
        for each in report.findings:
            mends = each.mended and not report.refused
            state = ("mended" if fix else "--fix") if mends else "" if each.note else "by hand"
            told = ", ".join(word for word in ("note" if each.note else "", state) if word)
            line = f"  [{each.sort}] {each.place}: {each.message} {each.remedy}".rstrip()
            self.say(printable(f"{line} ({told})"))
        if report.refused:
            self.say(f"  Not mended: {report.refused}")

    def _covered(self, line: str) -> str:
        return redacted(line, [replace(leak, shown="***") for leak in self.watch.leaks(line) if leak.kind != "path"])

    def _drifts(self, tree: Mapping[str, Any]) -> Iterator[Finding]:
        """What has changed in the contracts that the notebook was made with."""
        pins = read_pins(tree) if self.today else {}
        silent: set[str] = set()
        for (origin, model_id), pin in pins.items():
            if origin in silent or self.today is None:
                continue
            try:
                model = self.today(origin, model_id)
            except NotFoundError:
                model = None
            except TokenLabError as error:
                silent.add(origin)
                told = f"Contracts of {printable(origin)} were not compared: {error}"
                yield Finding("contract", "notebook", told, note=True)
                continue
            yield from drift(model_id, pin, model, self.now())
