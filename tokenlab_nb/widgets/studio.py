"""`Studio`: the whole tool in one cell, composed of the other widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as w

from tokenlab_nb.contract.model import Json, Model, Operation
from tokenlab_nb.contract.workflows import CREATE, operation_for
from tokenlab_nb.errors import BudgetExceededError, IssueLike, TokenLabError, ValidationError
from tokenlab_nb.jobs.coded import Coded
from tokenlab_nb.widgets._base import close_looks, close_whole, failure_text, guard, note_run, plain_boxes
from tokenlab_nb.widgets._bridge import bridge
from tokenlab_nb.widgets._header import Header
from tokenlab_nb.widgets._layout import columns
from tokenlab_nb.widgets._press import Press
from tokenlab_nb.widgets._recall import Recall
from tokenlab_nb.widgets.code_line import CodeLine
from tokenlab_nb.widgets.compare_tab import CompareTab
from tokenlab_nb.widgets.controls import ParameterControls
from tokenlab_nb.widgets.picker import ModelPicker
from tokenlab_nb.widgets.quote import Quote

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.jobs.budget import Budget
    from tokenlab_nb.jobs.engine import Answer
    from tokenlab_nb.jobs.handle import Job
    from tokenlab_nb.session import Session
    from tokenlab_nb.widgets.gallery import Gallery
    from tokenlab_nb.widgets.inputs import Inputs

__all__ = ["Studio"]

T = TypeVar("T")


class Studio(Coded, w.VBox):  # type: ignore[misc]  # ipywidgets carry no types
    """Pick models, set what they accept, write a prompt, run, and look at the pictures as they come.

    Each chosen model gets one job. Jobs run in the background; results of this session stay in the gallery, also when
    the cell is run again. Nothing here blocks the kernel. What a run will cost stands on the Run button; what was made
    before by the same request is pointed out.

    Args:
        session: By default the service where there is a key, else the sandbox on this machine.
        models: Ids that are chosen at first; by default the service's first recommendation.
        prompt: What stands in the prompt box at first.
        budget: US dollars that this Studio may spend from now on: what might exceed it is refused before it is sent.

    Attributes:
        session: Where requests go.
        picker: The model picker.
        inputs: What to do (from text, from pictures, a part of one, variations), the pictures and the mask.
        controls: The controls of the chosen models.
        prompt: The prompt box.
        quote: What a run costs, the budget, and what was made before.
        compare: What the tab Compare holds: what varies, the plan, and the grids.
        gallery: The results.
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        models: Sequence[str] = (),
        prompt: str = "",
        budget: float | None = None,
    ) -> None:
        # These bring network, ledger and imaging with them: the name `tl.Studio` alone must not.
        self.session: Session = session or import_module("tokenlab_nb.opening").shared_session()
        aside = import_module("tokenlab_nb.widgets._tiles").is_set_aside
        known = [job for job in self.session.jobs if not aside(job.snapshot)]
        self.gallery: Gallery = import_module("tokenlab_nb.widgets.gallery").Gallery(known, title="Results")
        self._models: dict[str, Model] = {}
        self._asked: set[str] = set()  # models whose contracts are on their way
        self._shown: list[str] = []
        self._following = False
        self._recall = Recall(self)
        self._wanted = list(models)
        self.header = Header(
            place=self.session.place,
            sandbox=self.session.is_sandbox,
            has_key=self.session.has_key and not self.session.is_sandbox,
            notice=self.session.notice or "",
        )
        self.picker = ModelPicker([], value=[])
        self.prompt = w.Textarea(value=prompt, placeholder="What the picture shows", rows=3, description="Prompt")
        self.count = w.Label()
        self.inputs: Inputs = import_module("tokenlab_nb.widgets.inputs").Inputs(self.session)
        self.controls = ParameterControls()
        self.quote = Quote(self.session, limit=budget, drafts=self._drafts, show=self._show_made)
        self.button = w.Button(description="Run", button_style="primary", disabled=True)
        self.retry = w.Button(description="Try again", layout={"display": "none"})
        self.code_line = CodeLine(name="The same as code")
        self.compare = CompareTab(
            self.session,
            models=lambda: self.picker.value,
            inputs=self.inputs,
            budget=lambda: self.budget,
            recall=self._recall.begin,
            use=self.inputs.start_from,
        )
        super().__init__(children=[self.header, columns(self)])
        self.add_class("tlnb-studio")
        self._pressing = Press(self)
        self._connect()
        self.gallery.on_news(self.quote.hear)
        self.inputs.references.offer_recall(self._recall.begin_file)
        self.gallery.offer("Use as reference", self.inputs.start_from)
        self.gallery.budget = lambda: self.budget
        self.gallery.spare = lambda: bool(self.compare.grids)
        self.compare.on_first = self.gallery.freeze_soon
        note_run(self)
        self._load_models()

    def __repr__(self) -> str:
        return f"Studio({self.header.place})"

    # -------------------------------------------------------------------------------------- acting

    @property
    def values(self) -> dict[str, Json]:
        """What is set in the controls, by field name."""
        return dict(self.controls.values)

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this session, oldest first."""
        return self.session.jobs

    @property
    def budget(self) -> Budget | None:
        """The budget of this Studio, as it stands in the field."""
        return self.quote.budget

    def coded(self) -> tuple[tuple[ImageRequest, ...], str]:
        """What `code`, `curl` and `openai` are made of: what Run would send now, and the API's address."""
        return tuple(self._drafts()), self.session.base_url

    def run(self) -> list[Job]:
        """Start one job for each chosen model, as the button does. All are checked before any is sent.

        Raises:
            ValidationError: If something is known to be wrong. It is also shown, and nothing was sent.
            BudgetExceededError: If it might cost more than a budget leaves. As above.
        """
        chosen = self.picker.value
        self.quote.show_error("")
        if not chosen:
            raise ValidationError("No model is chosen.", hint="Choose one or more models above.")
        self._show_issues(())
        if not self.inputs.is_possible:
            raise ValidationError(f"{self.inputs.bar.note or 'The chosen models do not do this.'} Nothing was sent.")
        if chosen != self._shown:
            raise ValidationError("The settings of the chosen models are not here yet.", hint="Wait, or try again.")
        requests, refused, notes = self._prepared(chosen)
        issues = [*self.controls.issues, *refused]
        self.inputs.show_issues(notes)  # what is worth knowing, and no reason not to send
        if issues:
            rest = self._show_issues(issues)
            text = " ".join(dict.fromkeys(f"{issue.message} {issue.remedy}".strip() for issue in rest))
            where = "See beside what it is about."
            raise ValidationError(f"Nothing was sent. {text}".strip(), issues=issues, hint=where)
        jobs = self._sent(requests)
        for job in jobs:
            self.gallery.add(job)
        return jobs

    def _sent(self, requests: Sequence[ImageRequest]) -> list[Job]:
        """Send all or none; what the money says against it stands beside the budget."""
        try:
            return self.session.send_all(requests, budget=self.budget)
        except (BudgetExceededError, ValidationError) as error:
            self.quote.show_error(failure_text(error))
            raise

    def close(self) -> None:
        """Free both ends of every widget in it. The session and its jobs go on."""
        bridge().forget(self)
        for name in ("header", "picker", "inputs", "controls", "quote", "code_line", "compare", "gallery"):
            if part := self.__dict__.get(name):  # where the making failed half-way, some are missing
                part.close()
        for box in plain_boxes(self):
            close_whole(box)
        super().close()
        close_looks(self)

    def _ipython_display_(self, **_options: object) -> None:
        twins = {self.gallery.twin: self.gallery.frozen(), self.compare.twin: self.compare.frozen()}
        import_module("tokenlab_nb.widgets._twin").show(self, twins)

    def show_error(self, text: str) -> None:
        """Show a failure in the bar on top; an empty text takes it away."""
        self.header.show_error(text)

    def _prepared(self, chosen: Sequence[str]) -> tuple[list[ImageRequest], list[IssueLike], list[IssueLike]]:
        """One request for each model; what is wrong, each thing once; and what is worth knowing."""
        requests: list[ImageRequest] = []
        found: dict[str, IssueLike] = {}
        notes: dict[str, IssueLike] = {}
        for name in chosen:
            try:
                taken = self.inputs.taken()
                operation = self._operation(name).name
                request, told = self.session.checked(name, self._values(name), operation=operation, **taken)
            except ValidationError as error:
                found.update({f"{issue.field} {issue.message}": issue for issue in error.issues})
            else:
                requests.append(request)
                notes.update({f"{issue.field} {issue.message}": issue for issue in told})
        if lacking := self.inputs.lacking(requests):
            found["lacking"] = lacking
        return requests, list(found.values()), list(notes.values())

    def _values(self, name: str) -> dict[str, Json]:
        """What goes to a model beside pictures: its settings, and the prompt where the workflow takes one."""
        prompt: dict[str, Json] = {"prompt": self.prompt.value} if self.inputs.workflow.needs_prompt else {}
        return {**self.controls.values_for(name), **prompt}

    def _drafts(self) -> list[ImageRequest]:
        """What Run would send now, by the contracts that are here; without what is not right yet."""
        requests = []
        taken = self.inputs.at_hand()
        for name in list(self._shown) if taken is not None and not self.inputs.lacks_mask else []:
            with suppress(ValidationError, KeyError):  # another choice of models may just be on its way in
                more = {"operation": self._operation(name).name, **(taken or {})}
                requests.append(self.session.draft_request(self._models[name], self._values(name), **more))
        return requests

    def _show_made(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.gallery.add(job)
        if jobs:
            self.gallery.point_at(jobs[0])

    # What `Press` and the tab ask of it.

    def wanted_models(self) -> list[str]:
        """The names whose contracts a run rests on: as they were chosen, and the ids behind aliases."""
        return list(dict.fromkeys((*self._shown, *(self._models[name].id for name in self._shown))))

    def renew(self, models: Mapping[str, Model]) -> None:
        """Go on with models as they were read just now."""
        self._models.update({name: model for name, model in models.items() if name in self._models})

    def wish(self) -> object:
        """All that a run is made of, but for contracts and prices."""
        return [(name, self._values(name)) for name in self._shown], self.inputs.state

    @property
    def priced(self) -> tuple[str, str]:
        """What the button and the line below say of the price."""
        return self.button.description, self.quote.price

    def _show_issues(self, issues: Any) -> list[IssueLike]:
        """Put each issue where the user looks; return those that are not yet anywhere."""
        issues = self.inputs.show_issues(issues)
        about_prompt = [issue for issue in issues if issue.field == "prompt"]
        self._tell_prompt(" ".join(f"{issue.message} {issue.remedy}".strip() for issue in about_prompt))
        return list(self.controls.show_issues([issue for issue in issues if issue.field != "prompt"]))

    # ------------------------------------------------------------------------------------- wiring

    def _connect(self) -> None:
        shown = self.show_error
        self.button.on_click(guard(lambda _button: self._pressing.press(), shown))
        self.retry.on_click(guard(lambda _button: self._try_again(), shown))
        self.header.observe(guard(lambda _change: self._turn(), shown), "tab")
        self.picker.observe(guard(lambda _change: self.choose(), shown), "value")
        self.prompt.observe(guard(lambda _change: self._edited(), shown), "value")
        self.controls.observe_values(guard(lambda _values: self.reprice(), shown))
        self.inputs.on_change(guard(self._work_otherwise, shown))

    # -------------------------------------------------------------------------- models, contracts

    def _load_models(self) -> None:
        """Ask for the catalogue; it arrives on the bridge's thread, so a blocked kernel does not hold it up."""
        self.then("models", self.session.fetch_models(), self._take_models)

    def _try_again(self) -> None:
        self.retry.layout.display = "none"
        (self.choose if self.picker.models else self._load_models)()

    def _take_models(self, answer: Answer[tuple[Model, ...]]) -> None:
        models: tuple[Model, ...] = self.result(answer)
        self.picker.models = models
        usual = [model.id for model in models if model.lifecycle.stage == "active" and operation_for(model, CREATE)]
        first = self._wanted or usual[:1]
        self.picker.value = [model.id for model in models if model.id in first]
        self.choose()

    def choose(self) -> None:
        """Fetch the contracts of the chosen models, then show their controls."""
        self.button.disabled = True
        missing = [name for name in self.picker.value if name not in self._models]
        if not missing:
            self._show_controls()
        for name in (name for name in missing if name not in self._asked):
            self._asked.add(name)
            self.then(f"contract {name}", self.session.fetch_model(name), partial(self._take_contract, name))

    def _take_contract(self, name: str, answer: Answer[Model]) -> None:
        """Keep the model under the name that was asked for: an alias brings a model of another id."""
        self._asked.discard(name)
        self._models[name] = self.result(answer)
        if all(chosen in self._models for chosen in self.picker.value):
            self._show_controls()

    def _show_controls(self) -> None:
        """Show what the chosen models take, for what they are to do; where they cannot do it together, nothing."""
        chosen = list(self.picker.value)
        self._following = True  # the workflow may change now, which is no news
        try:
            recalled = self._recall.take(chosen)
            self.inputs.follow({name: self._models[name] for name in chosen})
        finally:
            self._following = False
        self._shown = chosen if self.inputs.is_possible else []
        self.controls.switch({name: self._operation(name) for name in self._shown})
        if recalled and self._shown:
            self._recall.set(recalled, {param.name for param in self._operation(chosen[0]).options})
        self.reprice()
        self.compare.offer([(name, found) for name in chosen if (found := self.inputs.possible(self._models[name]))])
        self.button.disabled = not self._shown
        self.prompt.layout.display = None if self.inputs.workflow.needs_prompt else "none"
        self._tell_prompt("")

    def _work_otherwise(self) -> None:
        """Another workflow, other pictures, another mask."""
        if not self._following and all(name in self._models for name in self.picker.value):
            self._show_controls()

    def _operation(self, name: str) -> Operation:
        return self.inputs.operation(self._models[name])

    def reprice(self) -> None:
        """Say what a run will cost: it hangs on models and settings, not on the prompt."""
        estimates = [
            self.session.price_unchecked(self._models[name], self._operation(name).name, self.controls.values_for(name))
            for name in self._shown
        ]
        self.button.description = self.quote.button(estimates)
        self._look()

    def _edited(self) -> None:
        self._tell_prompt("")
        self._look()

    def _look(self) -> None:
        """Whatever was changed: what is said of costs, and the code, follow."""
        self.quote.show_error("")
        self.quote.look()
        bridge().soon(self, "code", self._write_code, gap=0.3, work=True)

    def _write_code(self) -> None:
        self.code_line.tell(import_module("tokenlab_nb.export.languages").codes_of(*self.coded()))

    def _turn(self) -> None:
        """Another tab is looked at."""
        if self.header.tab == "compare":
            self.compare.open(self.prompt.value, self.controls.values)
        else:
            self.compare.is_open = False

    def result(self, answer: Answer[T]) -> T:
        """What came, or a failure that can be tried again."""
        try:
            return answer.result()
        except TokenLabError:
            self.retry.layout.display = None
            raise

    def _tell_prompt(self, problem: str) -> None:
        """The line below the prompt: what is wrong with it, else how long it is."""
        params = [self._operation(name).params.get("prompt") for name in self._shown]
        stated = [param.max_length for param in params if param and param.max_length]
        length = f"{len(self.prompt.value):,}" + (f" / {min(stated):,}" if stated else "") + " characters"
        self.count.value = problem or (length if self.inputs.workflow.needs_prompt else "")
        (self.count.add_class if problem else self.count.remove_class)("tlnb-studio-problem")

    def then(self, name: str, answer: Answer[Any], take: Any) -> None:
        """Run ``take`` on the bridge's thread once the answer is there; its failure is shown."""

        def show(text: str) -> None:
            if text:  # one answer that came does not take away what another one failed with
                self.show_error(text)

        answer.add_done_callback(lambda done: bridge().soon(self, name, partial(guard(take, show), done), work=True))
