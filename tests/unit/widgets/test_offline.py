"""A grid as one file: what is in it, what is left out of it, and what is refused before anything is written."""

import hashlib
import io
import json
import re
import sys
from base64 import b64decode
from dataclasses import replace

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import tokenlab_nb as tl
from tests.unit.widgets.shared import MARKS, PROMPT, SharedGrid
from tokenlab_nb.errors import LeakError, TokenLabError, ValidationError

SIGNED = "https://bucket.example/a.png?X-Amz-Signature=0123456789abcdef&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60"
KEY = "sk-" + "0123456789abcdefghijklmnop"


@pytest.fixture
def grid():
    return SharedGrid().finish()


def facts_of(page):
    return json.loads(re.search(r'id="tlnb-facts">(.*?)</script>', page.html, re.DOTALL)[1])


def files_of(page):
    return [b64decode(found) for found in re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', page.html)]


def everything(page):
    """All texts of a page: its own, those behind JSON's escapes, and those in its pictures."""
    inside = [f"{data.decode('latin-1')} {Image.open(io.BytesIO(data)).info}" for data in files_of(page)]
    return "\n".join([page.html, json.dumps(facts_of(page), ensure_ascii=False), *inside])


def test_all_is_there_where_nothing_is_left_out(grid):
    page = grid.page(originals=True)
    text = everything(page)
    known = [
        mark for marks in MARKS.values() for mark in marks if mark not in ("quincetrees", "$1.48", "0.52 left", "0.74")
    ]
    assert [mark for mark in known if mark not in text] == []


@pytest.mark.parametrize("originals", [False, True])
@pytest.mark.parametrize("left_out", [*MARKS, "all"])
def test_what_is_left_out_is_nowhere_in_the_file(grid, left_out, originals):
    names = list(MARKS) if left_out == "all" else [left_out]
    page = grid.page(originals=originals, share=tl.Share(**dict.fromkeys(names, False)))
    text = everything(page)
    assert [mark for name in names for mark in MARKS[name] if mark in text] == []
    kept = {"prompts": "QUINCETREES", "ids": "task-SLOE", "costs": "0.7391", "paths": "DAMSONFOLDER"}
    assert all((mark in text) for name, mark in kept.items() if name not in names)
    assert "Left out by whoever shared this" in text
    assert page.pictures == len(grid.jobs) - 1


def pixels_of(files):
    return sorted(Image.open(io.BytesIO(data)).convert("RGB").tobytes() for data in files)


def test_originals_without_metadata_have_the_same_pixels_and_those_with_them_are_the_same_files(grid):
    files = [job.images[0].bytes for job in grid.jobs[:-1]]
    stripped = files_of(grid.page(originals=True, share=tl.Share(ids=False)))
    assert set(stripped).isdisjoint(files)
    assert pixels_of(stripped) == pixels_of(files)
    assert sorted(files_of(grid.page(originals=True))) == sorted(files)


def test_labels_of_prompts_that_are_left_out_are_numbers(grid):
    axes = facts_of(grid.page(share=tl.Share(prompts=False)))["values"]["table"]["axes"]
    assert axes[1]["values"] == ["prompt 1", "prompt 2"]
    assert "texts" not in axes[1]


def test_every_picture_is_inlined_once_and_named_where_it_stands_again():
    grid = SharedGrid(models=("one-model",), bare=True).finish()
    grid.cells = (grid.cells[0], replace(grid.cells[1], jobs=grid.cells[0].jobs))
    page = grid.page()
    assert page.pictures == len(files_of(page)) == 1
    assert f"The same picture as of one-model · {PROMPT}" in page.html


def test_a_picture_is_a_preview_that_is_never_enlarged_unless_originals_are_wanted():
    grid = SharedGrid(bare=True).finish(size=(1600, 400))
    sizes = {Image.open(io.BytesIO(data)).size for data in files_of(grid.page())}
    assert sizes == {(768, 192)}
    assert "previews of at most 768 pixels" in grid.page().html
    assert "previews" not in grid.page(originals=True).html.partition("<script")[0]
    tiles = [row["tiles"][0] for row in facts_of(grid.page())["values"]["rows"]]
    assert [tile.get("preview") for tile in tiles] == ["a preview"] * 3 + [""]


def test_an_original_that_cannot_be_stripped_is_a_preview_that_says_so(grid):
    job = grid.jobs[0]
    hostile = job.images[0].bytes[:-4]  # Pillow reads it all the same
    job.blobs[job.images[0].sha256] = hostile
    page = grid.page(originals=True, share=tl.Share(costs=False))
    assert "could not be taken out of the original" in page.html
    assert repr(page).endswith("as originals, 1 of them as previews)")


def test_a_picture_that_cannot_be_read_is_told_in_words_without_a_path(grid):
    job = grid.jobs[0]
    job.blobs[job.images[0].sha256] = b"no picture in /home/somebody/DAMSONHOME"
    page = grid.page(share=tl.Share(paths=False))
    sha256 = job.images[0].sha256
    assert facts_of(page)["lost"][sha256].startswith("These bytes are no picture")
    assert "These bytes are no picture" in page.html.partition("<script")[0]
    assert page.pictures == len(grid.jobs) - 2


def test_what_had_not_ended_says_so_and_offers_nothing_that_needs_a_kernel():
    grid = SharedGrid(bare=True)
    grid.state = "running"
    grid.refuse(grid.jobs[0])
    facts = facts_of(grid.page())["values"]
    assert facts["table"]["head"]["state"] == "Not finished when this page was written"
    assert {row["words"] for row in facts["rows"]} == {"Failed", "Not done when this page was written"}
    for row in facts["rows"]:
        assert (row["running"], row["actions"], row["questions"], row["progress"]) == (False, [], {}, None)
    assert repr(grid.page()).endswith("no pictures)")


def test_a_cell_whose_job_was_mended_is_not_told_as_asked(grid):
    job = grid.jobs[0]
    request = job.snapshot.request
    job.snapshot = replace(
        job.snapshot, request=replace(request, model="new-model", values={**request.values, "quality": "low"})
    )
    page = grid.page()
    assert facts_of(page)["values"]["rows"][0]["repair"] == "Quality low, Model new-model"
    assert "Repaired: Quality low, Model new-model" in page.html
    job.snapshot = replace(job.snapshot, request=replace(request, endpoint="/v1/images/edits"))
    assert "Repaired: sent otherwise than planned" in grid.page().html


def test_the_code_of_every_cell_is_there_with_what_is_left_out_left_out(grid):
    codes = facts_of(grid.page())["codes"]
    assert len(codes) == len(grid.cells)
    assert all(PROMPT in codes[0][language] for language in ("text", "curl", "openai"))
    hidden = facts_of(grid.page(share=tl.Share(prompts=False, paths=False)))["codes"][0]
    assert 'prompt="..."' in hidden["text"]
    assert 'model="one-model"' in hidden["text"]
    assert "https://api.example/v1/images/generations" in hidden["curl"]
    assert not any(mark in text for text in hidden.values() for mark in (*MARKS["prompts"], *MARKS["paths"]))


def test_votes_are_told_where_there_are_some(grid):
    assert "Votes:" not in grid.page().html
    ballot = grid.ballot()
    while pair := ballot.next(grid.votes):
        grid.vote(pair, "left")
    page = grid.page()
    assert "Votes: " in page.html
    assert '<th scope="row">one-model</th>' in page.html
    assert ">cost<" in page.html
    assert ">cost<" not in grid.page(share=tl.Share(costs=False)).html


def test_a_ledger_that_cannot_be_read_costs_no_more_than_the_votes():
    class Unread(SharedGrid):
        @property
        def votes(self):
            raise TokenLabError("The ledger is locked.")

    assert "Votes:" not in Unread(bare=True).finish().page().html


@pytest.mark.parametrize("secret", [KEY, SIGNED], ids=["key", "address"])
@pytest.mark.parametrize("place", ["prompt", "error", "title", "metadata"])
def test_a_secret_is_refused_and_nothing_is_written(tmp_path, secret, place):
    grid = SharedGrid(prompts=(f"A fox {secret}" if place == "prompt" else PROMPT, "b"), bare=True).finish()
    options = {"title": secret} if place == "title" else {}
    if place == "error":
        job = grid.jobs[-1]
        job.snapshot = replace(job.snapshot, error=ValidationError(f"Refused: {secret}"))
    if place == "metadata":
        info, file = PngInfo(), io.BytesIO()
        info.add_itxt("workflow", secret, zip=True)
        Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
        job, options = grid.jobs[0], {"originals": True}
        job.blobs[job.images[0].sha256] = file.getvalue()
    with pytest.raises(LeakError) as caught:
        grid.to_html(tmp_path / "grid.html", **options)
    assert secret not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("originals", [False, True])
def test_what_is_too_long_is_refused_with_ways_out_and_nothing_is_written(grid, tmp_path, originals):
    with pytest.raises(ValidationError, match="at most") as caught:
        grid.to_html(tmp_path / "grid.html", originals=originals, most_bytes=500)
    assert ("originals=False" in caught.value.hint) == originals
    assert "most_bytes" in caught.value.hint
    with pytest.raises(ValidationError, match="at most"):
        grid.page(originals=originals, most_bytes=50_000)  # the pictures fit, the whole does not
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_said_where_somebody_looks_before_it_is_written(grid, tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.delattr(sys, "ps1", raising=False)
    grid.to_html(tmp_path / "quiet.html")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    written = grid.to_html(tmp_path / "grid.html", originals=True)
    assert re.fullmatch(r"grid\.html: [\d.]+ (MB|kB), 7 pictures as originals\n", capsys.readouterr().out)
    assert written == tmp_path / "grid.html"
    page = grid.page()
    assert page.save(tmp_path / "again.html").stat().st_size == page.size


def test_a_share_of_another_kind_and_another_suffix_are_refused_before_any_work(grid, tmp_path):
    with pytest.raises(ValidationError, match="share is no dict"):
        grid.page(share={"prompts": False})
    with pytest.raises(ValidationError, match=r"does not end in \.html"):
        grid.to_html(tmp_path / "grid.png")
    (tmp_path / "grid.html").write_text("mine")
    with pytest.raises(FileExistsError):
        grid.to_html(tmp_path / "grid.html", overwrite=False)
    assert (tmp_path / "grid.html").read_text() == "mine"
    grid.to_html(tmp_path / "grid.html")
    assert [each.name for each in tmp_path.iterdir()] == ["grid.html"]


def test_the_policy_allows_the_script_that_is_there_and_no_other(grid):
    html = grid.page().html
    script = re.search(r'<script type="module">(.*?)</script>', html, re.DOTALL)[1]
    allowed = re.search(r"script-src 'sha256-([^']+)'", html)[1]
    assert b64decode(allowed) == hashlib.sha256(script.encode()).digest()
    assert len(re.findall("<script", html)) == 2
