"""What a reader may not see, is in none of the values that pages and sheets are made of."""

from dataclasses import replace

import pytest

from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.share import Share
from tokenlab_nb.export.withheld import LEFT_OUT, Withheld
from tokenlab_nb.jobs.job import JobSnapshot, StoredImage
from tokenlab_nb.sweep.plan import Cell, Difference, Plan, axis

PROMPT = "A vermilion fox in deep snow at dawn"
HASH = "0" * 64


def request(**values):
    sources = (Source(url="https://host.example/a.png"), Source(file_id="file-123456"), Source(sha256=HASH))
    return ImageRequest(
        "some-model", "image-edit", "/v1/images/edits", {"prompt": PROMPT, **values}, sources, mask=Source(sha256=HASH)
    )


def snapshot(**changes):
    image = StoredImage(HASH, "image/png", 8, 8, 100, revised_prompt="Rewritten")
    base = JobSnapshot(
        "job_1",
        request(),
        "http://service",
        task_id="task-1",
        request_id="req-12",
        billing_transaction_id="odd id.7",
        images=(image,),
    )
    return replace(base, estimate=Estimate(0.5, 0.5), **changes)


def plan(*axes, **values):
    axes = (axis("model", ["some-model"]), axis("prompt", [PROMPT]), *axes)
    told = (Difference("style", PROMPT, 3, "style is left out."),)
    cell = Cell(0, (0, 0), "some-model", "", {"prompt": PROMPT, **values}, "adjusted", told, f"No {PROMPT}.")
    return Plan(axes, (cell,))


def withheld(made=None, *snapshots, **share):
    return Withheld(Share(**share), made or plan(), snapshots or [snapshot()])


def test_nothing_changes_where_everything_may_be_seen():
    hidden, made, job = withheld(), plan(), snapshot()
    assert hidden.plan(made) == made
    assert hidden.snapshot(job, 1) == job
    assert hidden.text(PROMPT) == PROMPT
    assert hidden.last({"a": [PROMPT, 1, None]}) == {"a": [PROMPT, 1, None]}


def test_prompts_of_any_name_and_free_texts_of_unknown_fields_are_left_out():
    values = {
        "negative_prompt": "no rain",
        "layout_prompts": [{"prompt": "left"}, 4],
        "scene": {"text": "a long sentence", "kind": "wide"},
        "size": "1024x1024",
        "expand_prompt": True,
    }
    found = withheld(prompts=False).request(request(**values)).values
    assert found == {
        "prompt": LEFT_OUT,
        "negative_prompt": LEFT_OUT,
        "layout_prompts": [{"prompt": LEFT_OUT}, 4],
        "scene": {"text": LEFT_OUT, "kind": "wide"},
        "size": "1024x1024",
        "expand_prompt": True,
    }


def test_axes_are_numbered_only_where_something_of_them_is_left_out():
    more = (axis("negative_prompt", ["no rain", None]), axis("size", ["1024x1024", "auto"]))
    found = withheld(plan(*more), prompts=False).plan(plan(*more)).axes
    assert [each.labels for each in found] == [
        ("some-model",),
        ("prompt 1",),
        ("negative prompt 1", "negative prompt 2"),
        ("1024x1024", "auto"),
    ]
    assert found[1].values == ("prompt 1",)


def test_names_of_pictures_become_numbers():
    named = axis("references", [(Source(url="https://host.example/a.png"),), ()], ["fox.png", "no picture"])
    hidden = withheld(plan(named), paths=False)
    assert hidden.plan(plan(named)).axes[2].labels == ("picture 1", "no picture")
    assert withheld(plan(named), ids=False).plan(plan(named)).axes[2] == named
    assert hidden.text("fox.png is no picture") == f"{LEFT_OUT} is no picture"


def test_sources_keep_what_may_be_seen_of_them():
    by_path = withheld(paths=False).request(request()).references
    assert [each.url or each.file_id or each.sha256 for each in by_path] == [LEFT_OUT, "file-123456", HASH]
    by_id = withheld(ids=False).request(request()).references
    assert [each.url or each.file_id or each.sha256 for each in by_id] == ["https://host.example/a.png", LEFT_OUT, HASH]
    bare = ImageRequest("some-model", "text-to-image", "/v1/images/generations", {"prompt": PROMPT})
    assert withheld(paths=False).request(bare) == bare


def test_a_job_goes_by_a_number_where_ids_are_left_out_and_has_no_price_where_costs_are():
    found = withheld(ids=False, costs=False, prompts=False).snapshot(snapshot(), 3)
    assert (found.id, found.task_id, found.request_id, found.estimate) == ("job 3", None, None, None)
    assert found.images[0].revised_prompt is None
    assert withheld(costs=False).snapshot(snapshot(), 3).id == "job_1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Refused: a  VERMILION fox in deep\nsnow!", "Left out: it repeats the prompt."),
        ("Refused: vermilion fox in d", "Left out: it repeats the prompt."),
        ("Refused: a fox", "Refused: a fox"),
    ],
)
def test_a_message_that_has_a_stretch_of_the_prompt_is_left_out(text, told):
    assert withheld(prompts=False).text(text) == told


@pytest.mark.parametrize(
    ("text", "told"), [("No Cat!", "Left out: it repeats the prompt."), ("Concatenate", "Concatenate")]
)
def test_a_short_prompt_counts_as_a_whole_word_only(text, told):
    made = Plan((axis("prompt", ["cat"]),), (Cell(0, (0,), "some-model", "", {"prompt": "cat"}, "asked"),))
    assert Withheld(Share(prompts=False), made, []).text(text) == told


@pytest.mark.parametrize(
    ("share", "text", "told"),
    [
        ("costs", "It costs $0.04, or 3 USD, of 12.50 dollars.", "It costs ... or ..., of ...."),
        ("ids", "task-1: req-12/req_0123456789ab (odd id.7), task-11", "...: .../... (...), task-11"),
        ("paths", "See https://host.example/a.png?b and /home/me/fox.png.", "See ... and ..."),
        ("paths", r"C:\Users\me\fox.png, ~/pictures/fox.png, /srv/in or 16/9, and/or", "..., ..., ... or 16/9, and/or"),
    ],
)
def test_messages_lose_money_ids_and_paths(share, text, told):
    assert withheld(**{share: False}).text(text) == told
    assert withheld().text(text) == text


def test_a_difference_loses_what_its_field_loses():
    found = withheld(prompts=False, costs=False).plan(plan(style="x")).cells[0]
    assert (found.differences[0].asked, found.differences[0].sent) == (LEFT_OUT, 3)  # several words, whatever the field
    assert found.reason == "Left out: it repeats the prompt."
    assert found.takes == ()


def test_ids_and_paths_are_searched_for_in_all_that_is_left():
    hidden = withheld(ids=False, paths=False)
    assert hidden.last({"a": ["task-1", ("https://host.example/x",), 4]}) == {"a": [LEFT_OUT, [LEFT_OUT], 4]}
    assert hidden.texts({"title": "task-1"}) == {"title": LEFT_OUT}


def test_a_message_that_repeats_words_from_within_a_free_value_is_left_out():
    config = {"prompt": "one vermilion", "notes": ["a canary sentence of mine"]}
    hidden = withheld(plan(config=config), prompts=False)
    for told in ('config {"prompt": "one vermilion"} is left out.', "notes a canary sentence of mine are left out."):
        assert hidden.text(told) == "Left out: it repeats the prompt."
