"""The folder of a replay: what is written, how it grows, what a crash leaves, and what is refused to be read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pictures import JPEG, PNG, WEBP
from tests.unit.store.replays import CANARY, HERE, NOW, SECRETS, asked, detail, export, files, head, job, lines, local
from tests.unit.store.replays import model as listed
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.store import recording, taping
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.replay import ReplayApi


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_replay_holds_requests_answers_models_and_pictures(folder: Path, kept: Blobs) -> None:
    done = job("j1", kept, asked(size="1024x1024"), (PNG, JPEG))
    exported = export(folder, [done], kept)
    assert exported == taping.Exported(folder, 1, 2, len(PNG) + len(JPEG), 0)
    (row,) = lines(folder)
    assert row["request"] == done.request.to_json()
    assert row["hash"] == done.request.hash
    assert (row["id"], row["task_id"], row["seconds"]) == ("j1", "ldtask_j1", 5.0)
    assert row["made_at"] == "2027-01-15T08:00:00.000000+00:00"
    assert row["pictures"][1] == {
        "index": 1,
        "sha256": sha(JPEG),
        "media_type": "image/jpeg",
        "width": 64,
        "height": 48,
        "size": len(JPEG),
        "revised_prompt": "rewritten 1",
    }
    top = head(folder)
    assert (top["format"], top["origin"], top["made_by"]) == (1, HERE, "tokenlab_nb 0.1.0")
    assert [each["id"] for each in top["models"]] == ["model-b", "model-a", "model-v"]
    assert top["details"]["model-a"]["tokenlab"]["aliases"] == ["acme/model-a"]
    assert top["pricing"]["model-a"]["pricing_unit"] == "per_image"
    assert Blobs(folder / "pictures").get(sha(PNG)) == PNG


def test_what_went_in_is_there_too(folder: Path, kept: Blobs) -> None:
    request = replace(
        asked(), references=(local(JPEG, kept), Source(url="https://a.example/x.png")), reference_field="image"
    )
    exported = export(folder, [job("j1", kept, replace(request, mask=local(WEBP, kept)), (PNG,))], kept)
    assert exported.pictures == 3
    assert {Blobs(folder / "pictures").get(sha(data)) for data in (PNG, JPEG, WEBP)} == {PNG, JPEG, WEBP}


def test_no_key_no_account_and_no_address_of_a_picture_gets_in(
    folder: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", CANARY)
    snapshot = job("j1", kept)
    assert all(secret in json.dumps(snapshot.to_record()) for secret in SECRETS)
    export(folder, [snapshot], kept)
    everything = b"".join((*files(folder).values(), *(name.encode() for name in files(folder))))
    assert not [secret for secret in SECRETS if secret.encode() in everything]


def test_jobs_stand_in_the_order_in_which_they_were_made(folder: Path, kept: Blobs) -> None:
    later, earlier = job("later", kept, at=NOW + 60), job("earlier", kept)
    export(folder, [later, earlier, later], kept)
    assert [row["id"] for row in lines(folder)] == ["earlier", "later"]


def test_only_completed_jobs_of_this_service_with_their_pictures_are_recorded(folder: Path, kept: Blobs) -> None:
    gone, damaged = job("gone", kept, pictures=(JPEG,)), job("damaged", kept, pictures=(WEBP,))
    kept.path(sha(JPEG)).unlink()
    kept.path(sha(WEBP)).write_bytes(b"x" * len(WEBP))
    without_source = replace(asked(), references=(Source(sha256="0" * 64),))
    deep: Any = []
    for _ in range(recording._DEEPEST):
        deep = [deep]
    jobs = [
        job("good", kept),
        gone,
        damaged,
        replace(job("failed", kept), status=JobStatus.FAILED),
        replace(job("elsewhere", kept), origin="http://sandbox.local"),
        replace(job("empty", kept), images=()),
        job("no source", kept, without_source),
        job("deep", kept, asked(extra=deep)),
    ]
    exported = export(folder, jobs, kept)
    assert (exported.jobs, exported.pictures, exported.left_out) == (1, 1, 7)
    assert str(exported) == (
        f"The replay {folder} holds 1 job with 1 picture (0.0 MB). "
        "7 jobs were left out (not completed, of another service, without a picture on disk, or with a key or a signed "
        "address in it)."
    )
    assert "1 job was left out" in str(replace(exported, left_out=1))
    assert str(replace(exported, left_out=0, jobs=2)).endswith("2 jobs with 1 picture (0.0 MB).")


def test_a_second_export_adds_and_changes_nothing_that_was_there(folder: Path, kept: Blobs) -> None:
    first = job("j1", kept, at=NOW)
    export(folder, [first], kept)
    before = files(folder)
    exported = export(
        folder,
        [first, job("j2", kept, asked(n=2), (JPEG, WEBP), at=NOW + 9)],
        kept,
        models=[listed("model-new"), listed("model-a", capabilities=["new"])],
        details=[detail("model-new")],
        pricing={},
    )
    assert (exported.jobs, exported.left_out) == (2, 0)
    after = files(folder)
    assert after["jobs.jsonl"].startswith(before["jobs.jsonl"])
    assert {name for name in before if name not in after} == set()
    top = head(folder)
    assert [each["id"] for each in top["models"]] == ["model-new", "model-a", "model-b", "model-v"]
    assert top["models"][1]["tokenlab"]["capabilities"] == ["new"]
    assert set(top["details"]) == {"model-a", "model-new"}
    assert set(top["pricing"]) == {"model-a"}


def test_strange_entries_of_an_older_model_list_are_kept(folder: Path, kept: Blobs) -> None:
    export(folder, [job("j1", kept)], kept)
    strange = {**head(folder), "models": [{"id": [1]}, 7, {"id": "model-old"}], "details": {"x": 7}}
    (folder / "replay.json").write_text(json.dumps(strange))
    export(folder, [], kept, models=[])
    assert head(folder)["models"] == [{"id": [1]}, {"id": "model-old"}]


@pytest.mark.parametrize("content", ["notes.txt", "pictures/mine.png", "jobs.jsonl"])
def test_a_folder_that_is_used_for_something_else_is_left_alone(folder: Path, kept: Blobs, content: str) -> None:
    (folder / content).parent.mkdir(parents=True)
    (folder / content).write_text("mine")
    with pytest.raises(ValidationError, match="in use, and is no replay"):
        export(folder, [job("j1", kept)], kept)
    assert files(folder) == {content: b"mine"}


def test_a_file_is_no_folder(folder: Path, kept: Blobs) -> None:
    folder.parent.mkdir()
    folder.write_text("mine")
    with pytest.raises(ValidationError, match="in use"):
        export(folder, [], kept)
    with pytest.raises(ValidationError, match="no folder"):
        ReplayApi.open(folder)
    assert folder.read_text() == "mine"


def test_a_new_repository_is_as_good_as_an_empty_folder(folder: Path, kept: Blobs) -> None:
    (folder / ".git").mkdir(parents=True)
    assert export(folder, [job("j1", kept)], kept).jobs == 1


def test_recordings_of_two_services_do_not_mix(folder: Path, kept: Blobs) -> None:
    export(folder, [job("j1", kept)], kept)
    before = files(folder)
    with pytest.raises(ValidationError, match=r"of https://api.example.com, not of http://sandbox.local"):
        export(folder, [], kept, origin="http://sandbox.local")
    assert files(folder) == before


def test_a_damaged_or_newer_replay_is_not_written_over(folder: Path, kept: Blobs) -> None:
    export(folder, [job("j1", kept)], kept)
    (folder / "jobs.jsonl").write_text("<<<<<<< HEAD\n")
    before = files(folder)
    with pytest.raises(ValidationError, match="line 1"):
        export(folder, [job("j2", kept)], kept)
    assert files(folder) == before


def write_steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every file that is written, in order; a name that starts with ``!`` makes the write of that file a crash."""
    steps: list[str] = []
    original = taping.write_whole

    def recorded(path: Path, data: bytes, *, private: bool = True) -> None:
        if f"!{path.name}" in steps:
            raise KeyboardInterrupt
        original(path, data, private=private)
        steps.append(path.name)

    monkeypatch.setattr(taping, "write_whole", recorded)
    monkeypatch.setattr("tokenlab_nb.store.blobs.write_whole", recorded)
    return steps


