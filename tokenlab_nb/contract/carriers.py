"""Where an operation has room for pictures: its endpoint, its listed fields and its shape mode -> `Room`.

Fields and shapes: the vendor's schemas ``ImageGenerationRequest``, ``ImageGenerationMultipartRequest`` and the request
bodies of ``/v1/images/edits`` and ``/v1/images/variations``. ``request_shape_mode`` is an open string: what is read of
it is whether it speaks of JSON, of addresses, of multipart; one that speaks of none of them says nothing.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from tokenlab_nb.contract.model import EDITS, VARIATIONS, Operation

SCHEMA_MAX = 16
"""Most pictures of one request: ``maxItems`` of ``image_urls``, ``images`` and ``image``."""

_MORE = "reference_image_urls"


@dataclass(frozen=True, slots=True)
class Room:
    """Where pictures can travel; an empty name is no room.

    Attributes:
        most: Most pictures of one request.
        one: The JSON field of a single address.
        several: The JSON field of a list of addresses.
        rest: The JSON field of all addresses but the first, which is in `one` then.
        file: The form field of local files.
        repeats: Whether a form may hold several of them.
        joined: The form field of addresses, as one text with commas.
        form_only: Whether there is no JSON body at all.
        uploads: Whether ``images`` can name files that were uploaded before.
        masks: The JSON fields of a mask by address, the route's own first.
        mask_uploads: Whether the JSON ``mask`` can name a file that was uploaded before.
        mask_file: The form field of a local mask.
        form_mask: The form field of a mask by address.
    """

    most: int
    one: str = ""
    several: str = ""
    rest: str = ""
    file: str = ""
    repeats: bool = False
    joined: str = ""
    form_only: bool = False
    uploads: bool = False
    masks: tuple[str, ...] = ()
    mask_uploads: bool = False
    mask_file: str = ""
    form_mask: str = ""

    @property
    def most_files(self) -> int:
        """Most local files."""
        several = self.uploads or (self.repeats and self.file)
        return self.most if several else min(1 if self.file else 0, self.most)

    @property
    def most_addresses(self) -> int:
        """Most addresses."""
        several = self.joined if self.form_only else self.several or self.rest
        return self.most if several else min(1 if self.one else 0, self.most)

    @property
    def file_leads(self) -> bool:
        """Whether one local file may go before addresses."""
        return bool(self.file and self.joined)


def carriers(operation: Operation) -> Room:
    """Read where an operation has room for pictures. What the contract does not list is not used."""
    listed, endpoint = operation.params, operation.endpoint
    form, json, uploads = _shapes(operation)
    if endpoint == VARIATIONS:
        return Room(most=1, file="image", form_only=True)
    edits = endpoint == EDITS
    one, several, rest = _addresses(listed, edits=edits) if json else ("", "", "")
    masks = ("mask", "mask_url") if edits else ("mask_url", "mask")
    return Room(
        most=min(operation.max_references or SCHEMA_MAX, SCHEMA_MAX),
        one=one,
        several=several,
        rest=rest,
        file=_file(listed, edits=edits) if form else "",
        repeats=edits,
        joined=_first(("image_urls", _MORE), listed) if form and not edits else "",
        form_only=not json,
        uploads=uploads and "images" in listed,
        masks=tuple(name for name in masks if name in listed and json),
        mask_uploads=uploads and "mask" in listed,
        mask_file="mask" if form and edits and "mask" in listed else "",
        form_mask="mask_url" if form and not edits and "mask_url" in listed else "",
    )


def _shapes(operation: Operation) -> tuple[bool, bool, bool]:
    """Whether a form, a JSON body, and a JSON body with uploaded files are taken."""
    mode = (operation.shape_mode or "").lower()
    says_json, says_url, says_form = (word in mode for word in ("json", "url", "multipart"))
    silent = not (says_json or says_url or says_form)
    by_address_only = says_url and not says_form
    json = silent or says_json or says_url
    return silent or says_form, json, json and operation.endpoint == EDITS and not by_address_only


def _addresses(listed: Container[str], *, edits: bool) -> tuple[str, str, str]:
    one = _first(("image_url",), listed)
    several = _first(("images", "image_urls") if edits else ("image_urls",), listed)
    rest = _MORE if one and not several and _MORE in listed else ""
    return one, several or ("" if rest else _first((_MORE, "images"), listed)), rest


def _file(listed: Container[str], *, edits: bool) -> str:
    name = _first(("image", "image[]"), listed)
    return name if edits or not name else "image"


def _first(names: tuple[str, ...], listed: Container[str]) -> str:
    return next((name for name in names if name in listed), "")
