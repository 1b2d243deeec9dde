"""What the README says is so."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tests.layer_rules import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path: path.read_text("utf-8") for path in [ROOT / "README.md", *(ROOT / ".github").glob("*.md")]}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _targets(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", text)
    return [link or source for link, source in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_and_images_are_there(page: Path):
    near = [target for target in _targets(PAGES[page]) if not target.startswith(("https://", "#"))]
    assert not [target for target in near if not (page.parent / target.split("#")[0]).exists()]


def test_the_python_runs_with_no_key(tmp_path, monkeypatch, capsys):
    """All blocks in one namespace, as a reader would run them; only asking for a key is left out."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = [block for block in _blocks("python") if "tl.login(" not in block]
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    for value in names.values():
        if isinstance(value, tl.Session):
            value.close()


def test_the_python_uses_public_names():
    code = "\n".join(_blocks("python"))
    assert set(re.findall(r"\btl\.(\w+)", README)) <= set(tl.__all__)
    assert not [name for name in re.findall(r"\bsession\.(\w+)", code) if not hasattr(tl.Session, name)]


def test_the_commands_exist():
    shell = "\n".join(_blocks("bash"))
    words = re.findall(r"^(?:.*&& )?(tokenlab-nb \w+)", shell, re.MULTILINE)
    assert words
    assert set(words) <= {f"tokenlab-nb {name}" for name in ("doctor", "history", "lab", "sandbox")}
    assert not [name for name in re.findall(r"-m (tokenlab_nb[\w.]*)", README) if not find_spec(name)]


def test_the_extras_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"(?:tokenlab-nb|\.)\[([\w,]+)\]", README)
    assert named
    assert {name for group in named for name in group.split(",")} <= set(extras)


def test_the_test_command_is_the_one_of_ci():
    """CI reads it from the README; here its reading is run on its own."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    reading = next(line for line in script.splitlines() if line.startswith("test_command="))
    code = f'{reading}; printf "%s" "$test_command"'
    said = subprocess.run(["bash", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"(?:python -m )?pytest(?: -n 2 --dist loadfile)?", said)
    assert any(f'pip install -e ".[test]"\n{said}\n' in block for block in _blocks("bash"))
