"""Where a picture comes from: one line, by content hash, whatever the graph of jobs looks like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.job import JobSnapshot, StoredImage
from tokenlab_nb.jobs.lineage import MOST_STEPS, Ancestor, Lineage, Maker, trace, trace_picture

ADDRESS = Source(url="https://user:word@cdn.example.com/fox.png?signature=secret")


def local(sha256: str, of: str | None = None) -> Source:
    return Source(sha256=sha256, media_type="image/png", size=1, width=1, height=1, of=of)


class Family:
    """Jobs by name; each makes pictures of these hashes out of these sources."""

    def __init__(self) -> None:
        self.jobs: list[JobSnapshot] = []
        self.asked: list[str] = []

    def add(self, name: str, made: str, *sources: Source, prompt: str = "", **changes: object) -> JobSnapshot:
        operation = "image-edit" if sources else "text-to-image"
        request = ImageRequest(f"model-{name}", operation, "/v1/x", {"prompt": prompt}, references=sources)
        images = tuple(StoredImage(each, "image/png", 1, 1, 1, place) for place, each in enumerate(made.split()))
        job = JobSnapshot(name, replace(request, **changes), "http://x", images=images)
        self.jobs.append(job)
        return job

    def find(self, sha256: str, child: JobSnapshot | None) -> Maker | None:
        self.asked.append(sha256)
        for job in self.jobs:
            for image in job.images:
                if image.sha256 == sha256 and (child is None or job.id != child.id):
                    return Maker(job, image.index)
        return None


@pytest.fixture
def family() -> Family:
    return Family()


def test_a_chain_is_told_from_the_oldest_to_the_picture(family: Family) -> None:
    family.add("a", "one", local("mine"), prompt="at night")
    family.add("b", "two three", local("one"), operation="image-variation")
    last = family.add("c", "four", local("three"), prompt="bluer", operation="image-to-image")
    line = trace(Maker(last, 0), family.find)
    assert repr(line) == str(line) == (
        'a picture of yours -> model-a edit "at night" -> model-b variation -> model-c image-to-image "bluer"'
    )  # fmt: skip
    assert [(step.sha256, step.job_id, step.place) for step in line.steps] == [
        ("mine", "", 0),
        ("one", "a", 0),
        ("three", "b", 1),
        ("four", "c", 0),
    ]
    assert line == trace_picture("four", family.find)


def test_a_job_without_references_asks_nobody(family: Family) -> None:
    made = family.add("a", "one", prompt="a fox")
    assert str(trace(Maker(made, 0), family.find)) == 'model-a text-to-image "a fox"'
    assert family.asked == []


@pytest.mark.parametrize(
    ("source", "called", "sha256"),
    [
        (local("x"), "a picture of yours", "x"),
        (local("x", of="y"), "a picture of yours", "y"),
        (ADDRESS, "a picture at cdn.example.com", ""),
        (Source(file_id="file-1"), "an uploaded file", ""),
    ],
    ids=["local", "prepared", "address", "uploaded"],
)
def test_what_comes_from_outside_is_called_by_what_is_known(
    family: Family, source: Source, called: str, sha256: str
) -> None:
    line = trace(Maker(family.add("a", "one", source), 0), family.find)
    assert line.steps[0] == Ancestor(sha256, outside=called)
    assert str(line) == f"{called} -> model-a edit"


def test_a_picture_that_was_prepared_is_found_by_what_was_handed_in(family: Family) -> None:
    family.add("a", "large", prompt="a fox")
    child = family.add("b", "two", local("small", of="large"))
    assert [step.job_id for step in trace(Maker(child, 0), family.find).steps] == ["a", "b"]


@pytest.mark.parametrize("first", ["mine", "one"])
def test_the_line_follows_the_first_of_several_pictures_and_counts_the_rest(family: Family, first: str) -> None:
    family.add("a", "one")
    child = family.add("b", "two", local(first), local("other"), ADDRESS)
    start = "a picture of yours" if first == "mine" else "model-a text-to-image"
    assert str(trace(Maker(child, 0), family.find)) == f"{start} + 2 more -> model-b edit"


def test_a_mask_is_told(family: Family) -> None:
    made = family.add("a", "one", local("mine"), prompt="a hat", mask=local("mask"))
    assert str(trace(Maker(made, 0), family.find)) == 'a picture of yours -> model-a masked edit "a hat"'


def test_an_adopted_task_has_no_model(family: Family) -> None:
    made = family.add("a", "one", model="")
    assert str(trace(Maker(made, 0), family.find)) == "an adopted task"


def test_a_job_without_its_picture_yet_has_its_line(family: Family) -> None:
    made = family.add("a", "", local("mine"))
    assert trace(Maker(made, 0), family.find).steps[-1].sha256 == ""


def test_a_picture_that_nobody_here_made_is_its_whole_line(family: Family) -> None:
    assert trace_picture("x", family.find) == Lineage((Ancestor("x", outside="a picture of yours"),))


def test_a_circle_is_walked_once(family: Family) -> None:
    """Equal bytes can make one: a model that gives its reference back unchanged."""
    family.add("a", "one", local("two"))
    last = family.add("b", "two", local("one"))
    assert str(trace(Maker(last, 0), family.find)) == "a picture of yours -> model-a edit -> model-b edit"


@pytest.mark.parametrize(("jobs", "is_cut"), [(MOST_STEPS, False), (MOST_STEPS + 1, True), (400, True)])
def test_a_long_line_is_cut_and_says_so(family: Family, jobs: int, is_cut: bool) -> None:
    family.add("0", "0")
    for n in range(1, jobs):
        family.add(str(n), str(n), local(str(n - 1)))
    line = trace(Maker(family.jobs[-1], 0), family.find)
    assert (len(line.steps), line.is_cut) == (MOST_STEPS, is_cut)
    assert str(line).startswith("... -> ") is is_cut
    assert len(family.asked) < MOST_STEPS


def test_a_wide_graph_is_followed_along_one_line(family: Family) -> None:
    """Every job takes all earlier pictures: a search of the whole graph would not end."""
    family.add("0", "0")
    for n in range(1, 40):
        family.add(str(n), str(n), *(local(str(earlier)) for earlier in reversed(range(max(0, n - 16), n))))
    line = trace(Maker(family.jobs[-1], 0), family.find)
    assert len(line.steps) == 40
    assert line.steps[-2].beside == 15
    assert len(family.asked) == 39


def test_a_prompt_is_shown_short_and_tame(family: Family) -> None:
    made = family.add("a", "one", prompt="line\nbreak \x1b[31m\u202e" + "fox " * 20)
    text = str(trace(Maker(made, 0), family.find))
    assert text == 'model-a text-to-image "line break [31m fox fox fox fox fox f..."'
