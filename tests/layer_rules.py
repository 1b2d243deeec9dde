"""The architecture's rules, as data and small functions over `ast`; `test_layers.py` holds the project to them.

A rule takes one `Module` and yields ``(line, what is wrong)`` pairs. Most rules speak of *names*: the dotted names that
a module imports or reaches through an import (``import time as t; t.sleep`` is the name ``time.sleep``).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.layer_modules import Module, chain, under

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tokenlab_nb"

STREET = (
    "errors",
    "disk",
    "settings",
    "contract",
    "api",
    "provenance",
    "pixels",
    "images",
    "prepare",
    "masks",
    "canvas",
    "jobs",
    "store",
    "sweep",
    "export",
    "intake",
    "reached",
    "catalogue",
    "repairing",
    "desk",
    "handover",
    "ballots",
    "running",
    "comparing",
    "recalling",
    "session",
    "opening",
    "checkup",
    "widgets",
)
"""Each imports only from its left, or from its own folder."""

NEVER = {"widgets": {"api", "store"}}
"""Left of it, and forbidden all the same."""

SANDBOX_USERS = ("session.py", "__main__.py")

LATE = {
    "jobs/coded.py": ("tokenlab_nb.export.languages",),
    "jobs/handle.py": ("tokenlab_nb", "tokenlab_nb.widgets.progress"),
    "sweep/away.py": ("tokenlab_nb.widgets.contact", "tokenlab_nb.widgets.offline"),
    "sweep/run.py": ("tokenlab_nb", "tokenlab_nb.export.code"),
    "sweep/sweep.py": ("tokenlab_nb.export.code", "tokenlab_nb.export.plans"),
    "sweep/votes.py": ("tokenlab_nb.export.ratings",),
}
"""What these may look up late, by `import_module` inside a function: a widget by its public name, to display itself."""

_EXPORT = (
    "cells",
    "differences",
    "exposed",
    "findings",
    "pins",
    "share",
    "stripped",
    "text",
    "widget_state",
    "withheld",
)

PURE = (
    "errors.py",
    "contract/*",
    "api/bodies.py",
    "api/faults.py",
    "api/replies.py",
    "api/wire.py",
    *(f"export/{name}.py" for name in _EXPORT),
    "provenance/*",
    "jobs/budget.py",
    "jobs/job.py",
    "jobs/latency.py",
    "jobs/lineage.py",
    "jobs/schedule.py",
    "jobs/packet.py",
    "jobs/ports.py",
    "export/room.py",
    "sweep/adjust.py",
    "sweep/axes.py",
    "sweep/ballot.py",
    "sweep/nearest.py",
    "sweep/order.py",
    "sweep/plan.py",
    "sweep/planner.py",
    "sweep/rating.py",
    "sweep/standing.py",
    "sweep/verdict.py",
    "sandbox/catalog.py",
    "sandbox/faults.py",
    "sandbox/refusals.py",
    "sandbox/world.py",
    "widgets/_command.py",
)
NOT_PURE = ("httpx", "os", "time", "random", "secrets", "threading", "asyncio", "anyio", "sqlite3", "PIL", "ipywidgets")

_LOOPS = ("jobs/engine.py", "jobs/loop.py", "widgets/_bridge.py", "store/journal.py", "sandbox/__main__.py")
_SLEEPERS = ("jobs/clock.py", "sandbox/*")
_CHANCE = (*_SLEEPERS, "widgets/*")

ONLY_IN = {
    "httpx": ("api/client.py", "api/reach.py", "session.py", "opening.py"),
    "PIL": (
        *("pixels.py", "images.py", "prepare.py", "masks.py", "canvas.py", "sandbox/*"),
        *(
            "export/fonts.py",
            "export/lettering.py",
            "export/layout.py",
            "export/layout_table.py",
            "export/sheet.py",
            "export/overview.py",
        ),
    ),
    "fontTools": ("export/fonts.py",),
    "uniseg": ("export/lettering.py",),
    "sqlite3": ("store/*",),
    "starlette": ("sandbox/*",),
    "ipywidgets": ("widgets/*",),
    "anywidget": ("widgets/*",),
    "traitlets": ("widgets/*",),
    "IPython": ("widgets/*",),
    "keyring": ("settings.py",),
    "os.environ": ("settings.py",),
    "os.getenv": ("settings.py",),
    "threading": _LOOPS,
    "asyncio": _LOOPS,
    "concurrent.futures.ThreadPoolExecutor": _LOOPS,
    "concurrent.futures.ProcessPoolExecutor": _LOOPS,
    "multiprocessing": _LOOPS,
    "anyio.run": _LOOPS,
    "anyio.from_thread": _LOOPS,
    "anyio.Lock": _LOOPS,
    "anyio.Condition": _LOOPS,
    "anyio.Semaphore": _LOOPS,
    "anyio.to_thread": (*_LOOPS, "jobs/runner.py", "sandbox/app.py", "api/*"),
    "time.sleep": _SLEEPERS,
    "anyio.sleep": _SLEEPERS,
    "random": _CHANCE,
    "secrets": _CHANCE,
}
"""Outside names, and the only files that may use them."""

FROZEN = (
    "contract/*",
    "api/replies.py",
    "jobs/job.py",
    "pixels.py",
    "images.py",
    "prepare.py",
    "masks.py",
    "sweep/*",
    "sandbox/world.py",
)

FILE_LINES, FUNCTION_LINES, USUAL_CODE_LINES, SCRIPT_LINES = 400, 60, 25, 700

Breach = tuple[int, str]


def _own(module: Module) -> Iterator[tuple[int, str, str, bool]]:
    """The module's names that are ours: line, dotted name, its zone, late."""
    for line, name, late in module.names:
        if under(name, "tokenlab_nb"):
            yield line, name, [*name.split("."), ""][1], late


