"""A file is written whole or not at all, under the rights that it should have."""

import os
import stat

import pytest

from tokenlab_nb.disk import check_place, write_whole


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_as_a_whole_keeps_its_rights_and_a_link_stays_one(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(path)
    write_whole(link, "new é".encode())
    assert link.is_symlink()
    assert path.read_text("utf-8") == "new é"
    assert rights(path) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.ipynb", "link.ipynb"]


def test_a_new_file_has_the_usual_rights_or_those_that_were_wanted(tmp_path):
    tmp_path.chmod(0o750)
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    for name, private in (("plain", None), ("own", True), ("shared", False)):
        write_whole(tmp_path / name, b"x", private=private)
    assert [rights(tmp_path / name) for name in ("plain", "own", "shared")] == [rights(usual), 0o600, 0o640]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_where_that_fails_the_old_one_is_there_and_nothing_else(tmp_path, monkeypatch, step):
    def full(*_args):
        raise OSError("No space left on device")

    path = tmp_path / "a.ipynb"
    path.write_text("old")
    monkeypatch.setattr(os if step == "fsync" else type(path), step, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]


def test_a_place_is_refused_before_any_work(tmp_path):
    (tmp_path / "a.html").touch()
    check_place(tmp_path / "a.html", overwrite=True)
    with pytest.raises(FileExistsError, match=r"a\.html is there already"):
        check_place(tmp_path / "a.html", overwrite=False)
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere.*: make it first"):
        check_place(tmp_path / "nowhere" / "a.html", overwrite=True)
