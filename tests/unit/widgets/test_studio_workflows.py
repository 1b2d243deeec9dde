"""The Studio with pictures: workflows, references and masks, against the sandbox."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from ipywidgets.widgets import widget as registry
from PIL import Image, ImageOps

import tokenlab_nb as tl
from tests.unit.widgets.test_studio import DEADLINE, choose, until
from tokenlab_nb.widgets._cards import Card

SIZE = (256, 192)
ADDRESS = "https://images.example.org/fox.png"
PICTURE = Image.linear_gradient("L").resize(SIZE).convert("RGB")


@pytest.fixture
def studio(sandbox_session: tl.Session) -> Iterator[tl.Studio]:
    made = tl.Studio(sandbox_session, models=["gpt-image-2"], prompt="A red fox in deep snow")
    until(lambda: not made.button.disabled)
    yield made
    made.close()


def half_mask() -> Image.Image:
    """The left half may change."""
    mask = Image.new("L", SIZE, 0)
    mask.paste(255, (0, 0, SIZE[0] // 2, SIZE[1]))
    return mask


def work(studio: tl.Studio, workflow: str) -> None:
    studio.inputs.bar.value = workflow


def hand_in(studio: tl.Studio, *pictures: object) -> None:
    studio.inputs.references.value = list(pictures)
    until(lambda: len(studio.inputs.references.value) == len(pictures))


def refused(studio: tl.Studio) -> list[str]:
    """Press Run where it must be refused; the fields that the issues are about."""
    with pytest.raises(tl.errors.ValidationError) as told:
        studio.run()
    return sorted({issue.field for issue in told.value.issues})


def test_from_pictures_goes_to_whatever_operation_each_model_has(studio):
    choose(studio, "gpt-image-2", "nano-banana-2")
    work(studio, "change")
    hand_in(studio, PICTURE)
    jobs = {job.request.model: job for job in studio.run()}
    assert {name: job.request.operation for name, job in jobs.items()} == {
        "gpt-image-2": "image-edit",
        "nano-banana-2": "image-to-image",
    }
    for job in jobs.values():
        assert len(job.wait(DEADLINE)) == 1
        assert [source.sha256 for source in job.request.references] == [
            source.sha256 for source in studio.inputs.references.value
        ]


def test_only_the_painted_part_changes(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    studio.inputs.mask.mask = half_mask()
    (job,) = studio.run()
    (result,) = job.wait(DEADLINE)
    assert result.pil.size == SIZE
    right = (SIZE[0] // 2, 0, *SIZE)
    assert result.pil.convert("RGB").crop(right).tobytes() == PICTURE.crop(right).tobytes()
    assert result.pil.convert("RGB").tobytes() != PICTURE.tobytes()


def test_without_paint_nothing_is_sent(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    assert refused(studio) == ["mask"]
    assert studio.jobs == []
    assert "Nothing is painted yet" in studio.inputs.problem


def test_a_doubtful_mask_is_told_of_and_sent(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    mask = Image.new("L", SIZE, 255)
    mask.paste(0, (0, 0, 20, 20))
    studio.inputs.mask.mask = mask
    (job,) = studio.run()
    assert "99 % of the picture would change" in studio.inputs.note
    assert studio.inputs.problem == ""
    job.wait(DEADLINE)
    studio.inputs.mask.mask = half_mask()
    assert studio.inputs.note == ""


@pytest.mark.parametrize("workflow", ["change", "inpaint"])
def test_without_a_picture_nothing_is_sent(studio, workflow):
    work(studio, workflow)
    assert refused(studio) == ["references"]
    assert studio.jobs == []
    assert "There is no picture yet" in studio.inputs.problem


def test_variations_take_no_prompt(studio):
    choose(studio, "dall-e-2")
    until(lambda: "vary" in studio.inputs.bar.offered)
    work(studio, "vary")
    assert studio.prompt.layout.display == "none"
    hand_in(studio, PICTURE.resize((256, 256)))
    (job,) = studio.run()
    assert job.request.operation == "image-variation"
    assert job.request.prompt == ""
    assert len(job.wait(DEADLINE)) == 1


def test_models_that_only_edit_make_it_go_on_from_pictures(studio):
    studio.picker.value = ["ideogram-edit-v3"]
    until(lambda: studio.inputs.bar.value == "change")
    assert "ideogram-edit-v3 makes no picture from a prompt alone" in studio.inputs.bar.note


def test_models_without_a_common_way_cannot_be_run(studio):
    studio.picker.value = ["ideogram-edit-v3", "qwen-image"]
    until(lambda: studio.inputs.bar.offered == [])
    assert studio.button.disabled
    with pytest.raises(tl.errors.ValidationError, match="in common"):
        studio.run()


def test_pictures_stay_when_the_workflow_changes_and_are_not_sent_where_none_belong(studio):
    work(studio, "change")
    hand_in(studio, PICTURE)
    work(studio, "create")
    (job,) = studio.run()
    assert job.request.references == ()
    work(studio, "change")
    assert len(studio.inputs.references.value) == 1


def test_settings_follow_the_workflow(studio):
    choose(studio, "nano-banana-2")
    studio.controls.set_values({"n": 2})
    work(studio, "change")
    assert studio.values == {"n": 2}
    work(studio, "create")
    assert studio.values == {"n": 2}


def test_what_was_made_before_is_known_of_pictures_too(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    studio.inputs.mask.mask = half_mask()
    (job,) = studio.run()
    job.wait(DEADLINE)
    until(lambda: studio.quote.twins.startswith("Made before"))


def test_closing_frees_pictures_and_mask_too(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    parts = [studio.inputs, studio.inputs.bar, studio.inputs.references, studio.inputs.mask]
    studio.close()
    assert [part for part in parts if part.comm is not None] == []


def test_a_result_can_be_used_as_a_reference(studio):
    (job,) = studio.run()
    (image,) = job.wait(DEADLINE)
    until(lambda: studio.gallery.images)
    until(lambda: image.sha256 in studio.gallery._results)
    assert studio.gallery.use == "Use as reference"
    assert studio.gallery._on_use({"hash": image.sha256}, []) == {"said": "Added to the pictures."}
    assert studio.inputs.bar.value == "change"
    assert [source.sha256 for source in studio.inputs.references.value] == [image.sha256]
    again = studio.gallery._on_use({"hash": image.sha256}, [])
    assert again == {"said": "It is among the pictures already."}
    assert len(studio.inputs.references.value) == 1


def test_a_result_that_is_used_beside_the_painted_picture_says_which_one_is_painted_on(studio):
    (job,) = studio.run()
    (image,) = job.wait(DEADLINE)
    until(lambda: image.sha256 in studio.gallery._results)
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    assert "You paint on the first" in studio.gallery._on_use({"hash": image.sha256}, [])["said"]
    assert len(studio.inputs.references.value) == 2


def test_where_no_model_takes_pictures_a_result_waits_for_one_that_does(studio):
    choose(studio, "qwen-image")
    until(lambda: studio.inputs.bar.offered == ["create"])
    (job,) = studio.run()
    (image,) = job.wait(DEADLINE)
    until(lambda: image.sha256 in studio.gallery._results)
    assert "choose others" in studio.gallery._on_use({"hash": image.sha256}, [])["said"]
    assert studio.inputs.bar.value == "create"


def check(studio: tl.Studio, data: bytes) -> None:
    """What the Check button brings for the first picture."""
    answer: Future[bytes] = Future()
    answer.set_result(data)
    studio.inputs.references._checked(studio.inputs.references.cards[0]["key"], answer)


def png(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def test_a_part_of_a_picture_at_an_unchecked_address_is_not_changed_as_a_whole(studio):
    work(studio, "inpaint")
    hand_in(studio, ADDRESS)
    assert refused(studio) == ["mask"]
    assert studio.jobs == []
    assert "press its Check button" in studio.inputs.problem


def test_a_mask_is_not_sent_with_a_picture_that_it_was_not_painted_on(studio):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    studio.inputs.mask.mask = half_mask()
    (job,) = studio.run()
    hand_in(studio, ADDRESS)
    assert refused(studio) == ["mask"]
    assert studio.inputs.taken()["mask"] is None
    assert studio.jobs == [job]


def test_another_picture_at_the_same_address_is_painted_on_after_a_check(studio):
    work(studio, "inpaint")
    hand_in(studio, ADDRESS)
    check(studio, png(PICTURE))
    studio.inputs.mask.mask = half_mask()
    assert studio.inputs.taken()["mask"].width == SIZE[0]
    check(studio, png(PICTURE.resize((64, 64))))
    assert studio.inputs.mask.mask is None
    assert refused(studio) == ["mask"]


def test_a_turned_picture_at_an_address_is_not_painted_on(studio):
    exif = Image.Exif()
    exif[0x0112] = 6
    work(studio, "inpaint")
    hand_in(studio, ADDRESS)
    check(studio, png(PICTURE, exif=exif))
    assert studio.inputs.canvas.children == ()
    assert refused(studio) == ["mask"]
    assert "rotated by EXIF" in studio.inputs.problem


def test_a_stroke_that_comes_while_a_mask_is_made_ready_is_not_lost(studio, monkeypatch):
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    studio.inputs.mask.mask = half_mask()
    take = studio.session.take_mask

    def while_painting(mask: Image.Image, first: object) -> object:
        taken = take(mask, first)
        monkeypatch.undo()
        studio.inputs.mask.mask = ImageOps.invert(half_mask())
        return taken

    monkeypatch.setattr(studio.session, "take_mask", while_painting)
    first, second = (studio.inputs.taken()["mask"] for _ in range(2))
    assert first.sha256 != second.sha256


def test_what_is_on_its_way_is_waited_for_from_python_too(studio):
    work(studio, "change")
    hand_in(studio, PICTURE)
    studio.inputs.references._change(lambda deck: (*deck, Card("late", "late.png")))
    assert refused(studio) == ["references"]
    assert studio.jobs == []
    assert "still on its way" in studio.inputs.problem


def test_a_closed_studio_leaves_no_widget_behind(sandbox_session):
    def alive() -> set[str]:
        return set(registry._instances)

    first = tl.Studio(sandbox_session, models=["gpt-image-2"])  # what is shared is made once
    until(lambda: not first.button.disabled)
    first.close()
    before = alive()
    studio = tl.Studio(sandbox_session, models=["gpt-image-2"])
    until(lambda: not studio.button.disabled)
    work(studio, "inpaint")
    hand_in(studio, PICTURE)
    studio.close()
    assert [type(registry._instances[key]).__name__ for key in alive() - before] == []


def test_what_changes_after_a_press_is_not_sent(studio, sandbox_session, monkeypatch):
    """Where contracts have to be read anew first, some time passes between the press and the sending."""
    monkeypatch.setattr(sandbox_session, "model_at_hand", lambda _name: None)
    studio.button.click()
    studio.prompt.value = "A blue fox"
    until(lambda: studio.quote.error)
    assert "Something changed after Run was pressed" in studio.quote.error
    assert studio.jobs == []
