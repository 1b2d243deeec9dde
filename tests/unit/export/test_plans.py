"""A plan as a table: every cell says what it does and costs; nothing foreign gets through; long ones are cut."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from tests.unit.sweep.models import CENT, QUALITY, SEED, N, axes, known, model
from tokenlab_nb.contract.model import Issue, Param, Price
from tokenlab_nb.export.plans import PlanTable, headline
from tokenlab_nb.sweep.plan import Plan, axis
from tokenlab_nb.sweep.planner import make_plan

HOSTILE = "<img src=x onerror=alert(1)> $x$ \x1b[31m\u202e\n fox </td><script>"


class Table(HTMLParser):
    """The cells of a table as texts, row by row, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._open = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._open = True
            self.rows[-1].append("")
        elif tag == "br":
            self.handle_data(" | ")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def rows(plan: Plan) -> list[list[str]]:
    return [[" ".join(cell.split()) for cell in row] for row in Table(PlanTable(plan)._repr_html_()).rows]


def test_the_headline_counts_cells_and_requests_and_tells_price_and_time() -> None:
    basis = known(model("a", SEED, concurrency=1), model("b"), "gone", seconds={"a": 50.0, "b": 1.0})
    plan = make_plan(axes(["a", "b", "gone"], seed=[1, 2]), basis)
    assert headline(plan) == ("6 cells (2 as asked, 2 adjusted, 2 impossible) · 3 requests · about $0.03 · about 2 min")
    assert headline(make_plan(axes(["gone"]), basis)) == "1 cell (1 impossible) · 0 requests"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89.0, "89 s"), (120.0, "2 min"), (5300.0, "88 min"), (9000.0, "2.5 h")]
)
def test_the_time_is_told_in_a_unit_that_fits(seconds: float, words: str) -> None:
    assert headline(make_plan(axes(["a"]), known(model("a"), seconds={"a": seconds}))).endswith(f"about {words}")


def test_models_stand_side_by_side_and_further_axes_are_groups() -> None:
    plan = make_plan(axes(["a", "b"], ["x", "y"], quality=["low", "high"]), known(model("a", QUALITY), model("b")))
    table = rows(plan)
    assert table[0] == ["prompt / model", "a", "b"]
    assert table[1] == ["quality low"]
    assert [row[0] for row in table] == ["prompt / model", "quality low", "x", "y", "quality high", "x", "y"]
    assert table[2][:2] == ["x", "as asked · $0.01"]
    assert table[2][2].split(" | ") == [
        "adjusted · $0.01",
        "quality low is left out: not taken here.",
        "Same request as quality high: made and paid once.",
    ]


def test_what_holds_for_all_cells_of_a_model_is_said_once_in_its_heading() -> None:
    plan = make_plan(axes(["a", "gone"], ["x", "y"]), known(model("a"), "gone"), fixed={"seed": 7})
    table = rows(plan)
    assert table[0] == ["prompt / model", "a | In all: seed 7 is left out: not taken here.",
                        "gone | In all: There is no model 'gone'."]  # fmt: skip
    assert table[1] == ["x", "adjusted · $0.01", "impossible"]
    html = PlanTable(plan)._repr_html_()
    assert "Everywhere: seed 7" in html
    alone = rows(make_plan(axes(["a", "gone"]), known(model("a"), "gone")))
    assert alone[1] == ["", "as asked · $0.01", "impossible | There is no model 'gone'."]


def test_one_axis_goes_down_and_none_at_all_is_one_cell() -> None:
    assert rows(make_plan(axes(["a"], seed=[1, 2]), known(model("a", SEED)))) == [
        ["seed", "Cell"],
        ["1", "as asked · $0.01"],
        ["2", "as asked · $0.01"],
    ]
    assert rows(make_plan(axes(["a"]), known(model("a")))) == [["", "Cell"], ["", "as asked · $0.01"]]
    two = rows(make_plan(axes(["a"], ["x", "y"], seed=[1, 2]), known(model("a", SEED))))
    assert two[0] == ["prompt / seed", "1", "2"]


