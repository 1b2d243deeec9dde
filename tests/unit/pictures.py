"""Small pictures for the tests, made on the spot."""

from __future__ import annotations

import hashlib
import io
import random

from PIL import Image

from tokenlab_nb.images import ImageResult, probe


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def gradient(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    tones = (Image.linear_gradient("L"), Image.linear_gradient("L").rotate(90), Image.radial_gradient("L"))
    return Image.merge("RGB", tones).resize((width, height)).convert(mode)


def noise(edge: int) -> Image.Image:
    return Image.frombytes("RGB", (edge, edge), random.Random(1).randbytes(edge * edge * 3))


def result(data: bytes, load: object = None, **changes: object) -> ImageResult:
    found = probe(data)
    facts: dict[str, object] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "media_type": found.media_type,
        "width": found.width,
        "height": found.height,
        "size": len(data),
        "load": load or (lambda: data),
        "metadata": {"seed": 7},
        "name": "fox.png",
        "caption": "a red fox",
    }
    return ImageResult(**{**facts, **changes})


PNG, JPEG, WEBP = (encoded(gradient(), kind) for kind in ("PNG", "JPEG", "WEBP"))
