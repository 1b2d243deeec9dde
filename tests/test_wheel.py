"""The wheel is built, installed into a clean environment, and does its work there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PARTS = ("tokenlab_nb", "notebooks", "pyproject.toml", "README.md", "LICENSE")
DATA = {".json", ".js", ".css", ".j2", ".html"}


def _output(*words: object, **options: object) -> str:
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in PARTS:
        if (repository / name).is_dir():
            shutil.copytree(repository / name, source / name, ignore=ignore)
        else:
            shutil.copy(repository / name, source / name)
    _output(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", ".", cwd=source)
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that holds the wheel and borrows the rest, so nothing is downloaded."""
    home = tmp_path_factory.mktemp("environment")
    _output(sys.executable, "-m", "venv", "--without-pip", home)
    found = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = Path(_output(found, "-c", "import sysconfig as s; print(s.get_path('purelib'))").strip())
    _output(sys.executable, "-m", "pip", f"--python={found}", "install", "--no-deps", "--no-index", wheel)
    (packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return found


@pytest.fixture
def run(python: Path, tmp_path: Path):
    """Run Python code in a folder of its own, outside the checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return lambda code: _output(python, "-W", "error", "-c", code, cwd=tmp_path, env=env)


def test_the_wheel_holds_all_that_is_not_python(wheel, repository):
    held = set(zipfile.ZipFile(wheel).namelist())
    package = repository / "tokenlab_nb"
    data = [path for path in package.rglob("*") if path.suffix in DATA and "__pycache__" not in path.parts]
    wanted = {path.relative_to(repository).as_posix() for path in [*data, package / "py.typed"]}
    wanted |= {f"tokenlab_nb/notebooks/{path.name}" for path in (repository / "notebooks").glob("*.ipynb")}
    assert wanted <= held
    suffixes = {Path(name).suffix for name in wanted}
    assert {".json", ".js", ".css", ".ipynb"} <= suffixes


def test_the_wheel_holds_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert all(name.startswith("tokenlab_nb/") for name in held)
    assert not [name for name in held if {"tests", "__pycache__"} & set(name.split("/"))]


def test_the_installed_package_is_the_wheels(run, python):
    where = Path(run("import tokenlab_nb; print(tokenlab_nb.__file__)").strip())
    assert where.is_relative_to(python.parents[1])


def test_a_picture_is_made_outside_the_checkout(run, tmp_path):
    code = """
import tokenlab_nb as tl
session = tl.connect(data_dir="state")
model = session.models(operation="text-to-image")[0]
[image] = session.generate(model=model.id, prompt="A red fox in deep snow")
image.save("fox.png")
print(image.width, image.height)
session.close()
"""
    width, height = map(int, run(code).splitlines()[-1].split())
    assert width * height > 0
    assert (tmp_path / "fox.png").stat().st_size > 1000


def test_the_widgets_find_their_scripts(run):
    code = "import tokenlab_nb as tl; print(len(tl.Gallery()._esm) > 100, len(tl.ModelPicker([])._esm) > 100)"
    assert run(code).split() == ["True", "True"]


def test_the_command_is_installed(python, tmp_path):
    assert _output(python.with_name("tokenlab-nb"), "--version", cwd=tmp_path).startswith("tokenlab-nb ")


def test_lab_finds_the_notebooks_in_the_wheel(run, repository, tmp_path):
    run("from tokenlab_nb.__main__ import main; main(['lab'], run=lambda line: 0)")
    assert {path.name for path in tmp_path.glob("*.ipynb")} == {
        path.name for path in (repository / "notebooks").glob("*.ipynb")
    }
    assert (tmp_path / "01_quickstart.ipynb").is_file()
