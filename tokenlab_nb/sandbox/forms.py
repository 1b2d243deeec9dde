"""Pure: a request body, JSON or multipart, as one value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser

from .refusals import invalid, refuse

FILE_FIELDS = ("image", "image[]", "mask")
_TEXT_FIELDS = ("image_urls", "reference_image_urls", "mask_url", "operation", "stream", "model", "prompt")
_IN_MEMORY = {"MAX_MEMORY_FILE_SIZE": 1 << 30}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body; `name` is that of its form field."""

    name: str
    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent.

    Attributes:
        fields: Scalars and structures by name; strings only when `multipart`.
        uploads: The files, in their order.
        multipart: Whether it came as `multipart/form-data`.
    """

    fields: Mapping[str, Any]
    uploads: tuple[Upload, ...] = ()
    multipart: bool = False

    def text(self, name: str) -> str:
        """A field as a string; empty when it is missing or no string."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def files(self, *names: str) -> tuple[Upload, ...]:
        """The uploads of these form fields."""
        return tuple(upload for upload in self.uploads if upload.name in names)


def read_form(content_type: str, body: bytes) -> Form:
    """Read a body.

    Args:
        content_type: The request's `Content-Type` header.
        body: All of it.

    Raises:
        Refusal: 400, when it is neither readable JSON nor multipart.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    if kind == "application/json":
        return _json(body)
    raise refuse(
        400,
        "invalid_request_error",
        "Send the body as application/json or multipart/form-data.",
        code="unsupported_content_type",
    )


def _json(body: bytes) -> Form:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:  # bad JSON, bad UTF-8, or nested without end
        raise refuse(400, "invalid_request_error", "The body is not valid JSON.", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise refuse(400, "invalid_request_error", "The body must be a JSON object.", code="invalid_json")
    return Form({name: value for name, value in fields.items() if value is not None})


def _multipart(content_type: str, body: bytes) -> Form:
    fields: dict[str, str] = {}
    uploads: list[Upload] = []

    def on_field(part: Field) -> None:
        fields[(part.field_name or b"").decode()] = (part.value or b"").decode()

    def on_file(part: File) -> None:
        part.file_object.seek(0)
        name, filename = (part.field_name or b"").decode(), (part.file_name or b"").decode(errors="replace")
        uploads.append(Upload(name, filename, part.file_object.read()))

    try:
        parser = create_form_parser({"Content-Type": content_type.encode()}, on_field, on_file, config=_IN_MEMORY)
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise refuse(
            400, "invalid_request_error", "The multipart body is malformed.", code="invalid_multipart"
        ) from error
    return Form(fields, tuple(uploads), multipart=True)


def check_parts(form: Form) -> None:
    """Refuse a multipart body whose pictures are texts, or whose texts are files.

    Raises:
        Refusal: 400 that names the part.
    """
    for name in FILE_FIELDS if form.multipart else ():
        if name in form.fields:
            raise invalid("Expected a file.", param=name, code="invalid_type")
    for upload in form.uploads:
        if upload.name in _TEXT_FIELDS:
            raise invalid("Expected a text, not a file.", param=upload.name, code="invalid_type")


def as_integer(form: Form, name: str) -> int:
    """An integer field that was sent; digits are one in multipart bodies only.

    Raises:
        Refusal: 400 for anything else.
    """
    value = form.fields.get(name)
    if form.multipart and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise invalid("Expected an integer.", param=name, code="invalid_type")


def as_boolean(form: Form, name: str) -> bool:
    """A boolean field, False when missing; the words true and false are one in multipart bodies only.

    Raises:
        Refusal: 400 for anything else.
    """
    value = form.fields.get(name, False)
    if form.multipart and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    raise invalid("Expected a boolean.", param=name, code="invalid_type")


def as_string(form: Form, name: str) -> str | None:
    """A string field.

    Raises:
        Refusal: 400 for anything else.
    """
    value = form.fields.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid("Expected a string.", param=name, code="invalid_type")
    if value is not None and re.search("[\ud800-\udfff]", value):
        raise invalid("Not valid Unicode.", param=name, code="invalid_type")
    return value
