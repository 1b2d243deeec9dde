import io
import json

import pytest
from PIL import Image

from tests.unit.widgets.conftest import InstantBridge
from tokenlab_nb import errors
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.widgets._pictures import Pictures
from tokenlab_nb.widgets.gallery import Gallery
from tokenlab_nb.widgets.job_view import JobView

S = JobStatus


def hashes(job):
    return [image.sha256 for image in job.images]


def test_a_page_that_opens_later_gets_all_rows(gallery, make_job):
    job = make_job(seed=7)
    gallery.add(job)
    job.go(S.SENDING).go(S.PROCESSING, progress=30)
    (row,) = gallery.get_state("rows")["rows"]
    assert (row["id"], row["seed"], row["progress"], row["words"]) == (job.id, "7", 30, "Being made")


def test_changes_are_sent_for_the_changed_job_only(gallery, make_job, page):
    one, two = make_job(), make_job()
    gallery.add(one)
    gallery.add(two)
    before = len(page.messages("rows"))
    two.go(S.SENDING)
    (message,) = [content for content, _ in page.messages("rows")[before:]]
    assert [row["id"] for row in message["rows"]] == [two.id]


def test_a_thumbnail_is_pushed_as_a_small_binary_jpeg(gallery, make_job, page, picture):
    job = make_job()
    gallery.add(job)
    job.finish(picture(1200, 900))
    ((content, buffers),) = page.messages("thumbs")
    assert content["hashes"] == hashes(job)
    small = Image.open(io.BytesIO(buffers[0]))
    assert (small.format, small.size) == ("JPEG", (512, 384))
    assert len(buffers[0]) <= 48_000


def test_the_saved_state_holds_no_pixels(gallery, make_job, picture):
    job = make_job()
    gallery.add(job)
    width, height, data = picture(800, 800)
    job.finish((width, height, data))
    state = {name: value for name, value in gallery.get_state().items() if name not in ("_esm", "_css", "layout")}
    assert len(json.dumps(state)) < 3000


def test_a_push_is_repeated_after_1_3_and_9_seconds_until_the_page_has_it(gallery, make_job, page, picture, instant):
    job = make_job()
    gallery.add(job)
    job.finish(picture())
    assert [instant.run_timers(), instant.run_timers(), instant.run_timers(), instant.run_timers()] == [
        [1],
        [3],
        [9],
        [],
    ]
    assert len(page.messages("thumbs")) == 4


def test_an_acknowledged_picture_is_not_sent_again(gallery, make_job, page, picture, instant, ask):
    job = make_job()
    gallery.add(job)
    job.finish(picture(), picture(colour="blue"))
    ask(gallery, {"type": "got", "hashes": hashes(job)})
    instant.run_timers()
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [[each] for each in hashes(job)]


def test_a_page_gets_what_it_asks_for_and_strangers_are_ignored(gallery, make_job, page, picture, ask):
    job = make_job()
    gallery.add(job)
    job.finish(picture())
    ask(gallery, {"type": "want", "hashes": [*hashes(job), "unknown"]})
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [hashes(job)] * 2


def test_the_original_comes_as_it_is_with_its_type_and_name(gallery, make_job, page, picture, ask):
    job = make_job()
    gallery.add(job)
    made = picture(300, 200)
    job.finish(made)
    ask(gallery, {"type": "full", "id": 1, "hash": hashes(job)[0]})
    content, buffers = page.answer_to(1)
    assert content["result"] == {"type": "image/png", "name": f"{hashes(job)[0][:6]}.png"}
    assert buffers == [made[2]]


def test_a_picture_that_nobody_has_is_refused(gallery, page, ask):
    ask(gallery, {"type": "full", "id": 1, "hash": "f" * 64})
    assert page.answer_to(1)[0]["ok"] is False


def test_an_original_that_is_gone_is_told_in_its_tile_and_stops_nothing(gallery, make_job, page, picture):
    broken, fine = make_job(), make_job()
    gallery.add(broken)
    gallery.add(fine)
    width, height, _ = picture()
    broken.finish((width, height, b"not a picture"))
    fine.finish(picture())
    assert [content["hash"] for content, _ in page.messages("lost")] == hashes(broken)
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [hashes(fine)]


@pytest.mark.parametrize(
    ("action", "call"),
    [("cancel", "stop"), ("stop", "stop"), ("resume", "resume"), ("fetch", "fetch"), ("look", "look")],
)
def test_buttons_reach_the_job(gallery, make_job, page, ask, action, call):
    job = make_job()
    gallery.add(job)
    ask(gallery, {"type": "act", "id": 1, "job": job.id, "action": action})
    assert job.calls == [call]
    assert page.answer_to(1)[0]["ok"]


def test_a_button_that_fails_says_why(gallery, make_job, page, ask):
    job = make_job()
    job.refusal = errors.TransportError("The host was not reached.")
    gallery.add(job)
    ask(gallery, {"type": "act", "id": 1, "job": job.id, "action": "fetch"})
    assert gallery.error == "The host was not reached. Check the network and the API address, then run it again."
    assert page.answer_to(1)[0]["error"] == gallery.error


def test_jobs_and_images_stand_in_order_and_once(gallery, make_job, picture):
    jobs = [make_job(), make_job()]
    for job in (*jobs, jobs[0]):
        gallery.add(job)
    jobs[1].finish(picture(colour="blue"))
    jobs[0].finish(picture(), picture(colour="green"))
    assert gallery.jobs == tuple(jobs)
    assert gallery.images == jobs[0].images + jobs[1].images
    assert repr(gallery) == "Gallery(2 jobs)"


def test_finished_jobs_show_their_pictures_at_once(page, instant, make_job, picture):
    job = make_job()
    job.finish(picture())
    gallery = Gallery([job], through=instant)
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [hashes(job)]
    gallery.close()


