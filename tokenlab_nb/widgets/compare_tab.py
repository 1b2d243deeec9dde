"""`CompareTab`: the Studio's other half. The same models and pictures, with several prompts and values of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from tokenlab_nb.contract.model import Json, Operation
from tokenlab_nb.contract.workflows import VARY
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.export.frozen import Frozen, free_place
from tokenlab_nb.widgets._base import close_whole, failure_text
from tokenlab_nb.widgets._bridge import bridge
from tokenlab_nb.widgets._twin import Twin
from tokenlab_nb.widgets.code_line import CodeLine
from tokenlab_nb.widgets.plan_form import PlanForm

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.images import ImageResult
    from tokenlab_nb.jobs.budget import Budget
    from tokenlab_nb.session import Session
    from tokenlab_nb.sweep.run import GridRun
    from tokenlab_nb.sweep.sweep import Sweep
    from tokenlab_nb.widgets.compare import CompareGrid
    from tokenlab_nb.widgets.inputs import Inputs

__all__ = ["CompareTab"]

PLAN_GAP = 0.3
"""Seconds between two plans while somebody types."""

_MOST_GRIDS = 5  # of one Studio, shown at once; what they made stays in the ledger

_CHANGED = "Something has changed since this plan was shown. Nothing was sent: look, and press Run again."


class CompareTab:
    """What varies, the plan, the Python of it, and the grids that were run. It owns widgets and is none itself.

    Args:
        session: Plans and runs.
        models: Tells the chosen models.
        inputs: The workflow with its pictures and mask.
        budget: Tells the limit, if any.
        recall: Sets up what a cell asked, for the other tab.
        use: Takes a picture that is to go into further requests.

    Attributes:
        form: What varies.
        code: The equivalent Python.
        table: The plan, cell by cell.
        grids: What was run, newest first.
        twin: The place of the newest grid's frozen twin, in the output of the Studio.
        on_first: Is called when the first grid is there.
        is_open: Whether the tab is looked at; only then anything is planned.
    """

    def __init__(
        self,
        session: Session,
        *,
        models: Callable[[], Sequence[str]],
        inputs: Inputs,
        budget: Callable[[], Budget | None],
        recall: Callable[[ImageRequest], str],
        use: Callable[[ImageResult], str],
    ) -> None:
        self._session, self._inputs = session, inputs
        self._models, self._budget, self._recall, self._use = models, budget, recall, use
        self._plans = 0
        self._planned: tuple[str, object, Sweep] | None = None  # its token, what it was made of, the plan
        self._closed = False
        self._unsubscribe: dict[str, Callable[[], None]] = {}  # by the grid's widget
        self.is_open = self._was_open = False
        self.form = PlanForm(self._press)
        self.code = CodeLine()
        self.table = w.HTML(_dom_classes=("tlnb-studio-plan",))
        self.grids: list[CompareGrid] = []
        self.twin = Twin(self.form.uid)
        self.on_first: Callable[[], object] = lambda: None
        self.shown = w.VBox(_dom_classes=("tlnb-studio-grids",))
        self.form.observe(lambda _change: self.replan(), list(PlanForm.WISHES))

    @property
    def widgets(self) -> tuple[Any, ...]:
        """All of them, to be laid out."""
        return self.form, self.code, self.table, self.shown

    def open(self, prompt: str, values: Mapping[str, Json]) -> None:
        """Look at it. The first time it begins with what the other tab has: its prompt, and what is set there.

        Args:
            prompt: The prompt.
            values: Settings by field name.
        """
        if not self._was_open:
            self.form.prompts = [prompt] if prompt.strip() else []
            self.form.axes = {name: [value] for name, value in values.items()}
        self.is_open = self._was_open = True
        self.replan()

    def offer(self, operations: Sequence[tuple[str, Operation]]) -> None:
        """Offer the settings of these models, and plan anew."""
        self.form.offer(operations)
        self.replan()

    def replan(self) -> None:
        """Plan soon, on the bridge's thread: it may read the ledger, and ask for contracts."""
        if self.is_open and not self._closed:
            bridge().soon(self, "plan", self._plan, gap=PLAN_GAP, work=True)

    def frozen(self) -> Frozen:
        """Return the newest grid's frozen twin; a free place for it, until there is one."""
        return self.grids[0].frozen() if self.grids else free_place(self.form.uid)

    def close(self) -> None:
        """Free both ends of every widget. Grids go on running."""
        self._closed = True
        bridge().forget(self)
        for unsubscribe in self._unsubscribe.values():
            unsubscribe()
        for widget in (self.form, self.code, *self.grids):
            widget.close()
        for box in (self.table, self.shown):
            close_whole(box)

    def show_error(self, text: str) -> None:
        """Show a failure; an empty text takes it away."""
        self.form.show_error(text)

    def arguments(self) -> dict[str, Any]:
        """What `Session.sweep` is called with: the state of this tab as Python."""
        form, inputs = self.form, self._inputs
        values = {name: _argument(tried) for name, tried in form.axes.items() if tried}
        texts = [text for text in form.prompts if text.strip()] if inputs.workflow.needs_prompt else []
        found: dict[str, Any] = {"models": list(self._models()), "prompts": texts or None, **values}
        if inputs.workflow.needs_pictures:
            taken = inputs.taken()
            pictures = taken["references"]
            found["references"] = pictures if form.apart else [pictures] if pictures else None
            found.update({"mask": taken["mask"]} if taken["mask"] is not None else {})
        if inputs.workflow.name == VARY:
            found["operations"] = inputs.workflow.operations[0]
        if form.repeats > 1:
            found["repeats"] = form.repeats
        return {**found, "strict": True} if form.strict else found

    # ------------------------------------------------------------------------ on the bridge's thread

    def _wish(self) -> object:
        """All that a plan is made of, but for contracts and prices."""
        said = [getattr(self.form, name) for name in PlanForm.WISHES]
        return list(self._models()), self._inputs.state, said

    def _plan(self) -> None:
        """Make the plan and tell it; contracts that are not at hand are asked for first, and nothing waits here."""
        self.form.with_prompt = self._inputs.workflow.needs_prompt
        self.form.pictures = len(self._inputs.references.value) if self._inputs.workflow.needs_pictures else 0
        self._planned = None
        missing = [name for name in self._models() if self._session.model_at_hand(name) is None]
        if missing:
            answer = self._session.fetch_model(missing[0])
            answer.add_done_callback(lambda done: bridge().soon(self, "read", partial(self._read, done), work=True))
            return
        try:
            wish, arguments = self._wish(), self.arguments()
            sweep = self._sweep(arguments)
        except TokenLabError as error:
            self.form.tell(problem=failure_text(error))
            self.table.value = ""
            return
        self._plans += 1
        token = f"plan {self._plans}" if sweep.plan.order else ""
        self._planned = (token, wish, sweep)
        self._tell(sweep, token)
        self.code.code = import_module("tokenlab_nb.export.code").python_of_sweep(arguments)

    def _read(self, answer: Any) -> None:
        try:
            answer.result()
        except TokenLabError as error:
            self.form.tell(problem=failure_text(error))
            return
        self._plan()

    def _sweep(self, arguments: Mapping[str, Any]) -> Sweep:
        if not arguments["models"]:
            raise ValidationError("No model is chosen.", hint="Choose two or more above.")
        if self._inputs.workflow.needs_prompt and not arguments["prompts"]:
            raise ValidationError("There is no prompt yet.", hint="Write one or more.")
        if lacking := self._inputs.lacking(()):
            raise ValidationError(f"{lacking.message} {lacking.remedy}".strip())
        return self._session.sweep(**arguments)

    def _tell(self, sweep: Sweep, token: str) -> None:
        sent = len(sweep.plan.to_make)
        words, is_billed = sweep.price.words, self._session.is_billed
        run = f"Run {sent:,} request{'' if sent == 1 else 's'}" if sent else "Show it, costs nothing"
        button = f"{run}, {words}" if words and is_billed and sent else run
        self.form.tell(summary=_summary(sweep, len(sweep.plan.takes) - sent, is_billed), button=button, token=token)
        is_open = "" if self.grids else " open"  # once there are pictures, these are what is looked at
        self.table.value = f"<details{is_open}><summary>What each cell does</summary>{sweep._repr_html_()}</details>"

    def _press(self, question: object, token: str) -> None:
        bridge().soon(self, f"run {question}", partial(self._run, question, token), work=True)

    def _run(self, question: object, token: str) -> None:
        if self._closed:
            return
        try:
            said = self._started(token)
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs beside the button
            self.form.refuse(question, failure_text(error))
            return
        self.form.answer(question, {"said": said})

    def _started(self, token: str) -> str:
        """Run the plan that was shown, once."""
        planned, self._planned = self._planned, None
        self.replan()
        if not planned or planned[0] != token or planned[1] != self._wish():
            raise ValidationError(_CHANGED)
        plan = planned[2].plan
        sends = bool(plan.to_make)
        shown = [each for each in self.grids if (each.grid.plan.hash, each.grid.plan.axes) == (plan.hash, plan.axes)]
        # What is here in full needs no second grid.
        self._put_first(shown[0] if shown and not sends else self._made(planned[2].run(self._budget())))
        return "It runs in the grid below." if sends else "It stands in the grid below."

    def _made(self, grid: GridRun) -> CompareGrid:
        made: CompareGrid = import_module("tokenlab_nb.widgets.compare").CompareGrid(grid)
        made.budget = self._budget
        made.offer("Use as reference", self._use)
        made.offer_recall("Set up in Create", self._recall)
        self._unsubscribe[made.uid] = grid.subscribe(self.replan)  # what is made then costs nothing again
        return made

    def _put_first(self, grid: CompareGrid) -> None:
        """Show a grid above the others; the output's place for a twin is its own then."""
        for older in self.grids[:1]:
            older.leave_place()
        is_first = not self.grids
        self.grids = [grid, *(each for each in self.grids if each is not grid)]
        grid.take_place(self.twin)
        if is_first:
            self.on_first()
        old = self.grids[_MOST_GRIDS:]
        del self.grids[_MOST_GRIDS:]
        self.shown.children = tuple(self.grids)
        for each in old:
            self._unsubscribe.pop(each.uid)()
            each.close()


def _argument(values: Sequence[Json]) -> Json:
    """The values of one setting as `Session.sweep` takes them: one is fixed, several are an axis."""
    alone = values[0] if len(values) == 1 else None
    return list(values) if alone is None or isinstance(alone, list) else alone


def _summary(sweep: Sweep, there: int, is_billed: bool) -> str:  # noqa: FBT001
    """What a plan comes to, in one or two sentences.

    Args:
        sweep: The plan.
        there: How many of its requests are made already.
        is_billed: Whether the price is real.
    """
    counts = sweep.plan.counts()
    told = ((counts["asked"], "as asked"), (counts["adjusted"], "adjusted"), (counts["impossible"], "impossible"))
    cells = ", ".join(f"{count:,} {word}" for count, word in told if count)
    more = [f"{there:,} made before, which cost nothing"] if there else []
    more += [f"about {sweep.seconds:.0f} s"] if sweep.seconds else []
    more += [f"nothing is billed here; at the service: {sweep.price}"] if sweep.price.words and not is_billed else []
    first = f"{len(sweep.cells):,} cell{'' if len(sweep.cells) == 1 else 's'}: {cells}."
    rest = "; ".join(more)
    return f"{first} {rest[:1].upper()}{rest[1:]}." if rest else first
