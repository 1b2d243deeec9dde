"""The example notebooks: they are saved with real pictures, stay small, and hold nothing that should not be shared.

nbval runs every cell of them (see ``addopts``), and compares the outputs of those that are tagged for it. Here the
saved files are looked at, and the tool that saves them.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from tests import renew_notebooks as renewing
from tests.layer_rules import ROOT
from tests.unit.pictures import encoded
from tokenlab_nb.checkup import checkup

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
KEY = "sk-canary0123456789"


def notebook(source: str, **data: str) -> nbformat.NotebookNode:
    """A notebook of one cell; with ``data``, that is what it shows, and it was run."""
    cell = nbformat.v4.new_code_cell(source, id="only")
    if data:
        cell.execution_count = 1
        named = {name.replace("_", "/"): value for name, value in data.items()}
        cell.outputs = [nbformat.v4.new_output("display_data", data=named)]
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=[cell], metadata=kernel)


@pytest.fixture
def picture() -> str:
    """A JPEG that shows something, in base64."""
    return re.search(r"base64,([\w+/=]+)", _saved("01_quickstart"))[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(renewing, "FOLDER", tmp_path)
    return tmp_path


def _saved(name: str) -> str:
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).cells
    return "".join(output.get("data", {}).get("text/html", "") for cell in cells for output in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_may_be_shared_as_it_is_saved(path: Path):
    saved = nbformat.read(path, 4)
    assert not renewing.complaints(saved, pictures=path.stem not in renewing.WITHOUT_PICTURES)
    assert nbformat.writes(renewing.shared(nbformat.read(path, 4))) == nbformat.writes(saved)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_its_cells_are_named_for_good(path: Path):
    saved = json.loads(path.read_text("utf-8"))
    ids = [cell["id"] for cell in saved["cells"]]
    stem = ids[0].rpartition("-")[0]
    assert (saved["nbformat"], saved["nbformat_minor"]) == (4, 5)
    assert stem
    assert ids == [f"{stem}-{place:02}" for place in range(len(ids))]
    assert "".join(saved["cells"][0]["source"]).startswith("# ")


def test_run_today_the_first_one_shows_what_it_is_shared_with(monkeypatch):
    monkeypatch.setenv("TOKENLAB_API_KEY", KEY)
    saved = nbformat.read(NOTEBOOKS[0], 4)
    fresh = renewing.executed(nbformat.read(NOTEBOOKS[0], 4))
    assert not renewing.complaints(fresh)
    sizes = [picture.size for picture in renewing.shown(saved)]
    assert [picture.size for picture in renewing.shown(fresh)] == sizes


def test_the_doctor_finds_nothing_also_not_in_the_contracts_that_they_were_made_with(tmp_path):
    with checkup(data_dir=tmp_path) as doctor:
        reports = {path.stem: doctor.examine(path.read_bytes()).bad for path in NOTEBOOKS}
    assert not [(name, bad) for name, bad in reports.items() if bad]


def test_the_wheel_takes_each_by_name():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    named = build["targets"]["wheel"]["force-include"]
    assert named == {f"notebooks/{name}.ipynb": f"tokenlab_nb/notebooks/{name}.ipynb" for name in NAMES}


def test_they_link_to_each_other():
    for path in NOTEBOOKS:
        targets = re.findall(r"\]\((\w+\.ipynb)\)", path.read_text("utf-8"))
        assert not [target for target in targets if not path.with_name(target).exists()]


def test_renewed_a_notebook_holds_its_outputs_and_no_trace_of_this_machine(folder, monkeypatch, capsys):
    monkeypatch.setenv("TOKENLAB_API_KEY", KEY)
    path = folder / "studio_app.ipynb"
    source = "import os\nimport ipywidgets as w\nprint(1)\nprint({n for n in os.environ if n.startswith('TOKENLAB')})\n"
    nbformat.write(notebook(f"{source}w.Label('seen')"), path)
    assert renewing.main(["studio_app"]) == 0
    made = nbformat.read(path, 4)
    assert [output.output_type for output in made.cells[0].outputs] == ["stream", "execute_result"]
    assert made.cells[0].outputs[0].text == "1\n{'TOKENLAB_DATA_DIR'}\n"
    assert "widgets" not in made.metadata
    assert not made.cells[0].metadata
    assert "studio_app.ipynb" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["1 / 0", f"print({KEY!r})"], ids=["fails", "tells a key"])
def test_a_notebook_that_cannot_be_shared_is_left_as_it_was(source, folder, capsys):
    path = folder / "bad.ipynb"
    nbformat.write(notebook(source), path)
    before = path.read_bytes()
    assert renewing.main([]) == 1
    assert path.read_bytes() == before
    assert "bad.ipynb: " in capsys.readouterr().err


def test_an_unknown_name_is_refused(folder, capsys):
    assert renewing.main(["08_more"]) == 2
    assert "There is no notebook 08_more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda made, _: made.metadata.update(widgets={}), "widget state"),
        (lambda made, _: made.cells[0].update(execution_count=None), "not run"),
        (lambda made, _: made.cells[0].update(outputs=[]), "no picture"),
        (lambda made, _: made.cells[0].update(source="x" * renewing.MOST_BYTES), "bytes"),
        (lambda made, _: made.cells[0].update(source=f"key = {KEY!r}"), "A key"),
        (lambda made, _: made.cells[0].update(source=f"open({str(ROOT)!r})"), "A path"),
        (lambda made, _: made.cells[0].outputs.append(nbformat.v4.new_output("error")), "failed"),
        (lambda made, blank: made.cells[0].outputs[0].data.update({"image/jpeg": blank}), "blank"),
    ],
    ids=["state", "not run", "no picture", "large", "key", "path", "failed", "blank"],
)
def test_what_keeps_a_notebook_from_being_shared_is_told(change, told, picture):
    made = notebook("1", image_jpeg=picture)
    assert not renewing.complaints(made)
    change(made, base64.b64encode(encoded(Image.new("L", (64, 64), 128), "JPEG")).decode())
    [complaint] = renewing.complaints(made)
    assert told in complaint
