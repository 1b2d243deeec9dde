import json

import pytest

from tokenlab_nb import errors
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest, Source
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, Origin, StoredImage
from tokenlab_nb.widgets import _tiles

S = JobStatus
IMAGE = StoredImage("a" * 64, "image/png", 640, 480, 1234)


def snapshot(status, *, sent=100.0, ended=104.5, **changes):
    values = {"prompt": "A red fox", **changes.pop("values", {})}
    made = JobSnapshot(
        "job-1", ImageRequest("some-model", "text-to-image", "/v1/images/generations", values), "http://service"
    )
    made = made.move(S.DRAFT, sent - 1)
    if status is S.DRAFT:
        return made.move(S.DRAFT, sent, **changes)
    made = made.move(S.SENDING, sent)
    return made.move(status, ended, **changes)


@pytest.mark.parametrize(
    ("status", "changes", "kind", "words", "actions"),
    [
        (S.DRAFT, {}, "waiting", "Getting ready", ["cancel"]),
        (S.SENDING, {}, "waiting", "Sent, waiting for the answer", []),
        (S.DRAFT, {"note": "Sent again in 3 s.", "retries": 1}, "waiting", "Waiting to be sent again", ["cancel"]),
        (S.DRAFT, {"take": 1}, "waiting", "Waiting its turn", ["cancel"]),
        (S.DRAFT, {"waiting_stopped": True}, "draft", "Not sent: from an earlier kernel", ["run", "forget"]),
        (S.PENDING, {"task_id": "t"}, "waiting", "In the queue", ["stop"]),
        (S.PROCESSING, {"task_id": "t"}, "waiting", "Being made", ["stop"]),
        (S.PROCESSING, {"origins": (Origin(url="http://x/y"),)}, "waiting", "Made, being fetched", []),
        (S.PENDING, {"task_id": "t", "waiting_stopped": True}, "stopped", "No longer waited for", ["resume", "forget"]),
        (S.COMPLETED, {"images": (IMAGE,)}, "picture", "Done", []),
        (S.COMPLETED, {"images": (IMAGE,), "waiting_stopped": True}, "picture", "Done", []),
        (S.FAILED, {}, "failed", "Failed", []),
        (S.FAILED, {"origins": (Origin(url="http://x/y"),)}, "failed", "Failed", ["fetch", "forget"]),
        (S.CANCELLED, {}, "cancelled", "Cancelled", []),
        (S.UNKNOWN, {}, "unknown", "Outcome unknown", ["look", "again", "forget"]),
        (S.UNKNOWN, {"poll_url": "/v1/tasks/t"}, "unknown", "Outcome unknown", ["resume", "again", "forget"]),
        (S.UNKNOWN, {"forgotten": True}, "unknown", "Outcome unknown, set aside", ["look", "again"]),
    ],
)
def test_every_state_has_its_look_its_words_and_its_actions(status, changes, kind, words, actions):
    row = _tiles.row(snapshot(status, **changes), now=110.0)
    assert (row["kind"], row["words"], row["actions"]) == (kind, words, actions)
    assert {tile["kind"] for tile in row["tiles"]} == {kind}
    assert json.loads(json.dumps(row)) == row


def test_an_adopted_task_has_a_name_until_its_model_is_known():
    made = JobSnapshot("job-1", ImageRequest("", "adopted", "/v1/images/generations"), "http://service", adopted=True)
    assert _tiles.row(made.move(S.PENDING, 1.0, task_id="t"), now=2.0)["model"] == "Adopted task"
    assert _tiles.frozen(made, {})[0].model == "Adopted task"


def test_what_runs_another_job_again_names_it_and_is_named():
    again = _tiles.row(snapshot(S.PENDING, repeats="job-0"), now=110.0)
    assert (again["repeats"], again["ids"]["Runs again"], again["repeated"]) == ("job-0", "job-0", "")
    assert _tiles.row(snapshot(S.UNKNOWN), now=110.0, repeated="job-2")["repeated"] == "job-2"


@pytest.mark.parametrize(
    ("status", "changes", "aside"),
    [
        (S.UNKNOWN, {"forgotten": True}, True),
        (S.UNKNOWN, {}, False),
        (S.CANCELLED, {}, False),
        (S.COMPLETED, {}, False),
    ],
)
def test_what_the_user_put_away_is_known(status, changes, aside):
    assert _tiles.is_set_aside(snapshot(status, **changes)) is aside


def test_a_discarded_draft_is_put_away():
    draft = snapshot(S.DRAFT, waiting_stopped=True)
    assert _tiles.is_set_aside(draft.set_aside(101.0))


def test_a_question_is_asked_only_before_what_sends():
    questions = {status: set(_tiles.row(snapshot(status), now=110.0)["questions"]) for status in S}
    assert questions.pop(S.UNKNOWN) == {"again"}
    assert set().union(*questions.values()) == set()
    assert set(_tiles.row(snapshot(S.DRAFT, waiting_stopped=True), now=110.0)["questions"]) == {"run"}


def test_a_tile_keeps_its_key_when_its_picture_comes():
    waiting = _tiles.row(snapshot(S.PENDING, values={"n": 3}), now=101.0)
    done = _tiles.row(snapshot(S.COMPLETED, values={"n": 3}, images=(IMAGE, IMAGE)), now=110.0)
    assert [tile["key"] for tile in waiting["tiles"]] == ["job-1:0", "job-1:1", "job-1:2"]
    assert [tile["key"] for tile in done["tiles"]] == ["job-1:0", "job-1:1"]
    assert done["counts"] == "asked 3, got 2"


