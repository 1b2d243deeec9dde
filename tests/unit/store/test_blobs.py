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
from tokenlab_nb.store.blobs import Blobs

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
