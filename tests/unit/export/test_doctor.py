"""The doctor as a whole: what it says, what it writes, its exit codes."""

from __future__ import annotations

import copy
import json

import nbformat
import pytest

from tests.layer_rules import ROOT
from tests.unit.contract.models import model
from tests.unit.export.notebooks import HOME, KEY, SIGNED, STATE, bundle, code, noise, notebook, stream, view, written
from tests.unit.export.notebooks import model as widget
from tokenlab_nb.errors import NotFoundError, TransportError
from tokenlab_nb.export.doctor import CANNOT_READ, CLEAN, FOUND, Doctor
from tokenlab_nb.export.exposed import Watch
from tokenlab_nb.export.findings import Limits

PINNED = {"tokenlab_nb": {"origin": "https://a", "at": "2026-11-01", "models": {"m": {"price": "free"}, "n": {}}}}
BAD = notebook(
    code(f"connect('{KEY}')", stream(f"{KEY}\n", f"{HOME}/x\n"), bundle({"image/png": noise(300)}), view("gone")),
    code("", bundle({"text/html": f"<img src='{SIGNED}'>"})),
    widgets={STATE: {"m1": widget()}},
)
WORDS = ("canary", "5ecre7")


@pytest.fixture
def said():
    return []


@pytest.fixture
def doctor(said):
    return Doctor(Limits(output=50_000), say=said.append)


@pytest.fixture
def put(tmp_path):
    def put(tree, name="a.ipynb"):
        path = tmp_path / name
        path.write_bytes(tree if isinstance(tree, bytes) else written(tree))
        return path

    return put


def test_a_dry_run_tells_and_shows_and_writes_nothing(doctor, said, put, tmp_path):
    path = put(BAD)
    before = path.read_bytes()
    assert doctor.treat(path, fix=False, keep=True) == FOUND
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]
    text = "\n".join(said)
    for sort in ("widgets", "key", "path", "address", "size"):
        assert f"[{sort}]" in text
    assert "+++ a.ipynb (mended)" in text
    assert "cell 1, source: A key (sk-...)" in text
    assert "(by hand)" in text
    assert "(--fix)" in text
    assert not [word for word in WORDS if word in text]
    assert max(map(len, said)) < 300


def test_without_a_diff_only_the_findings_are_told(doctor, said, put):
    doctor.treat(put(BAD), fix=False, keep=True, diff=False)
    assert "+++" not in "\n".join(said)


def test_fix_mends_what_it_can_and_the_rest_is_left(doctor, said, put, tmp_path):
    path = put(BAD)
    before = path.read_bytes()
    assert doctor.treat(path, fix=True, keep=True) == FOUND  # a key in a source is not mended
    assert (tmp_path / "a.ipynb.orig").read_bytes() == before
    assert "a.ipynb.orig" in "\n".join(said)
    tree = json.loads(path.read_bytes())
    nbformat.validate(nbformat.from_dict(tree))
    assert tree["cells"][0]["source"] == BAD["cells"][0]["source"]
    assert not [word for word in (*WORDS, "alice") if word in json.dumps([each["outputs"] for each in tree["cells"]])]
    assert written(tree) == path.read_bytes()  # in Jupyter's own form, as before
    assert [(each.sort, each.place) for each in doctor.examine(path.read_bytes()).findings] == [
        ("key", "cell 1, source")
    ]
    mended = path.read_bytes()
    assert doctor.treat(path, fix=True, keep=True) == FOUND
    assert path.read_bytes() == mended
    assert len(list(tmp_path.iterdir())) == 2


def test_where_all_is_mended_the_exit_code_says_so(doctor, put, tmp_path):
    path = put(notebook(code("", stream(KEY))))
    assert doctor.treat(path, fix=True, keep=False) == CLEAN
    assert [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]
    assert doctor.treat(path, fix=False, keep=False) == CLEAN


def test_a_clean_notebook_is_not_written(doctor, said, put):
    path = put(json.dumps(notebook(code("x", stream("y"))), indent=3).encode())
    before = path.stat().st_mtime_ns
    assert doctor.treat(path, fix=True, keep=True) == CLEAN
    assert path.stat().st_mtime_ns == before
    assert said == [f"{path}: nothing wrong"]


@pytest.mark.parametrize("data", [b"no notebook", None])
def test_a_file_that_cannot_be_read_is_told(doctor, said, put, tmp_path, data):
    path = put(data) if data else tmp_path / "missing\x1b[31m.ipynb"
    assert doctor.treat(path, fix=True, keep=True) == CANNOT_READ
    assert said[0].startswith(str(path).replace("\x1b", " "))
    assert "\x1b" not in said[0]


