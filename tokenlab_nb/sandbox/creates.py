"""The three routes that make pictures: from a body to a record, at the pace that the model would take."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from typing import Any

from .checks import Asked, check, model_name
from .codecs import decode, decode_mask
from .painter import PaintError
from .pictures import own_bytes, picture_bytes
from .refusals import Refusal, invalid, refuse, too_large, unknown_model
from .service import Call, Reply, Service
from .sizes import Size, pixels
from .sources import MAX_FETCHED, Source, check_bytes, check_url, unreachable
from .world import POLICY, Order, Record, draw_latency, encoded, inline_answer, pictures, task_answer, token

POLICIES = ("auto", "verified", "official")


async def create(call: Call) -> Reply:
    """`POST /v1/images/generations`, `/edits` and `/variations`.

    Raises:
        Refusal: Whatever the service would refuse, in its own words.
    """
    service, route = call.service, call.request.url.path
    name = model_name(call.form, route)
    entry = service.catalog.find(name)
    if entry is None:
        raise unknown_model(service.catalog, name, status=400)
    asked = check(entry, route, call.form)
    _check_delivery(call, asked)
    order = await _order(call, asked)
    blocked = service.catalog.blocked(asked.prompt)
    if blocked and not asked.as_task:
        raise invalid(POLICY, param="prompt", code="content_policy_violation")
    service.world.accepted[route.rpartition("/")[2]] += 1
    record = _record(call, asked, order, failed=blocked)
    return await (_task(service, asked, record) if asked.as_task else _inline(service, asked, record))


def _check_delivery(call: Call, asked: Asked) -> None:
    """The request header `X-TokenLab-Delivery-Policy` (Delivery policy page, September 2026)."""
    header = "X-TokenLab-Delivery-Policy"
    policy = call.request.headers.get(header, "auto")
    if policy not in POLICIES:
        raise invalid(f"Must be one of: {', '.join(POLICIES)}.", param=header, code="invalid_value")
    if policy in asked.entry.behaviour.tier_unavailable:
        kind = "delivery_tier_unavailable"
        message = f"The {policy} delivery tier is not available for {asked.entry.id}."
        raise refuse(503, kind, message, code=kind, retryable=True)


async def _order(call: Call, asked: Asked) -> Order:
    """Read and keep every reference, then settle what is to be painted."""
    service = call.service
    images: list[tuple[bytes, Size]] = []
    fetched = 0
    for source in asked.references:
        images.append(await _read(call, source, asked))
        fetched = _counted(source, images[-1][0], fetched)
    first = images[0][1] if images else None
    mask = await _read_mask(call, asked, first) if asked.mask and first else None
    _counted(asked.mask, mask, fetched)
    seed = asked.options.get("seed")
    seeds = [service.dice.getrandbits(31) if seed is None else seed for _ in range(asked.count)]
    digests = [await service.in_thread(service.shelf.put, data) for data, _ in images]
    kept = None if mask is None else await service.in_thread(service.shelf.put, mask)
    return replace(_settled(asked, tuple(seeds), first), references=tuple(digests), mask=kept)


def _counted(source: Source | None, data: bytes | None, fetched: int) -> int:
    """Bytes fetched by URL so far, this picture's included.

    Raises:
        Refusal: 413 where one request's pictures are too much together.
    """
    if source is None or data is None or not source.url.startswith("http"):
        return fetched
    if fetched + len(data) > MAX_FETCHED:
        raise too_large(source.param, f"{MAX_FETCHED // 1_000_000} MB together with the other images")
    return fetched + len(data)


def _settled(asked: Asked, seeds: tuple[int, ...], source: Size | None) -> Order:
    """What is to be painted, but for the references; `source` is the first one's size."""
    options, entry = asked.options, asked.entry
    ratios = entry.constraint(asked.operation).get("allowed_aspect_ratios") or ()
    width, height = pixels(entry.rules, options, ratios, source)
    if entry.rules.tool == "enlarge" and source and max(source) > max(width, height):
        width, height = pixels(entry.rules, {}, (), source)  # never made smaller
    rewrites = bool(asked.prompt) and (entry.behaviour.rewrites or bool(options.get("expand_prompt")))
    return Order(
        model=entry.id,
        operation=asked.operation,
        prompt=asked.prompt,
        width=width,
        height=height,
        seeds=seeds,
        revised_prompt=f"{asked.prompt.rstrip('.')}, in fine detail and natural light" if rewrites else None,
        negative_prompt=options.get("negative_prompt", ""),
        quality=options.get("quality"),
        style=options.get("style"),
        transparent=entry.rules.always_transparent or options.get("background") == "transparent",
        output_format=options.get("output_format", entry.rules.default_format),
        compression=options.get("output_compression", options.get("compression")),
        tool=entry.rules.tool,
    )


