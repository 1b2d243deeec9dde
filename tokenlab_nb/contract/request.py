"""`ImageRequest`: a checked request as a value. Hashable, JSON-able, and free of keys, files and clocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that goes in: exactly one of a URL, an uploaded file's id, or bytes kept by their hash.

    Attributes:
        url: A public http(s) address that the service fetches.
        file_id: An id from ``/v1/files``.
        sha256: The hash of local bytes; the runner reads them from the blob store when it sends.
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``, for bytes.
        size: Length in bytes, for bytes.
        width: Pixels, for bytes.
        height: Pixels, for bytes.
    """

    url: str | None = None
    file_id: str | None = None
    sha256: str | None = None
    media_type: str = ""
    size: int = 0
    width: int = 0
    height: int = 0

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.url, self.file_id, self.sha256)) != 1:
            raise ValueError("A source is exactly one of url, file_id and sha256.")

    @property
    def is_local(self) -> bool:
        """Whether its bytes must be sent along."""
        return self.sha256 is not None


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One create call, decided down to the field that carries each picture.

    Attributes:
        model: Model id.
        operation: Operation name, such as ``text-to-image``.
        endpoint: Path, such as ``/v1/images/generations``.
        values: Body fields by name, the prompt included, pictures excluded; JSON values.
        references: Pictures that go in, in order.
        reference_field: The field that carries them, such as ``image_urls`` or ``image``; empty without any.
        mask: The mask, if any.
        mask_field: The field that carries it.
        multipart: Whether it is sent as ``multipart/form-data`` instead of JSON.
        delivery_policy: Value of the ``X-TokenLab-Delivery-Policy`` header, or None.
    """

    model: str
    operation: str
    endpoint: str
    values: Mapping[str, Json] = field(default_factory=dict)
    references: tuple[Source, ...] = ()
    reference_field: str = ""
    mask: Source | None = None
    mask_field: str = ""
    multipart: bool = False
    delivery_policy: str | None = None

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def prompt(self) -> str:
        """The prompt, or an empty string for an operation that takes none."""
        return str(self.values.get("prompt") or "")

    @property
    def count(self) -> int:
        """How many pictures are asked for."""
        n = self.values.get("n")
        return n if isinstance(n, int) and n > 0 else 1

    @property
    def wants_task(self) -> bool:
        """Whether it asks for a task instead of waiting for the pictures in the answer."""
        return self.values.get("async") is True

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON: equal requests have equal hashes, on every machine."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def sources(self) -> tuple[Source, ...]:
        """References and mask together."""
        return (*self.references, self.mask) if self.mask else self.references

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; `from_json` is its inverse."""
        return {**asdict(self), "values": dict(self.values)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild a request from `to_json`.

        Raises:
            TypeError: If the record is not one of ours.
        """
        data = dict(record)
        references, mask = data.pop("references", ()), data.pop("mask", None)
        if not isinstance(references, list | tuple):
            raise TypeError("references must be a list")
        return cls(
            references=tuple(Source(**item) for item in references),
            mask=Source(**mask) if isinstance(mask, dict) else None,
            **data,
        )
