"""The public surface is what `tokenlab_nb/__init__.py` says it is, and importing it costs nothing."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

import tokenlab_nb as tl
from tests.layer_rules import PACKAGE, ROOT

HEAVY = {"ipywidgets", "anywidget", "IPython", "httpx", "PIL", "sqlite3", "starlette", "asyncio", "jinja2"}


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running the code."""
    asked = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _shown_to_type_checkers() -> set[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {a.name for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}
    return imported | {node.target.id for node in block.body if isinstance(node, ast.AnnAssign)}


def test_the_list_of_names_is_sorted_and_without_repeats():
    assert tl.__all__ == sorted(set(tl.__all__))


def test_the_three_lists_of_names_agree():
    assert set(tl.__all__) == {*tl._HOMES, "__version__", "errors"} == _shown_to_type_checkers()


@pytest.mark.parametrize("name", tl.__all__)
def test_every_name_resolves_and_explains_itself(name):
    value = getattr(tl, name)
    assert name in dir(tl)
    if not isinstance(value, str):
        assert inspect.getdoc(value)
        assert value is getattr(tl, name)


@pytest.mark.parametrize("name", sorted(tl._HOMES))
def test_every_name_is_at_home_where_it_is_said_to_be(name):
    assert getattr(tl, name).__module__ == f"tokenlab_nb.{tl._HOMES[name]}"


@pytest.mark.parametrize("kind", [value for value in tl._HOMES if value[0].isupper()])
def test_every_public_method_explains_itself(kind):
    value = getattr(tl, kind)
    own = {name: member for name, member in vars(value).items() if not name.startswith("_")}
    shown = [name for name, member in own.items() if inspect.isfunction(member) or isinstance(member, property)]
    assert not [name for name in shown if not inspect.getdoc(getattr(value, name))]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Stduio'"):
        _ = tl.Stduio


def test_the_drawn_tree_of_errors_is_the_real_one():
    errors = tl.errors
    drawn = re.findall(r"^[├└]── (\w+)", errors.__doc__, re.MULTILINE)
    classes = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.TokenLabError)
    ]
    assert drawn == [kind.__name__ for kind in classes if kind is not errors.TokenLabError]
    assert all(errors.TokenLabError in kind.__bases__ for kind in classes[1:])
    assert errors.__all__ == sorted(errors.__all__)
    assert {*drawn, "TokenLabError"} <= set(errors.__all__)


def test_importing_the_package_imports_nothing_heavy():
    assert not HEAVY & _loaded_by("import tokenlab_nb")


def test_importing_the_errors_imports_nothing_heavy():
    assert not HEAVY & _loaded_by("import tokenlab_nb; tokenlab_nb.errors.TokenLabError")


def test_star_import_gives_the_names():
    code = "from tokenlab_nb import *; assert connect and Studio and errors"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_every_package_that_is_imported_is_declared():
    """The wheel is tried beside the packages of this environment; a missing line in pyproject.toml shows here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["server"], *extras["keyring"]]
    declared = {re.split(r"[<>=\[ ]", line)[0].lower() for line in lines}
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "tokenlab_nb").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"tokenlab_nb"}
    packages = packages_distributions()
    assert {name for name in foreign if not declared & {each.lower() for each in packages[name]}} == set()
