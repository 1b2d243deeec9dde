"""Outputs that are too large: pictures get smaller and keep their kind; everything else is only told."""

from __future__ import annotations

import base64
import copy
import io
import json

import pytest

from tests.unit.export.notebooks import bundle, code, noise, notebook, opened, stream, written
from tokenlab_nb.export.findings import Limits
from tokenlab_nb.export.heavy import treat_heavy

SMALL = Limits(output=60_000, whole=10_000_000)


def treated(tree, limits=SMALL):
    return list(treat_heavy(tree, limits, len(written(tree))))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_gets_smaller_and_keeps_its_kind(kind):
    name, picture = f"image/{kind.lower()}", noise(400, kind)
    tree = notebook(code("", stream("x"), bundle({name: f"{picture}\n", "text/plain": "a plot"})))
    (found,) = treated(tree)
    assert (found.sort, found.place, found.mended) == ("size", "cell 1, output 2", True)
    data = tree["cells"][0]["outputs"][1]["data"]
    small = opened(data[name])
    assert small.format == kind
    assert small.width == small.height < 400
    assert small.width > 64
    assert len(data[name]) <= SMALL.output
    assert data[name].endswith("\n")
    assert data["text/plain"] == "a plot"
    assert not treated(tree)


def test_transparency_stays():
    tree = notebook(code("", bundle({"image/png": noise(300)})))
    picture = opened(tree["cells"][0]["outputs"][0]["data"]["image/png"])
    picture.putalpha(100)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    tree["cells"][0]["outputs"][0]["data"]["image/png"] = base64.b64encode(buffer.getvalue()).decode()
    assert treated(tree)[0].mended
    small = opened(tree["cells"][0]["outputs"][0]["data"]["image/png"])
    assert small.getchannel("A").getextrema() == (100, 100)


def test_pictures_in_html_get_smaller_and_lines_stay_lines():
    uri = f"data:image/png;base64,{noise(300)}"
    tree = notebook(code("", bundle({"text/html": ["<p>\n", f'<img src="{uri}"> and <img src="{uri}">\n', "</p>"]})))
    assert treated(tree)[0].mended
    lines = tree["cells"][0]["outputs"][0]["data"]["text/html"]
    assert (len(lines), lines[0], lines[2]) == (3, "<p>\n", "</p>")
    assert opened(lines[1].split("base64,")[1].split('"')[0]).format == "PNG"


@pytest.mark.parametrize(
    "output",
    [
        stream("x" * 100_000),
        bundle({"text/html": "<p>" + "x" * 100_000}),
        bundle({"image/png": "!" * 100_000}),
        bundle({"image/png": "AAAA" * 30_000}),
        bundle({"application/json": {"a": ["x" * 50_000, 3, None, {"b": "x" * 50_000}]}}),
    ],
    ids=["a stream", "HTML", "no base64", "no picture", "JSON"],
)
def test_what_is_no_picture_is_told_and_left(output):
    tree = notebook(code("", output))
    before = copy.deepcopy(tree)
    (found,) = treated(tree)
    assert not found.mended
    assert found.message.endswith("kB, and at most 60 kB is meant.")
    assert found.remedy.startswith("Clear or shorten outputs")
    assert tree == before


def test_where_pictures_are_not_all_that_is_told():
    tree = notebook(code("", bundle({"image/png": noise(200), "text/plain": "x" * 70_000})))
    (found,) = treated(tree)
    assert not found.mended
    assert found.remedy.startswith("Smaller pictures leave ")


def test_a_notebook_that_is_too_large_as_a_whole_gets_smaller_pictures():
    tree = notebook(*(code("", bundle({"image/png": noise(200 + n)})) for n in range(5)))
    before = len(written(tree))
    (found,) = treated(tree, Limits(output=1_000_000, whole=400_000))
    assert (found.place, found.mended) == ("notebook", True)
    assert len(written(tree)) < 400_000 < before
    assert not treated(tree, Limits(output=1_000_000, whole=400_000))


def test_a_notebook_of_words_that_is_too_large_is_told():
    tree = notebook(code("x" * 100_000))
    (found,) = treated(tree, Limits(whole=50_000))
    assert (found.place, found.mended) == ("notebook", False)


def test_what_is_within_the_limits_is_not_touched():
    tree = notebook(code("", bundle({"image/png": noise(100)})))
    before = json.dumps(tree)
    assert not treated(tree)
    assert json.dumps(tree) == before
