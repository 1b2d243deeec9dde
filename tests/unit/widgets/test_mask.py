"""The Python side of the mask editor, through the messages that a page sends and gets."""

import pytest
from PIL import Image

from tests.unit.pictures import encoded, gradient
from tokenlab_nb import canvas, errors
from tokenlab_nb.widgets.mask import MaskEditor

SIZE = (64, 48)


@pytest.fixture
def make(page, instant):
    def made(image=None, mask=None):
        return MaskEditor(image, mask, through=instant)

    return made


@pytest.fixture
def editor(make):
    return make(gradient(*SIZE))


def area(box, size=SIZE):
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def stroke(mask, turn=1, **changes):
    """The message that a page sends after a stroke, and its buffers."""
    form, data = canvas.pack(mask)
    facts = {"form": form, "width": mask.width, "height": mask.height, "by": "page", "turn": turn}
    return {"type": "mask", "batch": f"b{turn}", "parts": 1, **facts, **changes}, [data]


def test_a_stroke_becomes_the_mask_and_is_acknowledged(editor, page, ask):
    painted = area((10, 10, 42, 34))
    ask(editor, *stroke(painted))
    assert (editor.mask.mode, editor.mask.size) == ("L", SIZE)
    assert editor.mask.tobytes() == painted.tobytes()
    assert editor.share == 0.25
    kept, _ = page.messages("kept")[-1]
    assert (kept["by"], kept["turn"]) == ("page", 1)
    assert editor.get_state()["_now"]["mask"] == kept["mask"]


def test_the_mask_is_handed_out_as_a_copy(editor, ask):
    ask(editor, *stroke(area((0, 0, 8, 8))))
    editor.mask.paste(255, (0, 0, 64, 48))
    assert editor.mask.getbbox() == (0, 0, 8, 8)


def test_nothing_painted_is_no_mask(editor, ask):
    assert (editor.mask, editor.share) == (None, 0.0)
    ask(editor, *stroke(area((0, 0, 8, 8))))
    ask(editor, *stroke(Image.new("L", SIZE), turn=2))
    assert (editor.mask, editor.share) == (None, 0.0)


def test_a_stroke_may_come_in_parts(editor, ask):
    painted = Image.frombytes("L", SIZE, bytes(255 * (at % 2) for at in range(SIZE[0] * SIZE[1])))
    message, [data] = stroke(painted, parts=3)
    ask(editor, {"type": "part", "batch": "b1"}, [data[:100]])
    ask(editor, {"type": "part", "batch": "another"}, [b"x"])
    ask(editor, {"type": "part", "batch": "b1"}, [memoryview(data)[100:200]])
    ask(editor, message, [data[200:]])
    assert editor.mask.tobytes() == painted.tobytes()


def test_a_stroke_that_lost_a_part_is_refused_and_the_mask_stays(editor, ask):
    ask(editor, *stroke(area((0, 0, 8, 8))))
    ask(editor, *stroke(area((0, 0, 9, 9)), turn=2, parts=2))
    assert "did not arrive whole" in editor.error
    assert editor.mask.getbbox() == (0, 0, 8, 8)
    ask(editor, *stroke(area((0, 0, 9, 9)), turn=3))
    assert editor.error == ""


def test_parts_that_nobody_ends_are_let_go(editor, ask):
    for batch in range(9):
        ask(editor, {"type": "part", "batch": f"b{batch}"}, [b"x"])
    assert len(editor._parts) == 4


def test_a_stroke_of_the_wrong_length_is_refused(editor, ask):
    message, _ = stroke(area((0, 0, 8, 8)))
    ask(editor, message, [b"\x05\0\0\0"])
    assert "not one of 64 x 48 pixels" in editor.error
    assert editor.mask is None


def test_a_stroke_on_an_earlier_picture_is_dropped(editor, page, ask):
    editor.image = gradient(32, 32)
    ask(editor, *stroke(area((0, 0, 8, 8))))
    assert (editor.mask, editor.error, page.messages("kept")) == (None, "", [])