def order(module: Module) -> Iterator[Breach]:
    """A package imports only from its left, or from its own folder."""
    if module.zone in {"__init__", "__main__", "sandbox"}:
        return
    if module.zone not in STREET:
        yield 1, f"{module.zone} has no place on the street"
        return
    left = STREET[: STREET.index(module.zone) + 1]
    for line, name, zone, late in _own(module):
        if zone == "sandbox" or (late and name in LATE.get(module.path, ())):
            continue
        if zone not in left or zone in NEVER.get(module.zone, ()):
            yield line, f"{module.zone} may not import {name}"


def sandbox_apart(module: Module) -> Iterator[Breach]:
    """The sandbox imports nothing of ours, and only the session and the command import it."""
    for line, name, zone, _ in _own(module):
        if module.zone == "sandbox" and zone != "sandbox":
            yield line, f"the sandbox may not import {name}"
        elif module.zone != "sandbox" and zone == "sandbox" and not module.among(SANDBOX_USERS):
            yield line, f"only {' and '.join(SANDBOX_USERS)} may import {name}"


def literal_imports(module: Module) -> Iterator[Breach]:
    """Only the package's root may compute what it imports."""
    if module.path != "__init__.py":
        yield from ((line, "import_module takes a literal name") for line, name, _ in module.names if name == "?")


def purity(module: Module) -> Iterator[Breach]:
    """Pure modules use no effects, and none of our modules that do."""
    if not module.among(PURE):
        return
    for line, name, _ in module.names:
        if any(under(name, banned) for banned in NOT_PURE):
            yield line, f"a pure module may not use {name}"
    for line, name, zone, _ in _own(module):
        parts = name.split(".")
        path = f"{zone}/{parts[2]}.py" if len(parts) > 2 and (PACKAGE / zone).is_dir() else f"{zone}.py"
        if not Module(path, "").among(PURE):
            yield line, f"a pure module may not import {name}, which is not pure"


def only_in(module: Module) -> Iterator[Breach]:
    """Some outside names belong to a few files."""
    for line, name, _ in module.names:
        for prefix, homes in ONLY_IN.items():
            if under(name, prefix) and not module.among(homes):
                yield line, f"{name} belongs in {', '.join(homes)}"


def public_between_folders(module: Module) -> Iterator[Breach]:
    """Between folders only public names are used."""
    for line, name, zone, _ in _own(module):
        private = [part for part in name.split(".") if part.startswith("_") and not part.endswith("__")]
        if private and zone != module.zone:
            yield line, f"{name} is private to {zone}"


