"""The diff of a dry run: right, short lines, nothing secret, quick."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import time

import pytest

from tests.unit.export.notebooks import KEY, code, noise, notebook, stream, written
from tokenlab_nb.export.differences import differences


def diff(old, new, cover=lambda line: line):
    before, after = (text if isinstance(text, str) else written(text).decode() for text in (old, new))
    return list(differences(before, after, "x.ipynb", cover))


@pytest.fixture
def trees():
    """A notebook, and the same with changes in three places."""
    old = notebook(
        *(code(f"x = {n}", stream(f"{n}\n", "b\n", "c\n")) for n in range(30)), kernelspec={"name": "python3"}
    )
    new = copy.deepcopy(old)
    new["cells"][3]["outputs"][0]["text"] = ["3!\n"]
    new["cells"][28]["outputs"][0]["text"] += ["d\n", "e"]
    new["metadata"]["widgets"] = {}
    return old, new


def test_of_the_same_text_there_is_none(trees):
    assert not diff(trees[0], trees[0])


@pytest.mark.skipif(shutil.which("patch") is None, reason="the command patch is not installed here")
def test_it_is_a_diff_that_can_be_applied(trees, tmp_path):
    old, new = map(written, trees)
    (tmp_path / "x.ipynb").write_bytes(old)
    text = "\n".join(diff(*trees)) + "\n"
    subprocess.run(["patch", "-s", str(tmp_path / "x.ipynb")], input=text.encode(), check=True)
    assert (tmp_path / "x.ipynb").read_bytes() == new


def test_it_shows_what_changes_and_little_else(trees):
    lines = diff(*trees)
    assert lines[:2] == ["--- x.ipynb", "+++ x.ipynb (mended)"]
    assert [line for line in lines if line[0] in "-+"][2:] == [
        '-      "3\\n",',
        '-      "b\\n",',
        '-      "c\\n"',
        '+      "3!\\n"',
        '-      "c\\n"',
        '+      "c\\n",',
        '+      "d\\n",',
        '+      "e"',
        "-  }",
        "+  },",
        '+  "widgets": {}',
    ]
    assert len(lines) < 45


def test_long_lines_are_cut_and_what_is_secret_is_covered():
    old, new = notebook(code("", stream(f"{KEY} {noise(100)}\n"))), notebook(code("", stream("\x1b[1m")))
    lines = diff(old, new, lambda line: line.replace(KEY, "***"))
    (cut,) = [line for line in lines if line.startswith("-  ")]
    assert re.search(r'"\*\*\* iVBOR.* \.\.\. 40,\d+ characters \.\.\. ', cut)
    assert max(map(len, lines)) < 200
    assert not any("canary" in line or "\x1b" in line for line in lines)


@pytest.mark.parametrize("text", ["{}", '{"cells": []}', '{\n "cells": [\n  {\n', '{\n "cells": [', "a\nb"])
def test_any_text_is_compared(text):
    assert diff(text, f"{text}\nmore")[-1] == "+more"


def test_another_number_of_cells_is_compared_as_a_whole():
    lines = diff(notebook(code("a"), code("b")), notebook(code("a")))
    assert '-    "b"' in lines


def test_it_is_quick_where_there_is_much():
    lines = [f"line {n}\n" for n in range(60_000)]
    old = notebook(code("", stream(*lines)), code("x", stream("one\n")))
    new = copy.deepcopy(old)
    new["cells"][0]["outputs"][0]["text"][40_000] = "another\n"
    began = time.process_time()
    found = diff(old, new)
    assert [line for line in found if line[0] in "-+"][2:] == ['-      "line 40000\\n",', '+      "another\\n",']
    new["cells"][0]["outputs"][0]["text"] = [line.upper() for line in lines]
    assert "too many lines to show" in diff(old, new)[-1]
    assert time.process_time() - began < 10