def test_the_picture_is_pushed_until_a_page_has_it(editor, page, instant, ask):
    scene, buffers = page.messages("scene")[-1]
    assert (scene["width"], scene["height"], scene["form"]) == (*SIZE, "runs")
    assert buffers[0][:3] == b"\xff\xd8\xff"
    assert canvas.unpack("runs", buffers[1], SIZE).getbbox() is None
    assert instant.run_timers() == [1.0]
    assert len(page.messages("scene")) == 2
    ask(editor, {"type": "got", "picture": scene["picture"] + 5})
    assert instant.run_timers() == [3.0]
    ask(editor, {"type": "got", "picture": scene["picture"]})
    assert instant.run_timers() == [9.0]
    assert len(page.messages("scene")) == 3
    assert instant.run_timers() == []


def test_pushing_ends_by_itself(editor, page, instant):
    assert [instant.run_timers() for _ in range(4)] == [[1.0], [3.0], [9.0], []]
    assert len(page.messages("scene")) == 4


def test_a_page_that_was_reloaded_gets_picture_and_mask(editor, page, ask):
    ask(editor, *stroke(area((0, 0, 8, 8))))
    ask(editor, {"type": "load", "id": 1})
    answer, buffers = page.answer_to(1)
    assert answer["result"].items() >= editor.get_state()["_now"].items()
    assert canvas.unpack(answer["result"]["form"], buffers[1], SIZE).getbbox() == (0, 0, 8, 8)


def test_no_picture_is_an_editor_too(make, page, ask):
    editor = make()
    ask(editor, {"type": "load", "id": 1})
    assert page.answer_to(1)[0]["result"] == {"picture": 0}
    assert page.messages("scene") == []
    assert (editor.image, editor.mask, editor.share, editor.preview) == (None, None, 0.0, None)
    assert repr(editor) == "MaskEditor(no picture)"
    with pytest.raises(errors.ImageError, match="no picture that this mask could cover"):
        editor.mask = area((0, 0, 8, 8))
    editor.mask = None
    assert page.messages("mask") == []


def test_the_repr_is_one_stable_line(make):
    assert repr(make(gradient(*SIZE), area((0, 0, 32, 24)))) == "MaskEditor(64x48, 25.0 % marked)"


@pytest.mark.parametrize(
    ("size", "kept", "note"),
    [
        (SIZE, True, "The mask is kept: this picture has the same size."),
        ((32, 48), False, "The mask was dropped: it had 64 x 48 pixels, this picture has 32 x 48 pixels."),
        (None, False, "The mask was dropped: it had 64 x 48 pixels, there is no picture now."),
    ],
    ids=["same size", "another size", "no picture"],
)
def test_another_picture_keeps_or_drops_the_mask_and_says_so(editor, ask, size, kept, note):
    ask(editor, *stroke(area((0, 0, 8, 8))))
    before = editor.get_state()["_now"]
    editor.image = gradient(*size) if size else None
    now = editor.get_state()["_now"]
    assert (editor.mask is not None, editor.note) == (kept, note)
    assert (now["mask"] == before["mask"]) is kept
    assert now["picture"] != before["picture"]


def test_another_picture_where_nothing_is_painted_says_nothing(editor):
    editor.image = gradient(32, 32)
    assert editor.note == ""


def test_what_is_no_picture_changes_nothing_and_is_shown(editor):
    before = editor.image
    with pytest.raises(errors.ImageError):
        editor.image = b"GIF89a"
    assert "GIF" in editor.error
    assert editor.image is before
    editor.image = encoded(gradient(*SIZE))
    assert editor.error == ""


@pytest.mark.parametrize("wrap", [lambda job: job, lambda job: job.images[0]], ids=["job", "result"])
def test_a_job_stands_for_its_first_picture(make, make_job, picture, wrap):
    image = wrap(make_job().finish(picture(30, 20), picture(50, 50)))
    editor = make(image)
    assert editor.image is image
    assert repr(editor) == "MaskEditor(30x20, 0.0 % marked)"


def test_a_job_without_pictures_is_refused_before_anything_is_made(make, make_job, page):
    with pytest.raises(errors.ImageError, match=r"has no picture\. Wait for it"):
        make(make_job())
    assert page.sent == []


