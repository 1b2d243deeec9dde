"""`MaskEditor`: paint over what an edit may change, by mouse, pen, finger or keyboard.

The mask lives in the page while it is painted, so that painting goes on while a cell blocks; after every stroke the
whole of it comes here, in one of the forms of `canvas.py`.

Messages to the page: ``scene`` (a picture with its mask; repeated until a page has it), ``mask``, and ``kept`` after
each stroke. Messages from it: ``got`` (``picture``), ``load`` (a question), ``mask`` and ``import`` (a file; a
question). Long ones come in parts: ``part`` (``batch``), and the last part with the message itself.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import traitlets as t

from tokenlab_nb import canvas, masks
from tokenlab_nb.canvas import Canvas, Pixels
from tokenlab_nb.errors import ImageError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.widgets._base import Buffers, Result, Widget, enlist, failure_text, guard
from tokenlab_nb.widgets._bridge import Bridge, bridge
from tokenlab_nb.widgets._live import LiveJob

__all__ = ["MaskEditor"]

_REPEATS = (1.0, 3.0, 9.0)
_BATCHES_KEPT = 4  # a page that closes in the middle of one leaves its parts behind

Picture = str | os.PathLike[str] | bytes | ImageResult | LiveJob | Any


class MaskEditor(Widget):
    """A picture to paint a mask on: what is painted will change, the rest stays.

    Brush, eraser and rectangle; undo; zoom and pan; a preview of what will change. Everything is done by mouse, pen,
    fingers or keyboard. After every stroke `mask` holds it, at the picture's full size.

    Args:
        image: A path, bytes, a `PIL.Image.Image`, an `ImageResult` or a `Job` (its first picture); None: none yet.
        mask: What is marked at first; anything that a mask can be.
        through: Carries what is repeated; by default the process's own.

    Attributes:
        note: What became of the mask when the picture changed; shown below the picture.

    Raises:
        ImageError: If the picture or the mask cannot be used.

    Example:
        >>> editor = MaskEditor("room.png")
        >>> session.edit(model="gpt-image-2", prompt="A red sofa", image=editor.image, mask=editor)
    """

    libs: ClassVar[tuple[str, ...]] = ("bits", "masking", "stage")

    note = t.Unicode("").tag(sync=True)
    _now = t.Dict().tag(sync=True)
    """What there is, so that a page knows what it lacks: which picture (0: none), its size, and which mask."""

    def __init__(self, image: Picture | None = None, mask: Any = None, *, through: Bridge | None = None) -> None:
        # First of all, so that what cannot be used leaves no widget behind.
        self._image, self._canvas = image, _canvas_of(image)
        self._mask = self._read(mask)
        self._awaited = self._since = 0  # `_since`: the first picture whose strokes fit the mask as it is now
        self._versions = itertools.count(1)  # a cell and a stroke may come at once, on two threads
        self._parts: dict[str, list[bytes]] = {}
        self._listeners: list[Callable[[MaskEditor], object]] = []
        super().__init__()
        self._bridge = through or bridge()
        self._became(_facts(self._canvas, next(self._versions), next(self._versions)))

    @property
    def image(self) -> Picture | None:
        """The picture, as it was handed in. Another one of the same size keeps the mask, one of another size drops it.

        Raises:
            ImageError: When it is set to something that is no picture. Nothing changes then, and the widget says so.
        """
        return self._image

    @image.setter
    def image(self, image: Picture | None) -> None:
        new = self._told(partial(_canvas_of, image))
        old, painted = self._canvas, self._mask is not None
        kept = old is not None and new is not None and old.size == new.size
        note = ""
        if painted and old is not None:
            now = "there is no picture now" if new is None else f"this picture has {_words(new.size)} pixels"
            note = "The mask is kept: this picture has the same size."
            note = note if kept else f"The mask was dropped: it had {_words(old.size)} pixels, {now}."
        self._image, self._canvas = image, new
        self._mask = self._mask if kept else None
        self.note = note
        picture = next(self._versions)
        self._since = self._since if kept else picture
        self._became(_facts(new, picture, self._now["mask"] if kept else next(self._versions)))
        self._tell()

    @property
    def mask(self) -> Pixels | None:
        """The mask as a `PIL.Image.Image` in mode "L", 255 where the picture will change and 0 elsewhere.

        None where nothing is painted. Set it to a mask of the picture's size to show that one, to None to clear.

        Raises:
            TokenLabError: When it is set to something that is no mask of this picture. The widget says so, too.
        """
        return self._mask.copy() if self._mask is not None else None

    @mask.setter
    def mask(self, mask: Any) -> None:
        self._show(self._told(partial(self._read, mask)))
        self._tell()

    @property
    def version(self) -> int:
        """A number that is another one after every change of the mask."""
        return int(self._now["mask"])

    @property
    def share(self) -> float:
        """How much of the picture will change, 0 to 1."""
        return masks.share(self._mask) if self._mask is not None else 0.0

    @property
    def preview(self) -> Pixels | None:
        """What will change, as a `PIL.Image.Image`: the picture with all that stays dimmed. None without a picture."""
        if self._canvas is None:
            return None
        return masks.preview(self._canvas.data, self._mask or canvas.blank(self._canvas.size), canvas.EDGE)

    def on_change(self, callback: Callable[[MaskEditor], object]) -> Callable[[], None]:
        """Call back with this editor when the picture or the mask has changed, on whichever thread.

        Returns:
            A function that ends it.
        """
        return enlist(self._listeners, callback)

    def close(self) -> None:
        """Free both ends."""
        if hasattr(self, "_bridge"):
            self._bridge.forget(self)
        super().close()

    def _describe(self) -> str:
        if self._canvas is None:
            return "no picture"
        return f"{self._canvas.size[0]}x{self._canvas.size[1]}, {100 * self.share:.1f} % marked"

    def _told(self, action: Callable[[], Any]) -> Any:
        """Do something whose failure the widget shows, too."""
        try:
            done = action()
        except Exception as error:
            self.show_error(failure_text(error))
            raise
        self.show_error("")
        return done

    def _tell(self) -> None:
        for callback in list(self._listeners):
            guard(partial(callback, self), lambda text: self.show_error(text) if text else None)()

    def _read(self, mask: Any) -> Pixels | None:
        """Read a mask of this picture; one in which nothing is marked, or everything, is refused."""
        if mask is None:
            return None
        if self._canvas is None:
            raise ImageError("There is no picture that this mask could cover.", hint="Set the picture first.")
        return masks.read(mask, self._canvas.size, turned=self._canvas.turned)

    # To the page. What there is now is told after the pixels have left: a page that lacks them would ask for them.

    def _became(self, now: dict[str, int]) -> None:
        """Another picture: send it, and repeat it until a page has it: what a new page is sent can be lost."""
        self._awaited = now["picture"]
        self._push(now, _REPEATS)
        self._now = now

    def _push(self, now: Mapping[str, object], repeats: Sequence[float]) -> None:
        if self._awaited:
            scene, buffers = self._scene(now)
            self.send({"type": "scene", **scene}, list(buffers))
            if repeats:
                self._bridge.later(self, "scene", partial(self._push_again, repeats[1:]), repeats[0])

    def _push_again(self, repeats: Sequence[float]) -> None:
        self._push(self._now, repeats)

    def _scene(self, now: Mapping[str, object]) -> tuple[dict[str, object], Buffers]:
        if self._canvas is None:
            return {"picture": 0}, ()
        form, data = canvas.pack(self._mask or canvas.blank(self._canvas.size))
        return {**now, "form": form}, (self._canvas.jpeg, data)

    def _show(self, mask: Pixels | None) -> None:
        """Take a mask that no page has painted, and show it on all of them."""
        self._mask = mask
        now = self._now | {"mask": next(self._versions)}
        scene, buffers = self._scene(now)
        if buffers:
            self.send({"type": "mask", **scene}, [buffers[1]])
        self._now = now

    # From the page.

    def _on_got(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        if message["picture"] == self._awaited:
            self._awaited = 0
        return None

    def _on_load(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        return self._scene(self._now)

    def _on_part(self, message: Mapping[str, Any], buffers: Buffers) -> Result:
        self._parts.setdefault(message["batch"], []).append(bytes(buffers[0]))
        while len(self._parts) > _BATCHES_KEPT:
            del self._parts[next(iter(self._parts))]
        return None

    def _on_mask(self, message: Mapping[str, Any], buffers: Buffers) -> Result:
        data = self._whole(message, buffers)
        size = (message["width"], message["height"])
        is_late = message.get("picture", self._since) < self._since
        if self._canvas is None or size != self._canvas.size or is_late:
            return None  # painted on an earlier picture, before the page heard of this one
        mask = canvas.unpack(message["form"], data, size)
        self._mask = mask if masks.share(mask) else None
        version = next(self._versions)
        self.send({"type": "kept", "by": message["by"], "turn": message["turn"], "mask": version})
        self._now = self._now | {"mask": version}
        self.show_error("")
        self._tell()
        return None

    def _on_import(self, message: Mapping[str, Any], buffers: Buffers) -> Result:
        self._show(self._read(self._whole(message, buffers)))
        self.show_error("")
        self._tell()
        return {"said": f"Imported {message['name']}."}

    def _whole(self, message: Mapping[str, Any], buffers: Buffers) -> bytes:
        parts = [*self._parts.pop(message["batch"], ()), bytes(buffers[0])]
        if len(parts) != message["parts"]:
            raise ImageError("A mask did not arrive whole.", hint="Try once more.")
        return b"".join(parts)


def _facts(painted: Canvas | None, picture: int, version: int) -> dict[str, int]:
    width, height = painted.size if painted else (0, 0)
    return {"picture": picture if painted else 0, "width": width, "height": height, "mask": version}


def _canvas_of(image: Picture | None) -> Canvas | None:
    if image is None:
        return None
    pictures = getattr(image, "images", None)
    if isinstance(pictures, list):  # a job
        if not pictures:
            raise ImageError(f"{image!r} has no picture.", hint="Wait for it, or hand in another one.")
        image = pictures[0]
    return canvas.stretch(image)


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