def test_a_note_is_told_and_mended_and_makes_no_notebook_bad(doctor, said, put):
    path = put(notebook(code("", view("gone", **{"text/plain": "a bar"}))))
    assert doctor.treat(path, fix=False, keep=False) == CLEAN
    assert said[0].endswith("nothing wrong, 1 note")
    assert said[1].endswith("(note, --fix)")
    assert doctor.treat(path, fix=True, keep=False) == CLEAN
    assert json.loads(path.read_bytes())["cells"][0]["outputs"][0]["data"] == {"text/plain": "a bar"}


def test_a_file_that_changes_meanwhile_is_left(put, said):
    path = put(BAD)

    def say(line):
        said.append(line)
        path.write_bytes(b"saved by somebody else")

    assert Doctor(say=say).treat(path, fix=True, keep=True) == CANNOT_READ
    assert path.read_bytes() == b"saved by somebody else"
    assert "changed meanwhile" in said[-1]


def test_an_older_format_is_told_of_and_not_mended(doctor, said, put):
    cell = nbformat.v3.new_code_cell("x", outputs=[nbformat.v3.new_output("stream", output_text=KEY)])
    old = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[cell])])
    path = put(json.dumps(old).encode())
    before = path.read_bytes()
    assert doctor.treat(path, fix=True, keep=True) == FOUND
    assert path.read_bytes() == before
    assert "older format" in said[-1]
    assert not any("(mended)" in line for line in said)
    clean = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("x")])])
    assert doctor.treat(put(json.dumps(clean).encode()), fix=True, keep=True) == CLEAN


def test_what_nbformat_refuses_is_told(doctor):
    broken = notebook({**code(), "strange": 3})
    (found,) = doctor.examine(written(broken)).findings
    assert (found.sort, found.mended) == ("format", False)
    mendable = notebook(code(), widgets=[])
    sorts = {each.sort: each.mended for each in doctor.examine(written(mendable)).findings}
    assert sorts["widgets"]


def test_every_minor_format_is_read(doctor):
    for minor in range(6):
        tree = notebook({key: value for key, value in code("x", stream(KEY)).items() if key != "id"})
        tree["nbformat_minor"] = minor
        if minor < 5:
            del tree["cells"][0]["id"]
        (found,) = doctor.examine(written(tree)).findings
        assert found.sort == "key"


def test_ones_own_key_is_covered_in_the_diff_too(said, put):
    own = Doctor(watch=Watch(secrets=("swordfish",)), say=said.append)
    assert own.treat(put(notebook(code("", stream("it is swordfish\n")))), fix=False, keep=True) == FOUND
    assert '-      "it is ***\\n"' in said
    assert "swordfish" not in "\n".join(said)


def test_contracts_are_compared_with_todays(said):
    def today(origin, name):
        assert origin == "https://a"
        if name == "n":
            raise NotFoundError("gone")
        return model()

    tree = notebook(code("", bundle({"text/html": "x"}, **PINNED)))
    found = Doctor(today=today, say=said.append).examine(written(tree)).findings
    assert [(each.place, each.message.split(":")[0]) for each in found] == [
        ("model m", "Its price has changed since 2026-11-01"),
        ("model n", "It is retired"),
    ]
    assert Doctor().examine(written(tree)).findings == ()


def test_a_service_that_cannot_be_asked_is_asked_once_and_the_rest_goes_on(said, put):
    asked = []

    def today(origin, name):
        asked.append(name)
        raise TransportError("no network")

    tree = copy.deepcopy(BAD)
    tree["cells"].append({**code("", bundle({"text/html": "x"}, **PINNED)), "id": "c"})
    found = Doctor(today=today).examine(written(tree)).findings
    assert asked == ["m"]
    assert found[0].note
    assert "were not compared: no network" in found[0].message
    assert len(found) > 5
    quiet = notebook(code("", bundle({"text/html": "x"}, **PINNED)))
    assert Doctor(today=today, say=said.append).treat(put(quiet), fix=False, keep=True) == CLEAN
    assert said[0].endswith("nothing wrong, 1 note")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_our_own_notebooks_are_clean(path):
    assert Doctor().examine(path.read_bytes()).bad == ()


def test_what_stands_in_a_notebook_commands_no_terminal(doctor, said, put):
    odd = f"https://b.example.com/\x1b[2J\x9b2J.png?X-Amz-Signature=5ecre7 {HOME}/\x9b31m\u202e"
    doctor.treat(put(notebook(code(odd, stream(f"{odd}\n")))), fix=False, keep=True)
    assert sum("b.example.com" in line for line in said) >= 2
    assert not [line for line in said if not line.isprintable()]


def test_a_file_that_is_closed_to_writing_is_left(doctor, said, put, tmp_path):
    path = put(notebook(code("", stream(KEY))))
    before = path.read_bytes()
    path.chmod(0o444)
    assert doctor.treat(path, fix=True, keep=True) == CANNOT_READ
    assert "read-only. Nothing was written." in said[-1]
    assert "mended" not in "".join(said)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [before]
