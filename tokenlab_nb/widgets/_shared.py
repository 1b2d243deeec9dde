"""What may be said of a grid or a job in a file that is shared: words less what a `Share` keeps back. No effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tokenlab_nb.contract.model import Json
from tokenlab_nb.export.share import Share
from tokenlab_nb.export.withheld import Withheld
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.sweep.plan import Axis, Plan
from tokenlab_nb.widgets import _costs, _grid, _tiles

__all__ = ["Words", "words_of", "words_of_grid"]

_LEAST_SECRET = 3  # characters; shorter texts stand in too many others
_KEPT_BACK = "…"
_PLACES = frozenset({"references"})


@dataclass(frozen=True)
class Words:
    """Says what a reader may know.

    Attributes:
        share: What a reader may see.
        hidden: Takes out of values and messages what is kept back.
        secrets: Texts that are taken out wherever they stand.
    """

    share: Share
    hidden: Withheld
    secrets: frozenset[str] = field(default_factory=frozenset)

    def clean(self, text: str) -> str:
        """The text without what is kept back."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _KEPT_BACK)
        return str(self.hidden.last(text))

    def message(self, text: str) -> str:
        """A sentence, which may repeat anything, without what is kept back."""
        return self.clean(self.hidden.text(text))

    def shows(self, name: str) -> bool:
        """Whether the values of a request field may be seen."""
        return _shows(self.share, name)

    def value(self, axis: Axis, place: int) -> str:
        """One value of an axis, in full."""
        if not self.shows(axis.name):
            return f"{axis.name.rstrip('s')} {place + 1}"
        short, whole = axis.labels[place], axis.values[place]
        text = f"{short}: {whole}" if axis.name == "prompt" and whole and whole != short else short
        own = axis.name in ("model", "prompt", "references", "operation")
        return self.clean(text if own else f"{_grid.label(axis.name).lower()} {text}")

    def settings(self, values: Mapping[str, Json]) -> list[str]:
        """Request fields with their values, the prompt left out."""
        seen = self.hidden.values(values)
        shown = {name: value for name, value in seen.items() if name != "prompt" and self.shows(name)}
        return [self.clean(f"{_grid.label(name).lower()} {_text(value)}") for name, value in shown.items()]

    def price(self, snapshot: JobSnapshot) -> str:
        """What it costs, if that may be known."""
        return _costs.price(snapshot) if self.share.costs else ""

    def trouble(self, snapshot: JobSnapshot) -> str:
        """What went wrong; where anything is kept back, only its kind: a service may quote what it was sent."""
        state, error = _tiles.words(snapshot), _tiles.problem(snapshot.error)
        if error is None:
            return state
        request = snapshot.request_id or error["request_id"]
        parts = [f"{state}: {error['title'][:1].lower()}{error['title'][1:]}."]  # type: ignore[index]
        if self.share.prompts and self.share.paths and self.share.ids:
            parts += [str(error["text"]), str(error["hint"]), f"(request {request})" if request else ""]
        return self.message(" ".join(part for part in parts if part))


def words_of(
    share: Share, snapshots: Sequence[JobSnapshot], more: Iterable[object] = (), plan: Plan | None = None
) -> Words:
    """Words that keep back what the share says, as far as jobs hold it.

    Args:
        share: What a reader may see.
        snapshots: Jobs.
        more: Other texts to be kept back.
        plan: What they were planned as.
    """
    found: set[object] = set(more)
    for each in snapshots:
        if not share.prompts:
            found |= {
                value for name, value in each.request.values.items() if "prompt" in name and isinstance(value, str)
            }
            found |= {image.revised_prompt for image in each.images}
        if not share.ids:
            found |= {each.id, each.request_id, each.task_id, each.billing_transaction_id}
        if not share.paths:
            found |= {source.url for source in each.request.sources}
    secrets = frozenset(text for text in found if isinstance(text, str) and len(text) >= _LEAST_SECRET)
    return Words(share, Withheld(share, plan or Plan((), ()), snapshots), secrets)


def words_of_grid(share: Share, plan: Plan, snapshots: Sequence[JobSnapshot]) -> Words:
    """Words that keep back what the share says, as far as a plan and its jobs hold it."""
    kept = [axis for axis in plan.axes if not _shows(share, axis.name)]
    more: list[object] = [text for axis in kept for text in (*axis.labels, *axis.values) if isinstance(text, str)]
    if not share.prompts:
        more += [value for cell in plan.cells for name, value in cell.values.items() if "prompt" in name]
    return words_of(share, snapshots, [text for text in more if isinstance(text, str)], plan)


def _shows(share: Share, name: str) -> bool:
    return (share.prompts or "prompt" not in name) and (share.paths or name not in _PLACES)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
