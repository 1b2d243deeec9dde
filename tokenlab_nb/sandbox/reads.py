"""The routes that make nothing: models, prices, tasks and files."""

from __future__ import annotations

import re
from typing import Any

from .catalog import Entry
from .listing import model_detail, model_list, model_pricing, price_list
from .pictures import MEDIA_TYPES
from .refusals import invalid, no_route, refuse, too_large, unknown_model
from .service import Call, Reply
from .sources import MAX_BYTES, check_bytes
from .world import StoredFile, task_answer, token

MAX_PAGE = 1000
_TASK_ID = re.compile(r"ldtask_[0-9a-fA-F]{32}")
_CREATES = ("generations", "edits", "variations")
_PURPOSES = ("batch", "user_data", "vision")
_LISTED = (*_PURPOSES, "batch_output")


async def list_models(call: Call) -> Reply:
    """`GET /v1/models`."""
    service = call.service
    return Reply(model_list(service.catalog, call.request.query_params, service.clock()))


async def get_model(call: Call) -> Reply:
    """`GET /v1/models/{model}`."""
    return Reply(model_detail(_entry(call)))


async def get_pricing(call: Call) -> Reply:
    """`GET /v1/models/{model}/pricing`."""
    return Reply(model_pricing(_entry(call)))


async def list_prices(call: Call) -> Reply:
    """`GET /v1/pricing`."""
    return Reply(price_list(call.service.catalog, call.request.query_params))


async def get_task(call: Call) -> Reply:
    """`GET /v1/tasks/{id}`, and `GET /v1/images/generations/{id}`, which answers the same."""
    service, now = call.service, call.service.clock()
    record = service.world.task(call.request.path_params["id"], call.owner)
    entry = next(each for each in service.catalog.entries if each.id == record.order.model)
    billing = service.world.billing(record, now)
    answer = task_answer(record, entry.behaviour, service.base_url, now, billing)
    headers = {"X-Task-ID": record.id}
    return Reply(answer, headers | ({"X-Billing-Transaction-ID": billing} if billing else {}))


async def get_image(call: Call) -> Reply:
    """`GET /v1/images/{id}`: the same as a task, but the id's shape is checked."""
    if call.request.path_params["id"] in _CREATES:
        raise no_route(405, call.request.method, call.request.url.path)
    if not _TASK_ID.fullmatch(call.request.path_params["id"]):
        raise invalid("Must match ldtask_ and 32 hex digits.", param="id", code="invalid_value")
    return await get_task(call)


async def cancel_task(call: Call) -> Reply:
    """`DELETE /v1/tasks/{id}`: no image task can be cancelled."""
    call.service.world.task(call.request.path_params["id"], call.owner)
    message = "Image tasks cannot be cancelled."
    raise refuse(400, "invalid_request_error", message, code="unsupported_task_cancel")


async def upload_file(call: Call) -> Reply:
    """`POST /v1/files`: binds a picture to the edits of a model."""
    service, form = call.service, call.form
    files = form.files("file")
    if not files:
        raise invalid("File is required.", param="file", code="required")
    purpose = form.text("purpose")
    if purpose not in _PURPOSES:
        raise invalid(f"Must be one of: {', '.join(_PURPOSES)}.", param="purpose", code="invalid_value")
    data = files[0].data
    if len(data) > MAX_BYTES:
        raise too_large("file", "50 MB")
    if purpose != "batch":
        check_bytes(data, "file")
    stored = StoredFile(
        id=token(service.dice, "file-", 24),
        owner=call.owner,
        model=None if purpose == "batch" else _bound_model(call),
        filename=files[0].filename or "file",
        purpose=purpose,
        size=len(data),
        created=service.clock(),
        digest=await service.in_thread(service.shelf.put, data),
    )
    await service.in_thread(service.shelf.save_file, stored)
    service.world.files[stored.id] = stored
    return Reply(stored.answer())


async def list_files(call: Call) -> Reply:
    """`GET /v1/files`: newest first; takes `limit`, `after` and `purpose`."""
    query = call.request.query_params
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        raise invalid(f"Must be 1 to {MAX_PAGE}.", param="limit", code="out_of_range")
    purpose = query.get("purpose")
    if purpose not in (None, *_LISTED):
        raise invalid(f"Must be one of: {', '.join(_LISTED)}.", param="purpose", code="invalid_value")
    found = [f for f in reversed(call.service.world.files.values()) if f.owner == call.owner]
    found = [f for f in found if purpose in (None, f.purpose)]
    ids = [f.id for f in found]
    if query.get("after") in ids:
        found = found[ids.index(query["after"]) + 1 :]
    page = found[: int(limit)]
    answer: dict[str, Any] = {"object": "list", "data": [f.answer() for f in page]}
    answer |= {"first_id": page[0].id if page else None, "last_id": page[-1].id if page else None}
    return Reply(answer | {"has_more": len(found) > len(page)})


async def get_file(call: Call) -> Reply:
    """`GET /v1/files/{file_id}`."""
    return Reply(_file(call).answer())


async def delete_file(call: Call) -> Reply:
    """`DELETE /v1/files/{file_id}`."""
    stored = _file(call)
    await call.service.in_thread(call.service.shelf.forget_file, stored.id)
    call.service.world.files.pop(stored.id, None)
    return Reply({"id": stored.id, "object": "file", "deleted": True})


async def get_file_content(call: Call) -> Reply:
    """`GET /v1/files/{file_id}/content`."""
    stored = _file(call)
    data = await call.service.in_thread(call.service.shelf.get, stored.digest)
    media_type = "text/plain" if stored.purpose == "batch" else MEDIA_TYPES[check_bytes(data, "file").format]
    return Reply(data, media_type=media_type)


def _entry(call: Call) -> Entry:
    name = call.request.path_params["model"]
    entry = call.service.catalog.find(name)
    if entry is None:
        raise unknown_model(call.service.catalog, name, status=404)
    return entry


def _file(call: Call) -> StoredFile:
    return call.service.world.file(call.request.path_params["file_id"], call.owner)


def _bound_model(call: Call) -> str:
    catalog = call.service.catalog
    name = call.form.text("model") or catalog.file_model
    entry = catalog.find(name)
    if entry is None:
        raise unknown_model(catalog, name, status=400)
    if "images" not in entry.constraint("image-edit").get("supported_parameters", ()):
        raise invalid("This model takes no file_id.", param="model", code="unsupported_operation")
    return entry.id
