"""What a request is on the wire, as it may be shown: the `Call` that `api.wire` makes of it, with names for its files.

Code in other languages is written from this call, so that it asks what is asked here. Addresses stand without their
query, which may be a key; local pictures go by names that the reader puts files of their own to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tokenlab_nb.api import wire
from tokenlab_nb.api.wire import Call
from tokenlab_nb.contract.model import Json
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.contract.signed import shown
from tokenlab_nb.settings import SANDBOX_URL

__all__ = [
    "SANDBOX_NOTES",
    "UNKNOWN",
    "Shown",
    "Upload",
    "address_note",
    "file_name",
    "file_note",
    "reachable",
    "shown_call",
]

UNKNOWN = "This task was made elsewhere: what it was asked for is not known here."
"""What is said in place of code."""

SANDBOX_NOTES = (
    "The sandbox of this session lives in its kernel and has no address.",
    "This starts one that has, and takes any key that begins with sk-: tokenlab-nb sandbox --port 8765",
)
"""What is said where `reachable` names another address."""

_SANDBOX = "http://127.0.0.1:8765"  # what `tokenlab-nb sandbox` answers at by default
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_DIGITS = 12  # of a hash, as in the names of downloaded pictures
_PURPOSE = "vision"


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that is uploaded before the request can name it.

    Attributes:
        mark: What stands in the request for the id that comes of it; no text of the request holds it.
        call: The upload.
        file: The name of its file.
    """

    mark: str
    call: Call
    file: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A request on the wire.

    Attributes:
        call: The create call; the files in it are empty.
        files: The names of the files in it, in their order.
        uploads: What goes before it.
        notes: What the reader must put in, one sentence each.
        values: The fields that are no pictures, as they were set.
    """

    call: Call
    files: tuple[str, ...]
    uploads: tuple[Upload, ...]
    notes: tuple[str, ...]
    values: Mapping[str, Json]


def shown_call(request: ImageRequest) -> Shown:
    """Return a request on the wire.

    Args:
        request: What was asked; it has a model.
    """
    named = [*((f"reference-{n}", each) for n, each in enumerate(request.references, 1))]
    named += [("mask", request.mask)] if request.mask else []
    local = [(file_name(source, stem), source) for stem, source in named if source.is_local]
    clean = replace(
        request,
        references=tuple(map(_clean, request.references)),
        mask=_clean(request.mask) if request.mask else None,
    )
    uploads = _uploads(clean, {str(source.sha256): file for file, source in reversed(local)})
    call = wire.create(
        clean,
        {str(source.sha256): b"" for _, source in local},
        {str(source.sha256): each.mark for source, each in zip(clean.uploads, uploads, strict=True)},
    )
    files = tuple(file for file, _ in local) if request.multipart else ()
    used = files or {each.file for each in uploads}
    notes = [file_note(file, source) for file, source in local if file in used]
    notes += [address_note(shown(each.url)) for _, each in named if each.url and shown(each.url) != each.url]
    values = {"model": request.model, **request.values}
    return Shown(call, files, uploads, tuple(notes), values)


def _clean(source: Source) -> Source:
    """The picture without what may be a key. A type that no file is sent as can only come from a strange record."""
    if source.url:
        return replace(source, url=shown(source.url) or "-")
    return source if source.media_type in _SUFFIXES else replace(source, media_type="image/png")


def _uploads(request: ImageRequest, files: dict[str, str]) -> tuple[Upload, ...]:
    """What goes before a request, each with a mark that nothing in the request looks like."""
    said = json.dumps([request.model, request.values], ensure_ascii=False)
    stem = "FILE"
    while stem in said:
        stem += "_"
    made = []
    for number, source in enumerate(request.uploads, 1):
        file = files[str(source.sha256)]
        call = wire.upload(b"", file, source.media_type, _PURPOSE, request.model)
        made.append(Upload(f"{stem}_{number}", call, file))
    return tuple(made)


def file_name(source: Source, stem: str) -> str:
    """What a local picture is called."""
    return f"{stem}.{_SUFFIXES.get(source.media_type, 'png')}"


def file_note(file: str, source: Source) -> str:
    """What is said of a local picture: how the reader knows their own."""
    size = f", {source.width} x {source.height} pixels" if source.width else ""
    return f"{file}: put your file here; its SHA-256 began with {str(source.picture)[:_DIGITS]}{size}"


def address_note(clean: str) -> str:
    """What is said of an address that lost its query."""
    return f"{clean}: put the whole address here; what may be a key is left out of it"


def reachable(base_url: str) -> tuple[str, Sequence[str]]:
    """The address of an API as other programs reach it, and what must be said of it."""
    return (_SANDBOX, SANDBOX_NOTES) if base_url == SANDBOX_URL else (base_url, ())
