"""Judging blind in the page: pictures leave under names without meaning, and who made them only with the results.

The page's one message is ``judge`` with ``do``: ``open`` (``question``, ``by``), ``deal`` (``pair``: one that was dealt
before, or none), ``vote`` (``pair``, ``choice``), ``undo`` (``pair``), ``results`` (``question``, ``by``), ``csv``.
What belongs to a sitting names it.
All of them are carried out on the bridge's thread, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from tokenlab_nb import pixels
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets._base import LATER, Buffers, Result, failure_text
from tokenlab_nb.widgets._pictures import Pictures
from tokenlab_nb.widgets._sitting import Sitting, results

__all__ = ["Judging"]

_EDGE = 2048
_INPUTS = 4
_KEPT = 6
"""Pictures that are kept as they were sent: in a row of pairs the same ones come again."""

Answered = tuple[Mapping[str, object], Buffers]


class Judging(Pictures):
    """A widget of a grid whose pictures can be judged blind.

    Attributes:
        grid: Whose pictures.
    """

    grid: GridRun
    _sitting: Sitting | None = None

    def _on_judge(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._bridge.soon(self, f"judge {message['id']}", partial(self._judge, dict(message)))
        return LATER

    def _judge(self, message: Mapping[str, Any]) -> None:
        """On the bridge's thread; a failure is told where it was asked, for the dialog covers all else."""
        acts: dict[str, Callable[[Mapping[str, Any]], Answered]] = {
            "open": self._open_sitting,
            "deal": self._deal,
            "vote": lambda message: (self._at(message).vote(message["pair"], message["choice"]), ()),
            "undo": lambda message: (self._at(message).undo(message["pair"]), ()),
            "results": lambda message: (results(self.grid, message["question"], message["by"]), ()),
            "csv": lambda _message: ({"name": "votes.csv", "text": self.grid.votes.to_csv()}, ()),
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
                "This grid is judged in another view now. Nothing was counted here.", hint="Open it again to go on."
            )
        return self._sitting

    def _open_sitting(self, message: Mapping[str, Any]) -> Answered:
        self._sitting = Sitting(self.grid, message["question"], message["by"])
        return self._sitting.facts(), ()

    def _deal(self, message: Mapping[str, Any]) -> Answered:
        """The next pair, or why there is none; of the pictures nothing but pixels."""
        dealt = self._at(message).deal(message["pair"])
        if dealt.pair is None:
            return {"pair": "", "ended": dealt.ended}, ()
        sides = [bare(self._picture(side.sha256).bytes) for side in (dealt.pair.left, dealt.pair.right)]
        shrunk = any(side.shrunk for side in sides)
        inputs = [self._picture(sha256).thumbnail() for sha256 in dealt.inputs[:_INPUTS]]
        told = {"pair": dealt.token, "common": dealt.common, "shrunk": shrunk}
        return told, [*(side.png for side in sides), *inputs]


class Bare:
    """A picture as it is judged: what tells where it comes from (its format, its metadata, its hash) is left out."""

    def __init__(self, data: bytes) -> None:
        image = pixels.decoded(data)
        profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
        whole = pixels.plain(pixels.upright(image))
        small = pixels.shrunk(whole, _EDGE)
        self.shrunk = small is not whole
        self.png = pixels.encoded(small, "image/png", compress_level=1, icc_profile=profile)


bare = lru_cache(maxsize=_KEPT)(Bare)
