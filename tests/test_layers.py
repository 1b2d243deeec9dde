"""The project keeps the rules of its architecture, and the rules bite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import layer_rules as rules
from tests.layer_modules import Module
from tests.layer_rules import PACKAGE, ROOT, Breach

STATIC = PACKAGE / "widgets" / "static"
TEXT = {".py", ".js", ".css", ".md", ".toml", ".json", ".ipynb", ".j2", ".html", ".txt", ""}
PLACES = ("tokenlab_nb", "notebooks", "tests", ".ci", ".github", "pyproject.toml", "README.md", "LICENSE", ".gitignore")


def _files(*places: str) -> Iterator[Path]:
    for place in places:
        top = ROOT / place
        found = [top] if top.is_file() else sorted(top.rglob("*"))
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _modules(*places: str) -> list[tuple[str, Module]]:
    paths = [path for path in _files(*places) if path.suffix == ".py"]
    near = [path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path.relative_to(ROOT) for path in paths]
    return [
        (path.relative_to(ROOT).as_posix(), Module(short.as_posix(), path.read_text("utf-8")))
        for path, short in zip(paths, near, strict=True)
    ]


def _say(path: str, breaches: Iterator[Breach]) -> list[str]:
    return [f"{path}:{line}: {what}" for line, what in breaches]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps(rule):
    breaches = [said for path, module in _modules("tokenlab_nb") for said in _say(path, rule(module))]
    assert not breaches, "\n".join([str(rule.__doc__), *breaches])


@pytest.mark.parametrize("rule", [rules.file_length, rules.function_length], ids=lambda rule: rule.__name__)
def test_the_tests_keep(rule):
    breaches = [said for path, module in _modules("tests") for said in _say(path, rule(module))]
    assert not breaches, "\n".join([str(rule.__doc__), *breaches])


def test_nine_functions_in_ten_are_short():
    counted = [(path, *row) for path, module in _modules("tokenlab_nb") for row in rules.code_lines(module)]
    long = [
        f"{path}:{line}: {name} has {n} code lines" for path, line, name, n in counted if n >= rules.USUAL_CODE_LINES
    ]
    assert len(long) * 10 <= len(counted), "\n".join([f"{len(long)} of {len(counted)} functions are long:", *long])


def test_static_files_are_complete_in_themselves():
    texts = [path for path in _files("tokenlab_nb/widgets/static") if path.suffix in {".js", ".css"}]
    breaches = [
        said for path in texts for said in _say(str(path.relative_to(ROOT)), rules.static_text(path.read_text()))
    ]
    assert not breaches, "\n".join(breaches)


def test_every_script_has_its_widget():
    texts = [*STATIC.glob("*.js"), *STATIC.glob("*.css")]
    assert texts
    assert not [path.name for path in texts if not (STATIC.parent / f"{path.stem}.py").is_file()]


def test_the_project_speaks_only_of_itself():
    texts = [path for path in _files(*PLACES) if path.suffix in TEXT]
    breaches = [
        said for path in texts for said in _say(str(path.relative_to(ROOT)), rules.own_words(path.read_text("utf-8")))
    ]
    assert not breaches, "\n".join(breaches)


def test_every_test_folder_is_a_package():
    folders = {path.parent for path in _files("tests") if path.suffix == ".py"}
    assert not [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()]


def _model_id() -> str:
    return sorted(rules.model_ids())[0]


BAD = [
    (rules.order, "contract/parse.py", "from tokenlab_nb.api import wire"),
    (rules.order, "contract/parse.py", "def f():\n    from ..jobs.job import Job"),
    (rules.order, "errors.py", "import tokenlab_nb.session as s"),
    (rules.order, "export/page.py", "from tokenlab_nb.widgets.gallery import Gallery"),
    (rules.order, "session.py", "import tokenlab_nb\ntokenlab_nb.Studio()"),
    (rules.order, "jobs/handle.py", "from tokenlab_nb.widgets.job_view import JobView"),
    (rules.order, "jobs/handle.py", "import importlib\nimportlib.import_module('tokenlab_nb')"),
    (rules.order, "jobs/handle.py", "def f():\n    importlib.import_module('tokenlab_nb.widgets.studio')"),
    (rules.order, "jobs/engine.py", "def f():\n    importlib.import_module('tokenlab_nb')"),
    (rules.order, "widgets/studio.py", "from tokenlab_nb.api.client import TokenLabClient"),
    (rules.order, "widgets/studio.py", "from tokenlab_nb import store"),
    (rules.order, "helpers.py", "x = 1"),
    (rules.sandbox_apart, "sandbox/world.py", "from tokenlab_nb.contract.model import Model"),
    (rules.sandbox_apart, "sandbox/world.py", "from ..errors import TokenLabError"),
    (rules.sandbox_apart, "widgets/studio.py", "from tokenlab_nb.sandbox.app import create_app"),
    (rules.literal_imports, "jobs/handle.py", "def f(name):\n    import_module(name)"),
    (rules.purity, "contract/parse.py", "import os"),
    (rules.purity, "jobs/schedule.py", "from time import monotonic"),
    (rules.purity, "api/wire.py", "import anyio.to_thread"),
    (rules.purity, "jobs/ports.py", "from tokenlab_nb.jobs import engine"),
    (rules.purity, "sandbox/world.py", "from . import painter"),
    (rules.purity, "sandbox/world.py", "from .painter import paint"),
    (rules.only_in, "jobs/runner.py", "import httpx"),
    (rules.only_in, "store/blobs.py", "from PIL import Image"),
    (rules.only_in, "store/blobs.py", "import threading"),
    (rules.only_in, "jobs/handle.py", "from concurrent.futures import ThreadPoolExecutor"),
    (rules.only_in, "jobs/handle.py", "from IPython.display import display"),
    (rules.only_in, "images.py", "import anyio\nanyio.to_thread.run_sync(print)"),
    (rules.only_in, "jobs/runner.py", "from anyio import Lock"),
    (rules.only_in, "jobs/runner.py", "import time as t\nt.sleep(1)"),
    (rules.only_in, "api/client.py", "from anyio import sleep"),
    (rules.only_in, "api/client.py", "import random"),
    (rules.only_in, "jobs/engine.py", "import random"),
    (rules.only_in, "jobs/pace.py", "import anyio\nanyio.sleep(1)"),
    (rules.only_in, "session.py", "import os\nos.environ['X']"),
    (rules.only_in, "session.py", "from os import getenv"),
    (rules.only_in, "session.py", "def f():\n    import_module('keyring')"),
    (rules.public_between_folders, "widgets/studio.py", "from tokenlab_nb.jobs.engine import _run"),
    (rules.public_between_folders, "session.py", "from tokenlab_nb.jobs import engine\nengine._run()"),
    (rules.public_between_folders, "export/page.py", "from tokenlab_nb.store import _disk"),
    (rules.frozen_values, "contract/model.py", "@dataclass\nclass A: ..."),
    (rules.frozen_values, "jobs/job.py", "@dataclasses.dataclass(slots=True)\nclass A: ..."),
    (rules.frozen_values, "sweep/plan.py", "@dataclass(frozen=False)\nclass A: ..."),
    (rules.no_model_ids, "jobs/runner.py", f"x = {_model_id()!r}"),
    (rules.no_model_ids, "jobs/runner.py", f"x = f'use {_model_id()}, {{y}}'"),
    (rules.no_model_ids, "jobs/runner.py", f"x = '/v1/models/{_model_id()}.'"),
    (rules.file_length, "jobs/runner.py", "x = 1\n" * 401),
    (rules.function_length, "jobs/runner.py", "def f():\n" + "    x = 1\n" * 60),
]

GOOD = [
    (rules.order, "jobs/runner.py", "from tokenlab_nb.contract.request import ImageRequest\nfrom . import schedule"),
    (rules.order, "jobs/handle.py", "def f():\n    return import_module('tokenlab_nb').JobView"),
    (rules.order, "widgets/studio.py", "from tokenlab_nb.session import connect"),
    (rules.sandbox_apart, "session.py", "from tokenlab_nb.sandbox.app import create_app"),
    (rules.sandbox_apart, "sandbox/app.py", "from .world import World"),
    (rules.literal_imports, "__init__.py", "def f(name):\n    return import_module(name)"),
    (rules.purity, "contract/parse.py", "from importlib.resources import files\nfrom tokenlab_nb import errors"),
    (rules.only_in, "jobs/runner.py", "from anyio import to_thread\nasync def f(clock):\n    await clock.sleep(1)"),
    (rules.only_in, "sandbox/painter.py", "from PIL import Image"),
    (rules.public_between_folders, "widgets/studio.py", "from tokenlab_nb.widgets._base import Base"),
    (rules.public_between_folders, "session.py", "from tokenlab_nb.jobs import engine\nengine.__name__"),
    (rules.frozen_values, "images.py", "@dataclass(frozen=True, slots=True)\nclass A: ..."),
    (rules.no_model_ids, "jobs/runner.py", f'"""For example {_model_id()}."""\nx = "{_model_id()}x"'),
    (rules.file_length, "jobs/runner.py", "x = 1\n" * 400),
    (rules.function_length, "jobs/runner.py", "def f():\n" + "    x = 1\n" * 59),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_the_rule_bites(rule, path, text):
    assert list(rule(Module(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_the_rule_lets_pass(rule, path, text):
    assert not list(rule(Module(path, text)))


@pytest.mark.parametrize(
    "text",
    [
        'const u = "https://cdn.example.com/x.js";',
        "// see http://www.w3.org/TR/css",
        'new WebSocket("wss://example.com")',
        "a { background: url(//example.com/x.png) }",
        'import { h } from "./lib/dom.js";',
        'const m = await import("x");',
        'export { a } from "./a.js";',
        '@import "x.css";',
        "\n" * 701,
    ],
)
def test_a_static_file_may_not_reach_out(text):
    assert list(rules.static_text(text))


@pytest.mark.parametrize(
    "text", ['createElementNS("http://www.w3.org/2000/svg", "path") // drawn', "a::before { content: '/' }"]
)
def test_a_static_file_may_name_a_namespace(text):
    assert not list(rules.static_text(text))


def test_words_about_one_machine_are_found():
    assert list(rules.own_words("see /" + "root/x"))
    assert list(rules.own_words("../" + "shared" + "/x"))
    assert not list(rules.own_words("docs/work/x and https://example.com/opt/x"))


def test_code_lines_leave_out_docstrings_blanks_and_comments():
    text = 'def f():\n    """One.\n\n    Two.\n    """\n\n    # why\n    return 1\n'
    assert rules.code_lines(Module("x.py", text)) == [(1, "f", 2)]
