"""Files are written whole or not at all: whatever happens, there is the old one or the new one."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

__all__ = ["check_place", "write_whole"]


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a place for a file before any work is done for it.

    Raises:
        FileNotFoundError: If there is no such folder.
        FileExistsError: If the file is there and ``overwrite`` is off.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}: make it first.")
    if not overwrite and path.exists():
        raise FileExistsError(f"{path.name} is there already: choose another name, or overwrite it.")


def write_whole(path: Path, data: bytes, *, private: bool | None = None) -> None:
    """Write beside the final name and rename, so that a crash at any moment leaves the old file or the whole new one.

    Args:
        path: The file, in a folder that is there. A link stays one: what it leads to is written.
        data: What it is to hold.
        private: Whether it is for the owner only, or else for whoever may use its folder; None leaves the rights of a
            file that is there as they are, and gives a new one the usual ones.

    Raises:
        OSError: If it cannot be written; the old one is there then.
    """
    target = path.resolve()
    part = target.with_name(f".new-{uuid.uuid4().hex}")
    manner = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(part, manner, 0o666 if private is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if private is False:
            part.chmod(target.parent.stat().st_mode & 0o666)
        elif private is None and target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too; Windows offers no way, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
