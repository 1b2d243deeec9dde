"""`tokenlab-nb lab` for real: JupyterLab starts and shows the notebook."""

from __future__ import annotations

from pathlib import Path

from tests.jupyter_server import OPTIONS, serving


def test_lab_serves_the_quickstart(tmp_path: Path):
    work = tmp_path / "work"
    words = ["tokenlab_nb", "lab", "--dir", str(work), "--no-browser", "--", *OPTIONS]
    with serving(words, tmp_path, tmp_path / "jupyter") as server:
        notebook = server.call("GET", "/api/contents/01_quickstart.ipynb")
        assert notebook["type"] == "notebook"
        assert "tokenlab_nb" in "".join(cell["source"] for cell in notebook["content"]["cells"])
    assert f"{server.url}lab/tree/01_quickstart.ipynb" in (tmp_path / "jupyter" / "server.log").read_text()