@pytest.mark.parametrize(
    "mask",
    [area((0, 0, 32, 48)), area((0, 0, 32, 48)).convert("1"), encoded(area((0, 0, 32, 48)))],
    ids=["L", "1", "file"],
)
def test_a_mask_from_code_is_shown(editor, page, mask):
    editor.mask = mask
    assert editor.share == 0.5
    shown, [data] = page.messages("mask")[-1]
    assert canvas.unpack(shown["form"], data, SIZE).getbbox() == (0, 0, 32, 48)
    assert shown["mask"] == editor.get_state()["_now"]["mask"]
    editor.mask = None
    assert editor.mask is None
    assert len(page.messages("mask")) == 2


def test_a_mask_of_another_size_is_refused_and_shown(editor):
    editor.mask = area((0, 0, 8, 8))
    with pytest.raises(errors.ImageError, match="32x32 pixels, the picture 64x48"):
        editor.mask = area((0, 0, 8, 8), (32, 32))
    assert "32x32 pixels, the picture 64x48" in editor.error
    assert editor.mask.getbbox() == (0, 0, 8, 8)


def test_a_file_is_imported(editor, page, ask):
    data = encoded(area((4, 4, 8, 8)))
    ask(editor, {"type": "part", "batch": "f"}, [data[:50]])
    ask(editor, {"type": "import", "id": 1, "batch": "f", "parts": 2, "name": "sofa.png"}, [data[50:]])
    assert page.answer_to(1)[0]["result"] == {"said": "Imported sofa.png."}
    assert editor.mask.getbbox() == (4, 4, 8, 8)
    assert len(page.messages("mask")) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded(area((0, 0, 8, 8), (32, 32))), "32x32"),
        (encoded(Image.new("L", SIZE)), "nothing would change"),
        (b"GIF89a", "GIF"),
    ],
    ids=["size", "empty", "gif"],
)
def test_a_file_that_is_no_mask_is_refused_in_words(editor, page, ask, data, words):
    ask(editor, {"type": "import", "id": 1, "batch": "f", "parts": 1, "name": "x.png"}, [data])
    assert words in page.answer_to(1)[0]["error"]
    assert words in editor.error
    assert editor.mask is None


def test_the_preview_shows_what_will_change(editor, ask):
    ask(editor, *stroke(area((0, 0, 32, 48))))
    preview = editor.preview
    assert preview.size == SIZE
    assert preview.getpixel((10, 10)) != preview.getpixel((60, 10))
    editor.mask = None
    assert editor.preview.size == SIZE


def test_listeners_hear_of_every_change_until_they_end(editor, ask):
    heard = []
    end = editor.on_change(lambda changed: heard.append((changed is editor, changed.share)))
    ask(editor, *stroke(area((0, 0, 32, 48))))
    editor.mask = area((0, 0, 16, 48))
    editor.image = gradient(32, 32)
    ask(editor, {"type": "import", "batch": "f", "parts": 1, "name": "x"}, [encoded(area((0, 0, 8, 32), (32, 32)))])
    end()
    end()
    editor.mask = None
    assert heard == [(True, 0.5), (True, 0.25), (True, 0.0), (True, 0.25)]


def test_a_listener_that_fails_is_shown_and_the_others_hear_all_the_same(editor, ask):
    heard = []
    editor.on_change(lambda changed: 1 / 0)
    editor.on_change(heard.append)
    ask(editor, *stroke(area((0, 0, 32, 48))))
    assert heard == [editor]
    assert "ZeroDivisionError" in editor.error


def test_closing_ends_the_repeats(editor, instant):
    editor.close()
    assert instant.timers == {}


def test_saved_state_holds_no_pixels(make):
    state = make(gradient(640, 480), area((0, 0, 300, 480), (640, 480))).get_state()
    del state["_esm"], state["_css"]
    assert len(str(state)) < 2000


def test_a_late_stroke_over_a_picture_whose_mask_was_dropped_is_not_taken(editor, ask):
    first = editor.get_state()["_now"]["picture"]
    editor.image = gradient(32, 32)
    editor.image = gradient(*SIZE)
    ask(editor, *stroke(area((0, 0, 8, 8)), picture=first))
    assert editor.mask is None
    editor.image = gradient(*SIZE)  # of the same size: what was painted on the one before counts
    ask(editor, *stroke(area((0, 0, 8, 8)), turn=2, picture=editor.get_state()["_now"]["picture"] - 1))
    assert editor.share > 0
