"""Everything that leaves a notebook, made from one session full of canaries: none of them is in any of it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.integration.harness import KEY, Rig
from tests.unit.jobs.fakes import SOON
from tests.unit.pictures import PNG

MODEL = "nano-banana-2"
WORD, HOME, SIGNATURE = "QUINCE", "DAMSONHOME", "MEDLAR" * 8
PROMPT = f"A {WORD} tree </script><script>document.title='ran'</script><img src=x onerror=document.title='ran'>"
SIGNED = (
    "https://bucket.example.com/in.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=600000"
    f"&X-Amz-Date=20270115T080000Z&X-Amz-Credential=x&X-Amz-Signature={SIGNATURE}"
)
NOTHING = tl.Share(prompts=False, ids=False, costs=False, paths=False)
OTHER_KEY = "sk-" + "proj-Q7w2Lk9Zr4Tn8Xc1Vb6Mq3Hs"
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_DATA = re.compile(r"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)")


async def resolve(host: str, port: int) -> Sequence[str]:
    return ("93.184.215.14",)


def within(data: bytes) -> Iterator[str]:
    """A file's text, and that of every picture in it, unpacked."""
    text = data.decode("latin-1")
    yield text
    yield unescape(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))
    try:
        with Image.open(BytesIO(data)) as image:
            image.load()
            yield str(image.info)
    except OSError:
        for found in _DATA.findall(text):
            yield from within(b64decode(found))


def left_in(data: bytes, *canaries: str) -> list[str]:
    return [canary for canary in canaries if any(canary in text for text in within(data))]


@pytest.fixture
def grid(rig: Callable[..., Rig], tmp_path: Path) -> tl.GridRun:
    session = rig(resolve=resolve).session
    home = tmp_path / HOME
    home.mkdir()
    (home / "reference.png").write_bytes(PNG)
    with pytest.warns(tl.errors.TokenLabWarning, match="signed"):
        made = session.compare([MODEL], [PROMPT, "plain"], references=[str(home / "reference.png"), SIGNED, None])
    made.wait(SOON)
    assert {cell.status for cell in made.cells} == {"done", "failed"}  # the sandbox fetches nothing from outside
    return made


def artefacts(grid: tl.GridRun, folder: Path, share: tl.Share | None) -> dict[str, bytes]:
    pages = {
        "page": grid.to_html(folder / "page.html", share=share),
        "page with originals": grid.to_html(folder / "whole.html", originals=True, share=share),
        **{
            f"sheet {suffix}": grid.contact_sheet(folder / f"sheet.{suffix}", share=share)[0]
            for suffix in ("png", "jpg", "webp")
        },
    }
    return {name: path.read_bytes() for name, path in pages.items()}


def test_shared_files_hold_no_key_no_signature_no_private_path(grid: tl.GridRun, tmp_path: Path) -> None:
    found = {
        name: left_in(data, KEY, SIGNATURE, str(tmp_path)) for name, data in artefacts(grid, tmp_path, None).items()
    }
    assert found == {name: [] for name in found}


def test_what_is_to_be_left_out_is_nowhere_in_shared_files(grid: tl.GridRun, tmp_path: Path) -> None:
    canaries = (KEY, SIGNATURE, HOME, WORD, *(job.id for job in grid.jobs))
    found = {name: left_in(data, *canaries) for name, data in artefacts(grid, tmp_path, NOTHING).items()}
    assert found == {name: [] for name in found}


def test_what_a_notebook_keeps_holds_no_key_no_signature_no_private_path(grid: tl.GridRun, tmp_path: Path) -> None:
    shown = {
        "grid": tl.CompareGrid(grid).frozen(),
        "gallery": tl.Gallery(grid.jobs).frozen(),
        "job": tl.JobView(grid.jobs[0]).frozen(),
    }
    texts = {name: f"{each.html}{each.text}{json.dumps(dict(each.metadata))}" for name, each in shown.items()}
    texts |= {"code": grid.code, "repr": f"{grid!r}{grid.jobs!r}{grid.images!r}{grid.plan!r}"}
    for job in grid.jobs:
        texts[job.id] = "\n".join((job.code, job.curl, job.openai, json.dumps(job.support_packet())))
    texts |= {"state": json.dumps([dict(tl.CompareGrid(grid).get_state(key)) for key in ("rows", "table")])}
    found = {name: left_in(text.encode(), KEY, SIGNATURE, str(tmp_path), HOME) for name, text in texts.items()}
    assert found == {name: [] for name in found}


def test_saved_pictures_tell_how_they_were_made_and_no_secret(grid: tl.GridRun, tmp_path: Path) -> None:
    for number, image in enumerate(grid.images):
        for suffix in ("png", "jpg", "webp"):
            path = image.save(tmp_path / f"{number}.{suffix}")
            assert left_in(path.read_bytes(), KEY, SIGNATURE, str(tmp_path), HOME) == []
            assert tl.ImageResult.read(path).recall().prompt in (PROMPT, "plain")


def test_a_replay_leaves_out_a_job_with_a_key_in_it(rig: Callable[..., Rig], tmp_path: Path) -> None:
    session = rig().session
    for prompt in ("plain", f"my key is {OTHER_KEY}"):
        session.submit(model=MODEL, prompt=prompt).wait(SOON)
    exported = session.export_replay(tmp_path / "replay")
    assert (exported.jobs, exported.left_out) == (1, 1)
    assert "with a key or a signed address" in str(exported)
    files = [path for path in (tmp_path / "replay").rglob("*") if path.is_file()]
    assert len(files) > 2
    assert [path.name for path in files if left_in(path.read_bytes(), KEY, OTHER_KEY)] == []


def test_a_file_with_a_key_in_it_is_refused(rig: Callable[..., Rig], tmp_path: Path) -> None:
    grid = rig().session.compare([MODEL], f"my key is {OTHER_KEY}")
    grid.wait(SOON)
    for make, name in ((grid.to_html, "a.html"), (grid.contact_sheet, "a.png")):
        with pytest.raises(tl.errors.LeakError, match="Nothing was written") as refused:
            make(tmp_path / name)
        assert OTHER_KEY not in str(refused.value)
        assert not (tmp_path / name).exists()
        make(tmp_path / name, share=tl.Share(prompts=False))
        assert left_in((tmp_path / name).read_bytes(), OTHER_KEY) == []
