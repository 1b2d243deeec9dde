"""`Inputs`: what goes into a request beside prompt and settings: the workflow, its reference pictures and its mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from tokenlab_nb import pixels
from tokenlab_nb.contract.model import Issue, Model, Operation
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.workflows import WORKFLOWS, Workflow, operation_for
from tokenlab_nb.errors import IssueLike, TokenLabError
from tokenlab_nb.widgets._base import close_looks, close_whole, failure_text, guard
from tokenlab_nb.widgets.mask import MaskEditor
from tokenlab_nb.widgets.references import ReferencePicker
from tokenlab_nb.widgets.workflows import WorkflowBar

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.images import ImageResult
    from tokenlab_nb.session import Session

__all__ = ["Inputs"]

_AT_AN_ADDRESS = "The first picture lies at an address: press its Check button, and it can be painted on here."
_ELSE = "To change all of it, choose From pictures."
_TURNED = "The first picture lies at an address and is rotated by EXIF: add its file instead, and it can be painted on."
_UNPAINTED = Issue("mask", "Nothing is painted yet.", remedy="Paint over what should change, or choose From pictures.")
_NO_PICTURE = Issue("references", "There is no picture yet.", remedy="Add one below the workflows.")
_ON_ITS_WAY = Issue("references", "A picture is still on its way.", remedy="Wait for it, or remove it.")


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
        self._under: bytes | None = None  # the bytes of it that are under the brush
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
        found = self.possible(model)
        if found is None:
            raise KeyError(f"{model.id} {self.workflow.lack}")
        return found

    def possible(self, model: Model) -> Operation | None:
        """As `operation`; None where the model does not do it."""
        return operation_for(model, self.bar.value)

    @property
    def lacks_mask(self) -> bool:
        """Whether a mask is needed, there are pictures, and nothing is painted on the first of them as it is now."""
        pictures = self.references.value
        return self.workflow.needs_mask and bool(pictures) and self._painted(pictures) is None

    def lacking(self, requests: Sequence[ImageRequest]) -> Issue | None:
        """What is not here yet, so that these requests would be other ones than are shown."""
        if self.workflow.needs_pictures and self.references.is_busy:
            return _ON_ITS_WAY
        if self.workflow.needs_pictures and not self.references.value:
            return _NO_PICTURE
        without = self.workflow.needs_mask and any(request.mask is None for request in requests)
        if not (without or self.lacks_mask):
            return None
        return _UNPAINTED if self._painted_on else replace(_UNPAINTED, message=str(self._line.value), remedy=_ELSE)

    @property
    def state(self) -> tuple[object, ...]:
        """What is to be done with which pictures, as a value: while it is equal, nothing of it has changed."""
        return self.bar.value, self.references.value, self.mask.version if self.workflow.needs_mask else 0

    def taken(self) -> dict[str, Any]:
        """The pictures that Run sends, as `Session.checked` takes them; the mask is made ready here.

        Raises:
            ValidationError: If the mask cannot be used.
        """
        if not self.workflow.needs_pictures:
            return {}
        pictures = self.references.value
        mask = self._mask_source(pictures) if self.workflow.needs_mask else None
        return {"references": list(pictures), "mask": mask}

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
        is_new = picture.sha256 not in [source.picture for source in self.references.value]
        if is_new:
            self.references.add(picture)
        if not self.workflow.needs_pictures:
            possible = [name for name in self.bar.offered if WORKFLOWS[name].needs_pictures]
            if not possible:
                return "Added to the pictures. The chosen models take none: choose others, then From pictures."
            self.bar.value = possible[0]
        if not is_new:
            return "It is among the pictures already."
        if self.workflow.needs_mask and len(self.references.value) > 1:
            return "Added to the pictures. You paint on the first one: press Earlier on the new one to paint on that."
        return "Added to the pictures."

    def show_issues(self, issues: Sequence[IssueLike]) -> list[IssueLike]:
        """Say what is wrong with pictures and mask, or worth knowing; return the issues about something else."""
        mine = [issue for issue in issues if issue.field.startswith(("references", "mask"))]
        told = [_NO_PICTURE] if _NO_PICTURE in mine else mine  # what each model says of that comes to the same
        doubts = [*told, *self._doubts] if self.workflow.needs_mask else told
        self._problem.value = _words([issue for issue in told if not _is_warning(issue)])
        self._note.value = _words([issue for issue in doubts if _is_warning(issue)])
        self._arrange()
        return [issue for issue in issues if issue not in mine]

    def close(self) -> None:
        """Free both ends of every widget in it."""
        for part in (self.bar, self.references, self.mask):
            part.close()
        for box in (self._line, self._note, self._problem, self.canvas):
            close_whole(box)
        super().close()
        close_looks(self)

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
        is_known = first is not None and first == self._painted_on
        if is_known and first is not None and first.is_local:
            return
        data = self.references.original(0) if first is not None else None
        if is_known and data is self._under:  # a check may find another picture at the same address
            return
        self._painted_on, self._stale, self._line.value = None, True, ""
        if first is None or data is None:
            self._line.value = _AT_AN_ADDRESS if first is not None else ""
            return
        try:
            if not first.is_local and pixels.is_turned(pixels.examined(data)[0]):
                self._line.value = _TURNED  # the service has it as it is stored, and the mask would lie across it
                return
            self.mask.image = data
            self._painted_on, self._under = first, data
        except TokenLabError as error:
            self._line.value = failure_text(error)

    def _painted(self, pictures: Sequence[Source]) -> object | None:
        """The mask over the first of these pictures; None where there is none, or another picture is painted on."""
        is_there = bool(pictures) and pictures[0] == self._painted_on and self.mask.image is self._under
        return self.mask.mask if is_there else None

    def _mask_source(self, pictures: Sequence[Source]) -> Source | None:
        if self._stale:  # before the mask is read: a stroke may come meanwhile
            self._kept, self._doubts, self._stale = None, (), False
        mask = self._painted(pictures)
        if mask is None:
            self._kept, self._doubts = None, ()
            return None
        if self._kept is None:
            try:
                self._kept, self._doubts = self._session.take_mask(mask, pictures[0])
            except TokenLabError:
                self._stale = True
                raise
        return self._kept


def _is_warning(issue: IssueLike) -> bool:
    return getattr(issue, "severity", "error") == "warning"


def _words(issues: Sequence[IssueLike]) -> str:
    return " ".join(dict.fromkeys(f"{issue.message} {issue.remedy}".strip() for issue in issues))
