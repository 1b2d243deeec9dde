"""`Studio`: the whole tool in one cell, composed of the other widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as w
import traitlets as t

from tokenlab_nb.contract.model import TEXT_TO_IMAGE, Json, Model, Operation
from tokenlab_nb.errors import IssueLike, TokenLabError, ValidationError
from tokenlab_nb.widgets._base import Buffers, Result, Widget, guard, note_run
from tokenlab_nb.widgets._bridge import bridge
from tokenlab_nb.widgets.controls import ParameterControls
from tokenlab_nb.widgets.picker import ModelPicker

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.jobs.engine import Answer
    from tokenlab_nb.jobs.handle import Job
    from tokenlab_nb.session import Session
    from tokenlab_nb.widgets.gallery import Gallery

__all__ = ["Studio"]

T = TypeVar("T")


class Header(Widget):
    """The bar on top: where pictures come from, how to use a key, and what went wrong. It takes no text.

    Attributes:
        place: Where requests go, in words.
        sandbox: Whether nothing is billed.
        has_key: Whether a key is set; never the key.
        notice: What the user should know, if anything.
    """

    place = t.Unicode("").tag(sync=True)
    sandbox = t.Bool(True).tag(sync=True)
    has_key = t.Bool(False).tag(sync=True)
    notice = t.Unicode("").tag(sync=True)

    def _describe(self) -> str:
        return repr(self.place)

    def _on_heard(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Asked before a run: whoever gets the answer knows that all earlier messages were taken in."""
        return None


