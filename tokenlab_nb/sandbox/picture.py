"""What a sandbox picture is asked to be: one value that decides every pixel."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

MIN_SIDE, MAX_SIDE = 16, 4096


class PaintError(ValueError):
    """A picture that cannot be painted as asked; the message is a sentence for the caller."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that decides the pixels; equal pictures paint equal bytes.

    Attributes:
        model: Model id; decides the manner (technique and palette).
        prompt: What to show; see `wording.read` for the words that count.
        width: Pixels, 16 to 4096.
        height: Pixels, 16 to 4096.
        seed: Changes the composition.
        index: Which of the `n` pictures of one request this is, from 0.
        operation: `text-to-image`, `image-to-image`, `image-edit` or `image-variation`.
        negative_prompt: Subjects and weather named here are left out.
        quality: `low`, `medium` or `high` (also `standard`, `hd`); others count as medium.
        style: `vivid` or `natural`; others change nothing.
        transparent: Cut the subject out; PNG and WebP only.
        output_format: `png`, `jpeg` or `webp`.
        compression: 0 (largest) to 100 (smallest), for JPEG and WebP.
        references: PNG, JPEG or WebP files, in their order.
        mask: PNG file; its fully transparent pixels mark the area to change.
        tool: What an image tool does in place of painting: `cut-out`, `enlarge` or `reframe`; empty for a model.
    """

    model: str
    prompt: str
    width: int
    height: int
    seed: int = 0
    index: int = 0
    operation: str = "text-to-image"
    negative_prompt: str = ""
    quality: str | None = None
    style: str | None = None
    transparent: bool = False
    output_format: str = "png"
    compression: int | None = None
    references: tuple[bytes, ...] = ()
    mask: bytes | None = None
    tool: str = ""


def dice(*parts: object) -> random.Random:
    """A generator decided by `parts` alone, the same in every process (`hash()` is not)."""
    text = "\x1f".join(str(part) for part in parts)
    return random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - pixels, not secrets
