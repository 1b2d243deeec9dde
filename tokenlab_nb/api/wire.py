"""Both directions of the API, pure: `ImageRequest` -> `Call`; status + headers + body -> `Images`, `Task` or error.

Rules and shapes are those of the vendor's OpenAPI schemas ``ImageGenerationResponse``, ``VideoTaskResponse`` (which
serves images too) and ``ApiError``, and of the guides "Image Generation", "Async jobs and polling" and "Errors".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from tokenlab_nb.api import bodies, faults
from tokenlab_nb.api.replies import NO_PICTURE, ImageData, Images, Meta, Reply, Task, Uploaded
from tokenlab_nb.contract import parse
from tokenlab_nb.contract.model import Json, Model
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, JobFailedError, ServiceError, TokenLabError, UnknownOutcomeError

DELIVERY_HEADER = "X-TokenLab-Delivery-Policy"
FILES = "/v1/files"

_DONE = frozenset({"completed", "succeeded"})
_CANCELLED = frozenset({"cancelled", "canceled"})
_ENDED = frozenset({"failed", "expired"}) | _CANCELLED
_AT_WORK = frozenset({"processing", "running", "in_progress"})
_OPEN = frozenset({"", "pending", "queued", "submitted", "accepted", "created", "starting"}) | _AT_WORK
_AMBIGUOUS = re.compile(r"[\s\x00-\x1f\x7f\\]")  # some parsers drop these, some take a backslash for a slash
_IDS = ("task_id", "id", "poll_url", "billing_transaction_id")
_LONGEST_NAME = 200  # characters of a path in a message
_LATEST = 1e15  # seconds since 1970: no moment, but milliseconds of a far one or nonsense


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call, ready to be sent; the key is added by the client.

    Attributes:
        method: ``GET``, ``POST`` or ``DELETE``.
        path: Path below the API's origin, with its leading slash.
        query: Query parameters, in order.
        headers: Headers beside the usual ones.
        body: The JSON body, or None.
        form: Fields of a multipart body, in order; used where ``body`` is None.
        files: Files of a multipart body, in order.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    form: tuple[tuple[str, str], ...] = ()
    files: tuple[bodies.FilePart, ...] = ()

    @property
    def name(self) -> str:
        """Method and path, for messages: a path may hold a model id of any length."""
        return f"{self.method} {self.path[:_LONGEST_NAME]}"

    @property
    def is_create(self) -> bool:
        """Whether it makes pictures, and so may cost money: an upload does not."""
        return self.method == "POST" and self.path != FILES


# ------------------------------------------------------------------------------------------------ out


def models(
    *,
    provider: str | None = None,
    tag: str | None = None,
    category: str | None = None,
    recommended_for: str | None = None,
    view: str | None = None,
) -> Call:
    """``GET /v1/models`` with its filters."""
    filters = {
        "provider": provider,
        "tag": tag,
        "category": category,
        "recommended_for": recommended_for,
        "view": view,
    }
    return Call("GET", "/v1/models", query=tuple((name, value) for name, value in filters.items() if value))


def model(model_id: str) -> Call:
    """``GET /v1/models/{model}``: the detail view with the full contract."""
    return Call("GET", f"/v1/models/{_segment(model_id)}")


def pricing(model_id: str) -> Call:
    """``GET /v1/models/{model}/pricing``."""
    return Call("GET", f"/v1/models/{_segment(model_id)}/pricing")


def _segment(text: str) -> str:
    """A text as one segment of a path. Left as they are, ``.`` and ``..`` would lead to another route."""
    plain = quote(text, safe="", errors="replace")
    return plain if plain.strip(".") else plain.replace(".", "%2E")


def create(request: ImageRequest, files: Mapping[str, bytes], file_ids: Mapping[str, str] = bodies.NO_IDS) -> Call:
    """The create call of a request.

    Args:
        request: What to ask.
        files: The bytes of its local sources by SHA-256.
        file_ids: What `upload` made of those that are not sent along (`ImageRequest.uploads`), by SHA-256.
    """
    headers = {DELIVERY_HEADER: request.delivery_policy} if request.delivery_policy else {}
    values: dict[str, Json] = {"model": request.model, **request.values}
    if request.multipart:
        form, parts = bodies.form(request, values), bodies.file_parts(request, files)
        return Call("POST", request.endpoint, headers=headers, form=form, files=parts)
    return Call("POST", request.endpoint, headers=headers, body={**values, **bodies.pictures(request, file_ids)})


def upload(data: bytes, filename: str, media_type: str, purpose: str, model: str) -> Call:
    """``POST /v1/files``: what comes of it can be named by edits with this model."""
    part = bodies.FilePart("file", filename, data, media_type)
    return Call("POST", FILES, form=(("purpose", purpose), ("model", model)), files=(part,))


def task(task_id: str | None, poll_url: str | None, origin: str) -> Call:
    """The status call of a task: by its ``poll_url`` where that is safe, else ``GET /v1/tasks/{id}``.

    The key travels with it, so an absolute ``poll_url`` counts only on the API's own origin and without credentials
    (the vendor's agent guide).

    Args:
        task_id: The task's id, if the answer named one.
        poll_url: As the answer gave it: usually a path below the origin.
        origin: Scheme, host and port of the API.

    Raises:
        ServiceError: If there is no usable ``poll_url`` and no id.
    """
    path = _own_path(poll_url, origin) if poll_url else None
    if path:
        return Call("GET", path)
    if task_id:
        return Call("GET", f"/v1/tasks/{_segment(task_id)}")
    raise ServiceError("The service named no task and no poll_url on its own origin.")


def _own_path(url: str, origin: str) -> str | None:
    """The path and query of an address on our own origin; None for any other, and for what parsers read differently."""
    if _AMBIGUOUS.search(url):
        return None
    try:
        parts = urlsplit(urljoin(f"{origin}/", url))
    except ValueError:
        return None
    if f"{parts.scheme}://{parts.netloc}".lower() != origin.lower() or parts.path.startswith("//"):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def image_status(image_id: str) -> Call:
    """``GET /v1/images/{id}``: the alias of the task route; ids are ``ldtask_`` and 32 hexadecimal digits."""
    return Call("GET", f"/v1/images/{_segment(image_id)}")


def cancel(task_id: str) -> Call:
    """``DELETE /v1/tasks/{id}``. Images answer with 400 ``unsupported_task_cancel``: only queued video can be."""
    return Call("DELETE", f"/v1/tasks/{_segment(task_id)}")


# ------------------------------------------------------------------------------------------------- in


def read_json(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Read the JSON of a good answer.

    Args:
        call: What was asked, for messages.
        status: HTTP status.
        headers: Header names in lower case.
        body: The body as it came.

    Raises:
        TokenLabError: The error that the answer is.
    """
    if status >= 400:
        raise faults.read_error(call.name, status, headers, body)
    if status >= 300:
        what = f"was redirected ({status}), which the API never does."
        raise faults.strange(call.name, what, status, headers, hint="Check the API address (base_url).")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        what = f"answered {status} with something that is not JSON ({faults.kind(headers)})."
        raise faults.strange(call.name, what, status, headers) from error


def read_models(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> tuple[Model, ...]:
    """Read the answer of the model list, full or compact.

    Raises:
        ServiceError: If it is no list: an empty catalogue would look as if there were no models.
        TokenLabError: Any other error that the answer is.
    """
    data = read_json(call, status, headers, body)
    if not isinstance(data, dict) or not isinstance(data.get("data"), list):
        raise faults.strange(call.name, f"answered {status} with no list of models.", status, headers)
    return parse.parse_list(data)


def read_model(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Model:
    """Read the answer of one model's route.

    Raises:
        ServiceError: If it names no model.
        TokenLabError: Any other error that the answer is.
    """
    found = parse.parse(read_json(call, status, headers, body))
    if not found.id:
        raise faults.strange(call.name, f"answered {status} with no model.", status, headers)
    return found


def read_create(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read the answer of a create call: finished at once, or a task (both come as 200).

    Raises:
        UnknownOutcomeError: If a good status carries something unreadable: it may have been paid for.
        TokenLabError: Any other error that the answer is.
    """
    try:
        data = read_json(call, status, headers, body)
    except ServiceError as error:
        if not _may_have_run(status):
            raise
        raise UnknownOutcomeError(
            f"{call.name} was sent, but its outcome is unknown: it {error.message.removeprefix(call.name).strip()}",
            facts=error.facts,
        ) from error
    return _read_reply(call, status, headers, data)


def _may_have_run(status: int) -> bool:
    """Whether a create with this status may have been carried out: a good one that cannot be read, or a gateway's."""
    return status < 300 or status in (408, 502, 504) or status > 504


def read_upload(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Uploaded:
    """Read the answer of an upload (schema ``FileObject``).

    Raises:
        ServiceError: If it names no file.
        TokenLabError: Any other error that the answer is.
    """
    data = read_json(call, status, headers, body)
    told = data if isinstance(data, dict) else {}
    file_id = _text(told.get("id"))
    if not file_id:
        raise faults.strange(call.name, f"answered {status} with no file.", status, headers)
    return Uploaded(file_id, _moment(told.get("expires_at")), faults.read_meta(headers, told))


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LATEST else None  # which is so of no NaN, either


def read_task(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read the answer of a status call.

    Raises:
        JobFailedError: If the task ended without usable pictures; its ``code`` is ``cancelled`` for a cancelled one.
        ServiceError: If a good status carries something unreadable: ask again.
        TokenLabError: Any other error that the answer is.
    """
    return _read_reply(call, status, headers, read_json(call, status, headers, body))


def _read_reply(call: Call, status: int, headers: Mapping[str, str], data: Any) -> Reply:
    if not isinstance(data, dict):
        raise _no_object(call, status, headers)
    body: Mapping[str, Any] = data
    meta = faults.read_meta(headers, body)
    task_id = _text(body.get("task_id")) or _text(body.get("id")) or headers.get("x-task-id")
    state = (_text(body.get("status")) or "").strip().lower()
    facts = Facts(status=status, request_id=meta.request_id, endpoint=call.name)
    if body.get("cancelled") is True or state in _ENDED:
        raise _ended(body, state, facts)
    images = _pictures(body)
    if images:
        return Images(images, meta, task_id, _text(body.get("model")))
    if state in _DONE:
        none = replace(_with_ids(body, facts), code=NO_PICTURE)
        raise JobFailedError("The task was completed, but holds no usable picture.", facts=none)
    if body.get("error") and state not in _OPEN:  # a word that is not documented, with a reason: it has ended
        raise _ended(body, state, facts)
    if state or task_id or _text(body.get("poll_url")):
        return _pending(body, state, task_id, meta)
    if body.get("error"):
        raise _ended(body, state, facts)
    raise JobFailedError("The answer holds neither a picture nor a task.", facts=replace(facts, code=NO_PICTURE))


def _no_object(call: Call, status: int, headers: Mapping[str, str]) -> TokenLabError:
    error = faults.strange(call.name, f"answered {status} with JSON that is no object.", status, headers)
    if not call.is_create:
        return error
    lost = f"{call.name} was sent, but its outcome is unknown: the answer is no object."
    return UnknownOutcomeError(lost, facts=error.facts)


def _pending(body: Mapping[str, Any], state: str, task_id: str | None, meta: Meta) -> Task:
    return Task(
        task_id=task_id,
        poll_url=_text(body.get("poll_url")),
        status="processing" if state in _AT_WORK else "pending",
        progress=_percent(body.get("progress")),
        meta=meta,
    )


def _percent(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    known = isinstance(value, int) or not math.isnan(value)
    return int(min(100, max(0, value))) if known else None


def _pictures(body: Mapping[str, Any]) -> tuple[ImageData, ...]:
    """Every usable picture; an entry with an empty URL is a placeholder, not a result."""
    rows = body.get("data")
    rows = rows if isinstance(rows, list) else [rows]
    found = [image for row in rows if isinstance(row, dict) and (image := _picture(row))]
    # A third-party note tells of results as a top-level image_url.
    single = _text(body.get("image_url"))
    return tuple(found) or ((ImageData(url=single),) if single else ())


def _picture(row: Mapping[str, Any]) -> ImageData | None:
    url, b64 = _text(row.get("url")), _text(row.get("b64_json"))
    if not url and not b64:
        return None
    return ImageData(url=url, b64=None if url else b64, revised_prompt=_text(row.get("revised_prompt")))


def _ended(body: Mapping[str, Any], state: str, facts: Facts) -> TokenLabError:
    said = body.get("error")
    error = said if isinstance(said, dict) else {}
    reason = _text(said) or _text(error.get("message")) or "The service gave no reason."
    cancelled = body.get("cancelled") is True or state in _CANCELLED
    code = "cancelled" if cancelled else _text(error.get("code")) or ("expired" if state == "expired" else None)
    described = _with_ids(body, faults.describe(error, facts, code))
    what = "was cancelled" if cancelled else "failed"
    return JobFailedError(f"The task {what}: {faults.short(reason)}", facts=described)


def _with_ids(body: Mapping[str, Any], facts: Facts) -> Facts:
    """Keep the ids of a task that ended at once: nothing else will ever name them."""
    return replace(facts, details={**facts.details, **{name: body[name] for name in _IDS if _text(body.get(name))}})


def _text(value: object) -> str | None:
    """A text that holds anything; half a surrogate pair, which JSON can carry, fits no path and no ledger."""
    return value if isinstance(value, str) and value.strip() and _is_utf8(value) else None


def _is_utf8(text: str) -> bool:
    return text.isascii() or text.encode(errors="replace").decode() == text
