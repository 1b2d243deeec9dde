"""What a notebook that was run with a key holds afterwards, its widget state included."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.integration.conftest import Serve

WORD = "canary" * 3
CANARY = f"sk-{WORD}"  # in two pieces: tracebacks quote the source

CELLS = (
    "import tokenlab_nb as tl\nstudio = tl.Studio(prompt='A red fox')\nstudio",
    "session = tl.connect()\nsession, session.settings",
    "job = session.submit(model='gpt-image-2', prompt='A red fox')\njob",
    "job.wait()",
    "tl.Gallery(session.jobs), tl.ModelPicker(session.models()), job.snapshot",
    "%xmode Verbose\nsession.generate(model='gpt-image-2', prompt='forbidden')",
    "session._engine.call(session._client.task, 'ldtask_' + 32 * 'a', None)",
)


@pytest.mark.parametrize("allowed", [True, False], ids=["taken", "refused"])
def test_a_notebook_run_with_a_key_holds_no_key(allowed: bool, serve: Serve, tmp_path: Path, monkeypatch):
    address = serve() if allowed else "http://127.0.0.1:9"
    monkeypatch.setenv("TOKENLAB_API_KEY", CANARY)
    monkeypatch.setenv("TOKENLAB_BASE_URL", address)
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "data"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True, store_widget_state=True).execute()
    text = json.dumps(notebook)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert [output.ename for output in outputs if output.output_type == "error"]  # tracebacks were looked at too
    assert notebook.metadata.widgets  # and the state of every widget
    assert ("image/jpeg;base64" in text) is allowed
    assert WORD not in text
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if WORD.encode() in path.read_bytes()]