def test_pictures_are_written_first_and_the_head_last(
    folder: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = job("j1", kept)
    steps = write_steps(monkeypatch)
    export(folder, [snapshot], kept)
    assert steps == ["replay.json", sha(PNG), "jobs.jsonl", "replay.json"]
    export(folder, [job("j2", kept, asked(n=1), (JPEG,))], kept)
    assert steps[-2:] == ["jobs.jsonl", "replay.json"]


@pytest.mark.parametrize("at", [sha(JPEG), "jobs.jsonl", "replay.json"])
def test_a_crash_leaves_the_old_replay_usable_and_the_next_export_goes_on(
    folder: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    export(folder, [job("j1", kept)], kept)
    more = job("j2", kept, asked(n=1), (JPEG,))
    with monkeypatch.context() as patch:
        write_steps(patch).append(f"!{at}")
        with pytest.raises(KeyboardInterrupt):
            export(folder, [more], kept)
    assert ReplayApi.open(folder).recorded == (2 if at == "replay.json" else 1)
    assert export(folder, [more], kept).jobs == 2


@pytest.mark.parametrize("at", [sha(PNG), "jobs.jsonl"])
def test_a_first_export_that_was_broken_off_can_be_gone_on_with(
    folder: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    snapshot = job("j1", kept)
    with monkeypatch.context() as patch:
        write_steps(patch).append(f"!{at}")
        with pytest.raises(KeyboardInterrupt):
            export(folder, [snapshot], kept)
    with pytest.raises(ValidationError, match=r"jobs\.jsonl cannot be used: it is missing"):
        ReplayApi.open(folder)
    assert export(folder, [snapshot], kept).jobs == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_replay_is_as_open_as_its_folder_so_that_a_class_can_read_it(folder: Path, kept: Blobs) -> None:
    before = os.umask(0o022)
    try:
        export(folder, [job("j1", kept)], kept)
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.path(sha(PNG)).stat().st_mode) == 0o600
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, kept: Blobs) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TokenLabError, match="cannot be used"):
        export(tmp_path / "file" / "replay", [], kept)


