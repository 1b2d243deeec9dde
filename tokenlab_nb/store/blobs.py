"""Picture bytes, each in a file named by its own SHA-256: the same bytes are kept once, and never by half."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from tokenlab_nb.disk import write_whole
from tokenlab_nb.store.failures import explained

__all__ = ["Blobs", "is_sha256"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Files below one folder, two levels deep, so that no folder grows too long for a file manager.

    Args:
        folder: Where they are kept; made at the first `put`.
        also: Further folders of this shape, where bytes are looked for after ``folder``; nothing is written there.
        private: Whether the files are for the owner only; otherwise as open as the folder around them.
    """

    def __init__(self, folder: Path, also: Sequence[Path] = (), *, private: bool = True) -> None:
        self.folder = folder
        self._also = tuple(also)
        self._private = private

    def path(self, sha256: str) -> Path:
        """Where these bytes are, or would be, kept in the folder of our own.

        Args:
            sha256: Hash in 64 lower-case hexadecimal digits.

        Raises:
            ValueError: If it is anything else; so no text from outside ever becomes a path.
        """
        return _below(self.folder, sha256)

    def has(self, sha256: str) -> bool:
        """Whether the bytes are there.

        Raises:
            ValueError: If ``sha256`` is no hash.
        """
        return self._find(sha256) is not None

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            FileNotFoundError: If they are not there.
            TokenLabError: If they cannot be read.
            ValueError: If ``sha256`` is no hash.
        """
        path = self._find(sha256)
        if path is None:
            raise FileNotFoundError(f"No picture {sha256} in {self.folder}.")
        with explained(path):
            return path.read_bytes()

    def put(self, data: bytes) -> str:
        """Keep the bytes durably; return their hash.

        A file of our own with the right length is trusted, since none appears under its name before it is whole. What
        lies in a further folder was made by others, so only its very bytes count.

        Raises:
            TokenLabError: If the folder is read-only or the disk full; nothing is left behind then.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        with explained(self.folder):
            own = path.is_file() and path.stat().st_size == len(data)
            if not (own or any(_holds(_below(folder, sha256), data) for folder in self._also)):
                self.folder.mkdir(mode=0o700 if self._private else 0o777, parents=True, exist_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, data, private=self._private)
        return sha256

    def _find(self, sha256: str) -> Path | None:
        paths = [_below(folder, sha256) for folder in (self.folder, *self._also)]
        return next((path for path in paths if path.is_file()), None)


def is_sha256(value: object) -> bool:
    """Whether a value from outside is a hash in 64 lower-case hexadecimal digits."""
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


def _below(folder: Path, sha256: str) -> Path:
    if not is_sha256(sha256):
        raise ValueError("A SHA-256 hash has 64 lower-case hexadecimal digits.")
    return folder / sha256[:2] / sha256[2:4] / sha256


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:  # what cannot be read is not there for us
        return False
