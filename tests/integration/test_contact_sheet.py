"""A contact sheet of a real grid and of a real session's pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.integration.grids import ONE, TWO, refused
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.errors import ValidationError


def test_a_grid_with_a_failure_becomes_a_sheet(rig: Callable[..., Rig], tmp_path: Path) -> None:
    world = rig(refused(400, "content_policy", nth=2, times=1))
    grid = world.session.compare([ONE, TWO], ["A red fox", "An owl"])
    grid.wait(SOON)
    assert len(grid.failed) == 1
    [path] = grid.contact_sheet(tmp_path / "grid.jpg", edge=120, share=tl.Share(prompts=False))
    with Image.open(path) as sheet:
        assert sheet.width > 2 * 120
        assert len(set(sheet.convert("L").resize((32, 32)).tobytes())) > 32
    assert tl.contact_sheet(grid.images, tmp_path / "list.png", edge=100) == [tmp_path / "list.png"]
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        grid.contact_sheet(tmp_path / "none" / "grid.png")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        grid.to_html(tmp_path / "none" / "grid.html")
    for meant in ("prompts", False, {"prompts": False}):
        with pytest.raises(ValidationError, match="share is no"):
            grid.contact_sheet(tmp_path / "shared.png", share=meant)
        with pytest.raises(ValidationError, match="share is no"):
            grid.to_html(tmp_path / "shared.html", share=meant)
    assert sorted(each.name for each in tmp_path.iterdir() if each.stem == "shared") == []
