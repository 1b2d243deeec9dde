"""Tab in the first line of `%%tokenlab`, asked as a kernel asks, and through a real kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter, rectify_completions
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.integration.test_magic import Notebook, notebook  # noqa: F401  # the fixture
from tests.unit.pictures import encoded, gradient
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.widgets import _complete

Offer = Callable[[str], list[str]]


@pytest.fixture(params=[True, False], ids=["jedi", "no jedi"])
def offer(notebook: Notebook, request: pytest.FixtureRequest) -> Iterator[Offer]:  # noqa: F811
    """What a kernel answers for a cell, with the cursor where ``|`` stands."""
    completer = notebook.shell.Completer
    completer.use_jedi = request.param

    def ask(cell: str) -> list[str]:
        place = cell.index("|")
        code = cell.replace("|", "")
        with provisionalcompleter():
            found = list(rectify_completions(code, completer.completions(code, place)))
        assert all(each.end == place for each in found)
        return [code[: each.start] + each.text for each in found]

    return ask


def test_models_options_settings_and_values_are_offered(notebook: Notebook, offer: Offer) -> None:  # noqa: F811
    models = [model.id for model in notebook.rig.session.models()]
    assert offer("%%tokenlab -m |\na fox") == [f"%%tokenlab -m {name}" for name in models]
    assert offer("%%tokenlab --model=flux-2-p|\na fox") == ["%%tokenlab --model=flux-2-pro"]
    assert offer("%%tokenlab -m FLUX-2-p|") == ["%%tokenlab -m flux-2-pro"]
    options = [each.rpartition(" ")[2] for each in offer("%%tokenlab -m gpt-image-2 --dry |")]
    taken = notebook.rig.session.model("gpt-image-2").contract.operations["text-to-image"].options
    assert {f"--{param.name}" for param in taken if param.name != "n"} <= set(options)
    assert {"-m", "--reference", "--as", "--help"} <= set(options)
    assert not {"--dry", "--seed", "--n"} & set(options)
    assert "--seed" in [each.rpartition(" ")[2] for each in offer("%%tokenlab --se|")]
    quality = offer("%%tokenlab -m gpt-image-2 --quality |\na fox")
    assert [each.rpartition(" ")[2] for each in quality] == list(
        next(param.choices for param in taken if param.name == "quality")
    )
    assert offer("%%tokenlab --expand_prompt t|") == ["%%tokenlab --expand_prompt true"]
    assert "%%tokenlab -m gpt-image-2 --operation image-edit" in offer("%%tokenlab -m gpt-image-2 --operation |")
    assert offer("%tokenlab --help -m flux-2-p|") == ["%tokenlab --help -m flux-2-pro"]
    assert offer("%%tokenlab -m no-such-model --siz|") == ["%%tokenlab -m no-such-model --size"]
    assert notebook.rig.posts == 0


def test_pictures_sessions_and_files_are_offered(
    notebook: Notebook,  # noqa: F811
    offer: Offer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, _, _ = notebook.run("%%tokenlab -m gpt-image-2 --as fox\na fox")
    notebook.shell.user_ns.update(foxes=job.wait(), fortytwo=42, mine=notebook.rig.session)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fo.png").write_bytes(encoded(gradient()))
    (tmp_path / "for me.jpeg").write_bytes(encoded(gradient()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.webp").write_bytes(encoded(gradient()))
    (tmp_path / "form.txt").write_text("no picture")
    start = "%%tokenlab -m gpt-image-2 --reference "
    assert offer(f"{start}fo|") == [start + name for name in ("fox", "foxes", "fo.png", "folder/", '"for me.jpeg"')]
    assert offer(f"{start}folder/|") == [f"{start}folder/x.webp"]
    assert not [each for each in offer(f"{start}nowhere/|") if each.endswith((".png", ".jpeg", ".webp", "/"))]
    assert offer("%%tokenlab --session |") == ["%%tokenlab --session mine"]


def test_below_the_first_line_nothing_of_ours_is_offered(offer: Offer) -> None:
    assert not [each for each in offer("%%tokenlab -m gpt-image-2\n%%tokenlab -m gpt|") if "gpt-image-2" in each[30:]]
    assert not [each for each in offer("%%tokenlab -m gpt-image-2\na fox --qual|") if "--quality" in each]


def test_a_service_that_does_not_answer_holds_up_nobody(
    notebook: Notebook,  # noqa: F811
    rig: Callable[..., Rig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_complete, "PATIENCE", 0.0)
    completer = _complete.Completer(notebook.shell, _Holder(notebook.rig.session))
    with pytest.raises(TimeoutError):
        completer.offered(["-m"], "")
    completer._listing[1].result()  # type: ignore[index]
    assert "gpt-image-2" in completer.offered(["-m"], "")[1]
    down = rig(Fault("server_error", path="/v1/models"), folder=tmp_path / "down")
    failing = _complete.Completer(notebook.shell, _Holder(down.session))
    for _ in range(2):
        with pytest.raises((tl.errors.TokenLabError, TimeoutError)):
            failing.offered(["-m"], "")


class _Holder:
    def __init__(self, session: tl.Session) -> None:
        self.session = session


def _until_idle(client: BlockingKernelClient, message: str) -> list[dict[str, Any]]:
    found = []
    while True:
        each = client.get_iopub_msg(timeout=60)
        if each["parent_header"].get("msg_id") == message:
            found.append(each)
            if each["msg_type"] == "status" and each["content"]["execution_state"] == "idle":
                return found


def test_a_real_kernel_completes_makes_and_tells_errors_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path))
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute("%load_ext tokenlab_nb", reply=True, timeout=60)
        code = "%%tokenlab -m flux-2-p\na {fox}"
        reply = client.complete(code, cursor_pos=22, reply=True, timeout=60)["content"]
        assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["flux-2-pro"], 14, 22)
        done = client.execute("%%tokenlab -m gpt-image-2 --qualty high\na fox", reply=True, timeout=60)
        said = next(
            each for each in _until_idle(client, done["parent_header"]["msg_id"]) if each["msg_type"] == "error"
        )
        assert done["content"]["status"] == "error"
        assert said["content"]["ename"] == "ValidationError"
        assert said["content"]["traceback"] == [f"ValidationError: {said['content']['evalue']}"]
        done = client.execute("%%tokenlab -m gpt-image-2 --as fox\na {fox}", reply=True, timeout=60)
        shown = [each["content"] for each in _until_idle(client, done["parent_header"]["msg_id"])]
        assert [each for each in shown if "application/vnd.jupyter.widget-view+json" in each.get("data", {})]
        asked = {"prompt": "fox.request.values['prompt']"}
        done = client.execute("", user_expressions=asked, reply=True, timeout=60)
        assert done["content"]["user_expressions"]["prompt"]["data"]["text/plain"] == "'a {fox}'"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
