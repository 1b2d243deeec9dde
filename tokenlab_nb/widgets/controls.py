"""`ParameterControls`: a control for every option of the chosen models, and nothing sent that was not set."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ipywidgets as w

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.carry import Carried, carry
from tokenlab_nb.contract.model import Issue, Json, Operation
from tokenlab_nb.contract.params import ADVANCED_ORDER
from tokenlab_nb.contract.unite import Shared, unite
from tokenlab_nb.errors import IssueLike, ValidationError
from tokenlab_nb.widgets._base import close_looks, close_whole, enlist, note_run, static_text
from tokenlab_nb.widgets._fields import AUTO, Auto, UnreadableError, make_field

__all__ = ["ParameterControls"]

Operations = Mapping[str, Operation] | Sequence[tuple[str, Operation]]
Values = dict[str, Json]

_SEED: Final = "seed"
_LARGEST_SEED: Final = 2**31 - 1  # no source bounds seeds; 31 bits fit every signed integer that a service may use

_AUTO_MEANS: Final = {"async": "Auto: asked for where the contract lists it, unless b64_json is wanted."}


def random_seed() -> int:
    """Return a seed from 0 to 2,147,483,647."""
    return secrets.randbelow(_LARGEST_SEED + 1)


def controls_css() -> str:
    """Return the style that `ParameterControls` needs, for a widget that composes it."""
    return static_text("controls", (), ".css")


class ParameterControls(w.VBox):  # type: ignore[misc]  # ipywidgets carry no types
    """Controls for one or several models at once.

    The controls are the union of the models' options; each row says who takes it where not all do, what the limits
    are, and who stated them. Options that are rarely used are folded away under "More settings".

    Args:
        operations: For each model id the operation that it is to run.
        values: What is set at first, by field name.
        draw_seed: Gives a seed for the button "random".

    Example:
        >>> model = session.model("gpt-image-2")
        >>> controls = ParameterControls({model.id: model.contract.operations["text-to-image"]})
        >>> controls.values
        {}
    """

    def __init__(
        self,
        operations: Operations = (),
        *,
        values: Mapping[str, Json] | None = None,
        draw_seed: Callable[[], int] = random_seed,
        **kwargs: Any,
    ) -> None:
        self._draw_seed = draw_seed
        self._operations: list[tuple[str, Operation]] = []
        self._rows: dict[str, _Row] = {}
        self._observers: list[Callable[[Values], object]] = []
        self._told: Values = {}
        self._parked: Values = {}
        self._silent = False
        self._style = w.HTML(f"<style>{controls_css()}</style>", layout={"display": "none"})
        self._carried = w.Label(_dom_classes=("tlnb-controls-carried",))
        self._looks = {"layout": self._carried.layout, "style": self._carried.style}
        self._common, self._rare = (w.Box(_dom_classes=("tlnb-controls-grid",)) for _ in range(2))
        self._more = w.Accordion(children=[self._rare], selected_index=None)
        parts = [self._style, self._carried, self._common, self._more]
        super().__init__(children=parts, _dom_classes=("tlnb-controls",), **kwargs)
        self._build(_pairs(operations))
        self.set_values(values or {})
        note_run(self)

    def __repr__(self) -> str:
        return f"ParameterControls({', '.join(model_id for model_id, _ in self._operations)}, values={self.values!r})"

    @property
    def values(self) -> Values:
        """What was set, by field name, in the order of the controls. Auto is not in it, nor what cannot be read."""
        read = ((name, row.get()) for name, row in self._rows.items())
        return {name: value for name, value in read if not isinstance(value, Auto)}

    def values_for(self, model_id: str) -> Values:
        """Return what was set and the model takes.

        Args:
            model_id: One of the chosen models.

        Raises:
            KeyError: If it is not one of them.
        """
        options = {param.name for param in dict(self._operations)[model_id].options}
        return {name: value for name, value in self.values.items() if name in options}

    def set_values(self, values: Mapping[str, Json]) -> None:
        """Set the controls; those that are not named become auto.

        Args:
            values: By field name. A value that is not accepted is shown with what is wrong with it.

        Raises:
            ValidationError: If a name is no option of the chosen models. Nothing is set then.
        """
        unknown = [_unknown_name(name, self._rows) for name in values if name not in self._rows]
        if unknown:
            raise ValidationError(unknown[0].message, issues=unknown)
        with _Quiet(self):
            for name, row in self._rows.items():
                row.put(values.get(name, AUTO))

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is wrong with what stands in the controls now, by each model's limits. Look here before sending."""
        return tuple(issue for row in self._rows.values() for issue in row.issues())

    def show_issues(self, issues: Sequence[IssueLike]) -> tuple[IssueLike, ...]:
        """Put each issue's sentence beside its control, until that control changes.

        Args:
            issues: From a check or from the service. Empty takes away what was shown.

        Returns:
            The issues of fields that have no control here: for the caller to show.
        """
        texts: dict[str, list[str]] = {}
        for issue in issues:
            texts.setdefault(issue.field, []).append(f"{issue.message} {issue.remedy}".strip())
        for name, row in self._rows.items():
            row.told = tuple(texts.get(name, ()))
            row.object_to()
        if any(name in texts and row.shared.param.order >= ADVANCED_ORDER for name, row in self._rows.items()):
            self._more.selected_index = 0
        return tuple(issue for issue in issues if issue.field not in self._rows)

    def observe_values(self, callback: Callable[[Values], object]) -> Callable[[], None]:
        """Call back after every change of `values`, once for several at a time.

        Args:
            callback: Gets the new values.

        Returns:
            A function that ends it.
        """
        return enlist(self._observers, callback)

    def switch(self, operations: Operations) -> Carried:
        """Go on with other models. What was set is kept, mapped or dropped, and one line says so.

        Args:
            operations: For each model id the operation that it is to run.

        Returns:
            What became of the values; its ``line`` is what is shown. Without any model they wait for the next switch.
        """
        pairs = _pairs(operations)
        values = {**self._parked, **self.values}
        # Between two choices no model may be chosen at all: that is no reason to lose what was set.
        carried = carry(values, pairs) if pairs else Carried(values)
        self._parked = {} if pairs else values
        with _Quiet(self):
            self._build(pairs)
            for name, row in self._rows.items():
                row.keep(carried.values.get(name, AUTO))
            self._carried.value = carried.line if pairs else ""
        return carried

    def close(self) -> None:
        """Free both ends of every control."""
        for row in self._rows.values():
            row.close()
        for part in (self._style, self._carried, self._more, self._common, self._rare):
            close_whole(part)
        super().close()
        close_looks(self)

    def _build(self, operations: list[tuple[str, Operation]]) -> None:
        """Make the rows; those whose facts did not change stay, with the focus that may be in them."""
        old, self._operations = self._rows, operations
        self._rows = {}
        for shared in unite(operations):
            name = shared.param.name
            kept = old.get(name)
            reuse = kept is not None and kept.shared == shared
            self._rows[name] = kept if kept and reuse else _Row(shared, self._changed, self._draw_seed, self._looks)
        boxes = [(row.shared.param.order >= ADVANCED_ORDER, row.box) for row in self._rows.values()]
        self._common.children = [box for rare, box in boxes if not rare]
        self._rare.children = [box for rare, box in boxes if rare]
        self._more.layout.display = None if self._rare.children else "none"
        for name, row in old.items():
            if self._rows.get(name) is not row:
                row.close()

    def _changed(self) -> None:
        """Tell the observers, unless several controls are just being set."""
        if self._silent:
            return
        values = self.values
        rare = sum(row.shared.param.order >= ADVANCED_ORDER and name in values for name, row in self._rows.items())
        self._more.titles = (f"More settings ({rare} set)" if rare else "More settings",)
        if values != self._told:
            self._told = values
            for callback in tuple(self._observers):
                callback(dict(values))


