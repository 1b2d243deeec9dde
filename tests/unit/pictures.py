"""Small pictures for the tests, made on the spot."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib

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


def turned(image: Image.Image, orientation: int = 6, kind: str = "JPEG", **options: object) -> bytes:
    """A file that EXIF says is to be shown turned: 6 is a quarter to the right."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, kind, exif=exif, **options)


def animated(kind: str, frames: int = 3) -> bytes:
    rest = [gradient().rotate(90 * turn) for turn in range(1, frames)]
    return encoded(gradient(), kind, save_all=True, append_images=rest)


def png(width: int, height: int, depth: int, colour: int, pixels: bytes, *more: bytes) -> bytes:
    """A PNG file, chunk by chunk; ``pixels`` are one row, ``more`` are chunks (name and content) in front of them."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = b"IDAT" + zlib.compress((b"\0" + pixels) * min(height, 1000))
    chunks = (
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, *more, body, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def deep_png(colour: int, *samples: int, width: int = 64, height: int = 48, more: tuple[bytes, ...] = ()) -> bytes:
    """A PNG of one colour with 16 bits a channel: 0 is grey, 2 RGB, 4 grey and alpha, 6 RGBA."""
    return png(width, height, 16, colour, struct.pack(f">{len(samples)}H", *samples) * width, *more)


def bomb() -> bytes:
    """A header that promises 2.5 gigapixels, and almost no data."""
    return png(50_000, 50_000, 8, 2, bytes(3))


def packed_png(name: str, size: int = 20_000_000) -> bytes:
    """A PNG with a text or a colour profile that unpacks to so many bytes."""
    heads = {"zTXt": b"Comment\0\0", "iTXt": b"Comment\0\1\0\0\0", "iCCP": b"profile\0\0"}
    chunk = name.encode() + heads[name] + zlib.compress(bytes(size), 9)
    return png(64, 48, 8, 2, bytes(3 * 64), chunk)


def cmyk_profile() -> bytes:
    """A colour profile of a press whose cyan ink is green, and whose other inks are black."""
    corners = [bytes((255, 128, 128)), *[bytes((0, 128, 128))] * 15]  # lightness, a and b of each mix of full inks
    corners[0b1000] = bytes((150, 58, 198))
    matrix = struct.pack(">9i", *(65536 * (place in (0, 4, 8)) for place in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + bytes(range(256)) * 4 + b"".join(corners)
    table += bytes(range(256)) * 3
    table += bytes(-len(table) % 4)
    size = 128 + 4 + 12 + len(table)
    head = struct.pack(
        ">I4sI4s4s4s6H4s", size, b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", 2000, 1, 1, 0, 0, 0, b"acsp"
    )
    head += bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def cmyk(*inks: int, profile: bytes | None = None, **options: object) -> bytes:
    """A JPEG of one colour in printing inks, each from 0 to 255."""
    if profile:
        options["icc_profile"] = profile
    return encoded(Image.new("CMYK", (64, 48), inks), "JPEG", quality=100, **options)


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
