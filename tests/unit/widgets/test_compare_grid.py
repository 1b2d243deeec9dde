"""What `CompareGrid` tells its page and takes from it: cells, pictures in view, what is sent only once confirmed."""

import json
from dataclasses import replace

import pytest

from tokenlab_nb import errors
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.repair import Mended, Repair
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sweep.feed import Started
from tokenlab_nb.sweep.plan import Cell, Difference, Plan, Take, axis, key_of
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets import _grid, compare
from tokenlab_nb.widgets.compare import CompareGrid

S = JobStatus
CHANGE = Difference("size", "1024x1024", None, "size is not sent: the model takes none.")


class Desk:
    """Starts what it is asked for, and notes it."""

    def __init__(self, make_job):
        self.make_job, self.asked = make_job, []

    def run_takes(self, takes, *, budget=None, beside=None, anew=False):
        self.asked.append(([take.key for take in takes], budget or beside))
        return Started({take.key: self.make_job("some-model") for take in takes})


@pytest.fixture
def make_grid(make_job):
    """A grid of so many prompts and seeds, whose jobs a test moves; the last cell is impossible where that is asked."""

    def made(prompts=2, seeds=2, impossible=False):
        axes = (axis("prompt", [f"prompt {n}" for n in range(prompts)]), axis("seed", range(seeds)))
        cells = []
        for index in range(prompts * seeds):
            values = {"prompt": f"prompt {index // seeds}", "seed": index % seeds, "size": "1024x1024"}
            request = ImageRequest("some-model", "text-to-image", "/v1/images/generations", values)
            take = Take(request, 1, key_of(str(index), 1), Estimate(0.02, 0.02))
            at = (index // seeds, index % seeds)
            more = {"price": take.price, "takes": (take,)}
            cells.append(Cell(index, at, "some-model", "text-to-image", values, "asked", **more))
        cells[1] = replace(cells[1], status="adjusted", differences=(CHANGE,))
        if impossible:
            cells[-1] = replace(cells[-1], status="impossible", reason="It takes no pictures.", takes=())
        plan = Plan(axes, tuple(cells), tuple(cell.index for cell in cells if cell.takes))
        jobs = {key: make_job("some-model", take.request.prompt) for key, take in plan.takes.items()}
        for job in jobs.values():
            job.snapshot = replace(job.snapshot, estimate=Estimate(0.02, 0.02), take=1)
        return GridRun(plan, Desk(make_job), jobs)

    return made


@pytest.fixture
def show(page, instant):
    widgets = []

    def shown(grid):
        widgets.append(CompareGrid(grid, through=instant))
        return widgets[-1]

    yield shown
    for widget in widgets:
        widget.close()


def finish(job, picture, colour):
    return job.finish(picture(colour=colour))


def colours(count):
    return [(number % 256, number // 256, 7) for number in range(count)]


def sent(page):
    return [sha256 for message, _ in page.messages("thumbs") for sha256 in message["hashes"]]


def hash_of(job):
    return job.snapshot.images[0].sha256


def table(widget):
    return widget.get_state("table")["table"]


def head(widget):
    return table(widget)["head"]


def last_cells(page):
    return page.messages("cells")[-1][0]


# Cells.


def test_a_page_gets_axes_and_short_cells_whose_texts_travel_once(make_grid, show):
    grid = make_grid(10, 10)
    found = table(show(grid))
    assert [each["label"] for each in found["axes"]] == ["Prompt", "Seed"]
    assert found["fixed"] == {"size": "1024x1024"}
    status, price, cost, changes, reason, jobs = found["cells"][1]
    assert (status, found["texts"][price], cost, found["texts"][reason]) == (1, "$0.02", 0.02, "")
    assert found["changes"][changes[0]] == {
        "field": "size",
        "asked": "1024x1024",
        "sent": None,
        "text": "size is not sent: the model takes none.",
    }
    assert jobs == [grid.jobs[1].id]
    assert len(found["texts"]) == 2
    assert len(json.dumps(found["cells"])) < 100 * 40


def test_an_impossible_cell_says_why_and_has_no_job(make_grid, show):
    found = table(show(make_grid(impossible=True)))
    assert found["cells"][3][0] == 2
    assert found["texts"][found["cells"][3][4]] == "It takes no pictures."
    assert found["cells"][3][5] == []


def test_labels_that_leave_something_out_come_with_the_whole_text():
    short = _grid.axis(axis("prompt", ["A red fox in deep snow"], ["fox"]))
    assert (short["values"], short["texts"]) == (["fox"], ["A red fox in deep snow"])
    assert "texts" not in _grid.axis(axis("seed", [1, 2]))


def test_a_cell_is_named_by_its_model_and_by_what_varies(make_grid):
    grid = make_grid()
    assert _grid.name(grid.plan, grid.plan.cells[3]) == "prompt 1 · seed 1"
    one = replace(grid.plan, axes=(axis("model", ["some-model"]), axis("prompt", ["p"])))
    assert _grid.name(one, replace(grid.plan.cells[0], at=(0, 0))) == "some-model"


def test_a_cell_that_gets_another_job_is_told_of_alone(make_grid, show, page, make_job):
    grid = make_grid()
    widget = show(grid)
    key, new, old = next(iter(grid.plan.takes)), make_job("some-model"), grid.jobs[0]
    grid.adopt_job(key, new)
    assert last_cells(page)["jobs"] == {0: [new.id]}
    assert {job.id for job in widget.jobs} == {job.id for job in grid.jobs}
    assert page.messages("gone")[-1][0]["jobs"] == [old.id]


def test_news_without_other_jobs_bring_at_most_a_new_head(make_grid, show, page):
    grid = make_grid()
    show(grid)
    grid.jobs[0].go(S.SENDING)
    assert last_cells(page)["jobs"] == {}
    assert last_cells(page)["head"]["unsent"] == 3
    count = len(page.messages("cells"))
    grid.jobs[0].go(S.SENDING, progress=10)
    assert len(page.messages("cells")) == count


def test_a_job_that_runs_another_again_stands_in_its_cell(make_grid, show, ask, page):
    grid = make_grid()
    job = grid.jobs[0].go(S.SENDING).go(S.UNKNOWN)
    widget = show(grid)
    ask(widget, {"type": "act", "id": 1, "job": job.id, "action": "again", "repeated": ""})
    assert page.answer_to(1)[0]["ok"]
    assert grid.jobs[0] is job.repeat
    assert table(widget)["cells"][0][5] == [job.repeat.id]


def test_a_job_that_mends_another_stands_in_its_cell(make_grid, show, ask, page):
    grid = make_grid()
    job = grid.jobs[0]
    job.ways = [Mended(Repair("Use 3:2 instead", {}, why="So."), job.snapshot.request, Estimate(0.02, 0.02))]
    widget = show(grid)
    job.go(S.SENDING).go(S.FAILED, error=errors.ValidationError("No.", facts=errors.Facts(param="size")))
    ask(widget, {"type": "repair", "id": 1, "job": job.id, "repair": "Use 3:2 instead"})
    assert page.answer_to(1)[0]["ok"], page.answer_to(1)
    assert grid.jobs[0] is not job


# Pictures.


def test_before_a_page_spoke_the_first_pictures_are_sent_and_no_more(make_grid, show, page, picture, monkeypatch):
    monkeypatch.setattr(compare, "_FIRST", 5)
    grid = make_grid(3, 3)
    show(grid)
    for job, colour in zip(grid.jobs, colours(9), strict=True):
        finish(job, picture, colour)
    assert sent(page) == [hash_of(job) for job in grid.jobs[:5]]


def test_a_picture_that_comes_is_sent_where_a_page_shows_its_cell(make_grid, show, page, picture, ask):
    grid = make_grid()
    widget = show(grid)
    one, two, *_ = grid.jobs
    ask(widget, {"type": "visible", "page": "a", "jobs": [two.id], "hashes": []})
    for job, colour in zip((one, two), colours(2), strict=True):
        finish(job, picture, colour)
    assert sent(page) == [hash_of(two)]
    ask(widget, {"type": "visible", "page": "b", "jobs": [one.id], "hashes": [hash_of(one)]})
    assert sent(page) == [hash_of(two), hash_of(one)]


def test_what_is_on_its_way_is_not_sent_again_for_being_in_view(make_grid, show, page, picture, ask):
    grid = make_grid()
    widget = show(grid)
    job = finish(grid.jobs[0], picture, "red")
    ask(widget, {"type": "visible", "page": "a", "jobs": [job.id], "hashes": [hash_of(job)]})
    assert sent(page) == [hash_of(job)]
    ask(widget, {"type": "got", "hashes": [hash_of(job)]})
    ask(widget, {"type": "visible", "page": "a", "jobs": [job.id], "hashes": [hash_of(job)]})
    assert len(sent(page)) == 2


def test_views_of_pages_that_are_long_gone_are_forgotten(make_grid, show, ask):
    grid = make_grid()
    widget = show(grid)
    for name in "abcdef":
        ask(widget, {"type": "visible", "page": name, "jobs": [], "hashes": []})
    assert list(widget._views) == ["c", "d", "e", "f"]


def test_thumbnails_in_memory_are_bounded(make_grid, show, picture, ask, monkeypatch):
    monkeypatch.setattr(compare, "_KEPT", 4)
    grid = make_grid(3, 4)
    widget = show(grid)
    for job, colour in zip(grid.jobs, colours(12), strict=True):
        finish(job, picture, colour)
    ask(widget, {"type": "want", "hashes": [hash_of(job) for job in grid.jobs]})
    assert len(widget._thumbs) <= 4


def test_a_picture_that_cannot_be_read_is_told_and_stops_nothing(make_grid, show, page, picture):
    grid = make_grid()
    show(grid)
    bad, good, *_ = grid.jobs
    bad.finish((8, 8, b"no picture"))
    finish(good, picture, "red")
    assert [message["hash"] for message, _ in page.messages("lost")] == [hash_of(bad)] * 2  # for the page and the twin
    assert sent(page) == [hash_of(good)]


# What is above the grid.


def test_the_head_says_what_is_planned_what_was_sent_and_what_is_left(make_grid, show):
    grid = make_grid()
    widget = show(grid)
    grid.jobs[0].go(S.SENDING)
    told = head(widget)
    assert (told["state"], told["price"], told["spent"], told["unsent"]) == ("running", "about $0.08", "about $0.02", 3)
    assert told["billed"]
    assert told["questions"]["retry"] is None
    assert told["questions"]["resume"] == {
        "text": "This sends 3 requests. It may cost about $0.06.",
        "button": "Go on and pay",
    }


def failed(grid):
    return grid.jobs[0].go(S.SENDING).go(S.FAILED, error=errors.ServiceError("It broke."))


RETRY = "This sends 1 request once more. It may cost about $0.02."


def test_retrying_sends_what_the_user_was_asked_about(make_grid, show, page, ask):
    grid = make_grid()
    widget = show(grid)
    failed(grid)
    assert head(widget)["questions"]["retry"] == {"text": RETRY, "button": "Retry and pay"}
    ask(widget, {"type": "grid", "id": 1, "action": "retry", "told": RETRY})
    assert page.answer_to(1)[0]["ok"]
    assert grid._desk.asked == [([next(iter(grid.plan.takes))], None)]
    assert head(widget)["questions"]["retry"] is None


def test_a_question_that_is_out_of_date_sends_nothing(make_grid, show, page, ask):
    grid = make_grid()
    widget = show(grid)
    failed(grid)
    ask(widget, {"type": "grid", "id": 1, "action": "retry", "told": "This sends 2 requests once more. It is free."})
    assert "Nothing was sent" in page.answer_to(1)[0]["error"]
    ask(widget, {"type": "grid", "id": 2, "action": "resume", "told": ""})
    assert "Nothing was sent" in page.answer_to(2)[0]["error"]
    assert grid._desk.asked == []


def test_what_is_sent_from_the_grid_keeps_its_budget_or_the_studios_as_it_stands_now(make_grid, show, page, ask):
    grid, now = make_grid(), [Budget(2.0)]
    grid.budget = Budget(1.0)
    widget = show(grid)
    assert widget.budget() == Budget(1.0)  # also for what is mended, or run again
    widget.budget = lambda: now[0]
    failed(grid)
    ask(widget, {"type": "grid", "id": 1, "action": "retry", "told": RETRY})
    assert grid._desk.asked == [([next(iter(grid.plan.takes))], Budget(2.0))]


def test_retrying_waits_for_the_models_and_holds_nothing_up(make_grid, show, page, ask):
    grid = make_grid()
    widget = show(grid)
    job = failed(grid)
    job.unread = True
    ask(widget, {"type": "grid", "id": 1, "action": "retry", "told": RETRY})
    assert grid._desk.asked == []
    job.answers[-1].set_result(None)
    assert page.answer_to(1)[0]["ok"]
    assert len(grid._desk.asked) == 1


def test_a_grid_that_was_closed_meanwhile_sends_nothing(make_grid, show, ask):
    grid = make_grid()
    widget = show(grid)
    job = failed(grid)
    job.unread = True
    ask(widget, {"type": "grid", "id": 1, "action": "retry", "told": RETRY})
    widget.close()
    job.answers[-1].set_result(None)
    assert grid._desk.asked == []


def test_pausing_going_on_and_stopping(make_grid, show, page, ask):
    grid = make_grid()
    widget = show(grid)
    ask(widget, {"type": "grid", "id": 1, "action": "pause"})
    assert head(widget)["state"] == "paused"
    ask(widget, {"type": "grid", "id": 2, "action": "resume", "told": head(widget)["questions"]["resume"]["text"]})
    assert page.answer_to(2)[0]["ok"]
    assert head(widget)["state"] == "running"
    ask(widget, {"type": "grid", "id": 3, "action": "stop"})
    assert head(widget)["state"] == "stopped"


def test_a_cell_is_told_as_code_in_each_language(make_grid, show, page, ask):
    widget = show(make_grid())
    ask(widget, {"type": "code", "id": 1, "cell": 2})
    told = page.answer_to(1)[0]["result"]
    marks = {"text": "session.submit(", "curl": "curl http://service/v1/", "openai": "client.images.generate("}
    assert set(told) == set(marks)
    assert all(marks[language] in text and '"prompt 1"' in text for language, text in told.items())


# The twin.


def test_the_twin_has_every_cell_by_name_with_what_is_otherwise(make_grid, show, picture):
    grid = make_grid(impossible=True)
    widget = show(grid)
    finish(grid.jobs[1], picture, "red")
    frozen = widget.frozen()
    assert "prompt 0 · seed 1" in frozen.html
    assert "size is not sent: the model takes none." in frozen.html
    assert "It takes no pictures." in frozen.html
    assert frozen.html.count("data:image/jpeg") == 1


def test_a_large_twin_says_what_it_leaves_out(make_grid, show):
    frozen = show(make_grid(25, 10)).frozen()
    assert "the first 200 rows of 250 cells" in frozen.text
    assert len(frozen.text.splitlines()) == 201


def test_shown_again_a_twin_that_did_not_change_has_its_pictures(make_grid, show, picture, notebook):
    grid = make_grid()
    widget = show(grid)
    widget._ipython_display_()
    finish(grid.jobs[0], picture, "red")
    shown = notebook[-1]["data"]["text/html"]
    assert shown.count("data:image/jpeg") == 1
    widget._ipython_display_()
    assert notebook[-1]["data"]["text/html"].count("data:image/jpeg") == 1


def test_it_says_how_many_cells_it_has(make_grid, show):
    assert repr(show(make_grid())) == "CompareGrid(4 cells)"
