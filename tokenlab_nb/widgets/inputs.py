"""`Inputs`: what goes into a request beside prompt and settings: the workflow, its reference pictures and its mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from tokenlab_nb.contract.model import Model, Operation
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.workflows import WORKFLOWS, Workflow, operation_for
from tokenlab_nb.errors import IssueLike, TokenLabError
from tokenlab_nb.widgets._base import failure_text, guard
from tokenlab_nb.widgets.mask import MaskEditor
from tokenlab_nb.widgets.references import ReferencePicker
from tokenlab_nb.widgets.workflows import WorkflowBar

if TYPE_CHECKING:
    from tokenlab_nb.images import ImageResult
    from tokenlab_nb.session import Session

__all__ = ["Inputs"]

_AT_AN_ADDRESS = "The first picture lies at an address: press its Check button, and it can be painted on here."


class Inputs(w.VBox):  # type: ignore[misc]  # ipywidgets carry no types
    """The workflow bar, and below it what the workflow needs: reference pictures, and a mask over the first of them.

    Pictures and mask stay when the workflow changes; only what it needs is shown and sent. The mask editor has a box of
    its own, `canvas`, since it wants more room than a column of controls: whoever shows this shows that one too.

    Args:
        session: Keeps the pictures.

    Attributes:
        bar: The workflow bar.
        references: The reference pictures.
        mask: The mask editor.
        canvas: What holds the mask editor; empty where none is needed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._models: dict[str, Model] = {}
        self._hearers: list[Callable[[], object]] = []
        self._painted_on: Source | None = None
        self._kept: Source | None = None  # the mask as it was last taken in
        self._doubts: Sequence[IssueLike] = ()  # about that mask
        self._stale = True
        self._shown: tuple[Any, ...] = ()
        self.bar = WorkflowBar()
        self.references = ReferencePicker(session)
        self.mask = MaskEditor()
        self._line = w.Label(_dom_classes=("tlnb-studio-line",))
        self._note = w.Label(_dom_classes=("tlnb-studio-line",))
        self._problem = w.Label(_dom_classes=("tlnb-studio-line", "tlnb-studio-problem"))
        self.canvas = w.VBox(_dom_classes=("tlnb-studio-canvas",))
        super().__init__(_dom_classes=("tlnb-studio-inputs",))
        self.bar.observe(guard(lambda _change: self._switch(), self.bar.show_error), "value")
        self.references.on_change(guard(lambda *_: self._pictures_changed(), self.bar.show_error))
        self.mask.on_change(guard(lambda *_: self._mask_changed(), self.bar.show_error))
        self._switch()

    def __repr__(self) -> str:
        return f"Inputs({self.bar.value!r}, {len(self.references.value)} pictures)"

    @property
    def workflow(self) -> Workflow:
        """What is to be done."""
        return WORKFLOWS[self.bar.value]

    @property
    def is_possible(self) -> bool:
        """Whether all of the models do it."""
        return self.bar.value in self.bar.offered

    @property
    def problem(self) -> str:
        """What is wrong with pictures and mask, as it is shown."""
        return str(self._problem.value)

    @property
    def note(self) -> str:
        """What is worth knowing of them, and no reason not to send."""
        return str(self._note.value)

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call back after every change of workflow, pictures or mask."""
        self._hearers.append(callback)

    def follow(self, models: Mapping[str, Model]) -> None:
        """Offer what these models do together.

        Args:
            models: By the name that was chosen, with their contracts.
        """
        self._models = dict(models)
        self.bar.follow(list(models.values()))
        self._limit()

    def operation(self, model: Model) -> Operation:
        """The operation by which a model does what is chosen.

        Raises:
            KeyError: If it does not.
        """
        found = operation_for(model, self.bar.value)
        if found is None:
            raise KeyError(f"{model.id} {self.workflow.lack}")
        return found

    @property
    def lacks_mask(self) -> bool:
        """Whether a mask is needed, there is a picture to paint on, and nothing is painted."""
        return self.workflow.needs_mask and self._painted_on is not None and self.mask.mask is None

    def taken(self) -> dict[str, Any]:
        """The pictures that Run sends, as `Session.checked` takes them; the mask is made ready here.

        Raises:
            ValidationError: If the mask cannot be used.
        """
        if not self.workflow.needs_pictures:
            return {}
        mask = self._mask_source() if self.workflow.needs_mask else None
        return {"references": list(self.references.value), "mask": mask}

    def at_hand(self) -> dict[str, Any] | None:
        """As `taken`, where nothing has to be made ready for it; else None. Never blocks."""
        if self.workflow.needs_mask and self._stale:
            return None
        return self.taken()

    def start_from(self, picture: ImageResult) -> str:
        """Add an earlier result to the pictures, and go to a workflow that takes some.

        Returns:
            What to tell the user.
        """
        if picture.sha256 not in [source.picture for source in self.references.value]:
            self.references.add(picture)
        if not self.workflow.needs_pictures:
            possible = [name for name in self.bar.offered if WORKFLOWS[name].needs_pictures]
            if not possible:
                return "Added to the pictures. The chosen models take none: choose others, then From pictures."
            self.bar.value = possible[0]
        return "Added to the pictures."

    def show_issues(self, issues: Sequence[IssueLike]) -> list[IssueLike]:
        """Say what is wrong with pictures and mask, or worth knowing; return the issues about something else."""
        mine = [issue for issue in issues if issue.field.startswith(("references", "mask"))]
        doubts = [*mine, *self._doubts] if self.workflow.needs_mask else mine
        self._problem.value = _words([issue for issue in mine if not _is_warning(issue)])
        self._note.value = _words([issue for issue in doubts if _is_warning(issue)])
        self._arrange()
        return [issue for issue in issues if issue not in mine]

    def close(self) -> None:
        """Free both ends of every widget in it."""
        for part in (self.bar, self.references, self.mask, self._line, self._note, self._problem, self.canvas):
            part.close()
        super().close()

    # ------------------------------------------------------------------------------------ changes

    def _switch(self) -> None:
        self._limit()
        if self.workflow.needs_mask:
            self._paint_on_first()
        self.show_issues(())
        self._tell()

    def _pictures_changed(self) -> None:
        if self.workflow.needs_mask:
            self._paint_on_first()
        self.show_issues(())
        self._tell()

    def _mask_changed(self) -> None:
        self._stale, self._doubts = True, ()
        self.show_issues(())
        self._tell()

    def _tell(self) -> None:
        for hearer in self._hearers:
            hearer()

    def _limit(self) -> None:
        """Tell the picker which contracts hold."""
        able = {name: found for name, model in self._models.items() if (found := operation_for(model, self.bar.value))}
        if self.workflow.needs_pictures:
            self.references.operations = able

    def _arrange(self) -> None:
        """Show what the workflow needs, and what there is to say."""
        wanted = {
            self.bar: True,
            self.references: self.workflow.needs_pictures,
            self._line: self.workflow.needs_mask and bool(self._line.value),
            self._note: bool(self._note.value),
            self._problem: bool(self._problem.value),
        }
        shown = tuple(part for part, is_wanted in wanted.items() if is_wanted)
        if shown != self._shown:
            self._shown = self.children = shown
        painting = (self.mask,) if self.workflow.needs_mask and self._painted_on else ()
        if painting != self.canvas.children:
            self.canvas.children = painting

    # --------------------------------------------------------------------------------------- mask

    def _paint_on_first(self) -> None:
        """Put the first picture under the brush, as it will be sent."""
        first = self.references.value[0] if self.references.value else None
        if first == self._painted_on and first is not None:
            return
        data = self.references.original(0) if first is not None else None
        self._line.value = ""
        if data is None:
            self._line.value = _AT_AN_ADDRESS if first is not None else ""
            self._painted_on = None
            return
        try:
            self.mask.image = data
            self._painted_on = first
        except TokenLabError as error:
            self._painted_on = None
            self._line.value = failure_text(error)
        self._stale = True

    def _mask_source(self) -> Source | None:
        """The mask as it is sent; None where nothing is painted."""
        if self._stale:
            mask = self.mask.mask if self._painted_on else None
            self._kept, self._doubts = (None, ()) if mask is None else self._session.take_mask(mask, self._painted_on)
            self._stale = False
        return self._kept


def _is_warning(issue: IssueLike) -> bool:
    return getattr(issue, "severity", "error") == "warning"


def _words(issues: Sequence[IssueLike]) -> str:
    return " ".join(dict.fromkeys(f"{issue.message} {issue.remedy}".strip() for issue in issues))
