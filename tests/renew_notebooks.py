"""Run the example notebooks, and save them as they are shared: outputs in, widget state and traces of this machine out.

    python -m tests.renew_notebooks               all of them
    python -m tests.renew_notebooks 07_share      this one

A notebook that fails, or that holds what must not be shared, is left as it was. What `complaints` says of a notebook is
what the tests hold the saved ones to.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from tests.layer_rules import ROOT
from tokenlab_nb.export.doctor import Doctor
from tokenlab_nb.export.exposed import Watch

FOLDER = ROOT / "notebooks"
MOST_BYTES = 300_000
MOST_SECONDS = 60
KEPT = frozenset({"tags", "jupyter"})
"""Metadata of a cell that says something; the rest is when and where it was run."""

WITHOUT_PICTURES = frozenset({"studio_app"})
"""An app: its pictures come when somebody presses Run."""

_DATA_URI = re.compile(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)")
_VIEW = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/jpeg", "image/png")


def main(names: Sequence[str]) -> int:
    """Renew the notebooks of these names, by default all; return 0 if every one of them may be shared."""
    paths = sorted(FOLDER.glob("*.ipynb"))
    if unknown := set(names) - {path.stem for path in paths}:
        sys.stderr.write(f"There is no notebook {', '.join(sorted(unknown))} in {FOLDER.name}/.\n")
        return 2
    failed = 0
    for path in (path for path in paths if not names or path.stem in names):
        try:
            notebook = executed(nbformat.read(path, 4))
            wrong = complaints(notebook, pictures=path.stem not in WITHOUT_PICTURES)
        except CellExecutionError as error:
            wrong = [str(error)]
        if wrong:
            failed += 1
            sys.stderr.write("".join(f"{path.name}: {each}\n" for each in wrong))
        else:
            path.write_text(nbformat.writes(notebook) + "\n", "utf-8")
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} KB, {len(shown(notebook))} pictures\n")
    return 1 if failed else 0


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run a notebook in a folder, with a ledger and in an environment of its own; return it as it is shared.

    Raises:
        CellExecutionError: If a cell fails.
    """
    with tempfile.TemporaryDirectory(prefix="tokenlab-nb-") as home:
        settings = {name: value for name, value in os.environ.items() if not name.startswith("TOKENLAB_")}
        places = {name: str(Path(home, name.lower())) for name in ("TOKENLAB_DATA_DIR", "IPYTHONDIR")}
        keyless = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        client = NotebookClient(
            notebook,
            timeout=MOST_SECONDS,
            kernel_name="python3",
            store_widget_state=False,
            record_timing=False,
            resources={"metadata": {"path": home}},
        )
        client.execute(env={**settings, **places, **keyless})
    return shared(notebook)


def shared(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what says nothing to a reader: widgets of a kernel that is gone, times, outputs that show nothing.

    What stands beside a widget's view stays: its text, and its frozen twin.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata = {name: value for name, value in cell.metadata.items() if name in KEPT}
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.get("data", {}).pop(_VIEW, None)
            cell.outputs = _joined([output for output in cell.outputs if _says_something(output)])
    return notebook


def complaints(notebook: nbformat.NotebookNode, *, pictures: bool = True) -> list[str]:
    """Say what keeps a notebook from being shared.

    Args:
        notebook: With its outputs.
        pictures: Whether it should show any.
    """
    return list(_complaints(notebook, pictures))


def shown(notebook: nbformat.NotebookNode) -> list[Image.Image]:
    """Every picture that the outputs hold: of a result's own repr, and of frozen twins."""
    found = []
    for output in _outputs(notebook):
        data = output.get("data", {})
        html = _DATA_URI.findall(data.get("text/html", ""))
        found += html or [data[kind] for kind in _PICTURES if kind in data][:1]
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def _complaints(notebook: nbformat.NotebookNode, wants_pictures: bool) -> Iterator[str]:
    nbformat.validate(notebook)  # ids of cells among the rest: they are what a later version is compared by
    text = nbformat.writes(notebook)
    if len(text.encode()) > MOST_BYTES:
        yield f"It has {len(text.encode()):,} bytes, more than {MOST_BYTES:,}."
    if "widgets" in notebook.metadata:
        yield "It holds widget state."
    if any(output.output_type == "error" for output in _outputs(notebook)):
        yield "A cell failed."
    if any(cell.cell_type == "code" and cell.execution_count is None for cell in notebook.cells):
        yield "A cell was not run."
    pictures = shown(notebook)
    if wants_pictures and not pictures:
        yield "It shows no picture."
    if any(_is_blank(picture) for picture in pictures):
        yield "A picture is blank."
    private = (str(ROOT), tempfile.gettempdir(), str(Path.home()))
    for finding in Doctor(watch=Watch(private)).examine(text.encode()).bad:
        yield f"{finding.place}: {finding.message}"


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _joined(outputs: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs, with what was printed in pieces in one: a progress line that is gone stood between them."""
    found: list[nbformat.NotebookNode] = []
    for output in outputs:
        before = found[-1] if found else None
        if before and output.output_type == before.output_type == "stream" and output.name == before.name:
            before.text += output.text
        else:
            found.append(output)
    return found


def _says_something(output: nbformat.NotebookNode) -> bool:
    data = output.get("data")
    return data is None or bool("".join(str(value) for value in data.values()).strip())


def _is_blank(picture: Image.Image) -> bool:
    return len(set(picture.convert("L").resize((16, 16)).tobytes())) <= 16


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
