"""From size, ratio and resolution to pixels."""

from __future__ import annotations

from typing import Any

import pytest

from tokenlab_nb.sandbox.catalog import Rules
from tokenlab_nb.sandbox.sizes import pixels

ALIAS = Rules(size_is_alias=True)
RATIOS = ("1:1", "16:9", "9:16", "3:2")


@pytest.mark.parametrize(
    ("rules", "options", "source", "expected"),
    [
        (Rules(), {}, None, (1024, 1024)),
        (Rules(default_size="1328x1328"), {}, None, (1328, 1328)),
        (Rules(default_size="odd"), {}, None, (1024, 1024)),
        (Rules(), {"size": "1536x1024"}, None, (1536, 1024)),
        (Rules(), {"size": "auto"}, None, (1024, 1024)),
        (Rules(), {"size": "2k"}, None, (2048, 2048)),
        (Rules(), {"aspect_ratio": "16:9"}, None, (1024, 576)),
        (Rules(), {"aspect_ratio": "9:16", "resolution": "2k"}, None, (1152, 2048)),
        (Rules(), {"resolution": "4k"}, None, (4096, 4096)),
        (Rules(default_resolution="2k"), {"aspect_ratio": "1:1"}, None, (2048, 2048)),
        (Rules(), {"aspect_ratio": "99:1"}, None, (1024, 16)),
        (Rules(), {}, (333, 777), (333, 777)),
        (Rules(), {"size": "auto"}, (333, 777), (333, 777)),
        (Rules(), {"size": "512x512"}, (333, 777), (512, 512)),
        (Rules(), {"resolution": "2k"}, (300, 200), (2048, 1368)),
        (Rules(), {}, (8000, 4000), (4096, 2048)),
        (Rules(), {}, (5, 4), (16, 16)),
        (ALIAS, {"size": "1920x1080"}, None, (2048, 1152)),
        (ALIAS, {"size": "1000x1000", "aspect_ratio": "3:2"}, None, (1024, 680)),
        (ALIAS, {"size": "100x100", "resolution": "2k"}, None, (2048, 2048)),
        (ALIAS, {"size": "4k"}, None, (4096, 4096)),
    ],
)
def test_pixels(rules: Rules, options: dict[str, Any], source: tuple[int, int] | None, expected: tuple[int, int]):
    assert pixels(rules, options, RATIOS, source) == expected


def test_an_alias_without_offered_ratios_keeps_its_own():
    assert pixels(ALIAS, {"size": "1500x1000"}, (), None) == (1024, 680)