HOSTILE_PROMPT = "two\nlines \u2028 and \x85 more 狐 \ud800"


def test_any_prompt_is_one_line_and_comes_back(folder: Path, kept: Blobs) -> None:
    request = asked(prompt=HOSTILE_PROMPT)
    export(folder, [job("j1", kept, request), job("j2", kept, asked(prompt="狐"))], kept)
    text = (folder / "jobs.jsonl").read_bytes()
    assert text.count(b"\n") == 2
    assert "狐".encode() in text  # readable where UTF-8 has a place for it
    (folder / "jobs.jsonl").write_bytes(text.replace(b"\n", b"\r\n") + b"\r\n")  # as git may check it out
    assert [each.request for each in recording.read(folder).recordings] == [request, asked(prompt="狐")]


def test_a_job_that_two_branches_brought_counts_once(folder: Path, kept: Blobs) -> None:
    export(folder, [job("j1", kept), job("j2", kept)], kept)
    text = (folder / "jobs.jsonl").read_bytes()
    (folder / "jobs.jsonl").write_bytes(text + text)
    assert ReplayApi.open(folder).recorded == 2


# ------------------------------------------------------------------------------------ what is refused


def test_there_must_be_a_replay(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"There is no folder .*none"):
        ReplayApi.open(tmp_path / "none")
    with pytest.raises(ValidationError, match=r"is no replay: it holds no replay\.json"):
        ReplayApi.open(tmp_path)
    with pytest.raises(ValidationError, match="cannot be read"):
        ReplayApi.open(tmp_path / ("x" * 300))


