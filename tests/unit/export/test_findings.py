"""Sizes as people read and write them."""

from __future__ import annotations

import pytest

from tokenlab_nb.export.findings import parse_size
from tokenlab_nb.export.text import size_words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12", 12),
        ("500 kB", 500_000),
        ("2MB", 2_000_000),
        (" 1.5 mb ", 1_500_000),
        ("1k", 1000),
        ("3b", 3),
        ("1 GB", 10**9),
    ],
)
def test_a_size_is_read(text, count):
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "many", "-1", "0", "0.0001", "1 TB", "1e9", "9" * 40])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is no size; write 500 kB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(12, "12 bytes"), (1000, "1 kB"), (310_400, "310.4 kB"), (4_200_000, "4.2 MB"), (10**10, "10,000 MB")],
)
def test_a_size_is_told(count, text):
    assert size_words(count) == text
