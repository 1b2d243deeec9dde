"""Picture files of many kinds, and a record."""

from __future__ import annotations

import hashlib
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.unit.pictures import animated, cmyk, deep_png, encoded, gradient, turned
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.provenance.record import Record

CLEAR = Image.new("RGBA", (33, 17), (200, 30, 60, 90))

FILES = {
    "png": encoded(gradient()),
    "png, palette": encoded(gradient().convert("P")),
    "png, 16 bits": deep_png(2, 1000, 30_000, 65_535),
    "png, animated": animated("PNG"),
    "jpeg": encoded(gradient(), "JPEG"),
    "jpeg, grey, progressive": encoded(gradient(mode="L"), "JPEG", progressive=True),
    "jpeg, printing colours": cmyk(10, 200, 30, 40),
    "jpeg, turned": turned(gradient()),
    "jpeg, profile": encoded(gradient(), "JPEG", icc_profile=bytes(70_000)),
    "webp": encoded(gradient(65, 33), "WEBP"),
    "webp, lossless": encoded(gradient(), "WEBP", lossless=True),
    "webp, lossless, transparent": encoded(CLEAR, "WEBP", lossless=True, exact=True),
    "webp, transparent": encoded(CLEAR, "WEBP"),
    "webp, animated": animated("WEBP"),
    "webp, turned": turned(gradient(), kind="WEBP"),
}

FOREIGN = (
    '<?xpacket begin="\ufeff" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>theirs</dc:format></rdf:Description></rdf:RDF>'
    "</x:xmpmeta>          <?xpacket end='w'?>"
).encode()

PROMPT = 'a "red" <fox> & \N{FOX FACE} ]]> <!-- \x00\x0b\x85\ud800\ufffe\r\n\u2028 &amp; \u72d0'
"""All that could break out of JSON, XML or UTF-8."""


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


def with_chunk(name: bytes, body: bytes, data: bytes = FILES["png"]) -> bytes:
    """A PNG file with one more chunk in front of its pixels."""
    return data[:33] + chunk(name, body) + data[33:]


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of these chunks."""
    body = b"WEBP" + b"".join(
        name + len(inner).to_bytes(4, "little") + inner + bytes(len(inner) % 2) for name, inner in chunks
    )
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def foreign(kind: str) -> bytes:
    """A file that carries another program's XMP."""
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", FOREIGN.decode())
        return encoded(gradient(), pnginfo=info)
    return encoded(gradient(), kind, xmp=FOREIGN)


def request(prompt: str = "a red fox", **changes: object) -> ImageRequest:
    facts = {"endpoint": "/v1/images/generations", "values": {"prompt": prompt, "n": 1, "seed": 7}}
    return ImageRequest("some-model", "text-to-image", **{**facts, **changes})


def record(data: bytes = b"", **changes: object) -> Record:
    facts = {
        "request": request(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": "1.2.3",
        "created_at": 1_764_115_200.25,
        "seconds": 4.125,
        "job": "job_1",
        "index": 1,
        "revised_prompt": "a red fox, in snow",
        "parents": ("a" * 64,),
    }
    return Record(**{**facts, **changes})
