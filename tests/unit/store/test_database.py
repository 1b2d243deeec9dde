"""Opening the ledger's file on good disks, on network disks, and where it is damaged."""

from __future__ import annotations

import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tokenlab_nb.store import database
from tokenlab_nb.store.database import is_network, open_database

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/fast\\040disk xfs rw 0 0
//server/share /media/share cifs rw 0 0
me@host: /media/ssh fuse.sshfs rw 0 0
drive /content/drive fuse rw 0 0
/dev/sdc1 /media/usb fuseblk rw 0 0
overlay /media/twice nfs rw 0 0
overlay /media/twice ext4 rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("place", "network"),
    [
        ("/var/lib/x", False),
        ("/home/me/x", True),
        ("/homes/me", False),
        ("/home/me/fast disk/x", False),
        ("/media/share", True),
        ("/media/ssh/a/b", True),
        ("/content/drive/MyDrive", True),
        ("/media/usb/x", False),
        ("/media/twice/x", False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="mount points are paths of Unix")
def test_network_disks_are_told_by_their_mount(place: str, network: bool) -> None:
    assert is_network(Path(place), MOUNTS) is network


def test_a_system_without_a_list_of_mounts_is_taken_for_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_MOUNTS", tmp_path / "none")
    assert not is_network(tmp_path)


def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    assert is_network(tmp_path) in (True, False)


def pragma(path: Path, name: str) -> object:
    with closing(open_database(path).connection) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(("network", "mode"), [(False, "wal"), (True, "delete")])
def test_the_journal_mode_fits_the_disk_and_every_write_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool, mode: str
) -> None:
    monkeypatch.setattr(database, "is_network", lambda path: network)
    assert pragma(tmp_path / "a.sqlite3", "journal_mode") == mode
    assert pragma(tmp_path / "a.sqlite3", "synchronous") == 2  # FULL


def test_where_wal_is_refused_a_rollback_journal_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has no WAL for databases that live in memory, which stands for a disk that cannot do it."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(":memory:", **options))
    with closing(open_database(tmp_path / "a.sqlite3").connection) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_folder_and_file_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.sqlite3"
    open_database(path).connection.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        open_database(tmp_path / "file" / "a.sqlite3")


def filled(path: Path) -> bytes:
    opened = open_database(path)
    with closing(opened.connection) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.executemany("INSERT INTO mine VALUES (?)", [(f"row {n} " * 50,) for n in range(200)])
    return path.read_bytes()


def damage_header(data: bytes) -> bytes:
    return b"not a database at all" + data[21:]


def damage_page(data: bytes) -> bytes:
    return data[:8192] + b"\xff" * 4096 + data[12288:]


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("damage", [damage_header, damage_page, cut_short])
def test_a_damaged_file_is_set_aside_whole_and_a_new_one_begun(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    path = tmp_path / "a.sqlite3"
    broken = damage(filled(path))
    path.write_bytes(broken)
    opened = open_database(path)
    with closing(opened.connection) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    assert (tmp_path / "a.sqlite3.damaged-1").read_bytes() == broken
    assert "a.sqlite3.damaged-1" in opened.notice
    assert str(path) in opened.notice
    assert open_and_notice(path) == ""


def open_and_notice(path: Path) -> str:
    opened = open_database(path)
    opened.connection.close()
    return opened.notice


def test_a_second_damaged_file_never_replaces_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    for number in (1, 2):
        path.write_bytes(b"garbage %d " % number * 100)
        assert f"damaged-{number}" in open_and_notice(path)
    assert (tmp_path / "a.sqlite3.damaged-1").read_bytes().startswith(b"garbage 1")
    assert (tmp_path / "a.sqlite3.damaged-2").read_bytes().startswith(b"garbage 2")


def test_the_companions_are_set_aside_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_bytes(b"garbage " * 100)
    (tmp_path / "a.sqlite3-shm").write_bytes(b"old index")  # SQLite itself removes what is worthless of the others
    open_and_notice(path)
    assert (tmp_path / "a.sqlite3.damaged-1-shm").read_bytes() == b"old index"


def test_a_file_that_another_kernel_has_mended_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_bytes(b"garbage " * 100)
    connect = sqlite3.connect
    mended: list[str] = []

    def connect_late(*args: object, **options: object) -> sqlite3.Connection:
        connection = connect(*args, **options)
        if not mended:  # we hold the damaged file open; now the other kernel sets it aside
            mended.append("begun")
            mended.append(open_and_notice(path))
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_late)
    notice = open_and_notice(path)
    assert "damaged-1" in mended[1]
    assert "was damaged" in notice
    assert "damaged-" not in notice
    assert [each.name for each in tmp_path.glob("*damaged*")] == ["a.sqlite3.damaged-1"]


def test_a_read_only_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sqlite3"
    open_and_notice(path)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **more: connect(f"{path.as_uri()}?mode=ro", uri=True, **more))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_database(path)


def test_a_locked_file_is_not_taken_for_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sqlite3"
    open_and_notice(path)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_database(path)
    assert not list(tmp_path.glob("*damaged*"))


def test_a_file_that_another_kernel_is_just_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as ours:
            ours.set_trace_callback(lambda sql: other.execute("ROLLBACK") if sql.startswith("BEGIN") else None)
            assert database._set_mode(ours, "WAL") == "wal"
