"""What a picker's pictures are kept in: changed by cells, by the page and by the bridge, and told to all of them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

import traitlets as t

from tokenlab_nb import images
from tokenlab_nb.contract.model import Issue, Operation
from tokenlab_nb.contract.references import MAX_FILE_BYTES, Source
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.widgets import _cards
from tokenlab_nb.widgets._base import Buffers, Result, Widget, failure_text
from tokenlab_nb.widgets._bridge import Bridge, bridge, mutex
from tokenlab_nb.widgets._cards import Card
from tokenlab_nb.widgets._uploads import Uploads

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.intake import Picture, Taken
    from tokenlab_nb.recalling import Recalled
    from tokenlab_nb.session import Session

_THUMB_EDGE, _THUMB_BYTES = 384, 32_000
_KEY = re.compile(r"[A-Za-z0-9-]{1,40}")
_MOST_PROMPT = 60


class Deck(Widget):
    """A widget that holds cards, takes pictures in, and pushes their thumbnails.

    Args:
        session: Keeps the pictures.
        operations: Model id -> the operation whose limits hold.
        through: The bridge that carries its work.

    Attributes:
        cards: Facts of every picture, for the script.
        limits: A sentence for each model.
        notes: What is said of all pictures together.
        can_check: Whether an address can be fetched to be looked at.
        most_bytes: Most bytes of one file.
    """

    cards = t.List(t.Dict()).tag(sync=True)
    limits = t.List(t.Dict()).tag(sync=True)
    notes = t.List(t.Dict()).tag(sync=True)
    can_check = t.Bool(default_value=False).tag(sync=True)
    most_bytes = t.Int(MAX_FILE_BYTES).tag(sync=True)

    def __init__(
        self, session: Session | None, operations: Mapping[str, Operation] | None, through: Bridge | None
    ) -> None:
        self.session: Session = session or import_module("tokenlab_nb.opening").shared_session()
        self._operations = dict(operations or {})
        self._bridge = through or bridge()
        self._lock = mutex()
        self._deck: tuple[Card, ...] = ()
        self._issues: tuple[Issue, ...] = ()
        self._told: object = None
        self._uploads = Uploads(MAX_FILE_BYTES)
        self._taken: dict[str, Taken] = {}  # by the hash of the file as it came
        self._fetched: dict[str, bytes] = {}  # by card, what a check of its address brought
        self._recalled: dict[str, Recalled] = {}  # by card, what was asked for its picture
        self.setting_up: Callable[[ImageRequest], str] | None = None  # see `ReferencePicker.offer_recall`
        self._thumbs: dict[str, bytes] = {}
        self._results: dict[str, ImageResult] = {}
        self._listeners: list[Callable[[Self], object]] = []
        super().__init__(can_check=hasattr(self.session, "fetch_reference"))
        self._change(lambda deck: deck)

    def show_error(self, text: str) -> None:
        """Show a failure in the widget, without the queries of addresses; an empty text takes it away."""
        self.error = _cards.without_queries(text)

    def close(self) -> None:
        """Free both ends. The pictures stay in the data folder."""
        if hasattr(self, "_bridge"):
            self._bridge.forget(self)
        super().close()

    def _change(self, change: Callable[[tuple[Card, ...]], tuple[Card, ...]]) -> None:
        """Change the cards, from any thread; tell the page, and whoever listens."""
        with self._lock:
            before = {card.key for card in self._deck}
            self._deck = change(self._deck)
            for key in before - {card.key for card in self._deck}:
                self._uploads.drop(key)
                self._fetched.pop(key, None)
                self._recalled.pop(key, None)
            self._issues = _cards.issues(self._deck, self._operations, self.session.origin)
            with self.hold_sync():
                self.limits = _cards.limit_rows(self._operations)
                self.notes = [
                    {"text": f"{issue.message} {issue.remedy}".strip(), "bad": issue.severity == "error"}
                    for issue in self._issues
                    if not issue.field.startswith("references[")
                ]
                self.cards = _cards.rows(self._deck, self._issues, self._operations)
            state = (
                _cards.ready(self._deck),
                self._issues,
                any(card.is_busy for card in self._deck),
                [card.thumb for card in self._deck],  # a check may have brought another picture
            )
            changed, self._told = state != self._told, state
        if changed:
            self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            try:
                listener(self)
            except Exception as error:  # noqa: BLE001  nothing that is raised here would reach anybody
                self.show_error(failure_text(error))

    def _put(self, key: str, **changes: Any) -> None:
        """Change one card, if it is still there."""
        self._change(lambda deck: tuple(replace(card, **changes) if card.key == key else card for card in deck))

    def _find(self, key: object) -> Card | None:
        return next((card for card in self._deck if card.key == key), None)

    def _made(self, picture: Picture, field: str) -> Card:
        """A card of what Python code hands in; its failure is the caller's."""
        source, notes = self.session.take_in(picture, field)
        return self._ready(Card(secrets.token_hex(6), name_of(picture)), source, notes)

    def _ready(self, card: Card, source: Source, notes: tuple[Issue, ...]) -> Card:
        seen = source.sha256 or source.of or ""  # of an uploaded file, the picture that it was
        if seen:
            self._thumb_soon(seen, partial(self.session.bytes_of, Source(sha256=seen)))
        return replace(card, state="ready", source=source, notes=notes, thumb=seen)

    def _expect(self, pictures: Sequence[Mapping[str, Any]], state: _cards.State) -> tuple[Card, ...]:
        """Put cards of the page's at the end, in this order."""
        keys = [picture["key"] for picture in pictures]
        if len(set(keys)) < len(keys) or any(not _KEY.fullmatch(key) or self._find(key) for key in keys):
            raise ValidationError("The page named a picture by a key that is taken or no key.", hint="Add it again.")
        names = [_cards.clean_name(picture.get("name") or "picture") for picture in pictures]
        cards = tuple(Card(key, name, state) for key, name in zip(keys, names, strict=True))
        self._change(lambda deck: (*deck, *cards))
        self.show_error("")
        return cards

    def _take_soon(self, key: str, picture: Callable[[], Picture]) -> None:
        self._bridge.soon(self, f"take {key}", partial(self._take, key, picture), work=True)

    def _take(self, key: str, picture: Callable[[], Picture]) -> None:
        """On the bridge's thread: make a card's picture part of the value, or say on the card why not."""
        card = self._find(key)
        if card is None:  # removed meanwhile
            return
        try:
            found = picture()
            source, notes = self._known(found)
            name = card.name if isinstance(found, bytes) else name_of(found)
            made = self._ready(replace(card, name=name), source, notes)
            story = self._story(key, found) if isinstance(found, bytes) else ""
            self._put(key, state="ready", name=name, source=source, notes=made.notes, thumb=made.thumb, made=story)
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs on the card
            self._put(key, state="refused", notes=why(error))

    def _story(self, key: str, data: bytes) -> str:
        """How a file says that it was made; what was asked then is kept, to be set up again."""
        if self.setting_up is None:
            return ""
        try:
            found = self.session.recalled(data)
        except TokenLabError:  # it says nothing that can be used: most files do not
            return ""
        self._recalled[key] = found
        said = " ".join(found.request.prompt.split())
        prompt = f': "{said[:_MOST_PROMPT]}{"..." if len(said) > _MOST_PROMPT else ""}"' if said else ""
        return _cards.clean_name(f"Made by {found.request.model}{prompt}")

    def _known(self, picture: Picture) -> Taken:
        """Take a picture in; the same bytes are looked at once."""
        if not isinstance(picture, bytes):
            return self.session.take_in(picture)
        sha256 = hashlib.sha256(picture).hexdigest()
        if sha256 not in self._taken:
            self._taken[sha256] = self.session.take_in(picture)
        return self._taken[sha256]

    # ---------------------------------------------------------------------------------- thumbnails

    def _thumb_soon(self, sha256: str, load: Callable[[], bytes]) -> None:
        if sha256 in self._thumbs:
            self.send({"type": "thumbs", "hashes": [sha256]}, [self._thumbs[sha256]])
        else:
            self._bridge.soon(self, f"thumb {sha256}", partial(self._make_thumb, sha256, load), work=True)

    def _make_thumb(self, sha256: str, load: Callable[[], bytes]) -> None:
        try:
            self._thumbs[sha256] = images.thumbnail(load(), _THUMB_EDGE, _THUMB_BYTES)
        except (TokenLabError, OSError) as error:
            gone = isinstance(error, FileNotFoundError)
            text = "Its file is no longer in the data folder." if gone else _cards.without_queries(str(error))
            self.send({"type": "lost", "hash": sha256, "text": text})
            return
        self.send({"type": "thumbs", "hashes": [sha256]}, [self._thumbs[sha256]])

    def _on_want(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        for sha256 in message["hashes"]:
            card = next((card for card in self._deck if card.thumb == sha256), None)
            if sha256 in self._results:
                self._thumb_soon(sha256, partial(getattr, self._results[sha256], "bytes"))
            elif card:
                self._thumb_soon(sha256, partial(self.session.bytes_of, Source(sha256=sha256)))
        return None

    def _on_got(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        return None  # nothing is pushed twice here: a page asks for what it misses


def why(error: Exception) -> tuple[Issue, ...]:
    """Why a picture was refused, for its card."""
    found = tuple(issue for issue in getattr(error, "issues", ()) if isinstance(issue, Issue))
    notes = found or (Issue("references", failure_text(error)),)
    return tuple(replace(note, message=_cards.without_queries(note.message)) for note in notes)


def name_of(picture: Picture) -> str:
    """What people call a picture."""
    match picture:
        case Source(url=str(address)) | (str(address)) if re.match(r"\s*https?://", address, re.IGNORECASE):
            shown = _cards.shown_address(address.strip()).removesuffix("?\u2026")
            return PurePath(shown).name or _cards.host_of(address)
        case Source():
            return _cards.clean_name(f"Uploaded file {picture.file_id}" if picture.file_id else "Picture")
        case ImageResult():
            return _cards.clean_name(picture.caption or picture.name)
        case str() | os.PathLike():
            return _cards.clean_name(PurePath(os.fsdecode(picture)).name)
        case bytes() | bytearray() | memoryview():
            return "Picture"
    request = getattr(picture, "request", None)  # a job
    return _cards.clean_name(request.values.get("prompt") or "Result" if request else type(picture).__name__)