class _Quiet:
    """While several controls are set, observers hear nothing; afterwards once."""

    def __init__(self, controls: ParameterControls) -> None:
        self._controls = controls

    def __enter__(self) -> None:
        self._controls._silent = True

    def __exit__(self, *_error: object) -> None:
        self._controls._silent = False
        self._controls._changed()


class _Row:
    """A control, what is to be known about it, and what is wrong with its value."""

    def __init__(
        self, shared: Shared, changed: Callable[[], None], draw_seed: Callable[[], int], looks: Mapping[str, Any]
    ) -> None:
        self.shared = shared
        self.told: tuple[str, ...] = ()
        self._changed = changed
        layout = looks["layout"]  # one for all: a layout and a style of their own would triple the messages
        self._field = make_field(shared.param, layout=layout)
        self._objection = w.Label(_dom_classes=("tlnb-objection",), **looks)
        control = self._field.control
        if shared.param.name == _SEED:
            button = w.Button(description="random", tooltip="Put in a random seed", layout=layout)
            button.on_click(lambda _: self.put(draw_seed()))
            control = w.HBox([control, button], layout=layout, _dom_classes=("tlnb-field-seed",))
        takers = [w.Label(text, _dom_classes=("tlnb-field-takers",), **looks) for text in _takers(shared)]
        about = w.Label(_about(shared), **looks)
        children = [control, self._objection, *takers, about]
        self.box = w.VBox(children, layout=layout, _dom_classes=("tlnb-field",))
        self._field.control.observe(self._on_change, "value")

    def get(self) -> Json | Auto:
        """The value; AUTO also where what was typed has none (`issues` says so)."""
        try:
            return self._field.get()
        except UnreadableError:
            return AUTO

    def put(self, value: Json | Auto) -> None:
        self._field.put(value)

    def keep(self, value: Json | Auto) -> None:
        """Put a value, but leave alone what already says it, and what was typed and cannot be read."""
        now = self.get()
        if now != value or type(now) is not type(value):
            self.put(value)

    def issues(self) -> list[Issue]:
        name = self.shared.param.name
        try:
            value = self._field.get()
        except UnreadableError as error:
            return [Issue(name, str(error), remedy="Mend it, or empty the field.")]
        return [] if isinstance(value, Auto) else [Issue(name, text) for text in self.shared.objections(value)]

    def object_to(self) -> None:
        """Show what is wrong, by the checks here and by what was told."""
        own = (f"{issue.message} {issue.remedy}".strip() for issue in self.issues())
        texts = dict.fromkeys((*own, *self.told))
        # The same sentence may come twice, once with the model's name in front.
        self._objection.value = " ".join(
            text for text in texts if not any(text in other for other in texts if other != text)
        )

    def close(self) -> None:
        """Free both ends, but for the layout and the label style, which all rows share."""
        style = self._field.control.style
        for widget in (*_tree(self.box), style):
            widget.close()

    def _on_change(self, _change: object) -> None:
        self.told = ()
        self.object_to()
        self._changed()


