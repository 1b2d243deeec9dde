"""In a real kernel: a running loop in the main thread, queued cells, and the end of the notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

CONNECT = """
import httpx
import tokenlab_nb as tl
from tokenlab_nb.sandbox.app import create_app
app = create_app(base_url="http://sandbox.tokenlab.localhost", latency_scale=0)
session = tl.connect(sandbox=True, data_dir={folder!r}, transport=httpx.ASGITransport(app))
"""


def executed(*cells: str, folder: Path) -> list[str]:
    """Run cells in one kernel, all queued at once as "run all" does, and return what each printed."""
    code = [CONNECT.format(folder=str(folder)), *cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in code])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells[1:]]
    assert not [output for each in outputs for output in each if output.get("name") == "stderr"]
    return ["".join(output.get("text", "") for output in each).strip() for each in outputs]


def test_blocking_awaiting_and_background_work_in_cells(tmp_path: Path) -> None:
    assert executed(
        "job = session.submit(model='gpt-image-2', prompt='fox')\nprint(type(job).__name__)",
        "print(len(await job))",
        "print(len(session.generate(model='nano-banana-2', prompt='fox')))",
        "import asyncio\nprint([len(each) for each in await asyncio.gather(job, job)])",
        folder=tmp_path,
    ) == ["Job", "1", "1", "[1, 1]"]


def test_nested_asyncio_lets_asyncio_run_work_and_the_queued_cell_still_runs(tmp_path: Path) -> None:
    assert executed(
        "tl.enable_nested_asyncio()",
        "import asyncio\n"
        "async def main():\n"
        "    return len(await session.submit(model='gpt-image-2', prompt='fox'))\n"
        "print(asyncio.run(main()))\n"
        "print(asyncio.get_event_loop().run_until_complete(main()))",
        "print('the queued cell')",
        "print(await main())",
        folder=tmp_path,
    ) == ["", "1\n1", "the queued cell", "1"]


def test_a_notebook_that_ends_with_jobs_running_ends_by_itself(tmp_path: Path) -> None:
    assert executed("job = session.submit(model='gpt-image-2', prompt='fox')", folder=tmp_path) == [""]