def test_several_requests_unknown_prices_and_what_is_made_are_told() -> None:
    unknown = known(model("a", N, price=Price()))
    assert rows(make_plan(axes(["a"], n=[8]), unknown))[1][1] == (
        "adjusted · 2 requests, price unknown | 8 pictures in 2 requests: 2 of 4."
    )
    made = known(model("a", price=CENT), made=lambda keys: keys)
    plan = make_plan(axes(["a"]), made)
    assert rows(plan)[1][1] == "as asked · made already"
    assert headline(plan) == "1 cell (1 as asked) · 0 requests · 1 made already, at no cost"


def test_nothing_foreign_gets_through() -> None:
    prompts = axis("prompt", ["x", "y"], [HOSTILE, "plain"])
    plan = make_plan([axis("model", ["a", HOSTILE]), prompts], known(model("a"), HOSTILE), fixed={"user": HOSTILE})
    plan = Plan(plan.axes, plan.cells, plan.order, notes=(Issue("model", HOSTILE),))
    html = PlanTable(plan)._repr_html_()
    assert Table(html).tags <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "br", "small"}
    assert html.count("&lt;script&gt;") >= 4
    for text in (html, repr(PlanTable(plan))):
        assert not {"\x1b", "\u202e"} & set(text)


def test_the_text_has_a_line_for_each_cell() -> None:
    basis = known(model("a", SEED, Param("user", "string")), "gone")
    plan = make_plan(axes(["a", "gone"], ["x" * 40], seed=[1, 2]), basis, fixed={"user": "me"})
    assert repr(PlanTable(plan)).splitlines() == [
        "4 cells (2 as asked, 2 impossible) · 2 requests · about $0.02",
        f"Prompt: {'x' * 40}",
        "Everywhere: user me",
        "0. a, seed 1: as asked ($0.01)",
        "1. a, seed 2: as asked ($0.01)",
        "2. gone, seed 1: impossible. There is no model 'gone'.",
        "3. gone, seed 2: impossible. There is no model 'gone'.",
    ]
    assert repr(PlanTable(make_plan(axes(["a"]), known(model("a"))))).splitlines() == [
        "1 cell (1 as asked) · 1 request · about $0.01",
        "Model: a",
        "Prompt: a fox",
        "0. a: as asked ($0.01)",
    ]


def test_a_long_plan_is_cut_and_says_how_often_what_happens() -> None:
    basis = known(model("a"), *(f"gone {number}" for number in range(12)))
    names = ["a", *(f"gone {number}" for number in range(12))]
    plan = make_plan(axes(names, ["x", "y"], seed=list(range(20))), basis)
    assert len(plan.cells) == 520
    html = PlanTable(plan)._repr_html_()
    assert html.count("<td") == 200
    assert html.index("The first 200 cells are shown.") < html.index("<table")
    assert "320 more cells, which plan.cells holds too. In the whole plan:" in html
    assert "40 cells, seed; such as: seed 0 is left out: not taken here." in html
    assert "40 impossible: There is no model &#39;gone 0&#39;." in html
    assert "4 other reasons for impossible cells" in html
    assert repr(PlanTable(plan)).count("\n") < 70
    assert "470 more cells" in repr(PlanTable(plan))


def test_one_row_that_is_longer_than_the_table_is_cut_too() -> None:
    plan = make_plan(axes(["a"], ["x", "y"], seed=list(range(300))), known(model("a", SEED)))
    table = rows(plan)
    assert [len(row) for row in table[1:]] == [201]
    assert "400 more cells" in PlanTable(plan)._repr_html_()
    assert "other reason" not in PlanTable(plan)._repr_html_()


def test_a_very_long_value_is_cut_in_its_heading() -> None:
    plan = make_plan(axes(["a"], ["x" * 500, "y"]), known(model("a")))
    assert [len(row[0]) for row in rows(plan)[1:]] == [160, 1]
