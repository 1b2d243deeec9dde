"""Real complaints of SQLite and of the disk, told as a sentence with a remedy."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tokenlab_nb.errors import TokenLabError, TransportError
from tokenlab_nb.store.failures import explained, is_damage


def told(path: Path, error: Exception) -> TokenLabError:
    with pytest.raises(TokenLabError) as caught, explained(path):
        raise error
    assert caught.value.__cause__ is error
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


def sqlite_error(connection: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute(statement)
    return caught.value


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "kept.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE a (x)")
    return path


def test_a_database_that_is_in_use(database: Path) -> None:
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as other,
        closing(sqlite3.connect(database, timeout=0)) as ours,
    ):
        other.execute("BEGIN IMMEDIATE")
        error = told(database, sqlite_error(ours, "INSERT INTO a VALUES (1)"))
    assert "another program holds it" in error.message
    assert "Close the other notebook" in error.hint


def test_a_database_that_is_read_only(database: Path) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        error = told(database, sqlite_error(connection, "INSERT INTO a VALUES (1)"))
    assert "cannot be written" in error.message
    assert "data_dir" in error.hint


def test_a_database_that_is_full(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA max_page_count=2")
        error = told(database, sqlite_error(connection, "INSERT INTO a VALUES (zeroblob(100000))"))
    assert "disk is full" in error.message
    assert "Free some space" in error.hint


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with closing(sqlite3.connect(path)) as connection:
        cause = sqlite_error(connection, "SELECT * FROM a")
    assert is_damage(cause)
    assert "set aside" in told(path, cause).hint


def test_other_complaints_of_the_database(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        cause = sqlite_error(connection, "SELECT * FROM nowhere")
    assert not is_damage(cause)
    assert "nowhere" in told(database, cause).message
    assert "refused" in told(database, sqlite3.ProgrammingError("made by the module, without a code")).message


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "cannot be written"),
        (errno.EROFS, "cannot be written"),
        (errno.ENOSPC, "disk is full"),
        (errno.EIO, "refused"),
    ],
)
def test_complaints_of_the_disk(tmp_path: Path, number: int, words: str) -> None:
    error = told(tmp_path, OSError(number, os.strerror(number)))
    assert words in error.message
    assert os.strerror(number) in error.message


def test_a_complaint_without_a_number(tmp_path: Path) -> None:
    assert "strange" in told(tmp_path, OSError("strange")).message


def test_our_own_errors_pass_as_they_are(tmp_path: Path) -> None:
    ours = TransportError("No route.")
    with pytest.raises(TransportError) as caught, explained(tmp_path):
        raise ours
    assert caught.value is ours
