"""Pictures on demand: painted from the record in a worker thread, and the samples that come with the sandbox."""

from __future__ import annotations

import re

from . import painter
from .refusals import no_route
from .service import Call, Reply, Service
from .shelf import Shelf
from .sources import probe
from .world import COMPLETED, Order, Record

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_KEPT = 16
_NAME = re.compile(r"(?P<id>\w+)-(?P<index>\d{1,2})\.(?:png|jpg|webp)")


def find_picture(service: Service, name: str) -> tuple[Record, int] | None:
    """The finished record and index behind the last part of a picture URL."""
    match = _NAME.fullmatch(name)
    record = service.world.records.get(match["id"]) if match else None
    if match is None or record is None or int(match["index"]) >= len(record.order.seeds):
        return None
    return (record, int(match["index"])) if record.status(service.clock()) == COMPLETED else None


async def picture_bytes(service: Service, record: Record, index: int) -> bytes:
    """One picture of a record: the same bytes each time."""
    key = (record.id, index)
    if key not in service.painted:
        service.painted[key] = await service.in_painter(paint_order, service.shelf, record.order, index)
        while len(service.painted) > _KEPT:
            service.painted.popitem(last=False)
    service.painted.move_to_end(key)
    return service.painted[key]


def paint_order(shelf: Shelf, order: Order, index: int) -> bytes:
    """Paint one picture of an order. Blocking."""
    return painter.paint(
        painter.Picture(
            model=order.model,
            prompt=order.prompt,
            width=order.width,
            height=order.height,
            seed=order.seeds[index],
            index=index,
            operation=order.operation,
            negative_prompt=order.negative_prompt,
            quality=order.quality,
            style=order.style,
            transparent=order.transparent,
            output_format=order.output_format,
            compression=order.compression,
            references=tuple(shelf.get(digest) for digest in order.references),
            mask=shelf.get(order.mask) if order.mask else None,
            tool=order.tool,
        )
    )


async def own_bytes(service: Service, url: str) -> bytes | None:
    """What is behind a URL of this sandbox's samples and results; None for any other URL."""
    kind, _, name = url.removeprefix(f"{service.base_url}/").partition("/")
    if not url.startswith(f"{service.base_url}/"):
        return None
    stem, _, suffix = name.rpartition(".")
    if kind == "samples" and stem in painter.SAMPLES and suffix in ("jpg", "png"):
        return bytes(await service.in_painter(painter.sample, stem))
    found = find_picture(service, name) if kind == "pictures" else None
    return await picture_bytes(service, *found) if found else None


async def get_picture(call: Call) -> Reply:
    """`GET /pictures/{name}` and `GET /samples/{name}`: no key, for the name cannot be guessed (or is no secret)."""
    url = f"{call.service.base_url}{call.request.url.path}"
    data = await own_bytes(call.service, url)
    if data is None:
        raise no_route(404, call.request.method, call.request.url.path)
    found = probe(data)
    return Reply(data, {"Cache-Control": "max-age=3600"}, MEDIA_TYPES[found.format if found else "png"])


async def list_samples(call: Call) -> Reply:
    """`GET /samples`: the sample pictures' names and URLs."""
    rows = []
    for name in painter.SAMPLES:
        found = probe(await call.service.in_painter(painter.sample, name))
        suffix = "jpg" if found and found.format == "jpeg" else "png"
        rows.append({"name": name, "url": f"{call.service.base_url}/samples/{name}.{suffix}"})
    return Reply({"object": "list", "data": rows})
