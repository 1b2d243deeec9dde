"""Votes in the ledger: durable, each API's own, taken back without being erased, and saved from a damaged file."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store.test_ledger_versions import LATER, SAMPLES
from tests.unit.store.test_salvage import damage
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.votes import drop_vote, keep_vote, kept_votes

HERE, THERE = "https://api.example.com", "http://sandbox.local"


def record(number: int, grid: str = "g1", **more: Any) -> dict[str, Any]:
    return {"id": f"vote_{number:03}", "grid": grid, "at": 10.0 - number, "choice": "left", **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as journal:
        yield journal


def test_votes_are_found_by_a_later_kernel_in_the_order_in_which_they_were_given(path: Path) -> None:
    """By the order, not by the clock, which may have been put back between them."""
    given = [record(1), record(2, odd="é\ud800"), record(3)]
    with closing(Journal(path)) as journal:
        for each in given:
            keep_vote(journal, HERE, each)
    with closing(Journal(path)) as journal:
        assert kept_votes(journal, HERE, "g1") == given


def test_grids_and_apis_do_not_mix(journal: Journal) -> None:
    for origin, each in ((HERE, record(1)), (HERE, record(2, "g2")), (THERE, record(3))):
        keep_vote(journal, origin, each)
    assert [each["id"] for each in kept_votes(journal, HERE)] == ["vote_001", "vote_002"]
    assert [each["id"] for each in kept_votes(journal, HERE, "g2")] == ["vote_002"]
    assert [each["id"] for each in kept_votes(journal, THERE, "g1")] == ["vote_003"]
    assert not drop_vote(journal, THERE, "vote_001", 5.0)


def test_what_is_taken_back_no_longer_counts_but_stays(journal: Journal, path: Path) -> None:
    keep_vote(journal, HERE, record(1))
    keep_vote(journal, HERE, record(2))
    assert drop_vote(journal, HERE, "vote_002", 77.5)
    assert not drop_vote(journal, HERE, "vote_002", 78.5)
    assert not drop_vote(journal, HERE, "vote_009", 78.5)
    assert kept_votes(journal, HERE) == [record(1)]
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT id, undone_at FROM votes ORDER BY id").fetchall()
    assert found == [("vote_001", None), ("vote_002", 77.5)]


def test_a_vote_is_written_once(journal: Journal) -> None:
    keep_vote(journal, HERE, record(1))
    with pytest.raises(TokenLabError):
        keep_vote(journal, HERE, record(1, choice="right"))
    assert kept_votes(journal, HERE) == [record(1)]


def test_a_row_that_is_no_json_is_none(journal: Journal, path: Path) -> None:
    keep_vote(journal, HERE, record(1))
    keep_vote(journal, HERE, record(2))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE votes SET record = '{' WHERE id = 'vote_001'")
    assert kept_votes(journal, HERE) == [None, record(2)]


def test_a_damaged_ledger_tells_its_votes_to_the_new_one(path: Path) -> None:
    with closing(Journal(path)) as journal:
        for number in range(600):
            keep_vote(journal, HERE, record(number))
        drop_vote(journal, HERE, "vote_001", 5.0)
        drop_vote(journal, HERE, "vote_599", 5.0)
    size = path.stat().st_size
    damage(path, slice(size // 2, size // 2 + 8192))
    with closing(Journal(path)) as journal:
        assert "was damaged" in journal.notice
        found = [each["id"] for each in kept_votes(journal, HERE) if each]
        assert 300 < len(found) < 600
        assert found == sorted(found)
        assert found[0] == "vote_000"
        assert not {"vote_001", "vote_599"} & set(found)
        keep_vote(journal, HERE, record(700))


def test_votes_of_the_sample_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    shutil.copyfile(SAMPLES / "0004_votes.sqlite3", path)
    with closing(Journal(path, lambda: LATER)) as journal:
        [vote] = kept_votes(journal, HERE, "f" * 64)
    assert (vote["id"], vote["choice"], vote["left"]["label"]) == ("vote_2", "left", "model-a")
