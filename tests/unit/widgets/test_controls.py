from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as w
import pytest

from tokenlab_nb.contract.model import GENERATIONS, Issue, Json, LimitSource, Operation, Param, SizeRule
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.widgets.controls import ParameterControls, controls_css, random_seed

RULE = SizeRule(16, 3840, 3, 655_360, 8_294_400, ("auto",))
QUALITY = Param(
    "quality",
    "choice",
    label="Quality",
    order=23,
    choices=("auto", "low", "high"),
    limits_from=LimitSource.DOCUMENTATION,
    help="More costs more.",
)
SIZE = Param("size", "string", label="Size", order=22, suggestions=("1024x1024", "1536x1024"), size_rule=RULE)
RATIO = Param(
    "aspect_ratio",
    "choice",
    label="Aspect ratio",
    order=20,
    choices=("1:1", "3:2", "16:9", "9:16", "2:3", "4:5"),
    limits_from=LimitSource.CONTRACT,
)
N = Param("n", "integer", label="Pictures", order=24, minimum=1, maximum=10, limits_from=LimitSource.DOCUMENTATION)
SEED = Param("seed", "integer", label="Seed", order=25)
STYLE = Param("style", "string", label="Style", order=26)
AVOID = Param("negative_prompt", "text", label="Avoid", order=27, max_length=4000)
EXPAND = Param("expand_prompt", "boolean", label="Expand", order=28)
TASK = Param("async", "boolean", label="Ask for a task", order=103, help="A task id comes at once.")
USER = Param("user", "string", label="End user", order=106)
NEW = Param("shiny", "json", label="shiny", order=1000)
PROMPT = Param("prompt", "text", role="prompt", order=3)
ALL = (QUALITY, SIZE, RATIO, N, SEED, STYLE, AVOID, EXPAND, TASK, USER, NEW, PROMPT)


def model(name: str, *params: Param) -> tuple[str, Operation]:
    return name, Operation("text-to-image", GENERATIONS, {param.name: param for param in params})


def control(controls: ParameterControls, name: str) -> Any:
    """The ipywidget that people see for a field, found by its label."""
    label = next((param.label for param in ALL if param.name == name), name)
    return next(part for part in everything(controls) if getattr(part, "description", None) == label)


def everything(widget: Any) -> list[Any]:
    return [widget, *(part for child in getattr(widget, "children", ()) for part in everything(child))]


def said(controls: ParameterControls, name: str) -> list[str]:
    """Every sentence beside a field."""
    wanted = control(controls, name)
    boxes = [part for part in everything(controls) if "tlnb-field" in getattr(part, "_dom_classes", ())]
    box = next(box for box in boxes if wanted in everything(box))
    return [part.value for part in everything(box) if isinstance(part, w.Label) and part.value]


@pytest.fixture
def controls() -> ParameterControls:
    return ParameterControls([model("x", *ALL)])


def test_untouched_controls_send_nothing(controls: ParameterControls) -> None:
    assert controls.values == {}
    assert controls.issues == ()


def test_the_prompt_has_no_control_of_its_own(controls: ParameterControls) -> None:
    with pytest.raises(ValidationError, match="takes prompt"):
        controls.set_values({"prompt": "a fox"})


@pytest.mark.parametrize(
    ("name", "kind", "shown", "sent"),
    [
        ("quality", w.RadioButtons, "low", "low"),
        ("quality", w.RadioButtons, "auto", "auto"),
        ("aspect_ratio", w.Dropdown, "3:2", "3:2"),
        ("n", w.Dropdown, 3, 3),
        ("expand_prompt", w.RadioButtons, True, True),
        ("expand_prompt", w.RadioButtons, False, False),
        ("seed", w.Text, " 42 ", 42),
        ("style", w.Text, " vivid ", "vivid"),
        ("size", w.Combobox, "1536x1024", "1536x1024"),
        ("negative_prompt", w.Textarea, "rain", "rain"),
        ("shiny", w.Textarea, '{"a": [1, null]}', {"a": [1, None]}),
        ("shiny", w.Textarea, "null", None),
    ],
)
def test_each_kind_of_field_has_its_control(
    controls: ParameterControls, name: str, kind: type, shown: object, sent: Json
) -> None:
    widget = control(controls, name)
    assert type(widget) is kind
    widget.value = shown
    assert controls.values == {name: sent}
    controls.set_values({})
    assert controls.values == {}
    controls.set_values({name: sent})
    assert controls.values == {name: sent}


