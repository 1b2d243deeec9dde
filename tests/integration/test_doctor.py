"""`tokenlab-nb doctor` with a session behind it: pins that a twin carries, today's contracts, the user's own key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tests.integration.conftest import Serve
from tests.integration.harness import Rig
from tests.unit.export.notebooks import bundle, code, notebook, stream, written
from tests.unit.jobs.fakes import SOON
from tokenlab_nb import __main__ as command
from tokenlab_nb import settings
from tokenlab_nb.export.pins import KEY, MOST_BYTES

PROMPT = "a canary in the snow"
PRICE = "$0.0001 an image"


@pytest.fixture
def put(tmp_path: Path):
    def put(*cells) -> str:
        path = tmp_path / "a.ipynb"
        path.write_bytes(written(notebook(*cells)))
        return str(path)

    return put


def twin(widget) -> dict:
    """The output that a notebook keeps of a widget's frozen twin."""
    frozen = widget.frozen()
    return bundle({"text/html": frozen.html, "text/plain": frozen.text}, **frozen.metadata)


def doctor(*words: object) -> int:
    return command.main(["doctor", *map(str, words)])


@pytest.fixture
def outputs(rig: Callable[..., Rig]) -> list[dict]:
    """Twins of a gallery, a job's view and a comparison."""
    session = rig().session
    job = session.submit(model="gpt-image-2", prompt=PROMPT, size="1024x1024")
    job.wait(SOON)
    grid = session.compare(["gpt-image-2", "nano-banana-2"], PROMPT)
    grid.wait(SOON)
    return [twin(widget) for widget in (tl.Gallery([job]), tl.JobView(job), tl.CompareGrid(grid))]


def test_every_twin_pins_the_contracts_it_was_made_with(outputs: list[dict]):
    models = [output["metadata"][KEY]["models"] for output in outputs]
    assert [sorted(each) for each in models] == [["gpt-image-2"], ["gpt-image-2"], ["gpt-image-2", "nano-banana-2"]]
    assert models[0]["gpt-image-2"]["operations"]["text-to-image"]["used"]["size"] == ["1024x1024"]
    assert "canary" not in json.dumps(models)
    assert max(len(json.dumps(pin)) for each in models for pin in each.values()) < MOST_BYTES


def test_an_empty_gallery_pins_nothing():
    assert tl.Gallery().frozen().metadata == {}


def test_the_sandboxes_contracts_are_compared_with_the_sandboxes(outputs, put, tmp_path, capsys):
    folder = tmp_path / "session"
    assert doctor(put(code("", *outputs)), "--data-dir", folder) == 0
    assert capsys.readouterr().out.endswith("a.ipynb: nothing wrong\n")
    pins = outputs[0]["metadata"][KEY]["models"]
    pins["gpt-image-2"]["price"] = PRICE
    pins["a-model-of-old"] = {"replacement": "gpt-image-2"}
    path = put(code("", outputs[0]))
    assert doctor(path, "--data-dir", folder) == 1
    said = capsys.readouterr().out
    assert "model gpt-image-2: Its price has changed since 20" in said
    assert f"{PRICE} then" in said
    assert "model a-model-of-old: It is retired: requests to it are refused. Use gpt-image-2 instead." in said
    assert doctor(path, "--offline") == 0


def test_the_service_is_asked_with_no_key_and_only_the_one_that_was_used(
    outputs, put, tmp_path, serve: Serve, monkeypatch, capsys
):
    address = serve()
    for origin, code_, words in (
        (address, 1, "Its price has changed"),
        ("https://api.other.example", 0, f"this machine asks {address}."),
    ):
        kept = outputs[0]["metadata"][KEY]
        kept["origin"] = origin
        kept["models"]["gpt-image-2"]["price"] = PRICE
        monkeypatch.setenv("TOKENLAB_BASE_URL", address)
        assert doctor(put(code("", outputs[0])), "--data-dir", tmp_path / "data") == code_
        assert words in capsys.readouterr().out
    monkeypatch.setenv("TOKENLAB_BASE_URL", "http://127.0.0.1:9")
    outputs[0]["metadata"][KEY]["origin"] = "http://127.0.0.1:9"
    assert doctor(put(code("", outputs[0], stream("/home/alice/x"))), "--data-dir", tmp_path / "data") == 1
    said = capsys.readouterr().out
    assert "1 finding, 1 note" in said
    assert "were not compared: " in said


def test_ones_own_key_and_folders_are_found(put, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TOKENLAB_API_KEY", "sword-fish")
    path = put(code("", stream(f"sword-fish\n{Path.home()}/x\n{tmp_path / 'mine'}/y")))
    assert doctor(path, "--data-dir", tmp_path / "mine", "--no-diff") == 1
    said = capsys.readouterr().out
    assert "A key." in said
    assert "2 paths of this machine (~/x, ~/y)." in said
    assert "sword-fish" not in said
    assert doctor(path, "--data-dir", tmp_path / "mine", "--fix", "--no-backup") == 0
    assert json.loads(Path(path).read_bytes())["cells"][0]["outputs"][0]["text"] == ["...\n", "~/x\n", "~/y"]


@pytest.mark.parametrize(("variable", "value"), [("TOKENLAB_API_KEY", "one two"), ("HOME", "/")])
def test_settings_that_are_none_stop_nothing(variable, value, put, monkeypatch):
    monkeypatch.setenv(variable, value)
    assert doctor(put(code("", stream("a / b"))), "--offline") == 0


def test_a_user_without_a_home_is_served(put, monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert doctor(put(code("")), "--offline", "--data-dir", "/srv/x") == 0


def test_limits_are_settable_and_the_worst_file_counts(put, tmp_path, capsys):
    path = put(code("", stream("x" * 5000)))
    assert doctor(path) == 0
    assert doctor(path, "--most-output", "4 kB") == 1
    assert doctor(path, "--most-notebook", "4kB") == 1
    assert doctor(path, tmp_path / "missing.ipynb", path) == 2
    assert capsys.readouterr().out.count("nothing wrong") == 3
    assert settings.SANDBOX_URL  # the sandbox is opened for its own pins only:
    assert not (tmp_path / "user-data").exists()