async def _read(call: Call, source: Source, asked: Asked) -> tuple[bytes, Size]:
    """One reference's bytes, known to be a picture, and its size as it is meant to be seen.

    Raises:
        Refusal: 400 or 413 that names the input.
    """
    data = await _bytes(call, source, asked)
    check_bytes(data, source.param)
    try:
        return data, (await call.service.in_painter(decode, data)).size
    except PaintError as error:
        raise invalid(str(error), param=source.param, code="invalid_image") from error


async def _read_mask(call: Call, asked: Asked, size: Size) -> bytes:
    """The mask's bytes, known to fit the first reference."""
    source = asked.mask or Source("mask")
    if source.url.startswith("data:"):
        data: bytes = await call.service.in_thread(_data_url, source)
    else:
        data = await _bytes(call, source, asked)
    check_bytes(data, source.param)
    try:
        await call.service.in_painter(decode_mask, data, size)
    except PaintError as error:
        raise invalid(str(error), param=source.param, code="invalid_mask") from error
    return data


async def _bytes(call: Call, source: Source, asked: Asked) -> bytes:
    service = call.service
    if source.data is not None:
        return source.data
    if source.file_id:
        return await _file_bytes(call, source, asked)
    own = await own_bytes(service, source.url)
    if own is not None:
        return own
    check_url(source)
    raise unreachable(source)


async def _file_bytes(call: Call, source: Source, asked: Asked) -> bytes:
    try:
        stored = call.service.world.file(source.file_id, call.owner)
    except Refusal:
        raise invalid("No such file.", param=source.param, code="file_not_found") from None
    if stored.model != asked.entry.id:
        bound = f"bound to {stored.model}" if stored.model else "no image upload"
        raise invalid(f"The file is {bound}.", param=source.param, code="file_model_mismatch")
    return bytes(await call.service.in_thread(call.service.shelf.get, stored.digest))


def _data_url(source: Source) -> bytes:
    """The bytes of a data URL. Blocking, for it may hold 50 MB."""
    head, _, payload = source.url.partition(",")
    try:
        return base64.b64decode(payload if head.endswith(";base64") else "?", validate=True)
    except binascii.Error:
        raise invalid("Not a base64 data URL.", param=source.param, code="invalid_image_url") from None


def _record(call: Call, asked: Asked, order: Order, *, failed: bool) -> Record:
    service, now = call.service, call.service.clock()
    latency = draw_latency(asked.entry.behaviour, service.dice) * service.latency_scale
    return Record(
        id=token(service.dice, "ldtask_" if asked.as_task else "img_"),
        owner=call.owner,
        order=order,
        created=now,
        ready=now + latency,
        billing_id=None if asked.entry.free or failed else token(service.dice, "billtxn_", 24),
        failed=failed,
    )


async def _keep(service: Service, record: Record) -> None:
    await service.in_thread(service.shelf.save_record, record)
    service.world.records[record.id] = record


async def _task(service: Service, asked: Asked, record: Record) -> Reply:
    await _keep(service, record)
    behaviour = asked.entry.behaviour
    if behaviour.pending == "terminal":
        await service.sleep(record.ready - record.created)
    answer = task_answer(record, behaviour, service.base_url, service.clock())
    return Reply(answer, {"X-Task-ID": record.id})


async def _inline(service: Service, asked: Asked, record: Record) -> Reply:
    await service.sleep(record.ready - record.created)
    record = replace(record, ready=min(record.ready, service.clock()))  # a handed-in sleep may not move the clock
    await _keep(service, record)
    headers = {"X-Billing-Transaction-ID": record.billing_id} if record.billing_id else {}
    if not asked.as_base64:
        data = pictures(record, service.base_url)
        return Reply(inline_answer(record, data, asked.entry.behaviour), headers)
    raw = [await picture_bytes(service, record, index) for index in range(asked.count)]
    return Reply(await service.in_thread(_base64_body, record, raw, asked), headers)


def _base64_body(record: Record, raw: list[bytes], asked: Asked) -> bytes:
    """The whole body, since writing megabytes of JSON takes too long for the event loop. Blocking."""
    data = encoded(record, [base64.b64encode(item).decode() for item in raw])
    answer: dict[str, Any] = inline_answer(record, data, asked.entry.behaviour)
    return json.dumps(answer).encode()
