"""`ReferencePicker`: the pictures that go in, in order: files, drops, pastes, addresses and earlier results.

The page draws cards from the trait ``cards`` (texts only) and is pushed their thumbnails. Files come from it in pieces.

Messages from the page that are answered: ``add`` (``files``: those with these ``key`` and ``name`` will come, in this
order), ``begin`` (``key``, ``size``, ``sha256``, ``scaled``), ``chunk`` (``key``, ``at``, with one buffer),
``address`` (``key``, ``text``), ``results``, ``result`` (``key``, ``hash``), ``move`` (``key``, ``before``),
``remove`` (``key``), ``clear``, ``check`` (``key``), ``recall`` (``key``), ``resync``; not answered: ``want`` and
``got`` (``hashes``). Messages to it: ``thumbs`` and ``lost``, as the gallery's.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tokenlab_nb import images
from tokenlab_nb.contract.hosts import url_problem
from tokenlab_nb.contract.model import Issue, Operation
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.signed import url_issue
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.widgets import _cards
from tokenlab_nb.widgets._base import LATER, Buffers, Result, enlist, failure_text
from tokenlab_nb.widgets._bridge import Bridge
from tokenlab_nb.widgets._cards import Card
from tokenlab_nb.widgets._deck import Deck, name_of, why

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.intake import Picture
    from tokenlab_nb.jobs.engine import Answer
    from tokenlab_nb.session import Session

__all__ = ["ReferencePicker"]

RESULTS = 24
"""Most earlier results that are offered."""

_HASH = re.compile(r"[0-9a-f]{64}")


class ReferencePicker(Deck):
    """Choose the pictures that go into a request, and their order.

    On the page they are dropped, pasted, chosen as files, named by their addresses, or taken from earlier results.
    They are sent in the order in which they stand; dragging, buttons, or Alt and the arrow keys change it.

    Args:
        session: Keeps the pictures; by default the service where there is a key, else the sandbox on this machine.
        operations: Model id -> the operation that is meant: whose limits hold.
        value: Pictures that are chosen at first.
        through: The bridge that carries its work; by default the one of this process.

    Attributes:
        session: Where the pictures are kept.
        cards: Facts of every picture, for the script.

    Example:
        >>> picker = ReferencePicker(value=["fox.png"])
        >>> session.submit(model="gpt-image-2", prompt="In snow", references=picker.value)
    """

    libs: ClassVar[tuple[str, ...]] = ("pictures", "filefacts", "uploads", "cards")

    def __init__(
        self,
        session: Session | None = None,
        operations: Mapping[str, Operation] | None = None,
        *,
        value: Sequence[Picture] = (),
        through: Bridge | None = None,
    ) -> None:
        super().__init__(session, operations, through)
        if value:
            self.value = value

    def _describe(self) -> str:
        count = len(self.value)
        return f"{count} picture{'' if count == 1 else 's'}"

    # -------------------------------------------------------------------------------------- Python

    @property
    def value(self) -> tuple[Source, ...]:
        """The chosen pictures, in order, as ``references=`` takes them. What is still on its way is not in it.

        It can be set to anything that references take: paths, addresses, bytes, PIL images, results, jobs, or a value.
        """
        return _cards.ready(self._deck)

    @value.setter
    def value(self, pictures: Sequence[Picture]) -> None:
        given = list(pictures) if isinstance(pictures, list | tuple) else [pictures]
        made = tuple(self._made(picture, f"references[{place}]") for place, picture in enumerate(given))
        self._change(lambda _deck: made)

    def add(self, picture: Picture) -> None:
        """Add a picture at the end.

        Raises:
            ValidationError: If it is no picture that can be used; nothing changes then.
        """
        card = self._made(picture, f"references[{len(self.value)}]")
        self._change(lambda deck: (*deck, card))

    def remove(self, index: int) -> None:
        """Remove the picture at this place of `value`.

        Raises:
            IndexError: If there is none.
        """
        key = self._at(index).key
        self._change(lambda deck: tuple(card for card in deck if card.key != key))

    def move(self, index: int, to: int) -> None:
        """Move the picture at one place of `value` to another place.

        Raises:
            IndexError: If one of them does not exist.
        """
        card, goal = self._at(index), self._at(to)
        counted = [each.key for each in self._deck if each.state == "ready"]
        behind = counted.index(card.key) < counted.index(goal.key)
        self._change(lambda deck: _cards.moved(deck, card.key, goal.key, behind=behind))

    def clear(self) -> None:
        """Remove all pictures, also those on their way."""
        self._change(lambda _deck: ())

    @property
    def operations(self) -> dict[str, Operation]:
        """Which operation of which model is meant: their limits are told. Set it anew when the choice changes."""
        return dict(self._operations)

    @operations.setter
    def operations(self, operations: Mapping[str, Operation]) -> None:
        self._operations = dict(operations)
        self._change(lambda deck: deck)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is wrong with the value, or worth knowing, for the chosen models; each thing once."""
        return self._issues

    @property
    def is_busy(self) -> bool:
        """Whether a picture is still on its way: `value` does not hold it yet."""
        return any(card.is_busy for card in self._deck)

    def on_change(self, callback: Callable[[Self], object]) -> Callable[[], None]:
        """Call back with this picker when its value, its issues or `is_busy` have changed, on whichever thread.

        Returns:
            A function that ends it.
        """
        return enlist(self._listeners, callback)

    def offer_recall(self, take: Callable[[ImageRequest], str]) -> None:
        """Offer, for a file that says how it was made, to set that up again. Nothing is sent.

        Args:
            take: Sets it up; returns what to tell the user.
        """
        self.setting_up = take

    def original(self, index: int) -> bytes | None:
        """The picture at this place of `value`: the bytes that are sent, or what a check of its address brought.

        None for an address that was not checked, and for an uploaded file.

        Raises:
            IndexError: If there is none.
            FileNotFoundError: If they are no longer in the data folder.
        """
        card = self._at(index)
        if card.source and card.source.is_local:
            return self.session.bytes_of(card.source)
        return self._fetched.get(card.key)

    # --------------------------------------------------------------------------------------- state

    def _at(self, index: int) -> Card:
        counted = [card for card in self._deck if card.state == "ready"]
        if not -len(counted) <= index < len(counted):
            raise IndexError(f"There is no picture {index}; there are {len(counted)}.")
        return counted[index]

    # --------------------------------------------------------------------------- files of the page

    def _on_add(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._expect(message["files"], "coming")
        return None

    def _on_begin(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Expect a file, unless these bytes are here already; reading them is no work for a callback."""
        card = self._find(message["key"])
        if card is None:
            return {"gone": True}
        self._uploads.begin(card.key, message["size"])
        if message.get("scaled"):  # the user agreed to a smaller copy; the card tells of which picture
            width, height = (int(side) for side in message["scaled"])
            self._put(card.key, scaled=f"scaled down from {width:,} \u00d7 {height:,}")
        if not _HASH.fullmatch(message.get("sha256") or ""):
            return {"have": False}
        look = partial(self._look, card.key, message["sha256"], message["id"])
        self._bridge.soon(self, f"look {card.key}", look, work=True)
        return LATER

    def _look(self, key: str, sha256: str, question: object) -> None:
        try:
            data = self.session.bytes_of(Source(sha256=sha256))
        except Exception:  # noqa: BLE001  what cannot be read here travels
            self.answer(question, {"have": False})
            return
        self._uploads.drop(key)
        self._put(key, state="taking")
        self.answer(question, {"have": True})
        self._take_soon(key, lambda: data)

    def _on_chunk(self, message: Mapping[str, Any], buffers: Buffers) -> Result:
        key = message["key"]
        if self._find(key) is None:
            return {"gone": True}
        here = self._uploads.put(key, message["at"], buffers[0])
        data = self._uploads.finished(key)
        if data is not None:
            self._put(key, state="taking")
            self._take_soon(key, lambda: data)
        return {"here": here}

    # ------------------------------------------------------------------- addresses, earlier results

    def _on_address(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Add an address. What is wrong with one is for the field that it was written in, where it can be mended."""
        text = str(message["text"]).strip()
        if not re.match(r"https?://", text, re.IGNORECASE):
            return {"problem": "Only http and https addresses are taken here. For a file, use Choose files."}
        problem = url_problem(text, trusted_origin=self.session.origin)
        if problem:
            return {"problem": f"This address cannot be used. {problem} Use a public one, or add the file itself."}
        late = url_issue("references", text, time.time())
        if late and late.severity == "error":
            return {"problem": f"This address cannot be used. {late.message} {late.remedy}"}
        (card,) = self._expect([{**message, "name": name_of(text)}], "taking")
        try:
            source, notes = self.session.take_in(text)
        except TokenLabError as error:
            self._put(card.key, state="refused", notes=why(error))
            return None
        self._put(card.key, state="ready", source=source, notes=notes)
        return None

    def _on_results(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        found: dict[str, tuple[ImageResult, str]] = {}
        for job in reversed(self.session.jobs):
            if len(found) >= RESULTS:
                break
            for image in job.images:
                found.setdefault(image.sha256, (image, job.request.model))
        chosen = dict(list(found.items())[:RESULTS])
        self._results.update({sha256: image for sha256, (image, _model) in chosen.items()})
        rows = [{"hash": sha, "caption": name_of(image), "model": model} for sha, (image, model) in chosen.items()]
        return {"rows": rows}

    def _on_result(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        sha256 = message["hash"]
        if not _HASH.fullmatch(sha256):
            raise ValidationError("This is no picture of the data folder.", hint="Add its file instead.")
        known = {image.sha256: image for job in self.session.jobs for image in job.images}
        result = known.get(sha256) or self._results.get(sha256)
        name = name_of(result) if result else "Earlier result"
        (card,) = self._expect([{**message, "name": name}], "taking")
        # Dragged here from another notebook it may be no result of this session, yet of this data folder.
        self._take_soon(card.key, lambda: result or self._stored(sha256))
        return None

    def _stored(self, sha256: str) -> bytes:
        try:
            return self.session.bytes_of(Source(sha256=sha256))
        except FileNotFoundError as error:
            raise ValidationError("This picture is not in the data folder.", hint="Add its file instead.") from error

    def _on_check(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Fetch what an address holds, to be looked at; the address is what is sent all the same."""
        card = self._find(message["key"])
        if card is None or not card.address or card.checking:
            return None
        take = partial(self._checked, card.key)
        self._put(card.key, checking=True, checks=())
        answer = self.session.fetch_reference(card.address)
        soon = partial(self._bridge.soon, self, f"check {card.key}", work=True)
        answer.add_done_callback(lambda done: soon(partial(take, done)))
        return None

    def _checked(self, key: str, answer: Answer[bytes]) -> None:
        try:
            data = answer.result()
            probe = images.probe(data)
            sha256 = hashlib.sha256(data).hexdigest()
            self._thumb_soon(sha256, lambda: data)
            if self._find(key):
                self._fetched[key] = data
            facts = _cards.fact_words(probe.width, probe.height, probe.media_type, len(data))
            self._put(key, checking=False, facts=facts, thumb=sha256)
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs on the card
            note = Issue("references", f"Checked from here: {failure_text(error)}", severity="warning")
            self._put(key, checking=False, checks=(note,))

    def _on_recall(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        found = self._recalled.get(message["key"])
        if found is None or self.setting_up is None:
            raise ValidationError("How this picture was made is not known here any more.", hint="Add its file again.")
        self.show_error("")
        lacking = [each for each in found.missing if each != "the mask"]  # it is painted again
        told = f"Not in this data folder: {', '.join(lacking)}. Add the file, if you have it." if lacking else ""
        return {"said": self.setting_up(found.request), "lacking": told}

    # --------------------------------------------------------------------------------- order

    def _on_move(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        key, before = message["key"], message.get("before")
        self._change(lambda deck: _cards.moved(deck, key, before))
        return None

    def _on_remove(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._change(lambda deck: tuple(card for card in deck if card.key != message["key"]))
        self.show_error("")
        return None

    def _on_clear(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self.clear()
        self.show_error("")
        return None

    def _on_resync(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self.send_state("cards")
        return None
