"""A notebook file is read and written again with nothing changed but what was changed."""

from __future__ import annotations

import json
import stat

import nbformat
import pytest

from tests.unit.export.notebooks import code, notebook, stream, written
from tokenlab_nb.export import notebook as files
from tokenlab_nb.export.notebook import NotebookError, backup, parse, problem

TREE = notebook(code("x = 'é 狐 🦊'\nprint(x)", stream("a\n", "b")), zeta={"b": 1, "a": 2}, alpha=[], score=1e-05)


def dumped(**options: object) -> str:
    return json.dumps(TREE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        written(TREE).decode(),
        dumped(indent=1, ensure_ascii=False),
        dumped(indent=2) + "\n",
        dumped(indent=4, ensure_ascii=False) + "\n\n",
        dumped(indent="\t", ensure_ascii=False) + "\n",
        dumped(),
        dumped(separators=(",", ":"), ensure_ascii=False),
        dumped(indent=1).replace("\n", "\r\n"),
        "\ufeff" + dumped(indent=1),
        json.dumps(notebook(code("plain")), indent=1) + "\n",
    ],
)
def test_what_is_not_changed_is_written_as_it_was(text: str):
    read = parse(text.encode())
    assert read.dump() == text
    read.tree["metadata"]["new"] = "é"
    assert json.loads(read.dump().removeprefix("\ufeff"))["metadata"]["new"] == "é"


def test_halves_of_characters_survive():
    text = json.dumps(notebook(code("x"), odd="\ud83d"), indent=1)
    read = parse(text.encode())
    assert read.dump().encode() == text.encode()


def test_halves_of_characters_survive_beside_whole_ones():
    text = json.dumps(notebook(code("x"), odd="\ud83d", even="E"), indent=1).replace('"E"', '"é"')
    assert parse(text.encode()).dump().encode() == text.encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"nbformat": 4, "nbformat": 4}', "the same key comes twice"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"x": [1e300, -1e400]}}', "too large a number to be kept"),
        (b"[]", "no notebook"),
        (b'{"nbformat": "4"}', "no notebook"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": []}', "no metadata"),
        (b'{"nbformat": 3}', "format 3, which cannot be read"),
        (b'{"nbformat": 99, "cells": []}', "format 99, which cannot be read"),
    ],
)
def test_what_is_no_notebook_is_refused(data: bytes, said: str):
    with pytest.raises(NotebookError, match=said):
        parse(data)


def test_an_older_format_is_read_and_cannot_be_written():
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("print(1)")])]
    )
    read = parse(json.dumps(old).encode())
    assert read.tree["cells"][0]["source"] == "print(1)"
    assert not read.writable


def test_what_is_not_valid_is_said():
    assert problem(TREE) == ""
    assert "not of type 'array'" in problem(notebook({**code(), "outputs": 3}))
    assert "strange" in problem(notebook({**code(), "strange": 3}))
    assert problem({"cells": 3})


def test_a_backup_replaces_nothing_and_is_the_owners_alone(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    names = [backup(path, data).name for data in (b"one", b"two")]
    assert names == ["a.ipynb.orig", "a.ipynb.orig1"]
    assert (tmp_path / "a.ipynb.orig").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "a.ipynb.orig").stat().st_mode) == 0o600
    monkeypatch.setattr(files, "range", lambda _count: [0, 1], raising=False)
    with pytest.raises(NotebookError, match="too many backups"):
        backup(path, b"three")
