"""The reference picker as Python sees it."""

from dataclasses import replace

import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.unit.widgets.picked import SIGNED, names, notes, png, sha
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ValidationError


def test_it_takes_whatever_references_take_in_order(picker, sandbox_session, tmp_path):
    path = tmp_path / "fox.png"
    path.write_bytes(png())
    job = sandbox_session.submit(model="gpt-image-2", prompt="A lighthouse")
    (result,) = job.wait(20)
    picker.value = [path, str(path), Image.new("RGB", (8, 8)), result, job, SIGNED, png("blue"), Source(file_id="f-1")]
    assert names(picker) == [
        *("fox.png", "fox.png", "Image", "A lighthouse", "A lighthouse", "fox.png", "Picture", "Uploaded file f-1"),
    ]
    assert picker.value[0].sha256 == sha(png())
    assert picker.value[5] == Source(url=SIGNED)
    assert repr(picker) == "ReferencePicker(8 pictures)"
    assert picker.original(3) == result.bytes
    assert picker.original(5) is None


def test_its_value_goes_into_a_request(picker, sandbox_session):
    picker.value = [png(), png("blue")]
    request = sandbox_session.prepare("gpt-image-2", {"prompt": "together"}, references=picker.value)
    assert request.references == picker.value


def test_a_single_picture_is_one_and_a_value_given_at_first_is_there(page, instant, sandbox_session):
    picker = tl.ReferencePicker(sandbox_session, value=png(), through=instant)
    assert len(picker.value) == 1
    assert repr(picker) == "ReferencePicker(1 picture)"
    picker.close()


def test_a_bad_picture_changes_nothing_and_is_the_callers(picker):
    picker.value = [png()]
    for change in (lambda: picker.add(b"nothing"), lambda: setattr(picker, "value", [png("blue"), b"nothing"])):
        with pytest.raises(ValidationError, match="no picture"):
            change()
    assert [source.sha256 for source in picker.value] == [sha(png())]


def test_pictures_are_added_moved_removed_and_cleared(picker):
    for colour in ("red", "green", "blue"):
        picker.add(png(colour))
    red, green, blue = picker.value
    picker.move(0, 2)
    assert picker.value == (green, blue, red)
    picker.move(-1, 0)
    assert picker.value == (red, green, blue)
    picker.move(1, 1)
    picker.remove(1)
    assert picker.value == (red, blue)
    picker.clear()
    assert picker.value == ()


@pytest.mark.parametrize("act", ["remove", "original", "move"])
def test_a_place_where_nothing_is_is_an_index_error(picker, act):
    picker.add(png())
    with pytest.raises(IndexError, match="There is no picture 1; there are 1"):
        picker.move(0, 1) if act == "move" else getattr(picker, act)(1)


def test_whoever_listens_hears_of_changes_until_the_end(picker, operation, heard):
    calls = []
    end = picker.on_change(calls.append)
    picker.add(png())
    assert calls == [picker]
    assert heard == [(1, False)]
    picker.operations = {"gpt-image-2": operation}
    assert heard == [(1, False)]  # nothing that a listener can see has changed
    end()
    end()
    picker.clear()
    assert calls == [picker]
    assert heard[-1] == (0, False)


def test_a_listener_that_fails_is_shown_and_stops_nobody(picker):
    heard = []

    def fail(_picker):
        raise RuntimeError("no")

    picker.on_change(fail)
    picker.on_change(heard.append)
    picker.add(png())
    assert picker.error == "RuntimeError: no"
    assert heard == [picker]


def test_limits_are_told_for_each_model_and_anew(picker, operation):
    picker.value = [png("red"), png("green"), png("blue")]
    assert (picker.issues, picker.limits) == ((), [])
    picker.operations = {"one": operation, "two": replace(operation, max_references=2)}
    assert picker.operations == {"one": operation, "two": replace(operation, max_references=2)}
    assert [issue.message.split(":")[0] for issue in picker.issues] == ["two"]
    assert picker.notes == [{"text": f"{picker.issues[0].message} {picker.issues[0].remedy}", "bad": True}]
    assert notes(picker, 2) == ["One too many for two: 2 at most."]
    assert [row["models"] for row in picker.limits] == ["one", "two"]
    picker.operations = {}
    assert (picker.issues, picker.notes, picker.limits, notes(picker, 2)) == ((), [], [], [])


def test_the_shared_session_is_the_default(page, instant, monkeypatch, sandbox_session):
    monkeypatch.setattr("tokenlab_nb.opening.shared_session", lambda: sandbox_session)
    picker = tl.ReferencePicker(through=instant)
    assert picker.session is sandbox_session
    picker.close()
