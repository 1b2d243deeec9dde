"""The pictures of an answer on their way to disk: each is kept as it came first, and looked at then. It is paid for."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tokenlab_nb import images
from tokenlab_nb.api.replies import ImageData
from tokenlab_nb.errors import ImageError, TokenLabError
from tokenlab_nb.jobs.job import Origin, StoredImage
from tokenlab_nb.jobs.ports import Blobs

MAX_FETCHES = 4
"""Pictures of one answer that are fetched at once."""

_T = TypeVar("_T")


class OffLoop(Protocol):
    """Runs a blocking function in a worker thread."""

    async def __call__(self, function: Callable[..., _T], *args: object) -> _T:
        """Return what the function returns."""


def untouched(blobs: Blobs, sha256: str) -> bytes:
    """The bytes of a picture that is to go in, known to be those that were handed in. Blocking.

    Raises:
        TokenLabError: If its file was changed, or cannot be read.
        FileNotFoundError: If it is gone.
    """
    data = blobs.get(sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        what = f"The file of picture {sha256[:8]} in the data folder is not what was handed in any more."
        raise TokenLabError(what, hint="Remove that file, and hand the picture in again. Nothing was sent.")
    return data


class Pictures:
    """Brings pictures to disk.

    Args:
        blobs: Where they are kept.
        download: Fetches an address, as often as that may help.
        off_loop: Runs what blocks.
    """

    def __init__(self, blobs: Blobs, download: Callable[[str], Awaitable[bytes]], off_loop: OffLoop) -> None:
        self._blobs = blobs
        self._download = download
        self._off_loop = off_loop
        self._unkept: TokenLabError | None = None

    async def origin(self, image: ImageData) -> Origin:
        """Where a picture of the answer is to be had; one that came inside it is kept by then."""
        if image.url:
            return Origin(url=image.url, revised_prompt=image.revised_prompt)
        try:
            sha256 = await self._off_loop(_keep_base64, self._blobs, image.b64 or "")
        except TokenLabError as error:  # told once the other pictures of the answer are on disk
            sha256, self._unkept = None, error
        return Origin(sha256=sha256, revised_prompt=image.revised_prompt)

    async def bring(self, index: int, origin: Origin, note: Callable[[str], Awaitable[None]]) -> StoredImage:
        """Bring a picture to disk and look at it.

        Args:
            index: Its place in the answer.
            origin: Where it is to be had.
            note: Makes the hash of bytes that were just kept durable.

        Raises:
            ImageError: If the bytes are no usable picture; they stay where they are, and the message names them.
            TokenLabError: If they cannot be fetched or kept.
        """
        if origin.sha256:
            try:
                return await self._seen(index, origin, origin.sha256)
            except TokenLabError:
                if not origin.url:
                    raise
        if not origin.url:
            raise self._unkept or ImageError("A picture that came inside the answer could not be kept.")
        sha256 = await self._off_loop(self._blobs.put, await self._download(origin.url))
        if not origin.sha256:  # what came first stays noted: nothing says that a later answer is the better one
            await note(sha256)
        return await self._seen(index, origin, sha256)

    async def _seen(self, index: int, origin: Origin, sha256: str) -> StoredImage:
        data = await self._off_loop(self._blobs.get, sha256)
        try:
            probe = await self._off_loop(images.probe, data)
        except ImageError as error:
            raise _kept(error, sha256) from error
        return StoredImage(
            sha256=sha256,
            media_type=probe.media_type,
            width=probe.width,
            height=probe.height,
            size=len(data),
            index=index,
            revised_prompt=origin.revised_prompt,
        )


def _kept(error: ImageError, sha256: str) -> ImageError:
    what = f"{error.message} It is paid for, and its bytes are kept in the data folder's pictures under {sha256}."
    return ImageError(what, hint="Another program may read them; an address may give better ones: job.fetch_again().")


def _keep_base64(blobs: Blobs, text: str) -> str:
    """Keep a picture of the answer, read generously: line breaks, a ``data:`` prefix, no padding."""
    try:
        data = base64.b64decode(text.rpartition(",")[2] + "==")
    except binascii.Error:
        data = text.encode()  # as it came; that it is no picture is told when it is looked at
    return blobs.put(data)
