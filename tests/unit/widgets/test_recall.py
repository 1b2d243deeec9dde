"""A file that says how it was made, dropped on the Studio: it can be set up again. Nothing is sent by that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import tokenlab_nb as tl
from tests.unit.pictures import PNG
from tests.unit.provenance.samples import FILES, request
from tests.unit.widgets.test_references_files import send
from tests.unit.widgets.test_studio import until
from tokenlab_nb.contract.references import Source
from tokenlab_nb.provenance.files import stamped
from tokenlab_nb.provenance.record import Record


@pytest.fixture
def studio(page: object, sandbox_session: tl.Session) -> Iterator[tl.Studio]:
    made = tl.Studio(sandbox_session, models=["gpt-image-2"], prompt="")
    until(lambda: not made.button.disabled)
    yield made
    made.close()


def a_file(**changes: object) -> bytes:
    """A PNG that somebody made with another model."""
    values = {"prompt": "A <b>red</b> fox", "n": 1, "aspect_ratio": "16:9"}
    asked = replace(request(values=values), **{"model": "nano-banana-2", **changes})
    return stamped(PNG, Record(request=asked, sha256="a" * 64))


def drop(studio, page, ask, data, key="a"):
    picker = studio.inputs.references
    send(picker, page, ask, data, key=key)
    until(lambda: not picker.is_busy)
    return picker.cards[-1]


def test_a_dropped_file_sets_the_studio_up_as_it_was_made(studio, page, ask):
    studio.inputs.bar.value = "change"
    card = drop(studio, page, ask, a_file())
    assert card["made"] == 'Made by nano-banana-2: "A <b>red</b> fox"'
    picker = studio.inputs.references
    ask(picker, {"type": "recall", "id": "r", "key": "a"})
    assert page.answer_to("r")[0]["result"] == {"said": "Set up in the tab Create.", "lacking": ""}
    until(lambda: not studio.button.disabled and studio.controls.values)
    assert list(studio.picker.value) == ["nano-banana-2"]
    assert studio.prompt.value == "A <b>red</b> fox"
    assert studio.values == {"n": 1, "aspect_ratio": "16:9"}
    assert studio.inputs.bar.value == "create"
    assert studio.jobs == []


def test_pictures_that_are_not_here_are_told_and_stay_out(studio, page, ask):
    kept, _ = studio.session.take_in(FILES["jpeg"])
    missing = Source(sha256="c" * 64, media_type="image/png")
    data = a_file(operation="image-to-image", references=(kept, missing), mask=missing)
    studio.inputs.bar.value = "change"
    drop(studio, page, ask, data)
    ask(studio.inputs.references, {"type": "recall", "id": "r", "key": "a"})
    told = page.answer_to("r")[0]["result"]
    assert told["lacking"] == "Not in this data folder: reference 2. Add the file, if you have it."
    until(lambda: [each.sha256 for each in studio.inputs.references.value] == [kept.sha256])
    assert studio.inputs.workflow.needs_pictures


def test_a_file_that_tells_nothing_offers_nothing(studio, page, ask):
    assert drop(studio, page, ask, PNG)["made"] == ""
    ask(studio.inputs.references, {"type": "recall", "id": "r", "key": "a"})
    answer = page.answer_to("r")[0]
    assert not answer["ok"]
    assert "not known here any more" in answer["error"]


def test_a_picker_alone_offers_nothing(picker, page, ask):
    send(picker, page, ask, a_file(), key="a")
    assert picker.cards[0]["made"] == ""


def test_the_card_of_a_removed_picture_is_forgotten(studio, page, ask):
    drop(studio, page, ask, a_file(values={"prompt": "x" * 100}))
    picker = studio.inputs.references
    assert picker.cards[0]["made"].endswith('x..."')
    picker.remove(0)
    ask(picker, {"type": "recall", "id": "r", "key": "a"})
    assert not page.answer_to("r")[0]["ok"]
