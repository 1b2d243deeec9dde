"""The example notebooks: they run with no key and no browser, give real pictures, stay small, and end by themselves.

nbval runs every cell of them too (see ``addopts``); here the file that comes out is looked at.
"""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from tests.layer_rules import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 600_000
MOST_SECONDS = 60

_DATA_URI = re.compile(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)")


def pictures(notebook: nbformat.NotebookNode) -> list[Image.Image]:
    """Every picture that the outputs hold: of a result's own repr, and of frozen twins."""
    found = []
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        data = output.get("data", {})
        texts = [data["image/jpeg"]] if "image/jpeg" in data else []
        found += [*texts, *_DATA_URI.findall(data.get("text/html", ""))]
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_executed_it_holds_real_pictures_and_stays_small(path: Path, tmp_path: Path):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    environment = {**os.environ, "TOKENLAB_DATA_DIR": str(tmp_path / "state"), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(
        [*command, "--output-dir", str(tmp_path), str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = tmp_path / path.name
    assert made.stat().st_size < MOST_BYTES
    shown = pictures(nbformat.read(made, 4))
    assert shown
    assert all(len(set(picture.convert("L").resize((16, 16)).tobytes())) > 16 for picture in shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_as_shared_it_shows_its_pictures_and_holds_no_widget_state(path: Path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert path.stat().st_size < MOST_BYTES
    assert pictures(notebook)
    assert "widgets" not in notebook.metadata
    assert not [out for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "error"]
