"""What survives a restart: records and files as JSON, uploaded bytes by their hash. In memory without a folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from .world import Record, StoredFile, World

T = TypeVar("T")


class Shelf:
    """Blocking: call it from a worker thread.

    Args:
        folder: Where to keep things; made if missing. None keeps bytes in memory and nothing else.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        for name in ("records", "files", "bytes"):
            if folder is not None:
                (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self) -> World:
        """The world as it was left. A file that is cut short or foreign is passed over."""
        world = World()
        for record in self._read_all("records", Record.from_json):
            world.records[record.id] = record
        for stored in self._read_all("files", lambda raw: StoredFile(**raw)):
            world.files[stored.id] = stored
        return world

    def save_record(self, record: Record) -> None:
        """Keep a record; durable when this returns."""
        self._write_json("records", record.id, record.to_json())

    def save_file(self, stored: StoredFile) -> None:
        """Keep an upload's facts; durable when this returns."""
        self._write_json("files", stored.id, asdict(stored))

    def forget_file(self, file_id: str) -> None:
        """Drop an upload's facts. Its bytes stay, since a task may have used them."""
        if self._folder is not None:
            (self._folder / "files" / f"{file_id}.json").unlink(missing_ok=True)

    def put(self, data: bytes) -> str:
        """Keep bytes; gives their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        if self._folder is None:
            self._memory[digest] = data
        elif not (path := self._folder / "bytes" / digest).exists():
            _write(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """Bytes by their SHA-256.

        Raises:
            KeyError, OSError: They are not here.
        """
        if self._folder is None:
            return self._memory[digest]
        return (self._folder / "bytes" / digest).read_bytes()

    def _write_json(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        if self._folder is not None:
            _write(self._folder / kind / f"{name}.json", json.dumps(value).encode())

    def _read_all(self, kind: str, parse: Callable[[Any], T]) -> Iterator[T]:
        for path in sorted((self._folder / kind).glob("*.json")) if self._folder is not None else ():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                yield parse(json.loads(path.read_bytes()))


def _write(path: Path, data: bytes) -> None:
    """Write so that the file is there whole or not at all."""
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