def test_auto_is_always_offered_and_told_from_the_value_of_that_name(controls: ParameterControls) -> None:
    labels = [label for label, _ in control(controls, "quality").options]
    assert labels == ["auto (not sent)", "auto (sent)", "low", "high"]
    assert control(controls, "seed").placeholder == "auto (not sent)"


def test_auto_for_a_task_does_not_claim_that_nothing_is_sent(controls: ParameterControls) -> None:
    assert [label for label, _ in control(controls, "async").options] == ["auto", "on", "off"]
    assert said(controls, "async") == [
        "A task id comes at once. Auto: asked for where the contract lists it, unless b64_json is wanted."
    ]


def test_a_required_field_asks_to_be_chosen() -> None:
    controls = ParameterControls({"x": model("x", replace(QUALITY, required=True), replace(SEED, required=True))[1]})
    assert control(controls, "quality").options[0][0] == "choose (needed)"
    assert control(controls, "seed").placeholder == "needed"


def test_an_integer_that_is_none_is_kept_for_the_check_to_refuse(controls: ParameterControls) -> None:
    control(controls, "seed").value = "seven"
    assert controls.values == {"seed": "seven"}
    assert said(controls, "seed")[0] == 'seed cannot be "seven". Give a whole number.'
    assert [issue.field for issue in controls.issues] == ["seed"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not JSON"), ("NaN", "JSON has no NaN"), ("[" * 100_000, "nested too deeply")],
)
def test_unreadable_json_is_not_sent_but_said(controls: ParameterControls, text: str, reason: str) -> None:
    control(controls, "shiny").value = text
    assert controls.values == {}
    assert reason in controls.issues[0].message
    assert reason in said(controls, "shiny")[0]


def test_a_size_is_checked_as_it_is_typed(controls: ParameterControls) -> None:
    control(controls, "size").value = "1000x1000"
    assert "not a multiple of 16" in said(controls, "size")[0]
    control(controls, "size").value = "1024x1024"
    assert "multiple of 16," not in said(controls, "size")[0]
    assert controls.issues == ()


def test_a_value_that_is_not_listed_is_shown_and_objected_to(controls: ParameterControls) -> None:
    controls.set_values({"quality": "ultra"})
    assert controls.values == {"quality": "ultra"}
    assert control(controls, "quality").options[-1][0] == "ultra (not listed)"
    assert "Choose one of auto, low, high." in said(controls, "quality")[0]


def test_one_is_not_true(controls: ParameterControls) -> None:
    controls.set_values({"expand_prompt": 1})
    assert controls.values["expand_prompt"] is not True
    assert controls.issues


def test_set_values_refuses_unknown_names_and_sets_nothing(controls: ParameterControls) -> None:
    with pytest.raises(ValidationError, match="Did you mean quality") as caught:
        controls.set_values({"qualty": "low", "seed": 1})
    assert [issue.field for issue in caught.value.issues] == ["qualty"]
    assert controls.values == {}


def test_limits_and_their_source_stand_under_each_control(controls: ParameterControls) -> None:
    assert said(controls, "n") == ["1 to 10, from the documentation."]
    assert said(controls, "quality") == ["More costs more. From the documentation."]
    assert said(controls, "aspect_ratio") == ["From the contract."]
    assert said(controls, "negative_prompt") == ["At most 4,000 characters, limits not stated."]
    assert said(controls, "seed") == ["Limits not stated."]


def test_what_the_contract_does_not_name_is_said() -> None:
    controls = ParameterControls([model("x", replace(SEED, confirmed=False))])
    assert said(controls, "seed")[0] == "not confirmed by this model"


def test_rarely_used_options_are_folded_away_and_counted(controls: ParameterControls) -> None:
    folded = next(part for part in everything(controls) if isinstance(part, w.Accordion))
    assert folded.selected_index is None
    inside = [part.description for part in everything(folded) if getattr(part, "description", "")]
    assert inside == ["Ask for a task", "End user", "shiny"]
    control(controls, "user").value = "me"
    assert folded.titles == ("More settings (1 set)",)


def test_without_rare_options_nothing_is_folded() -> None:
    controls = ParameterControls([model("x", SEED)])
    assert next(part for part in everything(controls) if isinstance(part, w.Accordion)).layout.display == "none"


def test_the_random_button_puts_a_seed_in() -> None:
    controls = ParameterControls([model("x", SEED)], draw_seed=lambda: 1234)
    control(controls, "random").click()
    assert controls.values == {"seed": 1234}


def test_a_random_seed_fits_31_bits() -> None:
    assert 0 <= random_seed() < 2**31


def test_several_models_share_controls_and_each_gets_only_what_it_takes() -> None:
    controls = ParameterControls([model("x", QUALITY, SEED), model("y", SEED)], values={"quality": "low", "seed": 1})
    assert controls.values_for("x") == {"quality": "low", "seed": 1}
    assert controls.values_for("y") == {"seed": 1}
    assert "1 of 2: x" in said(controls, "quality")
    with pytest.raises(KeyError):
        controls.values_for("z")


def test_differing_limits_are_told_by_model() -> None:
    smaller = replace(N, maximum=4, limits_from=LimitSource.CONTRACT)
    controls = ParameterControls([model("x", N), model("y", smaller)])
    assert said(controls, "n") == ["x: 1 to 10, from the documentation; y: 1 to 4, from the contract."]
    controls.set_values({"n": 9})
    assert said(controls, "n")[0] == "y: n cannot be 9. Give a whole number from 1 to 4."


def test_differing_lists_are_told_by_model() -> None:
    controls = ParameterControls([model("x", QUALITY), model("y", replace(QUALITY, choices=("hd",)))])
    assert "x: auto, low, high, from the documentation; y: hd, from the documentation." in said(controls, "quality")[0]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (model("y", replace(SEED, confirmed=False)), "not confirmed by y"),
        (model("y"), "1 of 2: x"),
    ],
)
def test_who_takes_a_field_and_how_surely_is_said(other: tuple[str, Operation], text: str) -> None:
    assert text in said(ParameterControls([model("x", SEED), other]), "seed")


