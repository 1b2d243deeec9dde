"""Keys, addresses and paths in every corner of a notebook: taken out of outputs, told elsewhere."""

from __future__ import annotations

import base64
import copy
import io
import json

import pytest
from PIL.PngImagePlugin import PngInfo

from tests.unit.export.notebooks import HOME, KEY, SIGNED, STATE, bundle, code, model, noise, notebook, opened, stream
from tokenlab_nb.export.exposed import Watch, treat_exposed

ALL = f"{KEY} {SIGNED} {HOME}/x"
WORDS = ("canary", "5ecre7", "alice")

OUTPUTS = {
    "a stream of lines": stream(f"one {KEY}\n", f"{SIGNED}\n", HOME),
    "a stream": {**stream(), "text": ALL},
    "a traceback": {
        "output_type": "error",
        "ename": "E",
        "evalue": ALL,
        "traceback": ["\x1b[31mE", f"\x1b[32m{HOME}/m.py\x1b[0m", ALL],
    },
    "HTML": bundle({"text/html": [f"<a href='{SIGNED}'>\n", f"{KEY} {HOME}</a>"]}),
    "JSON": bundle({"application/json": {"deep": [[{"er": ALL}], 7, None]}}),
    "a drawing": bundle({"image/svg+xml": f"<svg><!-- {ALL} --></svg>"}),
    "its metadata": bundle({"text/plain": "x"}, note=ALL),
}
ELSEWHERE = {
    "source": code(f"f('{KEY}')\ng('{SIGNED}')\nh('{HOME}')"),
    "source with another line break": {**code(), "source": ["# \u2028", f"f('{KEY}', '{SIGNED}', '{HOME}')"]},
    "source in pieces": {**code(), "source": ["#", f"f('{KEY}', '{SIGNED}', '{HOME}')"]},
    "names of fields in an output": code("", bundle({"application/json": {"a": [{KEY: 1, SIGNED: 2, HOME: 3}]}})),
    "metadata": code(metadata={"papermill": {"parameters": [ALL]}}),
    "a name in the metadata": code(metadata={ALL: 1}),
    "a list that is no text": code(metadata={"a": [3, ALL, [ALL]], "image/png": "AKIA"}),
    "attachments": {**code(), "cell_type": "markdown", "attachments": {"x.svg": {"image/svg+xml": ALL}}},
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_they_are_taken_out_of_outputs(output):
    tree = notebook(code("", stream("fine"), output))
    found = list(treat_exposed(tree, Watch()))
    assert {(each.sort, each.place) for each in found} == {
        (kind, "cell 1, output 2") for kind in ("key", "address", "path")
    }
    assert all(each.mended for each in found)
    assert not [word for word in WORDS if word in json.dumps([tree, [each.message for each in found]])]
    assert "https://b.example.com/fox.png" in json.dumps(tree)
    assert not list(treat_exposed(tree, Watch()))


@pytest.mark.parametrize("cell", ELSEWHERE.values(), ids=ELSEWHERE)
def test_elsewhere_they_are_told_and_left(cell):
    tree = notebook(cell)
    before = copy.deepcopy(tree)
    found = list(treat_exposed(tree, Watch()))
    assert {each.sort for each in found} == {"key", "address", "path"}
    assert all(each.place.startswith("cell 1, ") and each.remedy and not each.mended for each in found)
    assert not [word for word in WORDS if word in str(found)]
    assert tree == before


def test_the_notebooks_own_metadata_is_told_and_widget_state_is_mended():
    state = {"m1": model(state={"value": ALL, "children": ["IPY_MODEL_a", "IPY_MODEL_b", HOME]})}
    tree = notebook(path=HOME, widgets={STATE: {"state": state}})
    found = list(treat_exposed(tree, Watch()))
    assert [(each.sort, each.place, each.mended) for each in found] == [
        ("key", "notebook metadata, widgets", True),
        ("address", "notebook metadata, widgets", True),
        ("path", "notebook metadata, widgets", True),
        ("path", "notebook metadata", False),
    ]
    assert state["m1"]["state"]["children"] == ["IPY_MODEL_a", "IPY_MODEL_b", "~/work"]
    assert tree["metadata"]["path"] == HOME


def test_several_of_a_kind_are_one_finding():
    tree = notebook(code("", stream(f"{KEY} {KEY} {SIGNED} {SIGNED} {HOME} {HOME}")))
    assert [each.message for each in treat_exposed(tree, Watch())] == [
        "2 keys (sk-...).",
        "2 signed addresses (https://b.example.com/fox.png).",
        "2 paths of this machine (~/work).",
    ]


def test_ones_own_key_and_folders_are_found_whatever_they_look_like():
    tree = notebook(code("", stream("swordfish in /srv/mine/x")))
    assert {each.sort for each in treat_exposed(tree, Watch(("/srv/mine",), ("swordfish",)))} == {"key", "path"}
    assert tree["cells"][0]["outputs"][0]["text"] == ["... in ~/x"]


def test_pictures_and_the_form_of_lists_stay_as_they_are():
    picture = noise(40)
    lines = [f"{HOME}\n", "two\n", "three"]
    tree = notebook(code("", bundle({"image/png": picture, "text/plain": lines})), {"cell_type": "raw"}, metadata=None)
    list(treat_exposed(tree, Watch()))
    assert tree["cells"][0]["outputs"][0]["data"] == {
        "image/png": picture,
        "text/plain": ["~/work\n", "two\n", "three"],
    }


@pytest.mark.parametrize("as_lines", [False, True])
@pytest.mark.parametrize("end", ["", "\n"])
def test_they_are_taken_out_of_the_metadata_of_pictures(end, as_lines):
    note = PngInfo()
    note.add_text("workflow", ALL, zip=True)
    buffer = io.BytesIO()
    opened(noise(20)).save(buffer, "PNG", pnginfo=note)
    text = base64.b64encode(buffer.getvalue()).decode() + end
    plain, damaged = noise(30), noise(40)[:400]
    output = bundle({"image/png": [text] if as_lines else text, "image/jpeg": plain, "image/webp": damaged})
    tree = notebook(code("", output, bundle({"image/png": 5}), {**stream("x"), "data": None}))
    found = list(treat_exposed(tree, Watch()))
    assert {each.sort for each in found} == {"key", "address", "path"}
    assert all(each.mended and each.place == "cell 1, output 1, image/png" for each in found)
    data = tree["cells"][0]["outputs"][0]["data"]
    mended = data["image/png"][0] if as_lines else data["image/png"]
    assert mended.endswith("\n") == bool(end)
    assert opened(mended).tobytes() == opened(noise(20)).tobytes()
    assert "workflow" not in opened(mended).info
    assert (data["image/jpeg"], data["image/webp"]) == (plain, damaged)
    assert not list(treat_exposed(tree, Watch()))
