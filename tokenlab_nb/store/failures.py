"""What the disk and SQLite complain about, as one sentence that names the path and says what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tokenlab_nb.errors import TokenLabError

__all__ = ["explained", "is_damage"]


class _Trouble(NamedTuple):
    what: str
    remedy: str


_ELSEWHERE = "or keep the data elsewhere: connect(data_dir=...)"
_LOCKED = _Trouble("another program holds it", "Close the other notebook or program that uses it, then try again.")
_SEALED = _Trouble("it cannot be written", f"Make the file and its folder writable, {_ELSEWHERE}.")
_FULL = _Trouble("the disk is full", f"Free some space, {_ELSEWHERE}.")
_DAMAGED = _Trouble("it is damaged", "Connect again: the damaged file is then set aside and a new one begun.")
_OTHER = _Trouble("the disk or the database refused", f"Check the disk and the folder, {_ELSEWHERE}.")

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _SEALED,
    sqlite3.SQLITE_CANTOPEN: _SEALED,
    sqlite3.SQLITE_PERM: _SEALED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_BY_ERRNO = {
    errno.EACCES: _SEALED,
    errno.EPERM: _SEALED,
    errno.EROFS: _SEALED,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn every `OSError` and `sqlite3.Error` of the block into a `TokenLabError` about ``path``.

    Args:
        path: What the block reads or writes.

    Raises:
        TokenLabError: Instead of them, with the cause attached.
    """
    try:
        yield
    except TokenLabError:  # one of ours may also be an OSError
        raise
    except sqlite3.Error as error:
        raise _tell(path, _BY_SQLITE_CODE.get(_code(error), _OTHER), str(error)) from error
    except OSError as error:
        raise _tell(path, _BY_ERRNO.get(error.errno or 0, _OTHER), error.strerror or str(error)) from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file is not, or no longer, a whole database."""
    return _BY_SQLITE_CODE.get(_code(error)) is _DAMAGED


def _tell(path: Path, trouble: _Trouble, reason: str) -> TokenLabError:
    return TokenLabError(f"{path} cannot be used: {trouble.what} ({reason}).", hint=trouble.remedy)


def _code(error: sqlite3.Error) -> int:
    # The lowest byte is the primary code; errors of the Python module itself carry none.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