def test_a_doubtful_taker_among_others_is_marked() -> None:
    controls = ParameterControls([model("x"), model("y", replace(SEED, confirmed=False))])
    assert "1 of 2: y (not confirmed)" in said(controls, "seed")


def test_issues_stand_beside_their_fields_until_these_change(controls: ParameterControls) -> None:
    elsewhere = Issue("prompt", "Prompt is empty.")
    left = controls.show_issues([Issue("seed", "Too odd.", remedy="Use 2."), elsewhere])
    assert left == (elsewhere,)
    assert said(controls, "seed")[0] == "Too odd. Use 2."
    control(controls, "seed").value = "2"
    assert said(controls, "seed") == ["Limits not stated."]


def test_showing_no_issues_takes_them_away(controls: ParameterControls) -> None:
    controls.show_issues([Issue("seed", "Too odd.")])
    controls.show_issues([])
    assert said(controls, "seed") == ["Limits not stated."]


def test_an_issue_of_a_folded_field_unfolds_it(controls: ParameterControls) -> None:
    controls.show_issues([Issue("user", "Too long.")])
    assert next(part for part in everything(controls) if isinstance(part, w.Accordion)).selected_index == 0


def test_observers_hear_each_change_once(controls: ParameterControls) -> None:
    heard: list[dict[str, Json]] = []
    end = controls.observe_values(heard.append)
    controls.set_values({"seed": 1, "quality": "low"})
    control(controls, "seed").value = "1 "
    control(controls, "seed").value = "2"
    end()
    end()
    control(controls, "seed").value = "3"
    assert heard == [{"quality": "low", "seed": 1}, {"quality": "low", "seed": 2}]


