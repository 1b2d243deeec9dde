"""The pictures of a request in its body: as JSON fields, as form fields, as files. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tokenlab_nb.contract.model import Json
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest

NO_IDS: Mapping[str, str] = MappingProxyType({})

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart body."""

    name: str
    filename: str
    data: bytes = field(repr=False)
    media_type: str = "application/octet-stream"


def pictures(request: ImageRequest, file_ids: Mapping[str, str]) -> dict[str, Json]:
    """The JSON fields that carry references and mask.

    Args:
        request: What to ask.
        file_ids: The ids of its local pictures by SHA-256.
    """
    fields: dict[str, Json] = {}
    for name, carried in _carried(request):
        if name == "image_url":
            fields[name] = carried[0].url
        elif name == "images":
            fields[name] = [_named(source, file_ids) for source in carried]
        else:
            fields[name] = [source.url for source in carried]
    if request.mask:
        by_text = request.mask_field == "mask_url"
        fields[request.mask_field] = request.mask.url if by_text else _named(request.mask, file_ids)
    return fields


def _carried(request: ImageRequest) -> list[tuple[str, tuple[Source, ...]]]:
    """The fields that carry references, with what each carries, in order."""
    first = 1 if request.rest_field else len(request.references)
    groups = (request.reference_field, request.references[:first]), (request.rest_field, request.references[first:])
    return [(name, carried) for name, carried in groups if carried]


def _named(source: Source, file_ids: Mapping[str, str]) -> Json:
    if source.url:
        return {"image_url": source.url}
    return {"file_id": source.file_id or file_ids[source.sha256 or ""]}


def form(request: ImageRequest, values: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """The fields of a form that are no files.

    ``ImageGenerationMultipartRequest.image_urls`` is "Comma-separated reference image URLs".

    Args:
        request: What to ask.
        values: All that is no picture.
    """
    fields = [(name, _form_text(value)) for name, value in values.items()]
    for name, carried in _carried(request):
        urls = [source.url for source in carried if source.url]
        fields += [(name, ",".join(urls))] if urls else []
    fields += [(request.mask_field, request.mask.url)] if request.mask and request.mask.url else []
    return tuple(fields)


def _form_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def file_parts(request: ImageRequest, files: Mapping[str, bytes]) -> tuple[FilePart, ...]:
    """The files of a form, in order, the mask last.

    Args:
        request: What to ask.
        files: The bytes of its local pictures by SHA-256.
    """
    named = [(name, source) for name, carried in _carried(request) for source in carried]
    named += [(request.mask_field, request.mask)] if request.mask else []
    return tuple(
        FilePart(name, filename(source.media_type, place), files[source.sha256], source.media_type)
        for place, (name, source) in enumerate(named, start=1)
        if source.sha256
    )


def filename(media_type: str, place: int = 1) -> str:
    """What a picture is called when it is sent: its own name is nobody's business."""
    return f"picture-{place}.{_SUFFIX[media_type]}"
