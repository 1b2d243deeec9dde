"""Picture files by their hash: whole, once, and nowhere else."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.ports import Blobs as BlobsPort
from tokenlab_nb.store.blobs import Blobs, is_sha256

DATA = b"\x89PNG and so on" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


def test_bytes_come_back_under_their_hash(blobs: Blobs) -> None:
    port: BlobsPort = blobs
    assert not blobs.has(SHA)
    assert port.put(DATA) == SHA
    assert blobs.has(SHA)
    assert port.get(SHA) == DATA
    assert blobs.path(SHA) == blobs.folder / SHA[:2] / SHA[2:4] / SHA


def test_empty_bytes_are_bytes(blobs: Blobs) -> None:
    assert blobs.get(blobs.put(b"")) == b""


def test_the_same_bytes_are_kept_once_and_not_written_again(blobs: Blobs) -> None:
    blobs.put(DATA)
    before = blobs.path(SHA).stat()
    assert blobs.put(DATA) == SHA
    assert os.path.samestat(before, blobs.path(SHA).stat())
    assert files(blobs.folder) == [SHA]


def test_a_file_of_the_wrong_length_is_mended(blobs: Blobs) -> None:
    blobs.put(DATA)
    blobs.path(SHA).write_bytes(DATA[:100])
    blobs.put(DATA)
    assert blobs.get(SHA) == DATA


def test_many_threads_may_keep_the_same_bytes(blobs: Blobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(blobs.put, [DATA] * 24)) == {SHA}
    assert files(blobs.folder) == [SHA]


def test_missing_bytes_are_said_to_be_missing(blobs: Blobs) -> None:
    with pytest.raises(FileNotFoundError, match=SHA):
        blobs.get(SHA)


@pytest.mark.parametrize("name", ["", "a" * 63, "A" * 64, "g" * 64, "../" * 21 + "a", SHA + "\n", f"{SHA[:-2]}/x"])
def test_only_a_hash_becomes_a_path(blobs: Blobs, name: str) -> None:
    for use in (blobs.path, blobs.has, blobs.get):
        with pytest.raises(ValueError, match="64 lower-case"):
            use(name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_pictures_are_for_the_owner_alone(blobs: Blobs) -> None:
    blobs.put(DATA)
    assert stat.S_IMODE(blobs.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(blobs.path(SHA).stat().st_mode) == 0o600


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(blobs: Blobs) -> None:
    resource = pytest.importorskip("resource", reason="limits of file size are a thing of Unix")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(DATA) // 2, hard))
    try:
        with pytest.raises(TokenLabError, match="disk is full") as caught:
            blobs.put(DATA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(blobs.folder) in str(caught.value)
    assert files(blobs.folder) == []
    assert not blobs.has(SHA)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TokenLabError, match="cannot be used") as caught:
        Blobs(tmp_path / "file" / "blobs").put(DATA)
    assert "data_dir" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    folder.mkdir(mode=0o500)
    with pytest.raises(TokenLabError, match="cannot be written"):
        Blobs(folder).put(DATA)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_is_a_clear_error(blobs: Blobs) -> None:
    blobs.put(DATA)
    blobs.path(SHA).chmod(0)
    with pytest.raises(TokenLabError, match=SHA):
        blobs.get(SHA)


# ------------------------------------------------------------------------------------- further folders


@pytest.fixture
def shared(tmp_path: Path) -> Blobs:
    found = Blobs(tmp_path / "shared")
    found.put(DATA)
    return found


def test_a_further_folder_is_read_in_place(blobs: Blobs, shared: Blobs, tmp_path: Path) -> None:
    both = Blobs(blobs.folder, also=[tmp_path / "none", shared.folder])
    assert both.has(SHA)
    assert both.get(SHA) == DATA
    assert both.put(DATA) == SHA
    assert not blobs.folder.exists()
    with pytest.raises(FileNotFoundError):
        both.get("0" * 64)


def test_what_is_new_goes_into_the_first_folder_only(blobs: Blobs, shared: Blobs) -> None:
    both = Blobs(blobs.folder, also=[shared.folder])
    new = both.put(b"new")
    assert files(blobs.folder) == [new]
    assert files(shared.folder) == [SHA]
    assert both.path(SHA) == blobs.path(SHA)


def test_a_damaged_file_of_a_further_folder_is_replaced_by_one_of_our_own(blobs: Blobs, shared: Blobs) -> None:
    spoiled = b"x" * len(DATA)
    shared.path(SHA).write_bytes(spoiled)
    both = Blobs(blobs.folder, also=[shared.folder])
    both.put(DATA)
    assert both.get(SHA) == DATA
    assert shared.path(SHA).read_bytes() == spoiled


def test_a_further_folder_that_cannot_be_read_is_as_none(
    blobs: Blobs, shared: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        Blobs(blobs.folder, also=[shared.folder]).put(DATA)
    assert blobs.get(SHA) == DATA


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(SHA, True), (SHA.upper(), False), (SHA + "\n", False), ("../x", False), (7, False), (None, False)],
)
def test_a_hash_is_told_from_anything_else(value: object, is_one: bool) -> None:
    assert is_sha256(value) is is_one