def frozen_values(module: Module) -> Iterator[Breach]:
    """Values on the road are frozen dataclasses."""
    if not module.among(FROZEN):
        return
    for node in ast.walk(module.tree):
        for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            call = decorator if isinstance(decorator, ast.Call) else None
            if (chain(call.func if call else decorator) or [""])[-1] != "dataclass":
                continue
            options = {word.arg: getattr(word.value, "value", None) for word in call.keywords} if call else {}
            if options.get("frozen") is not True:
                yield decorator.lineno, f"the dataclass {getattr(node, 'name', '')} is not frozen"


def model_ids() -> set[str]:
    """All ids and aliases in our own data."""
    documented = json.loads((PACKAGE / "contract/documented.json").read_text("utf-8"))["models"]
    catalog = json.loads((PACKAGE / "sandbox/catalog.json").read_text("utf-8"))["models"]
    return {*documented, *(name for row in catalog for name in (row["id"], *row.get("aliases", ())))}


def no_model_ids(module: Module) -> Iterator[Breach]:
    """Model ids live in data files; only docstrings may name one, as an example."""
    ids = "|".join(re.escape(name) for name in sorted(model_ids(), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{ids})(?![\w-]|\.\d)")
    prose = {
        id(node.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from ((node.lineno, f"model id {hit!r} in a string") for hit in pattern.findall(node.value))


def file_length(module: Module) -> Iterator[Breach]:
    """No Python file over 400 lines."""
    lines = len(module.text.splitlines())
    if lines > FILE_LINES:
        yield FILE_LINES + 1, f"{lines} lines, at most {FILE_LINES}"


def function_length(module: Module) -> Iterator[Breach]:
    """No function over 60 lines, docstring and all."""
    for function in module.functions:
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {lines} lines, at most {FUNCTION_LINES}"


def code_lines(module: Module) -> list[tuple[int, str, int]]:
    """``(line, name, code lines)`` of each function: no docstring, blank lines or comments."""
    rows = module.text.splitlines()
    counted = []
    for function in module.functions:
        first = function.body[0]
        is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        doc = range(first.lineno, (first.end_lineno or 0) + 1) if is_doc else range(0)
        body = [n for n in range(function.lineno, (function.end_lineno or 0) + 1) if n not in doc]
        code = [n for n in body if rows[n - 1].strip() and not rows[n - 1].strip().startswith("#")]
        counted.append((function.lineno, function.name, len(code)))
    return counted


RULES: tuple[Callable[[Module], Iterator[Breach]], ...] = (
    order,
    sandbox_apart,
    literal_imports,
    purity,
    only_in,
    public_between_folders,
    frozen_values,
    no_model_ids,
    file_length,
    function_length,
)

_NAMESPACE = r"http://www\.w3\.org/(?:2000/svg|1999/xhtml|1999/xlink)(?![\w/])"


def static_text(text: str) -> Iterator[Breach]:
    """A script or style is complete in itself: no address to fetch from, no import (anywidget loads one text)."""
    patterns = {
        rf"(?!{_NAMESPACE})\b(?:https?|wss?|ftp)://[^\s\"'`)]+": "an address",
        r"""["'(]//\w[^\s"'`)]*""": "an address without a scheme",
        r"(?m)^\s*import\b.*|\bimport\s*\(|(?m:^\s*export\b.*\bfrom\b.*)|@import\b": "an import",
    }
    for pattern, what in patterns.items():
        for hit in re.finditer(pattern, text):
            yield text.count("\n", 0, hit.start()) + 1, f"{what} in a static file: {hit.group().strip()}"
    lines = len(text.splitlines())
    if lines > SCRIPT_LINES:
        yield SCRIPT_LINES + 1, f"{lines} lines, at most {SCRIPT_LINES}"


def own_words(text: str) -> Iterator[Breach]:
    """The project speaks only of itself: no path of one machine, nothing that stands beside the project."""
    patterns = (
        r"(?<![\w.}])/(?:work|root|opt|mnt)/\w",
        r"\bshared[/]\w",
        r"\b(?:jupyter|tokenlab-api)-facts\b",
        r"\bDESIGN\b",
    )
    for pattern in patterns:
        for hit in re.finditer(pattern, text):
            yield text.count("\n", 0, hit.start()) + 1, f"speaks of {hit.group()!r}"
