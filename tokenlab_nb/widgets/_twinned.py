"""A widget with a frozen twin beside it: what stands in the twin, and when it is renewed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import traitlets as t

from tokenlab_nb.export.frozen import Frozen, FrozenPicture, free_place, freeze
from tokenlab_nb.export.overview import overview
from tokenlab_nb.export.room import Room
from tokenlab_nb.images import ImageResult, thumbnail
from tokenlab_nb.widgets._base import Widget
from tokenlab_nb.widgets._bridge import Bridge
from tokenlab_nb.widgets._twin import Twin, show

THUMB_EDGE, THUMB_BYTES = 512, 48_000
"""Of the pictures that a page gets, sharp on dense screens; the twin's are smaller."""

_TWIN_GAP = 1.0


def room() -> Room:
    """What one twin may add to a saved notebook, as it is set now."""
    return Room(ImageResult.twin_budget, ImageResult.twin_total)


class Twinned(Widget):
    """A live widget that keeps a frozen twin up to date wherever that was shown.

    Attributes:
        twin: The output beside this widget, or a place in the output of what this widget is a part of.
        place: Names that output in the page; the script hides it while it lives.
        twin_revision: Version of the frozen twin that the page should hold.
        spare: Tells whether an empty twin is left out, since another one beside it has something to show.
    """

    clock: ClassVar[Callable[[], float]] = staticmethod(time.time)

    title = t.Unicode("").tag(sync=True)
    place = t.Unicode("").tag(sync=True)
    twin_revision = t.Int(0).tag(sync=True)

    spare: Callable[[], bool] = staticmethod(lambda: False)
    _bridge: Bridge
    _frozen_content: object = None
    _small: dict[str, tuple[tuple[int, int], bytes]]  # by hash, of what size, and the picture

    @property
    def twin(self) -> Twin:
        """The output beside this widget."""
        return self._twin

    @twin.setter
    def twin(self, twin: Twin) -> None:
        self._twin = twin
        self._frozen_content = None  # another one's may stand there
        self.place, self.twin_revision = twin.uid, twin.revision

    def frozen(self) -> Frozen:
        """Return the frozen twin as it should be now, from the thumbnails that were made so far.

        Raises:
            ValidationError: If `ImageResult.twin_budget` or `ImageResult.twin_total` is too small.
        """
        rows, spare = self._frozen_content = self._twin_content()
        allowed = room()
        if spare:
            return free_place(self.twin.uid, self.twin.revision)
        shown = [(row.jpeg, f"{number}. {row.model}") for number, row in enumerate(rows, 1) if row.jpeg]
        jpeg = overview([each for each, _ in shown], [name for _, name in shown], allowed.overview(len(shown)))
        facts = self._twin_facts()
        return replace(freeze(rows, **facts, room=allowed, jpeg=jpeg), metadata=self._twin_metadata())

    def freeze_soon(self) -> None:
        """Renew the twin where it is shown, on the bridge's thread."""
        if self.twin.shown:
            self._bridge.soon(self, "twin", self._refreeze, gap=_TWIN_GAP, work=True)

    def _ipython_display_(self, **_options: object) -> None:
        show(self, {self.twin: self.frozen()})

    def _refreeze(self) -> None:
        """Renew the twin where its content changed; progress alone changes nothing in it."""
        if self._twin_content() != self._frozen_content:
            self.twin.revision += 1
            self.twin_revision = self.twin.revision
            self.twin.update(self.frozen())

    def _twin_content(self) -> tuple[Sequence[FrozenPicture], bool]:
        rows = self._twin_rows()
        return rows, not rows and self.spare()

    def _twin_rows(self) -> list[FrozenPicture]:
        raise NotImplementedError

    def _twin_facts(self) -> dict[str, Any]:
        """What a twin says beside its rows."""
        at, title = type(self).clock(), self._twin_title()
        return {"at": at, "title": title, "uid": self.twin.uid, "revision": self.twin.revision}

    def _twin_metadata(self) -> Mapping[str, Any]:
        """What goes along as the metadata of the twin's output."""
        return {}

    def _twin_title(self) -> str:
        return self.title or "TokenLab pictures"

    def _shrunk(self, sha256: str, whole: bytes, edge: int, most: int) -> bytes:
        """A small picture, made once from the one that pages get."""
        size = (edge, most)
        if self._small.get(sha256, ((0, 0), b""))[0] != size:
            self._small[sha256] = (size, thumbnail(whole, edge, most))
        return self._small[sha256][1]
