"""Judging blind in the page: pictures leave under names without meaning, and who made them only with the results.

The page's one message is ``judge`` with ``do``: ``open`` (``question``, ``by``), ``deal`` (``pair``: one that was dealt
before, or none), ``vote`` (``pair``, ``choice``), ``undo`` (``pair``), ``results`` (``question``, ``by``), ``csv``,
``close``. What belongs to a sitting names it. All are carried out on the bridge's thread, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from tokenlab_nb import pixels
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets._base import LATER, Buffers, Result, failure_text
from tokenlab_nb.widgets._pictures import Pictures
from tokenlab_nb.widgets._sitting import Sitting, results

__all__ = ["Bare", "Judging", "bare"]

_EDGE = 2048
_INPUTS = 4
_KEPT = 6


@dataclass(frozen=True, slots=True)
class Bare:
    """A picture without what tells where it comes from: its format, its metadata, its hash.

    Attributes:
        png: Its pixels, and the colour profile that they need.
        shrunk: Whether it has fewer of them than it had.
    """

    png: bytes
    shrunk: bool


def bare(data: bytes) -> Bare:
    """Make a picture ready to be judged.

    Raises:
        ImageError: If it cannot be read.
    """
    image = pixels.decoded(data)
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
    whole = pixels.plain(pixels.upright(image))
    small = pixels.shrunk(whole, _EDGE)
    return Bare(pixels.encoded(small, "image/png", compress_level=1, icc_profile=profile), small is not whole)


Answered = tuple[Mapping[str, object], Buffers]


class Judging(Pictures):
    """A widget of a grid whose pictures can be judged blind.

    Attributes:
        grid: Whose pictures.
    """

    grid: GridRun
    _sitting: Sitting | None = None
    _bare: Mapping[str, Bare] = MappingProxyType({})

    def _on_judge(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._bridge.soon(self, f"judge {message['id']}", partial(self._judge, dict(message)))
        return LATER

    # On the bridge's thread.

    def _judge(self, message: Mapping[str, Any]) -> None:
        """Carry out one message; a failure is told where it was asked, for the dialog covers all else."""
        acts: dict[str, Callable[[Mapping[str, Any]], Answered]] = {
            "open": self._open_sitting,
            "deal": self._deal,
            "vote": lambda each: (self._at(each).vote(each["pair"], each["choice"]), ()),
            "undo": lambda each: (self._at(each).undo(each["pair"]), ()),
            "results": lambda each: (results(self.grid, each["question"], each["by"]), ()),
            "csv": lambda _each: ({"name": "votes.csv", "text": self.grid.votes.to_csv()}, ()),
            "close": self._close_sitting,
        }
        try:
            result, buffers = acts[message["do"]](message)
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs on the screen
            self.refuse(message["id"], failure_text(error))
        else:
            self.answer(message["id"], result, buffers)

    def _at(self, message: Mapping[str, Any]) -> Sitting:
        if self._sitting is None or self._sitting.token != message["sitting"]:
            raise ValidationError(
                "This grid is judged in another view now. Nothing was counted.", hint="Open it again."
            )
        return self._sitting

    def _open_sitting(self, message: Mapping[str, Any]) -> Answered:
        self._sitting, self._bare = Sitting(self.grid, message["question"], message["by"]), {}
        return self._sitting.facts(), ()

    def _close_sitting(self, message: Mapping[str, Any]) -> Answered:
        if self._sitting is not None and self._sitting.token == message["sitting"]:
            self._sitting, self._bare = None, {}
        return {}, ()

    def _deal(self, message: Mapping[str, Any]) -> Answered:
        """The next pair, or why there is none; of the pictures nothing but pixels."""
        dealt = self._at(message).deal(message["pair"])
        if dealt.pair is None:
            return {"pair": "", "ended": dealt.ended}, ()
        sides = [self._barely(side.sha256) for side in (dealt.pair.left, dealt.pair.right)]
        inputs = [self._picture(sha256).thumbnail() for sha256 in dealt.inputs[:_INPUTS]]
        told = {"pair": dealt.token, "common": dealt.common, "shrunk": any(side.shrunk for side in sides)}
        return told, [*(side.png for side in sides), *inputs]

    def _barely(self, sha256: str) -> Bare:
        """A picture as it is judged; in a row of pairs the same ones come again."""
        found = self._bare.get(sha256) or bare(self._original(sha256).bytes)
        rest = {name: each for name, each in self._bare.items() if name != sha256}
        self._bare = dict(list({**rest, sha256: found}.items())[-_KEPT:])
        return found

    def _original(self, sha256: str) -> ImageResult:
        """A picture of the grid, also one that came a moment ago: the news of it may still be on their way."""
        with suppress(LookupError):
            return self._picture(sha256)
        return next(image for job in self.grid.jobs for image in job.images if image.sha256 == sha256)
