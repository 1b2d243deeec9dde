import re
from importlib.resources import files

import pytest

from tokenlab_nb import errors
from tokenlab_nb.widgets import _base
from tokenlab_nb.widgets._base import Widget, escape, failure_text, guard, note_run, static_text


class Talker(Widget):
    stem = "gallery"

    def _on_double(self, message, buffers):
        return {"value": message["value"] * 2}

    def _on_bytes(self, message, buffers):
        return {"length": len(buffers[0])}, [b"abc"]

    def _on_leak(self, message, buffers):
        raise RuntimeError("Bearer sk-abcdef1234567890 was refused <b>here</b>")


@pytest.fixture
def talker(page):
    return Talker()


def test_a_question_is_answered_with_its_id(talker, page, ask):
    ask(talker, {"type": "double", "id": 7, "value": 21})
    assert page.answer_to(7)[0] == {"type": "answer", "id": 7, "ok": True, "result": {"value": 42}}


def test_an_answer_may_carry_buffers(talker, page, ask):
    ask(talker, {"type": "bytes", "id": 1}, [b"12345"])
    content, buffers = page.answer_to(1)
    assert content["result"] == {"length": 5}
    assert buffers == [b"abc"]


def test_a_message_without_an_id_is_not_answered(talker, page, ask):
    ask(talker, {"type": "double", "value": 1})
    assert page.messages("answer") == []


@pytest.mark.parametrize("message", [{"type": "nonsense"}, {"type": None}, {}, "text", {"type": ["x"]}])
def test_an_unknown_message_is_refused_in_words(talker, page, ask, message):
    ask(talker, message)
    assert "takes no message of type" in talker.error


def test_a_failing_handler_is_shown_and_answered_without_a_key_or_a_traceback(talker, page, ask, capfd):
    ask(talker, {"type": "leak", "id": 3})
    content, _ = page.answer_to(3)
    assert not content["ok"]
    assert content["error"] == talker.error == "RuntimeError: Bearer sk-... was refused <b>here</b>"
    assert capfd.readouterr() == ("", "")


def test_our_own_errors_are_told_with_their_hint_and_without_their_class():
    assert failure_text(errors.RateLimitError("Slow down.")) == "Slow down. Wait a little, then run it again."


def test_an_error_without_words_is_told_by_its_class():
    assert failure_text(ValueError()) == "ValueError"


def test_a_very_long_failure_is_cut():
    assert len(failure_text(ValueError("x" * 9000))) == 2000


def test_a_guarded_callback_shows_its_failure_and_clears_the_last_one():
    shown = []
    guard(lambda: 1 / 0, shown.append)()
    guard(lambda value: None, shown.append)("event")
    assert shown == ["", "ZeroDivisionError: division by zero", ""]


def test_a_guarded_callback_lets_the_user_interrupt():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard(interrupted, lambda text: None)()


def test_escape_covers_attributes():
    assert escape("""<a href="x" id='y'>&""") == "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"


def test_the_repr_is_one_stable_line(talker):
    assert repr(talker) == "Talker()"
    assert talker._repr_mimebundle_()[0]["text/plain"] == "Talker()"


def test_shared_scripts_stand_before_a_widgets_own():
    text = static_text("gallery", ("base", "twin"), ".js")
    assert text.index("function ask(") < text.index("function besideTwin(") < text.index("export default")


def test_scripts_are_read_when_the_first_widget_is_made(page):
    assert not isinstance(Widget.__dict__["_esm"], str)
    assert "export default" in Talker().get_state("_esm")["_esm"]


def test_a_widget_without_a_script_cannot_be_made(page):
    class Bare(Widget):
        stem = "no_such_script"

    with pytest.raises(FileNotFoundError, match="no_such_script"):
        Bare()


SCRIPTS = sorted(files("tokenlab_nb.widgets").joinpath("static").rglob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_no_markup_and_fetch_nothing(script):
    text = script.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://(?!www\.w3\.org/2000/svg)|srcdoc",
        text,
    )


class Thing:
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def kernel(monkeypatch):
    """A kernel whose running cell can be set."""

    class Kernel:
        def __init__(self):
            self.parent = {}

        def get_parent(self, channel):
            return self.parent

        def run(self, cell, msg_id, kind="execute_request"):
            self.parent = {"header": {"msg_id": msg_id, "msg_type": kind}, "metadata": {"cellId": cell}}

    class Shell:
        kernel = Kernel()

    monkeypatch.setattr(_base, "get_ipython", Shell)
    monkeypatch.setattr(_base, "_made", {})
    return Shell.kernel


def test_running_a_cell_again_closes_what_it_made_before(kernel):
    first, second, other, newer = Thing(), Thing(), Thing(), Thing()
    kernel.run("cell-1", "run-1")
    note_run(first)
    note_run(second)
    kernel.run("cell-2", "run-2")
    note_run(other)
    assert not any(thing.closed for thing in (first, second, other))
    kernel.run("cell-1", "run-3")
    note_run(newer)
    assert first.closed
    assert second.closed
    assert not other.closed
    assert not newer.closed


def test_a_widget_made_by_a_callback_closes_nothing(kernel):
    made = Thing()
    kernel.run("cell-1", "run-1")
    note_run(made)
    kernel.run("cell-1", "run-2", kind="comm_msg")
    note_run(Thing())
    assert not made.closed


def test_outside_a_kernel_nothing_is_noted():
    assert _base.cell_run() is None
