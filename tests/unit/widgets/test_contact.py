"""What a contact sheet says: rows and columns as the grid has them, captions in words, nothing that is kept back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

import tokenlab_nb as tl
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, JobFailedError, LeakError, ValidationError
from tokenlab_nb.export.share import Share
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sweep.plan import Cell, Difference, Plan, Take, axis, key_of
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets.contact import grid_sheet, list_sheet

CANARY = {
    "prompts": ("a canary prompt", "negative canary", "canary rewritten"),
    "ids": ("canary-request", "canary-task", "canary-charge"),
    "costs": ("$0.02",),
    "paths": ("canary-file.png", "http://canary.example/in.png"),
}
KEY = "sk-" + "canary1234567890"


@pytest.fixture
def made(make_job, picture):
    """A grid of axes, whose cells are done; ``cells`` and ``jobs`` change some of them."""

    def grid(*axes, cells=None, values=None, **facts):
        planned, jobs = [], {}
        sizes = [len(each.values) for each in axes]
        count = 1
        for size in sizes:
            count *= size
        for index in range(count):
            at, rest = [], index
            for size in reversed(sizes):
                at.insert(0, rest % size)
                rest //= size
            asked = {each.name: each.values[place] for each, place in zip(axes, at, strict=True)}
            model = asked.pop("model", "some-model")
            pictures = asked.pop("references", ())
            asked |= values or {}
            request = ImageRequest(model, "text-to-image", "/v1/images/generations", asked, references=pictures)
            take = Take(request, 1, key_of(str(index), 1), Estimate(0.02, 0.02))
            cell = Cell(index, tuple(at), model, "text-to-image", asked, "asked", price=take.price, takes=(take,))
            planned.append(replace(cell, **(cells or {}).get(index, {})))
            if planned[-1].takes:
                job = make_job(model, asked.get("prompt", ""))
                job.snapshot = replace(job.snapshot, request=request, estimate=Estimate(0.02, 0.02), **facts)
                jobs[take.key] = job.finish(picture(colour=(index, 0, 0)))
        order = tuple(cell.index for cell in planned if cell.takes)
        return GridRun(Plan(axes, tuple(planned), order), None, jobs)

    return grid


def tiles(sheet):
    return [tile for table in sheet.tables for _, row in table.rows for tile in row]


MODELS = axis("model", ["model-a", "model-b"])
PROMPTS = axis("prompt", ["A red fox", "A teal teapot", "A barn owl"])
QUALITIES = axis("quality", ["low", "high"])


def test_models_are_columns_prompts_are_rows_and_further_axes_follow_under_headings(made):
    sheet = grid_sheet(made(MODELS, PROMPTS, QUALITIES), "Foxes", Share())
    assert [table.heading for table in sheet.tables] == ["quality low", "quality high"]
    assert {table.columns for table in sheet.tables} == {("model-a", "model-b")}
    assert [label for label, _ in sheet.tables[0].rows] == ["A red fox", "A teal teapot", "A barn owl"]
    captions = [tile.caption[:2] for tile in tiles(sheet)]
    assert captions == [
        (model, quality)
        for quality in ("quality low", "quality high")
        for _ in range(3)
        for model in ("model-a", "model-b")
    ]
    colours = [tile.images[0].pil.getpixel((0, 0))[0] for tile in tiles(sheet)]
    assert colours == [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]
    assert sheet.intro == ("12 cells: 12 done · cost about $0.24",)


def test_one_axis_stands_in_columns_and_what_all_cells_share_is_said_once(made):
    grid = made(axis("model", ["model-a"]), axis("prompt", ["A red fox"]), axis("seed", [1, 2, 3]), values={"n": 1})
    sheet = grid_sheet(grid, "", Share())
    assert sheet.title == "Comparison"
    assert [(table.columns, [label for label, _ in table.rows]) for table in sheet.tables] == [
        (("seed 1", "seed 2", "seed 3"), [""])
    ]
    assert sheet.intro[:3] == ("Model: model-a", "Prompt: A red fox", "All cells: pictures 1")


def test_a_single_cell_is_a_sheet_too(made):
    sheet = grid_sheet(made(axis("model", ["model-a"]), axis("prompt", ["A red fox"])), "", Share())
    assert [len(tile.images) for tile in tiles(sheet)] == [1]
    assert sheet.tables[0].columns == ()


def test_a_label_of_the_users_own_stands_with_its_prompt(made):
    sheet = grid_sheet(made(MODELS, axis("prompt", ["A red fox", "An owl"], ["fox", "owl"])), "", Share())
    assert [label for label, _ in sheet.tables[0].rows] == ["fox: A red fox", "owl: An owl"]


def test_what_was_adjusted_impossible_or_failed_is_said_in_words(made):
    change = Difference("size", "1x1", None, "size is not sent: the model takes none.")
    grid = made(
        MODELS,
        PROMPTS,
        cells={
            0: {"status": "adjusted", "differences": (change,)},
            1: {"status": "impossible", "reason": "It takes no prompt.", "takes": ()},
        },
    )
    job = grid.cells[2].jobs[0]
    error = JobFailedError("The picture was withheld.", hint="Change the prompt.")
    job.snapshot = replace(job.snapshot, status=JobStatus.FAILED, images=(), error=error)
    sheet = grid_sheet(grid, "", Share())
    adjusted, _, impossible, _, failed, _ = tiles(sheet)
    assert adjusted.caption[-1] == "Adjusted: size is not sent: the model takes none."
    assert (impossible.images, impossible.state) == ((), "Impossible: It takes no prompt.")
    told = "Failed: no picture was made. The picture was withheld. Change the prompt."
    assert failed.state == f"{told} (request {job.snapshot.request_id})"
    assert "$" not in " ".join(failed.caption)
    assert "1 impossible" in sheet.intro[-1]
    assert "1 failed" in sheet.intro[-1]


def test_a_cell_shows_all_its_pictures_and_says_how_many_are_missing(made, picture):
    grid = made(MODELS, values={"n": 3})
    job = grid.cells[0].jobs[0]
    job.snapshot = replace(job.snapshot, status=JobStatus.PROCESSING, images=())
    job.finish(picture(colour="red"), picture(colour="blue"))
    [first, second] = tiles(grid_sheet(grid, "", Share()))
    assert [image.pil.getpixel((0, 0)) for image in first.images] == [(255, 0, 0), (0, 0, 255)]
    assert "asked 3, got 2" in first.caption[-1]
    assert "asked 3, got 1" in second.caption[-1]


@pytest.fixture
def telling(made):
    """A grid that holds every canary."""
    url = Source(url="http://canary.example/in.png")
    pictures = axis("references", [(url,), ()], ["canary-file.png", "no picture"])
    change = Difference("prompt", "x", "y", "a canary prompt is shortened for canary-file.png")
    grid = made(
        axis("prompt", ["a canary prompt", "another"]),
        pictures,
        values={"negative_prompt": "negative canary"},
        cells={0: {"status": "adjusted", "differences": (change,)}},
        task_id="canary-task",
        billing_transaction_id="canary-charge",
    )
    error = JobFailedError(
        "Refused: 'a canary prompt' with http://canary.example/in.png",
        facts=Facts(request_id="canary-request"),
        hint="task canary-task, charge canary-charge: canary rewritten, canary-file.png",
    )
    for cell in grid.cells:
        job = cell.jobs[0]
        image = replace(job.snapshot.images[0], revised_prompt="canary rewritten")
        job.snapshot = replace(job.snapshot, images=(image,), request_id="canary-request")
    lost = grid.cells[3].jobs[0]
    lost.snapshot = replace(lost.snapshot, status=JobStatus.FAILED, images=(), error=error)
    return grid


@pytest.mark.parametrize("kept", list(CANARY))
def test_what_is_kept_back_is_nowhere_on_a_sheet(telling, kept):
    share = Share(**{kept: False})
    for sheet in (
        grid_sheet(telling, "", share),
        list_sheet(telling.jobs, "", None, share),
        list_sheet(telling.images, "", None, share),
    ):
        assert not [canary for canary in CANARY[kept] if canary in sheet.text]
    assert tiles(grid_sheet(telling, "", share))[0].images


def test_what_is_not_kept_back_is_there(telling):
    text = grid_sheet(telling, "", Share()).text
    assert {"a canary prompt", "negative canary", "canary-request", "$0.02", "canary-file.png"} <= {
        canary for group in CANARY.values() for canary in group if canary in text
    }


def test_kept_back_axes_are_still_told_apart(telling):
    [table] = grid_sheet(telling, "", Share(prompts=False, paths=False)).tables
    assert table.columns == ("reference 1", "reference 2")
    assert [label for label, _ in table.rows] == ["prompt 1", "prompt 2"]


# Lists.


def test_a_prompt_that_all_share_is_said_once(make_job, picture):
    jobs = [
        make_job("model-a", seed=7).finish(picture()),
        make_job("model-b").finish(picture(), picture(colour="blue")),
    ]
    sheet = list_sheet(jobs, "", None, Share())
    assert (sheet.title, sheet.intro) == ("Pictures", ("Prompt: A red fox",))
    assert [tile.caption[0] for tile in tiles(sheet)] == ["model-a", "model-b", "model-b"]
    assert tiles(sheet)[0].caption[2] == "seed 7 · 64 \u00d7 48 · 4.0 s"
    assert [len(row) for _, row in sheet.tables[0].rows] == [2, 1]
    assert not any("A red fox" in part for tile in tiles(sheet) for part in tile.caption)


def test_prompts_that_differ_stand_under_each_and_what_came_to_nothing_is_said(make_job, picture):
    lost = make_job("model-b", "An owl").go(JobStatus.SENDING)
    sheet = list_sheet([make_job("model-a").finish(picture()), lost], "Mine", 1, Share())
    assert sheet.intro == ()
    assert [tile.caption[1] for tile in tiles(sheet)] == ["A red fox", "An owl"]
    assert tiles(sheet)[1].state == "Sent, waiting for the answer"
    assert [len(row) for _, row in sheet.tables[0].rows] == [1, 1]


def test_pictures_without_a_history_are_shown(make_job, picture):
    [image] = make_job().finish(picture()).images
    bare = replace(image, metadata={}, caption="Mine")
    [tile] = tiles(list_sheet([bare], "", None, Share()))
    assert (tile.caption[0], tile.images) == ("Picture", (bare,))


def test_no_pictures_or_no_columns_are_refused():
    with pytest.raises(ValidationError, match="no pictures"):
        tl.contact_sheet([], "a.png")
    with pytest.raises(ValueError, match="0 columns"):
        tl.contact_sheet([None], "a.png", columns=0)


# Files.


def test_a_grid_a_gallery_and_a_list_write_files(made, make_job, picture, page, instant, tmp_path):
    grid = made(MODELS, PROMPTS)
    [path] = grid.contact_sheet(tmp_path / "grid.png", title="Foxes", edge=64, dark=True)
    assert path == tmp_path / "grid.png"
    with Image.open(path) as sheet:
        assert sheet.width > 3 * 64
        assert max(sheet.getpixel((0, 0))) < 64
    jobs = [make_job("model-a", f"fox {n}").finish(picture(colour=(n, 9, 9))) for n in range(3)]
    gallery = tl.Gallery(jobs, title="My foxes", through=instant)
    gallery.contact_sheet(tmp_path / "gallery.webp")
    gallery.close()
    tl.contact_sheet([*jobs, *grid.images], tmp_path / "list.jpg", columns=3, share=tl.Share(prompts=False))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["gallery.webp", "grid.png", "list.jpg"]


def test_a_key_in_a_prompt_is_refused_and_nothing_is_written(made, tmp_path):
    grid = made(MODELS, axis("prompt", [f"fox {KEY}", "owl"]))
    with pytest.raises(LeakError):
        grid.contact_sheet(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
    assert grid.contact_sheet(tmp_path / "a.png", share=tl.Share(prompts=False))


FREE = {
    "user": "canary-user",
    "style": "canary words of mine",
    "config": {"prompt": "canary-nested", "note": "a canary note", "path": "/data/canary/x.png"},
    "callback": "https://host.example/canary",
}


@pytest.mark.parametrize("kind", ["grid", "jobs"])
def test_free_values_are_searched_for_what_is_kept_back(made, kind):
    told = Difference("config", FREE["config"], None, f"config {FREE['config']} is left out: not taken here.")
    grid = made(axis("prompt", ["a fox", "a cat"]), values=FREE, cells={0: {"differences": (told,)}})
    nothing = Share(prompts=False, ids=False, paths=False)
    if kind == "grid":
        assert "canary note" in grid_sheet(grid, "", Share()).text
        assert "canary" not in grid_sheet(grid, "", nothing).text
    else:
        assert "canary" not in list_sheet(list(grid.jobs), "", None, nothing).text


def test_a_share_that_is_none_is_refused(made, tmp_path):
    with pytest.raises(ValidationError, match="share is no dict"):
        tl.contact_sheet(made(axis("prompt", ["a fox"])), tmp_path / "a.png", share={"prompts": False})
    assert list(tmp_path.iterdir()) == []
