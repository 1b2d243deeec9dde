"""`ModelPicker`: choose one or several models by search, facets, price, record and lifecycle."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import traitlets as t

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.model import Model
from tokenlab_nb.widgets._base import Widget

__all__ = ["ModelPicker"]

_LEAVING = frozenset({"deprecated", "retired"})


def row(model: Model) -> dict[str, object]:
    """Return what the script draws and sorts by: texts and numbers, all JSON.

    Args:
        model: One model, from the list or the detail view.

    Returns:
        ``id``, ``provider``, ``operations``, ``aliases`` (searched, not shown); ``price`` and ``record`` as texts with
        ``price_rank`` (compared part by part), ``success_rank`` (0 to 1, or None) and ``rank`` (or None) to sort by;
        ``life`` (words), ``leaving`` (whether these are a warning) and ``replacement`` (an id, or empty).
    """
    life, record = model.lifecycle, model.reliability
    reliable = record is not None and record.status != "insufficient_samples"
    return {
        "id": model.id,
        "provider": model.provider,
        "operations": list(model.contract.operations),
        "aliases": list(model.aliases),
        "price": describe.price(model.price),
        "price_rank": list(describe.price_rank(model.price)),
        "record": describe.record(record),
        "success_rank": record.success_rate if record is not None and reliable else None,
        "rank": record.rank if record is not None else None,
        "life": list(describe.life(life)),
        "leaving": bool(life.sunset_at or life.replacement) or life.stage in _LEAVING,
        "replacement": life.replacement or "",
    }


class _Ids(t.List):  # type: ignore[misc]  # traitlets are untyped to mypy here
    """Ids of a picker's models: aliases become ids, repeated ones count once, unknown ones are refused."""

    def validate(self, obj: Any, value: Any) -> list[str]:
        ids = list(dict.fromkeys(obj.find(name) for name in super().validate(obj, value)))
        if not obj.multiple and len(ids) > 1:
            raise t.TraitError(f"This picker takes one model, not {len(ids)}: {', '.join(ids)}.")
        return ids


class ModelPicker(Widget):
    """A searchable list of models.

    Search looks at ids, aliases, providers and operations; every word must be found. In the list the arrows, Home, End
    and Page keys move, Space toggles, Enter selects only this one, a letter goes to the search, Escape clears it.

    Args:
        models: What to choose from, in the order of recommendation.
        value: Ids (or aliases) that are chosen at first.
        multiple: Whether more than one may be chosen.

    Attributes:
        value: The chosen ids, in the order of choosing; a list of str. Set it to choose from code.

    Raises:
        traitlets.TraitError: If an id is in none of the models, or several are given without ``multiple``.

    Example:
        >>> picker = ModelPicker(session.models(), value=["gpt-image-2"])
        >>> picker.observe(lambda change: print(change["new"]), "value")
    """

    value = _Ids(t.Unicode()).tag(sync=True)
    multiple = t.Bool(default_value=True).tag(sync=True)
    _rows = t.List(t.Dict()).tag(sync=True)

    def __init__(
        self, models: Sequence[Model] = (), *, value: Sequence[str] = (), multiple: bool = True, **kwargs: Any
    ) -> None:
        self._models = _unique(models)
        rows = [row(model) for model in self._models.values()]
        super().__init__(_rows=rows, multiple=multiple, value=list(value), **kwargs)

    @property
    def models(self) -> list[Model]:
        """What there is to choose from. When it is set, chosen models that are no longer there are let go."""
        return list(self._models.values())

    @models.setter
    def models(self, models: Sequence[Model]) -> None:
        chosen = self.value
        self._models = _unique(models)
        # One message: the page never sees a choice without its row.
        with self.hold_sync():
            self.value = [model_id for model_id in chosen if model_id in self._models]
            self._rows = [row(model) for model in self._models.values()]

    @property
    def selected(self) -> list[Model]:
        """The chosen models, in the order of choosing."""
        return [self._models[model_id] for model_id in self.value]

    def find(self, name: str) -> str:
        """Return the id that a name stands for: an id itself, or an alias.

        Raises:
            traitlets.TraitError: If no model has it; the nearest id is named.
        """
        if name in self._models:
            return name
        found = next((model.id for model in self._models.values() if name in model.aliases), None)
        if found is None:
            near = difflib.get_close_matches(name, self._models, n=1)
            raise t.TraitError(f"There is no model {name!r} here." + (f" Did you mean {near[0]!r}?" if near else ""))
        return found

    def _describe(self) -> str:
        return f"{len(self._models)} models, value={self.value!r}"


def _unique(models: Iterable[Model]) -> dict[str, Model]:
    """By id; of several with the same id the first counts."""
    found: dict[str, Model] = {}
    for model in models:
        found.setdefault(model.id, model)
    return found
