"""Picture bytes, each in a file named by its own SHA-256: the same bytes are kept once, and never by half."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from tokenlab_nb.store.failures import explained

__all__ = ["Blobs"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Files below one folder, two levels deep, so that no folder grows too long for a file manager.

    Args:
        folder: Where they are kept; made at the first `put`, for the owner only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where these bytes are, or would be, kept.

        Args:
            sha256: Hash in 64 lower-case hexadecimal digits.

        Raises:
            ValueError: If it is anything else; so no text from outside ever becomes a path.
        """
        if not _SHA256.fullmatch(sha256):
            raise ValueError("A SHA-256 hash has 64 lower-case hexadecimal digits.")
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes are there.

        Raises:
            ValueError: If ``sha256`` is no hash.
        """
        return self.path(sha256).is_file()

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            FileNotFoundError: If they are not there.
            TokenLabError: If they cannot be read.
            ValueError: If ``sha256`` is no hash.
        """
        path = self.path(sha256)
        if not path.is_file():
            raise FileNotFoundError(f"No picture {sha256} in {self.folder}.")
        with explained(path):
            return path.read_bytes()

    def put(self, data: bytes) -> str:
        """Keep the bytes durably; return their hash.

        A file that is there with the right length is trusted, since none appears under its name before it is whole.

        Raises:
            TokenLabError: If the folder is read-only or the disk full; nothing is left behind then.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        with explained(self.folder):
            if not (path.is_file() and path.stat().st_size == len(data)):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
        return sha256


def _write(path: Path, data: bytes) -> None:
    """Write beside the final name and rename, so that a crash at any moment leaves the whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too; Windows offers no way, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
