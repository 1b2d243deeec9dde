"""The contracts that a widget's results were made with, for the metadata of its frozen twin; see `export/pins.py`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.pins import Pin, pinned, together
from tokenlab_nb.widgets._live import LiveJob

__all__ = ["Pins"]

_MOST = 200  # jobs: a twin has no more rows, and is renewed every second


class Pins:
    """Keeps each model's pin as it was when its contract was read last: a session forgets that after some minutes."""

    def __init__(self) -> None:
        self._kept: dict[str, Pin] = {}

    def metadata(self, jobs: Sequence[LiveJob], at: float) -> dict[str, Any]:
        """The metadata of a twin's output.

        Args:
            jobs: Whose results the twin shows.
            at: When, in seconds since 1970.
        """
        jobs = jobs[:_MOST]
        snapshots = [job.snapshot for job in jobs]
        requests: dict[str, list[ImageRequest]] = {}
        for snapshot in snapshots:
            requests.setdefault(snapshot.request.model, []).append(snapshot.request)
        for name, job in {job.snapshot.request.model: job for job in jobs}.items():
            if model := job.model_at_hand:
                self._kept[name] = pinned(model, requests[name])
        pins = {name: self._kept[name] for name in requests if name in self._kept}
        origin = snapshots[0].origin if snapshots else ""
        return together(pins, origin=origin, at=at, version=version("tokenlab-nb"))
