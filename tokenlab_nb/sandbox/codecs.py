"""Picture files in and out, through Pillow: references, masks and the finished picture."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps

from .picture import PaintError

MAX_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_DEFAULT_QUALITY = {"JPEG": 90, "WEBP": 86}


def decode(data: bytes, name: str = "The reference", near: int = 0) -> Image.Image:
    """Read a reference as it is meant to be seen.

    Args:
        data: A PNG, JPEG or WebP file.
        name: How an error names it.
        near: The longest side that is needed in pixels: a larger JPEG is read at a half, a quarter or an eighth. 0
            reads all of it.

    Returns:
        An RGB or RGBA picture with its EXIF orientation applied.

    Raises:
        PaintError: `data` is no such file, is cut short, or has more than 50 million pixels.
    """
    image = _open(data, name, _FORMATS, near)
    if image.mode.startswith("I"):  # 16-bit grey would be clipped, not scaled, by convert()
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def decode_mask(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Read a mask: 255 where the picture may change, 0 where it must not.

    Args:
        data: A PNG file with an alpha channel.
        size: Width and height of the picture it belongs to.

    Returns:
        A mode `L` picture of that size.

    Raises:
        PaintError: Not a readable PNG, another size, no alpha channel, or nothing fully transparent.
    """
    image = _open(data, "The mask", ("PNG",))
    if image.size != size:
        found, wanted = ("x".join(map(str, pair)) for pair in (image.size, size))
        raise PaintError(f"The mask is {found} pixels, but the image is {wanted}: they must be the same size.")
    if not image.has_transparency_data:
        raise PaintError("The mask has no alpha channel: save it as a PNG with transparency.")
    area = image.convert("RGBA").getchannel("A").point(lambda alpha: 0 if alpha else 255)
    if area.getbbox() is None:
        raise PaintError("The mask has no fully transparent pixel, so there is nothing to change.")
    return area


def encode(image: Image.Image, output_format: str, compression: int | None) -> bytes:
    """Write a finished picture.

    Args:
        image: RGB or RGBA; JPEG puts RGBA on white.
        output_format: `png`, `jpeg` (or `jpg`) or `webp`.
        compression: 0 (largest file) to 100 (smallest), or None for a good default; PNG ignores it.

    Returns:
        The file.

    Raises:
        PaintError: Another format, or a compression outside 0 to 100.
    """
    kind = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}.get(output_format.lower())
    if kind is None:
        raise PaintError(f"The output format {output_format!r} is not one of png, jpeg, webp.")
    if compression is not None and not 0 <= compression <= 100:
        raise PaintError(f"The output compression {compression} is not between 0 and 100.")
    if kind == "JPEG" and image.mode == "RGBA":
        image = on_white(image)
    out = BytesIO()
    if kind == "PNG":
        image.save(out, kind, compress_level=1)
    else:
        quality = _DEFAULT_QUALITY[kind] if compression is None else max(1, 100 - compression)
        image.save(out, kind, quality=quality, method=0)
    return out.getvalue()


def on_white(image: Image.Image) -> Image.Image:
    """The picture as RGB, transparent parts on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


def _open(data: bytes, name: str, formats: tuple[str, ...], near: int = 0) -> Image.Image:
    try:
        image = Image.open(BytesIO(data), formats=formats)
        if image.width * image.height <= MAX_PIXELS:
            if near:
                image.draft("RGB", (near, near))  # only JPEG knows it; both sides stay at least as long
            image.load()
            return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError:
        pass
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise PaintError(f"{name} cannot be read as {' or '.join(formats)}: it may be cut short or damaged.") from error
    raise PaintError(f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels: make it smaller.")