def test_closed_it_follows_nothing_and_may_be_closed_again(gallery, make_job, page):
    job = make_job()
    gallery.add(job)
    gallery.close()
    gallery.close()
    before = len(page.sent)
    job.go(S.SENDING)
    assert job.callbacks == []
    assert len(page.sent) == before


def test_outside_a_kernel_a_repr_is_enough(gallery):
    with pytest.raises(NotImplementedError):
        gallery._ipython_display_()


def test_the_line_that_renews_the_twin_finds_the_widget(gallery):
    assert gallery.again == f"tl.Gallery.show_again({gallery.uid!r})"
    assert Gallery.show_again(gallery.uid) is gallery
    with pytest.raises(LookupError, match="kernel was restarted"):
        Pictures.show_again("00000000")


def test_a_job_view_is_one_job_with_the_same_pictures(page, instant, make_job, picture, monkeypatch):
    monkeypatch.setattr("tokenlab_nb.widgets._pictures.bridge", lambda: instant)
    job = make_job()
    view = JobView(job)
    job.finish(picture())
    assert view.job is job
    assert view.images == job.images
    assert view.title == "some-model"
    assert repr(view) == "JobView('some-model')"
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [hashes(job)]
    (row,) = view.get_state("rows")["rows"]
    assert row["ids"] == {"Job": job.id, "Task": "", "Request": f"req-{job.id}", "Charge": "", "Runs again": ""}
    view.close()


@pytest.fixture
def edited(gallery, make_job, picture):
    """A finished job with two references and a mask."""
    first, second, cover = picture(), picture(colour="blue"), picture(colour="white")
    job = make_job(references=(first[2], second[2]), mask=cover[2])
    gallery.add(job)
    return job.finish(picture(colour="green"))


def inputs(job):
    return [image.sha256 for image in (*job.references, job.mask)]


def test_what_went_in_is_named_in_order_with_the_mask_last(gallery, edited):
    (row,) = gallery.get_state("rows")["rows"]
    assert row["inputs"] == [
        {"hash": inputs(edited)[0], "label": "Reference 1", "kind": "reference"},
        {"hash": inputs(edited)[1], "label": "Reference 2", "kind": "reference"},
        {"hash": inputs(edited)[2], "label": "Mask", "kind": "mask"},
    ]


def test_where_a_picture_comes_from_is_looked_for_once_and_told(gallery, edited, page):
    assert edited.calls == ["lineage"]
    last = page.messages("rows")[-1][0]["rows"][0]
    assert last["lineage"] == edited.line == gallery.get_state("rows")["rows"][0]["lineage"]


def test_it_is_not_looked_for_where_nothing_went_in(gallery, make_job, picture):
    job = make_job()
    gallery.add(job)
    job.finish(picture())
    (row,) = gallery.get_state("rows")["rows"]
    assert (job.calls, row["lineage"], row["inputs"]) == ([], "", [])


class Slow(InstantBridge):
    """Does work only when it is let go."""

    def __init__(self):
        super().__init__()
        self.work = []

    def soon(self, owner, name, action, *, gap=0.0, work=False):
        self.work.append(action) if work else action()


def test_looking_for_it_is_work_that_nothing_waits_for(page, make_job, picture):
    slow = Slow()
    gallery = Gallery(through=slow)
    job = make_job(references=(picture()[2],))
    gallery.add(job)
    assert gallery.get_state("rows")["rows"][0]["lineage"] == ""
    assert job.calls == []
    slow.work[0]()
    assert gallery.get_state("rows")["rows"][0]["lineage"] == job.line
    gallery.close()


def test_a_page_gets_what_went_in_small_and_whole(gallery, edited, page, ask):
    ask(gallery, {"type": "want", "hashes": inputs(edited)})
    assert [content["hashes"] for content, _ in page.messages("thumbs")][-3:] == [[each] for each in inputs(edited)]
    for place, sha256 in enumerate(inputs(edited)):
        ask(gallery, {"type": "full", "id": place, "hash": sha256})
        content, buffers = page.answer_to(place)
        assert content["result"] == {"type": "image/png", "name": f"in-{sha256[:6]}.png"}
        assert buffers == [edited.blobs[sha256]]


def test_what_went_into_a_job_that_is_no_longer_here_is_not_given(page, instant, make_job, picture, ask):
    gallery = Gallery(through=instant)
    job = make_job(references=(picture()[2],))
    gallery.add(job)
    job.go(S.SENDING).go(S.UNKNOWN)
    ask(gallery, {"type": "act", "id": 1, "job": job.id, "action": "forget"})
    ask(gallery, {"type": "full", "id": 2, "hash": job.references[0].sha256})
    assert page.answer_to(2)[0]["ok"] is False
    sent = len(page.messages("thumbs"))
    ask(gallery, {"type": "want", "hashes": [job.references[0].sha256]})
    assert len(page.messages("thumbs")) == sent
    gallery.close()


def test_a_picture_of_no_job_here_is_refused_in_words(gallery, edited, page, ask):
    ask(gallery, {"type": "full", "id": 9, "hash": "e" * 64})
    content, buffers = page.answer_to(9)
    assert (content["ok"], buffers) == (False, [])
    assert "belongs to no job here" in content["error"]


def test_a_result_that_also_went_in_is_still_pushed(gallery, edited, page, make_job):
    later = make_job()
    gallery.add(later)
    data = edited.blobs[inputs(edited)[0]]
    later.finish((64, 48, data))
    assert page.messages("thumbs")[-1][0]["hashes"] == inputs(edited)[:1]


def test_the_twin_tells_where_its_pictures_come_from(gallery, edited):
    assert "a picture of yours -&gt; some-model edit" in gallery.frozen().html
