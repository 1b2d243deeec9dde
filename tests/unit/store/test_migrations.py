"""The database's shape changes by named steps, each whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokenlab_nb.store.migrations import STEPS, Step, migrate

FIRST = Step("0001_first", ("CREATE TABLE a (x)", "INSERT INTO a VALUES (1)"))
SECOND = Step("0002_second", ("ALTER TABLE a ADD COLUMN y", "UPDATE a SET y = x + 1"))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "test.sqlite3", isolation_level=None, timeout=0)
    yield connection
    connection.close()


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]


def test_steps_run_in_order_and_once(connection: sqlite3.Connection) -> None:
    assert migrate(connection, [FIRST, SECOND]) == frozenset()
    migrate(connection, [FIRST, SECOND])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    assert names(connection) == ["0001_first", "0002_second"]


def test_an_older_database_gets_only_the_added_steps_and_keeps_its_rows(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST])
    connection.execute("INSERT INTO a VALUES (7)")
    migrate(connection, [FIRST, SECOND])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2), (7, 8)]


def test_a_failing_step_leaves_nothing_behind_and_those_before_it_stay(connection: sqlite3.Connection) -> None:
    broken = Step("0002_broken", ("CREATE TABLE b (x)", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection, [FIRST, broken])
    assert names(connection) == ["0001_first"]
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'b'").fetchall() == []
    migrate(connection, [FIRST, SECOND])


def test_steps_of_a_newer_version_are_reported_and_kept(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST, SECOND])
    assert migrate(connection, [FIRST]) == {"0002_second"}
    assert names(connection) == ["0001_first", "0002_second"]


def test_a_step_that_another_process_ran_meanwhile_is_not_run_again(tmp_path: Path) -> None:
    """The other process comes between our first look at the record and our write lock."""
    path = tmp_path / "shared.sqlite3"
    ours, theirs = (sqlite3.connect(path, isolation_level=None, timeout=0) for _ in range(2))
    arrived: list[str] = []

    def meanwhile(statement: str) -> None:
        if statement.startswith("BEGIN") and not arrived:
            arrived.append(statement)
            migrate(theirs, [FIRST])

    ours.set_trace_callback(meanwhile)
    assert migrate(ours, [FIRST]) == frozenset()
    assert arrived
    assert ours.execute("SELECT x FROM a").fetchall() == [(1,)]
    ours.close()
    theirs.close()


def test_released_steps_have_names_of_their_own_in_order() -> None:
    assert [step.name for step in STEPS] == sorted({step.name for step in STEPS})