def test_a_switch_keeps_maps_and_drops_and_says_so(controls: ParameterControls) -> None:
    controls.set_values({"seed": 7, "size": "1536x1024", "quality": "high"})
    heard: list[dict[str, Json]] = []
    controls.observe_values(heard.append)
    carried = controls.switch([model("y", SEED, RATIO)])
    assert carried.line == "kept: seed   mapped: size 1536x1024 -> aspect_ratio 3:2   dropped: quality (not taken by y)"
    assert controls.values == {"seed": 7, "aspect_ratio": "3:2"}
    assert carried.line in [part.value for part in everything(controls) if isinstance(part, w.Label)]
    assert heard == [{"aspect_ratio": "3:2", "seed": 7}]


def test_a_switch_keeps_the_controls_whose_facts_stay(controls: ParameterControls) -> None:
    before = control(controls, "seed")
    controls.switch([model("y", QUALITY)])
    assert before.comm is None
    controls = ParameterControls([model("x", SEED)])
    before = control(controls, "seed")
    controls.switch([model("x", SEED, QUALITY)])
    assert control(controls, "seed") is before


def test_values_survive_a_moment_without_any_model(controls: ParameterControls) -> None:
    controls.set_values({"seed": 7})
    assert controls.switch([]).line == "kept: seed"
    assert controls.values == {}
    assert controls.switch([model("y", SEED)]).kept == {"seed": 7}
    assert controls.values == {"seed": 7}


def test_a_switch_leaves_alone_what_is_typed_and_unreadable(controls: ParameterControls) -> None:
    control(controls, "shiny").value = "{"
    controls.switch([model("x", NEW)])
    assert control(controls, "shiny").value == "{"
    controls.set_values({})
    assert control(controls, "shiny").value == ""


def test_a_sentence_that_is_told_again_with_the_models_name_stands_once() -> None:
    controls = ParameterControls([model("x", SIZE), model("y", replace(SIZE, size_rule=None))])
    control(controls, "size").value = "1000x1000"
    (sentence,) = [issue.message for issue in controls.issues]
    controls.show_issues([*controls.issues, Issue("size", sentence.removeprefix("x: "))])
    assert said(controls, "size")[0] == sentence


def test_every_control_has_a_name_and_help(controls: ParameterControls) -> None:
    fields = [
        part for part in everything(controls) if isinstance(part, w.Text | w.Textarea | w.Dropdown | w.RadioButtons)
    ]
    assert len(fields) == len(ALL) - 1
    assert all(field.description for field in fields)


def test_hostile_names_reach_no_html() -> None:
    evil = "<img src=x onerror=alert(1)>"
    controls = ParameterControls([model(evil, replace(SEED, help=evil, label=evil)), model("y")])
    controls.show_issues([Issue("seed", evil)])
    htmls = [part for part in everything(controls) if type(part) in (w.HTML, w.HTMLMath)]
    assert [part.value for part in htmls] == [f"<style>{controls_css()}</style>"]


def test_the_repr_is_one_stable_line() -> None:
    controls = ParameterControls([model("x", SEED)], values={"seed": 1})
    assert repr(controls) == "ParameterControls(x, values={'seed': 1})"


def test_closing_frees_every_part_and_may_be_done_twice(controls: ParameterControls) -> None:
    parts = everything(controls)
    controls.close()
    controls.close()
    assert all(part.comm is None for part in parts)


def test_no_models_have_no_controls() -> None:
    assert ParameterControls().values == {}


def test_a_callback_may_end_its_own_watch(controls: ParameterControls) -> None:
    ends: list[Callable[[], None]] = []
    heard: list[dict[str, Json]] = []

    def once(values: dict[str, Json]) -> None:
        heard.append(values)
        ends[0]()

    ends.append(controls.observe_values(once))
    controls.set_values({"seed": 1})
    controls.set_values({"seed": 2})
    assert heard == [{"seed": 1}]
