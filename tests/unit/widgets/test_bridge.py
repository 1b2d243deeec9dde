import subprocess
import sys
import threading
import time

import pytest

from tokenlab_nb.widgets import _bridge
from tokenlab_nb.widgets._bridge import NEWS_GAP, Bridge, Feed


class Owner:
    def __init__(self):
        self.error = ""

    def show_error(self, text):
        self.error = text


@pytest.fixture
def bridge():
    bridge = Bridge()
    yield bridge
    bridge.close()


@pytest.fixture
def held(bridge):
    """A bridge whose thread is held until the event is set."""
    gate, reached = threading.Event(), threading.Event()

    def hold():
        reached.set()
        gate.wait(5)

    bridge.soon(Owner(), "hold", hold)
    assert reached.wait(5)
    yield gate
    gate.set()


def test_the_newest_value_of_each_key_is_delivered_together(bridge, held):
    delivered = []
    feed = Feed(bridge, Owner(), "news", delivered.append)
    for number in range(100):
        feed.put("a", number)
        feed.put("b", -number)
    held.set()
    assert bridge.flush()
    assert delivered == [{"a": 99, "b": -99}]


def test_a_storm_of_news_is_thinned_and_its_last_word_is_sent(bridge):
    delivered = []
    feed = Feed(bridge, Owner(), "news", delivered.append)
    began, number = time.monotonic(), 0
    while time.monotonic() - began < 4 * NEWS_GAP:
        number += 1
        feed.put("job", number)
    seconds = time.monotonic() - began
    assert bridge.flush()
    assert delivered[-1] == {"job": number}
    assert len(delivered) <= seconds / NEWS_GAP + 2


def test_news_goes_before_work(bridge, held):
    order, owner = [], Owner()
    bridge.soon(owner, "picture 1", lambda: order.append("work"), work=True)
    bridge.soon(owner, "picture 2", lambda: order.append("work"), work=True)
    bridge.soon(owner, "news", lambda: order.append("news"))
    held.set()
    assert bridge.flush()
    assert order == ["news", "work", "work"]


def test_a_failing_listener_is_shown_and_the_others_go_on(bridge):
    broken, fine, delivered = Owner(), Owner(), []
    bridge.soon(broken, "news", lambda: 1 / 0)
    bridge.soon(fine, "news", lambda: delivered.append(1))
    assert bridge.flush()
    assert broken.error == "ZeroDivisionError: division by zero"
    assert delivered == [1]


def test_an_owner_that_cannot_even_show_a_failure_ends_nothing(bridge):
    class Gone:
        def show_error(self, text):
            raise RuntimeError("closed")

    bridge.soon(Gone(), "news", lambda: 1 / 0)
    assert bridge.flush()
    assert bridge.flush()


def test_timers_run_once_in_time_and_the_newest_counts(bridge):
    done, owner = threading.Event(), Owner()
    bridge.later(owner, "again", lambda: 1 / 0, 0.0001)
    bridge.later(owner, "again", done.set, 0.0002)
    assert done.wait(5)


def test_a_flush_does_not_wait_for_timers(bridge):
    bridge.later(Owner(), "again", lambda: None, 1000)
    assert bridge.flush(timeout=5)


def test_dropped_and_forgotten_actions_do_not_run(bridge, held):
    ran, owner, other = [], Owner(), Owner()
    bridge.soon(owner, "one", lambda: ran.append("one"))
    bridge.soon(owner, "two", lambda: ran.append("two"))
    bridge.soon(other, "three", lambda: ran.append("three"))
    bridge.soon(other, "four", lambda: ran.append("four"))
    bridge.drop(other, "three")
    bridge.forget(owner)
    held.set()
    assert bridge.flush()
    assert ran == ["four"]


def test_a_flush_says_when_it_ran_out_of_time(bridge, held):
    bridge.soon(Owner(), "news", lambda: None)
    assert not bridge.flush(timeout=0.01)


def test_the_bridge_does_not_wait_for_itself(bridge):
    answers = []
    bridge.soon(Owner(), "news", lambda: answers.append(bridge.flush()))
    assert bridge.flush()
    assert answers == [False]


def test_closed_it_does_nothing_more_and_its_thread_ends():
    bridge, ran = Bridge(), []
    bridge.soon(Owner(), "news", lambda: None)
    assert bridge.flush()
    thread = bridge._thread
    bridge.close()
    bridge.close()
    bridge.soon(Owner(), "news", lambda: ran.append(1))
    assert bridge.flush()
    assert not thread.is_alive()
    assert ran == []


def test_idle_it_waits_without_a_time_out(bridge):
    waits, waited = [], threading.Event()

    class Noting(threading.Condition):
        def wait(self, timeout=None):
            if threading.current_thread() is bridge._thread:
                waits.append(timeout)
                waited.set()
            return super().wait(timeout)

    bridge._changed = Noting()
    bridge.soon(Owner(), "news", lambda: None)
    assert bridge.flush()
    assert waited.wait(5)
    assert waits[-1] is None


def test_in_a_notebook_what_waits_is_done_before_a_cell_ends(monkeypatch):
    class Shell:
        def __init__(self):
            self.events = self

        def register(self, event, callback):
            hooks[event] = callback

    hooks, done = {}, []
    monkeypatch.setattr(_bridge, "get_ipython", Shell)
    bridge = _bridge.bridge.__wrapped__()
    bridge.soon(Owner(), "picture", lambda: done.append(1), gap=1000, work=True)
    bridge.soon(Owner(), "picture", lambda: done.append(2), gap=1000, work=True)
    hooks["post_run_cell"](None)
    assert done == [1, 2]
    bridge.close()


def test_the_interpreter_ends_at_once_and_quietly():
    code = (
        "from tokenlab_nb.widgets._bridge import bridge\n"
        "class Owner:\n    def show_error(self, text): print(text)\n"
        "bridge().later(Owner(), 'again', lambda: None, 1000)\n"
        "bridge().soon(Owner(), 'news', lambda: None)\n"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
