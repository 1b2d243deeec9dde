"""In which order a plan is sent, and how long that takes. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from tokenlab_nb.contract.model import Model
from tokenlab_nb.sweep.plan import AT_ONCE, Axis, Cell


def sending_order(axes: Sequence[Axis], cells: Sequence[Cell]) -> tuple[int, ...]:
    """The indices of the cells that are sent, in the order in which they are.

    First the cheapest cell of each model and operation, the cheapest of them first: whatever fails for all cells of a
    kind fails early, and at little cost. Then the others, the axis along which the price varies most outermost, and
    cheaper values first: who stops half-way has the cheaper part whole. Cells without a stated price come last.

    Args:
        axes: What varies.
        cells: All cells; impossible ones are left out.
    """
    sent = [cell for cell in cells if cell.takes]
    probes: dict[tuple[str, str], Cell] = {}
    for cell in sent:
        kind = (cell.model, cell.operation)
        if kind not in probes or _cost(cell) < _cost(probes[kind]):
            probes[kind] = cell
    first = [cell.index for cell in sorted(probes.values(), key=lambda cell: (_cost(cell), cell.index))]
    ranks = _ranks(axes, sent)
    ahead = set(first)
    rest = [cell for cell in sent if cell.index not in ahead]
    rest.sort(key=lambda cell: (not cell.price.is_known, *(rank[cell.at[place]] for place, rank in ranks)))
    return (*first, *(cell.index for cell in rest))


def _cost(cell: Cell) -> tuple[bool, float]:
    return (not cell.price.is_known, cell.price.high or 0.0)


def _ranks(axes: Sequence[Axis], cells: Sequence[Cell]) -> list[tuple[int, list[int]]]:
    """Each axis by its place, with the rank of each of its values, cheapest first; the costliest axis first."""
    found = []
    for place, axis in enumerate(axes):
        sums, counts = [0.0] * len(axis.values), [0] * len(axis.values)
        for cell in cells:
            if cell.price.high is not None:
                sums[cell.at[place]] += cell.price.high
                counts[cell.at[place]] += 1
        # Rounded, since the same prices in another order may add up to another last digit.
        means = [round(amount / count, 9) if count else math.inf for amount, count in zip(sums, counts, strict=True)]
        known = [mean for mean in means if mean < math.inf]
        spread = max(known) - min(known) if known else 0.0
        cheapest = sorted(range(len(means)), key=lambda value: (means[value], value))
        found.append((-spread, place, [cheapest.index(value) for value in range(len(means))]))
    return [(place, rank) for _, place, rank in sorted(found)]


def seconds_of(
    cells: Iterable[Cell],
    models: Iterable[Model],
    made: Collection[str],
    seconds: Mapping[str, float],
    concurrency: Mapping[str, int],
) -> float | None:
    """About how long a plan takes: the models work side by side, each on so many requests at once.

    Args:
        cells: What is sent.
        models: Those of the cells.
        made: Keys of takes that are there already.
        seconds: By model id, how long a request usually takes.
        concurrency: By model id, the most requests at once, where it is not the contract that says.

    Returns:
        Seconds; None where those of one model are not known.
    """
    keys: dict[str, set[str]] = {}
    for cell in cells:
        for take in cell.takes:
            if take.key not in made:
                keys.setdefault(cell.model, set()).add(take.key)
    known = {model.id: model for model in models}
    spans = [_span(known[name], len(wanted), seconds, concurrency) for name, wanted in keys.items()]
    told = [span for span in spans if span is not None]
    return max(told, default=0.0) if len(told) == len(spans) else None


def _span(model: Model, requests: int, seconds: Mapping[str, float], concurrency: Mapping[str, int]) -> float | None:
    usual, limits = seconds.get(model.id), model.contract.limits
    if usual is None:
        return None
    at_once = max(1, concurrency.get(model.id) or limits.concurrency or AT_ONCE)
    paced = (requests - 1) * 60.0 / limits.requests_per_minute if limits.requests_per_minute else 0.0
    return max(math.ceil(requests / at_once) * usual, paced + usual)