DEEP = b"[" * 100_000 + b"]" * 100_000
NESTED = b'{"format": 1, "x": ' + b"[" * 200 + b"]" * 200 + b"}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b'{"format": 1, "origin"', "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        (DEEP, "not JSON"),
        (NESTED, "not JSON"),
        (b'{"format": %s}' % (b"9" * 5000), "not JSON"),
        (b"[]", "which format"),
        (b"{}", "which format"),
        (b'{"format": true}', "which format"),
        (b'{"format": 0}', "which format"),
        (b'{"format": "1"}', "which format"),
        (b'{"format": 2}', "made by a newer"),
        (b'{"format": 1}', "'origin' is missing"),
        (b'{"format": 1, "origin": "x", "models": {}}', "'models' is missing"),
    ],
)
def test_an_odd_head_is_a_clear_error(folder: Path, text: bytes, why: str) -> None:
    folder.mkdir(parents=True)
    (folder / "replay.json").write_bytes(text)
    with pytest.raises(ValidationError, match=why) as caught:
        ReplayApi.open(folder)
    assert "replay.json" in caught.value.message
    assert caught.value.hint


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.pop(name)


def with_(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.update(changes)


ODD_ROWS = {
    "no request": without("request"),
    "no id": without("id"),
    "a number for an id": with_(id=7),
    "a list for an id": with_(id=[]),
    "no time": without("made_at"),
    "a number for a task": with_(task_id=7),
    "no pictures": with_(pictures=[]),
    "a text for pictures": with_(pictures="x"),
    "a path for a hash": lambda row: row["pictures"][0].update(sha256="../../../../etc/passwd"),
    "a number for a hash": lambda row: row["pictures"][0].update(sha256=7),
    "an address twice": lambda row: row["pictures"][0].update(sha256="replay:" + "0" * 64),
    "a word for an index": lambda row: row["pictures"][0].update(index="first"),
    "a list for a prompt": lambda row: row["pictures"][0].update(revised_prompt=[]),
    "a list for a model": lambda row: row["request"].update(model=["x"]),
    "a field of tomorrow": lambda row: row["request"].update(tomorrow=1),
    "values that are none": lambda row: row["request"].update(values="x"),
    "a source without a hash": lambda row: row["request"].update(references=[{"sha256": "../x"}]),
    "a list for a source": lambda row: row["request"].update(references=[{"sha256": []}]),
}


@pytest.mark.parametrize("odd", ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_odd_line_is_a_clear_error(folder: Path, kept: Blobs, odd: Callable[[dict[str, Any]], object]) -> None:
    export(folder, [job("j1", kept)], kept)
    (row,) = lines(folder)
    good = json.dumps(row)
    odd(row)
    (folder / "jobs.jsonl").write_text(f"{good}\n{json.dumps(row)}\n")
    with pytest.raises(ValidationError, match="line 2 is no recording") as caught:
        ReplayApi.open(folder)
    assert "jobs.jsonl" in caught.value.message


@pytest.mark.parametrize("text", [b"[]", b"7", b"null", b"{", b"\xff", DEEP, b'{"request": 7}'])
def test_a_line_that_is_no_object_is_a_clear_error(folder: Path, kept: Blobs, text: bytes) -> None:
    export(folder, [], kept)
    (folder / "jobs.jsonl").write_bytes(text)
    with pytest.raises(ValidationError, match="line 1 is no recording"):
        ReplayApi.open(folder)


def test_a_text_file_of_any_size_is_not_read(folder: Path, kept: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    export(folder, [], kept)
    monkeypatch.setattr(recording, "MAX_TEXT_BYTES", 10)
    with pytest.raises(ValidationError, match="more than 10 bytes"):
        ReplayApi.open(folder)


def test_only_json_is_written() -> None:
    with pytest.raises(TypeError, match="set is no JSON value"):
        recording.text_of({1})