def test_what_failed_after_some_pictures_shows_both():
    row = _tiles.row(snapshot(S.FAILED, values={"n": 2}, images=(IMAGE,)), now=110.0)
    assert [tile["kind"] for tile in row["tiles"]] == ["picture", "failed"]


def test_running_rows_say_how_long_and_ended_ones_how_long_it_took():
    running = _tiles.row(snapshot(S.PROCESSING, progress=40, expected_seconds=12.0), now=107.0)
    done = _tiles.row(snapshot(S.COMPLETED, images=(IMAGE,), progress=90), now=999.0)
    assert (running["elapsed"], running["running"], running["progress"], running["expected"]) == (7.0, True, 40, 12.0)
    assert (done["elapsed"], done["running"], done["progress"]) == (4.5, False, None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 1.0),
        ({"size": "auto"}, 1.0),
        ({"size": "1536x1024"}, 1.5),
        ({"size": "0x1024"}, 1.0),
        ({"aspect_ratio": "16:9"}, 16 / 9),
        ({"size": "auto", "aspect_ratio": "1:2"}, 0.5),
        ({"size": "100000x1"}, 8.0),
        ({"size": 7}, 1.0),
    ],
)
def test_the_placeholder_has_the_shape_that_was_asked(values, expected):
    assert _tiles.aspect(ImageRequest("m", "text-to-image", "/x", values)) == pytest.approx(expected)


def test_an_edit_without_a_size_has_the_shape_of_its_reference():
    source = Source(sha256="a" * 64, media_type="image/png", size=1, width=300, height=200)
    assert _tiles.aspect(ImageRequest("m", "image-edit", "/x", references=(source,))) == pytest.approx(1.5)


def test_a_refusal_is_told_in_parts_and_no_advice_twice():
    issue = Issue("quality", "'ultra' is not allowed.", remedy="Use low or high.")
    error = errors.ValidationError("The request was refused.", issues=[issue], facts=errors.Facts(request_id="req-1"))
    assert _tiles.problem(error) == {
        "title": "The request was refused",
        "text": "The request was refused.",
        "hint": "",
        "request_id": "req-1",
        "did_you_mean": "",
        "issues": [{"field": "quality", "message": "'ultra' is not allowed.", "remedy": "Use low or high."}],
    }


def test_an_unknown_model_names_the_near_one_once():
    told = _tiles.problem(errors.NotFoundError("No model flux-pro.", facts=errors.Facts(did_you_mean="flux-2-pro")))
    assert told["title"] == "Not found"
    assert f"{told['text']} {told['hint']} {told['did_you_mean']}".count("flux-2-pro") == 1


def test_every_error_of_ours_has_a_title_of_its_own():
    kinds = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error") and name != "TokenLabError"]
    titles = [_tiles.problem(kind("x"))["title"] for kind in kinds]
    assert len(set(titles)) == len(kinds)
    assert "It did not work" not in titles


def test_file_names_hold_nothing_that_leads_elsewhere():
    made = snapshot(S.COMPLETED, images=(IMAGE,))
    evil = JobSnapshot(made.id, ImageRequest("../../a b<c>", "x", "/x"), "", images=made.images, status=S.COMPLETED)
    assert _tiles.row(evil, now=0)["tiles"][0]["name"] == "a-b-c-aaaaaaaa-1.png"


def test_the_twins_rows_hold_thumbnails_and_problems():
    done, failed = (
        _tiles.frozen(snapshot(S.COMPLETED, images=(IMAGE,), values={"seed": 7}), {IMAGE.sha256: b"jpeg"}),
        _tiles.frozen(snapshot(S.FAILED, error=errors.RateLimitError("Slow.", facts=errors.Facts(request_id="r"))), {}),
    )
    assert [(row.done, row.jpeg, row.seed, row.seconds) for row in done] == [(True, b"jpeg", "7", 4.5)]
    assert (done[0].price, failed[0].price) == ("", "")
    assert (failed[0].state, failed[0].request_id) == ("failed", "r")
    assert failed[0].problem == "Too many requests. Slow. Wait a little, then run it again."


def test_the_twin_tells_the_price_of_all_pictures_once():
    images = (IMAGE, StoredImage("b" * 64, "image/png", 640, 480, 1234, 1))
    made = snapshot(S.COMPLETED, images=images, values={"n": 2}, estimate=Estimate(0.02, 0.08))
    rows = _tiles.frozen(made, {})
    assert [row.price for row in rows] == ["$0.02 - $0.08 reserved", ""]
    assert "$0.02 - $0.08 reserved" in rows[0].facts


def test_pictures_at_addresses_cannot_be_shown_as_what_went_in():
    elsewhere = Source(url="https://example.com/a.png")
    local = Source(sha256="b" * 64, media_type="image/png", size=1, width=3, height=2)
    request = ImageRequest("m", "image-edit", "/x", references=(elsewhere, local), mask=elsewhere)
    made = JobSnapshot("job-1", request, "", images=(IMAGE,), status=S.COMPLETED)
    row = _tiles.row(made, now=0, lineage="a -> b")
    assert row["inputs"] == [{"hash": "b" * 64, "label": "Reference 1", "kind": "reference"}]
    assert row["lineage"] == "a -> b"
    assert _tiles.frozen(made, {}, "a -> b")[0].lineage == "a -> b"