class Studio(w.VBox):  # type: ignore[misc]  # ipywidgets carry no types
    """Pick models, set what they accept, write a prompt, run, and look at the pictures as they come.

    Each chosen model gets one job. Jobs run in the background; results of this session stay in the gallery, also when
    the cell is run again. Nothing here blocks the kernel.

    Args:
        session: By default the service where there is a key, else the sandbox on this machine.
        models: Ids that are chosen at first; by default the service's first recommendation.
        prompt: What stands in the prompt box at first.

    Attributes:
        session: Where requests go.
        picker: The model picker.
        controls: The controls of the chosen models.
        prompt: The prompt box.
        gallery: The results.
    """

    def __init__(self, session: Session | None = None, *, models: Sequence[str] = (), prompt: str = "") -> None:
        # Session and gallery bring network, ledger and imaging with them: the name `tl.Studio` alone must not.
        self.session: Session = session or import_module("tokenlab_nb.opening").shared_session()
        self.gallery: Gallery = import_module("tokenlab_nb.widgets.gallery").Gallery(self.session.jobs, title="Results")
        self._operations: dict[str, Operation] = {}
        self._shown: list[str] = []
        self._wanted = list(models)
        self.header = Header(
            place=self.session.place,
            sandbox=self.session.is_sandbox,
            has_key=self.session.has_key and not self.session.is_sandbox,
            notice=self.session.notice or "",
        )
        self.picker = ModelPicker([], value=[])
        self.prompt = w.Textarea(value=prompt, placeholder="What the picture shows", rows=3, description="Prompt")
        self.count, self.others = w.Label(), w.Label()
        self.controls = ParameterControls()
        self.button = w.Button(description="Run", button_style="primary", disabled=True)
        self.retry = w.Button(description="Try again", layout={"display": "none"})
        super().__init__(children=[self.header, self._columns()])
        self.add_class("tlnb-studio")
        self._connect()
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

    def run(self) -> list[Job]:
        """Start one job for each chosen model, as the button does. All are checked before any is sent.

        Raises:
            ValidationError: If something is known to be wrong. It is also shown, and nothing was sent.
        """
        chosen = self.picker.value
        if not chosen:
            raise ValidationError("No model is chosen.", hint="Choose one or more models above.")
        self._show_issues(())
        if chosen != self._shown:
            raise ValidationError("The settings of the chosen models are not here yet.", hint="Wait, or try again.")
        requests, refused = self._prepared(chosen)
        issues = [*self.controls.issues, *refused]
        if issues:
            rest = self._show_issues(issues)
            text = " ".join(dict.fromkeys(f"{issue.message} {issue.remedy}".strip() for issue in rest))
            raise ValidationError(f"Nothing was sent. {text}".strip(), issues=issues, hint="See beside the settings.")
        jobs = []
        for request in requests:
            jobs.append(self.session.send(request))
            self.gallery.add(jobs[-1])
        return jobs

    def close(self) -> None:
        """Free both ends of every widget in it. The session and its jobs go on."""
        bridge().forget(self)
        for part in (self.header, self.picker, self.controls, self.gallery):
            part.close()
        for box in _boxes(self):
            box.close()
        super().close()

    def _ipython_display_(self, **_options: object) -> None:
        import_module("tokenlab_nb.widgets._twin").show(self, {self.gallery.twin: self.gallery.frozen()})

    def show_error(self, text: str) -> None:
        """Show a failure in the bar on top; an empty text takes it away."""
        self.header.show_error(text)

    def _prepared(self, chosen: Sequence[str]) -> tuple[list[ImageRequest], list[IssueLike]]:
        """One request for each model, and what is wrong, each thing once."""
        requests = []
        found: dict[str, IssueLike] = {}
        for name in chosen:
            values = {**self.controls.values_for(name), "prompt": self.prompt.value}
            try:
                requests.append(self.session.prepare(name, values, operation=TEXT_TO_IMAGE))
            except ValidationError as error:
                found.update({f"{issue.field} {issue.message}": issue for issue in error.issues})
        return requests, list(found.values())

    def _show_issues(self, issues: Any) -> list[IssueLike]:
        """Put each issue where the user looks; return those that are not yet anywhere."""
        about_prompt = [issue for issue in issues if issue.field == "prompt"]
        self._tell_prompt(" ".join(f"{issue.message} {issue.remedy}".strip() for issue in about_prompt))
        return list(self.controls.show_issues([issue for issue in issues if issue.field != "prompt"]))

    # ------------------------------------------------------------------------------------- layout

    def _columns(self) -> Any:
        self.prompt.layout = w.Layout(width="auto")
        foot = w.HBox([self.button, self.retry, self.count])
        # Run stands right below the prompt: the settings are many, and most runs change none of them.
        ask, results = w.VBox([self.picker, self.others, self.prompt, foot]), w.VBox([self.gallery])
        settings = w.VBox([self.controls])
        lines = ((self.prompt, "prompt"), (self.count, "line"), (self.others, "line"), (foot, "foot"))
        for widget, name in (*lines, (self.button, "run")):
            widget.add_class(f"tlnb-studio-{name}")
        columns = w.Box([ask, results, settings])
        for widget, name in ((ask, "ask"), (results, "results"), (settings, "settings"), (columns, "columns")):
            widget.add_class(f"tlnb-studio-{name}")
        return columns

    def _connect(self) -> None:
        shown = self.show_error
        self.button.on_click(guard(lambda _button: self.run(), shown))
        self.retry.on_click(guard(lambda _button: self._try_again(), shown))
        self.picker.observe(guard(lambda _change: self._choose(), shown), "value")
        self.prompt.observe(guard(lambda _change: self._tell_prompt(""), shown), "value")

    # -------------------------------------------------------------------------- models, contracts

    def _load_models(self) -> None:
        """Ask for the catalogue; it arrives on the bridge's thread, so a blocked kernel does not hold it up."""
        self._then("models", self.session.fetch_models(), self._take_models)

    def _try_again(self) -> None:
        self.retry.layout.display = "none"
        (self._choose if self.picker.models else self._load_models)()

    def _take_models(self, answer: Answer[tuple[Model, ...]]) -> None:
        listed = self._result(answer)
        models = [model for model in listed if TEXT_TO_IMAGE in model.contract.operations]
        others = len(listed) - len(models)
        self.others.value = f"{others} more start from a picture: session.edit(), session.vary()." if others else ""
        self.picker.models = models
        first = self._wanted or [model.id for model in models if model.lifecycle.stage == "active"][:1]
        self.picker.value = [model.id for model in models if model.id in first]
        self._choose()

    def _choose(self) -> None:
        """Fetch the contracts of the chosen models, then show their controls."""
        self.button.disabled = True
        missing = [name for name in self.picker.value if name not in self._operations]
        if not missing:
            self._show_controls()
        for name in missing:
            self._then(f"contract {name}", self.session.fetch_model(name), partial(self._take_contract, name))

    def _take_contract(self, name: str, answer: Answer[Model]) -> None:
        """Keep the operation under the name that was asked for: an alias brings a model of another id."""
        operation = self._result(answer).contract.operations.get(TEXT_TO_IMAGE)
        if operation is None:
            raise ValidationError(f"{name} does not make pictures from a prompt alone.", hint="Choose another model.")
        self._operations[name] = operation
        if all(chosen in self._operations for chosen in self.picker.value):
            self._show_controls()

    def _show_controls(self) -> None:
        self._shown = list(self.picker.value)
        self.controls.switch({name: self._operations[name] for name in self._shown})
        count = len(self._shown)
        self.button.description = f"Run {count} request{'' if count == 1 else 's'}"
        self.button.disabled = not count
        self._tell_prompt("")

    def _result(self, answer: Answer[T]) -> T:
        """What came, or a failure that can be tried again."""
        try:
            return answer.result()
        except TokenLabError:
            self.retry.layout.display = None
            raise

    def _tell_prompt(self, problem: str) -> None:
        """The line below the prompt: what is wrong with it, else how long it is."""
        params = [self._operations[name].params.get("prompt") for name in self._shown]
        stated = [param.max_length for param in params if param and param.max_length]
        length = f"{len(self.prompt.value):,}" + (f" / {min(stated):,}" if stated else "") + " characters"
        self.count.value = problem or length
        (self.count.add_class if problem else self.count.remove_class)("tlnb-studio-problem")

    def _then(self, name: str, answer: Answer[Any], take: Any) -> None:
        """Run ``take`` on the bridge's thread once the answer is there; its failure is shown."""

        def show(text: str) -> None:
            if text:  # one answer that came does not take away what another one failed with
                self.show_error(text)

        answer.add_done_callback(lambda done: bridge().soon(self, name, partial(guard(take, show), done), work=True))


def _boxes(box: Any) -> list[Any]:
    """All plain widgets below a box; ours close their own."""
    found = []
    for child in box.children:
        if isinstance(child, (Widget, ParameterControls)):
            continue
        found.append(child)
        found += _boxes(child) if hasattr(child, "children") else []
    return found
