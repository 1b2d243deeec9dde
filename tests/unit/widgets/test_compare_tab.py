"""The Studio's tab Compare as Python sees it, against the sandbox; the browser tests look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tokenlab_nb as tl
from tests.unit.widgets.test_studio import until
from tokenlab_nb.widgets import _twin
from tokenlab_nb.widgets.compare_tab import CompareTab


@pytest.fixture
def studio(sandbox_session: tl.Session) -> Iterator[tl.Studio]:
    made = tl.Studio(sandbox_session, models=["gpt-image-2", "nano-banana-2"], prompt="A red fox in deep snow")
    until(lambda: not made.button.disabled)
    yield made
    made.close()


@pytest.fixture
def tab(studio: tl.Studio) -> CompareTab:
    studio.header.tab = "compare"
    until(lambda: studio.compare.form.told.get("token"))
    return studio.compare


def say(tab: CompareTab, **wishes: object) -> None:
    """What the user does on the page, and the plan of it."""
    with tab.form.hold_trait_notifications():
        for name, value in {**wishes, "revision": tab.form.revision + 1}.items():
            setattr(tab.form, name, value)
    until(lambda: tab.form.told.get("revision") == tab.form.revision)


def press(tab: CompareTab, token: str | None = None) -> dict[str, object]:
    """Press Run, as the page does; return what it is answered."""
    answers: list[dict[str, object]] = []
    tab.form.answer = lambda question, result=None, buffers=(): answers.append({"ok": result})
    tab.form.refuse = lambda question, text: answers.append({"refused": text})
    tab.form._receive(tab.form, {"type": "run", "id": "q", "token": token or tab.form.told["token"]}, [])
    until(lambda: answers)
    return answers[0]


def test_nothing_is_planned_before_the_tab_is_opened(studio, sandbox_session):
    assert studio.compare.form.told == {}
    assert studio.compare.code.code == ""


def test_it_begins_with_what_the_other_tab_has(studio):
    studio.controls.set_values({"quality": "high"})
    studio.header.tab = "compare"
    until(lambda: studio.compare.form.told.get("token"))
    assert studio.compare.form.prompts == ["A red fox in deep snow"]
    assert studio.compare.form.axes == {"quality": ["high"]}
    studio.prompt.value = "Something else"
    studio.header.tab = "create"
    studio.header.tab = "compare"
    assert studio.compare.form.prompts == ["A red fox in deep snow"]  # what was begun here stays


def test_the_plan_is_told_with_its_python_and_nothing_is_sent(tab, sandbox_session):
    say(tab, axes={"n": [1, 2], "quality": ["low", "high"]})
    told = tab.form.told
    assert told["summary"].startswith("8 cells: ")
    assert told["button"].startswith("Run ")
    assert tab.arguments() == {
        "models": ["nano-banana-2", "gpt-image-2"],
        "prompts": ["A red fox in deep snow"],
        "n": [1, 2],
        "quality": ["low", "high"],
    }
    scope = {"session": sandbox_session}
    planned: list[dict[str, object]] = []
    sandbox_session.compare = lambda models, prompts=None, **more: planned.append(
        {"models": models, "prompts": prompts, **more}
    )
    exec(tab.code.code, scope)
    assert planned[0]["n"] == [1, 2]
    assert "<table" in tab.table.value
    assert sandbox_session.jobs == []


def test_one_value_is_fixed_and_auto_is_a_value(tab):
    say(tab, axes={"n": [2], "quality": ["high", None], "background": [None], "seed": []})
    arguments = tab.arguments()
    assert arguments["n"] == 2
    assert arguments["quality"] == ["high", None]
    assert "seed" not in arguments


def test_run_starts_the_plan_that_was_shown_once(tab, studio, sandbox_session):
    token = tab.form.told["token"]
    assert press(tab) == {"ok": {"said": "It runs in the grid below."}}
    assert len(tab.grids) == 1
    assert len(sandbox_session.jobs) == 2
    again = press(tab, token)
    assert "Nothing was sent" in again["refused"]
    assert len(sandbox_session.jobs) == 2
    assert tab.shown.children == tuple(tab.grids)


def test_what_changed_after_the_plan_was_shown_is_not_run(tab, studio, sandbox_session):
    token = tab.form.told["token"]
    studio.picker.value = ["gpt-image-2"]
    assert "Nothing was sent" in press(tab, token)["refused"]
    assert sandbox_session.jobs == []


def test_what_is_made_already_costs_nothing(tab, sandbox_session):
    press(tab)
    tab.grids[0].grid.wait(60)
    tab.replan()
    until(lambda: "made before" in tab.form.told["summary"])
    assert tab.form.told["button"] == "Show it, costs nothing"
    first = tab.grids[0]
    assert "ok" in press(tab)
    assert tab.grids == [first]  # it is here already
    assert len(sandbox_session.jobs) == 2


@pytest.mark.parametrize(("wishes", "said"), [({"prompts": ["", " "]}, "no prompt"), ({"axes": {"n": [0]}}, "")])
def test_what_cannot_be_planned_is_told_and_cannot_be_run(tab, wishes, said):
    say(tab, **wishes)
    told = tab.form.told
    assert not told["token"]
    assert said in f"{told['problem']} {told['summary']}"


def test_no_model_is_told(tab, studio):
    studio.picker.value = []
    say(tab)
    assert "No model is chosen" in tab.form.told["problem"]


def test_the_budget_of_the_studio_holds(studio, tab, sandbox_session):
    studio.quote._receive(studio.quote, {"type": "budget", "id": "b", "text": "0.0001"}, [])
    assert "refused" in press(tab)
    assert sandbox_session.jobs == []


def test_closing_frees_it(studio, tab):
    press(tab)
    parts = [tab.form, tab.code, tab.table, tab.shown, *tab.grids]
    studio.close()
    assert [part for part in parts if part.comm is not None] == []


def test_a_cell_is_set_up_again_in_the_other_tab(studio, tab, sandbox_session):
    say(tab, prompts=["A teapot", "A fox"], axes={"quality": ["low", "high"], "n": [2]})
    press(tab)
    grid = tab.grids[0].grid
    cell = next(each for each in grid.cells if each.model == "gpt-image-2" and each.values["quality"] == "low")
    answers: list[object] = []
    tab.grids[0].answer = lambda question, result=None, buffers=(): answers.append(result)
    tab.grids[0]._receive(None, {"type": "recall", "id": "r", "cell": cell.planned.index}, [])
    assert answers == [{"said": "Set up in the tab Create."}]
    assert studio.header.tab == "create"
    assert studio.picker.value == ["gpt-image-2"]
    assert studio.prompt.value == cell.values["prompt"]
    assert studio.values == {"quality": "low", "n": 2}


def test_a_picture_of_the_grid_goes_into_further_requests(studio, tab, sandbox_session):
    press(tab)
    grid = tab.grids[0]
    grid.grid.wait(60)
    until(lambda: grid.images)
    assert grid._take(grid.images[0]) == "Added to the pictures."
    assert studio.inputs.references.value[0].picture == grid.images[0].sha256


def test_the_newest_grid_has_its_twin_in_the_output_of_the_studio(studio, tab, monkeypatch):
    """A grid that came by a press has no output of its own: without a place for it, a reopened notebook lacks it."""
    shown: dict[str, str] = {}

    class Shell:
        kernel = object()

    def publish(data, *, transient=None, **_more):
        shown.update({transient["display_id"]: data["text/html"]} if transient else {})

    monkeypatch.setattr(_twin, "get_ipython", Shell)
    monkeypatch.setattr(_twin, "publish_display_data", publish)
    studio._ipython_display_()
    place = tab.twin.display_id
    assert "<table" not in shown[place]
    assert "No pictures yet" in shown[studio.gallery.twin.display_id]
    press(tab)
    until(lambda: "No pictures yet" not in shown[studio.gallery.twin.display_id])  # nothing of it above the grid's
    assert "<p" not in shown[studio.gallery.twin.display_id]
    until(lambda: shown[place].count("data:image/jpeg") == 2)
    first = tab.grids[0]
    assert f'tlnb-twin-{tab.form.uid}" data-revision="{first.twin_revision}"' in shown[place]
    assert first.place == tab.form.uid  # what the page hides while the grid lives
    say(tab, repeats=2)
    press(tab)
    until(lambda: shown[place].count("data:image/jpeg") == 4)
    newest = shown[place]
    assert tab.grids[0].place == tab.form.uid != first.place
    first.twin.update(first.frozen())
    first._refreeze()
    assert shown[place] == newest  # the older one left its place
    studio._ipython_display_()
    assert shown[place].count("data:image/jpeg") == 4
