"""Requests -> calls of the OpenAI client for Python, which any service of that shape understands.

What the client's methods do not know goes along in ``extra_body``; what none of them can say (pictures by address in an
edit, say) goes through its ``post``. It is told not to send anything twice, since that may be paid for twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tokenlab_nb.api.wire import Call
from tokenlab_nb.contract.model import EDITS, GENERATIONS, VARIATIONS, Json
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.calls import UNKNOWN, Shown, Upload, reachable, shown_call
from tokenlab_nb.export.literals import Expression, call, literal
from tokenlab_nb.export.text import printable

__all__ = ["KNOWN", "openai_of"]

_COMMON = frozenset({"model", "n", "response_format", "size", "user"})
_MADE = _COMMON | {"prompt", "background", "output_compression", "output_format", "quality"}

KNOWN: Mapping[str, tuple[str, frozenset[str]]] = {
    GENERATIONS: ("generate", _MADE | {"moderation", "style"}),
    EDITS: ("edit", _MADE),
    VARIATIONS: ("create_variation", _COMMON),
}
"""The client's method for each route, and those of our fields that it has arguments for."""

_KEY = Expression('os.environ["TOKENLAB_API_KEY"]')
_ONCE = "max_retries=0, since the client would by itself send again what may be paid for already."
_ASK = 'The answer names a task: run the next line until its status is "completed".'
_FORM = {"Content-Type": "multipart/form-data"}


def openai_of(requests: Sequence[ImageRequest], base_url: str) -> str:
    """Return the Python that sends requests once more through the OpenAI client.

    Args:
        requests: What was asked.
        base_url: The API's address, without ``/v1``.
    """
    if not any(each.model for each in requests):
        return _note(UNKNOWN) if requests else ""
    address, notes = reachable(base_url)
    calls = "\n\n".join("\n".join(_lines(each)) for each in requests)
    client = call("OpenAI", named={"base_url": f"{address}/v1", "api_key": _KEY, "max_retries": 0})
    made = [*map(_note, (*notes, _ONCE)), f"client = {client}"]
    return "\n".join([*_imports(calls), "", *made, "", calls])


def _imports(calls: str) -> Iterator[str]:
    yield "import os"
    if "Path(" in calls:
        yield "from pathlib import Path"
    yield ""
    yield "from openai import OpenAI"
    if "cast_to=ImagesResponse" in calls:
        yield "from openai.types import ImagesResponse"


def _lines(request: ImageRequest) -> Iterator[str]:
    if not request.model:
        yield _note(UNKNOWN)
        return
    told = shown_call(request)
    yield from map(_note, told.notes)
    for each in told.uploads:
        yield f"{each.mark.lower()} = {_upload(each)}"
    yield f"answer = {_by_method(told) or _by_post(told)}"
    if request.values.get("async") is True:
        yield _note(_ASK)
        yield 'task = client.get(f"/tasks/{answer.task_id}", cast_to=object)'


def _note(text: str) -> str:
    return f"# {printable(text)}"


def _upload(upload: Upload) -> str:
    form = dict(upload.call.form)
    given = {"file": _file(upload.call, 0, upload.file), "purpose": form.pop("purpose"), "extra_body": form}
    return call("client.files.create", named=given)


def _by_method(told: Shown) -> str | None:
    """The call of the method for this route; None where it cannot say all of it."""
    name, known = KNOWN.get(told.call.path, ("", frozenset()))
    fields, pictures = _fields(told), _pictures(told)
    if not name or pictures is None or ("prompt" in known and "prompt" not in fields):
        return None
    given = {field: value for field, value in fields.items() if field in known and value is not None}
    rest = {field: value for field, value in fields.items() if field not in given}
    named: dict[str, object] = {**given, **pictures}
    if rest:
        named["extra_body"] = rest
    if told.call.headers:
        named["extra_headers"] = dict(told.call.headers)
    return call(f"client.images.{name}", named=named)


def _pictures(told: Shown) -> dict[str, object] | None:
    """The files as the methods for this route take them; None where they cannot."""
    if (told.call.path == GENERATIONS) != (told.call.body is not None):
        return None  # `generate` sends JSON, the others a form
    files = [(part.name, _file(told.call, place, told.files[place])) for place, part in enumerate(told.call.files)]
    images = [file for name, file in files if name in ("image", "image[]")]
    masks = [file for name, file in files if name == "mask"]
    if len(images) + len(masks) < len(files) or (not images and told.call.path != GENERATIONS):
        return None
    # A list goes out as `image[]`, one alone as `image`.
    alone = len(images) == 1 and told.call.files[0].name == "image"
    found: dict[str, object] = {"image": images[0] if alone else images} if images else {}
    return {**found, **({"mask": masks[0]} if masks else {})}


def _by_post(told: Shown) -> str:
    headers = {**told.call.headers, **({} if told.call.body is not None else _FORM)}
    named: dict[str, object] = {"body": _fields(told), "cast_to": Expression("ImagesResponse")}
    if told.call.files:
        parts = enumerate(told.call.files)
        named["files"] = [
            Expression(f"({literal(part.name)}, {_file(told.call, place, told.files[place]).source})")
            for place, part in parts
        ]
    if headers:
        named["options"] = {"headers": headers}
    return call("client.post", [told.call.path.removeprefix("/v1")], named)


def _file(sent: Call, place: int, file: str) -> Expression:
    """A file as the client takes it: a path, or where its name does not tell every Python the type, all three."""
    path, part = f"Path({literal(file)})", sent.files[place]
    if part.media_type != "image/webp":
        return Expression(path)
    return Expression(f"({literal(file)}, {path}.read_bytes(), {literal(part.media_type)})")


def _fields(told: Shown) -> dict[str, object]:
    """What goes in beside files, by field: in a form as text where it is no plain value."""
    if told.call.body is None:
        return {name: value if _is_plain(value := told.values.get(name)) else text for name, text in told.call.form}
    marks = {each.mark: Expression(f"{each.mark.lower()}.id") for each in told.uploads}
    return {name: _with_ids(value, marks) for name, value in told.call.body.items()}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _with_ids(value: Json, marks: Mapping[str, Expression]) -> object:
    """A value with the ids of uploads in place of their marks."""
    if isinstance(value, dict):
        return {name: _with_ids(each, marks) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_ids(each, marks) for each in value]
    return marks.get(value, value) if isinstance(value, str) else value