def _pairs(operations: Operations) -> list[tuple[str, Operation]]:
    return list(operations.items() if isinstance(operations, Mapping) else operations)


def _unknown_name(name: str, known: Mapping[str, object]) -> Issue:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"They take: {', '.join(known) or 'nothing'}."
    return Issue(name, f"None of the chosen models takes {name}.", tuple(known), remedy)


def _tree(widget: Any) -> list[Any]:
    return [part for child in getattr(widget, "children", ()) for part in _tree(child)] + [widget]


def _about(shared: Shared) -> str:
    """Help, limits, and who stated them."""
    parts = [shared.param.help, _AUTO_MEANS.get(shared.param.name, ""), _limits(shared)]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def _limits(shared: Shared) -> str:
    """The limits and who stated them; by model, where they differ. On and off have none."""
    if shared.param.kind == "boolean":
        return ""
    same_choices = len({param.choices for _, param in shared.takers}) == 1
    ids: dict[str, list[str]] = {}
    sources: dict[str, dict[str, None]] = {}
    for model_id, param in shared.takers:
        text = describe.limits(param) if same_choices else ", ".join(param.choices) or describe.limits(param)
        ids.setdefault(text, []).append(model_id)
        sources.setdefault(text, {})[describe.source(param)] = None
    parts = {text: ", ".join(part for part in (text, *sources[text]) if part) for text in ids}
    if len(parts) == 1:
        only = next(iter(parts.values()))
        return only[:1].upper() + only[1:]
    return "; ".join(f"{', '.join(ids[text])}: {part}" for text, part in parts.items())


def _takers(shared: Shared) -> list[str]:
    """Who takes it, where not all do; whose contract does not name it."""
    doubtful = [model_id for model_id, param in shared.takers if not param.confirmed]
    if shared.total == 1:
        return ["not confirmed by this model"] if doubtful else []
    if shared.by_all:
        return [f"not confirmed by {', '.join(doubtful)}"] if doubtful else []
    ids = [f"{model_id} (not confirmed)" if model_id in doubtful else model_id for model_id, _ in shared.takers]
    return [f"{len(ids)} of {shared.total}: {', '.join(ids)}"]
