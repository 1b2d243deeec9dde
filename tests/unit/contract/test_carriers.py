"""What an operation has room for, in numbers and in words; `plan` keeps to the same."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.unit.contract.models import E, G, V, operation
from tokenlab_nb.contract.carriers import carriers
from tokenlab_nb.contract.model import Operation
from tokenlab_nb.contract.references import ReferenceLimits, Source, limits, plan


def on(endpoint: str, *fields: str, mode: str | None = None, model_id: str = "image-model") -> Operation:
    name = {G: "image-to-image", E: "image-edit", V: "image-variation"}[endpoint]
    return operation(name, "prompt", *fields, endpoint=endpoint, request_shape_mode=mode, model_id=model_id)


@pytest.mark.parametrize(
    ("what", "expected", "words"),
    [
        (operation("text-to-image"), (0, 0, False, False), "no pictures"),
        (on(V), (1, 1, True, False), "one file"),
        (on(E), (16, 16, True, True), "up to 16, files or addresses"),
        (on(E, model_id="grok-imagine-image"), (3, 3, True, True), "up to 3, files or addresses"),
        (on(E, "image"), (16, 16, True, False), "up to 16 files"),
        (on(E, "image", "image_url"), (16, 16, True, True), "up to 16 files, or one address"),
        (on(E, "images", mode="json"), (16, 16, True, True), "up to 16, files or addresses"),
        (on(E, "images", mode="json_url"), (16, 0, False, True), "up to 16 addresses"),
        (on(E, "image_urls", mode="multipart"), (0, 0, False, False), "no pictures"),
        (on(G), (16, 1, True, True), "up to 16 addresses; the first may be a file"),
        (on(G, "image", "image_url"), (1, 1, True, True), "one, a file or an address"),
        (on(G, "image", "image_url", "images"), (16, 1, True, True), "one file, or up to 16 addresses"),
        (on(G, "image"), (1, 1, True, False), "one file"),
        (on(G, "image_url", mode="json_url"), (1, 0, False, True), "one address"),
        (on(G, "image_urls", mode="json"), (16, 0, False, True), "up to 16 addresses"),
        (on(G, "image", "image_urls", mode="multipart"), (16, 1, True, True),
         "up to 16 addresses; the first may be a file"),
        (on(G, "image_url", "image", mode="multipart"), (1, 1, True, False), "one file"),
    ],
)  # fmt: skip
def test_what_is_taken_is_told_in_numbers_and_in_words(
    what: Operation, expected: tuple[int, int, bool, bool], words: str
) -> None:
    told = limits(what)
    assert (told.most, told.most_files, told.takes_files, told.takes_addresses) == expected
    assert told.words == words


@pytest.mark.parametrize(
    ("what", "mask", "mask_file"),
    [
        (operation("image-edit"), True, True),
        (on(E, "image"), False, False),
        (on(E, "image", "mask"), True, True),
        (on(E, "images", "mask", mode="json"), True, True),
        (on(E, "images", "mask", mode="json_url"), True, False),
        (on(E, "images", "mask_url"), True, False),
        (on(G, "image_url", "mask_url"), True, False),
        (on(G, "image_url"), False, False),
        (on(V, "image", "mask"), False, False),
        (operation("text-to-image"), False, False),
    ],
)
def test_masks_are_told_of_too(what: Operation, mask: bool, mask_file: bool) -> None:
    told = limits(what)
    assert (told.takes_mask, told.takes_mask_file) == (mask, mask_file)


@pytest.mark.parametrize("mode", ["whatever", "", None])
def test_a_shape_mode_that_says_nothing_we_know_counts_as_none(mode: str | None) -> None:
    assert carriers(on(E, "image", "images", mode=mode)) == carriers(on(E, "image", "images"))


FIELDS = ("image", "image[]", "image_url", "image_urls", "reference_image_urls", "images")
MODES = (None, "json", "json_url", "json_or_multipart", "multipart", "url_or_multipart", "else")


def pictures(count: int, **more: Any) -> tuple[Source, ...]:
    kind = next(iter(more))
    return tuple(Source(**{**more, kind: f"{more[kind]}{place}"}) for place in range(count))


@pytest.mark.parametrize("endpoint", [G, E, V])
@pytest.mark.parametrize("mode", MODES)
def test_what_is_told_is_what_is_planned(endpoint: str, mode: str | None) -> None:
    for chosen in product((False, True), repeat=len(FIELDS)):
        listed = [name for name, is_in in zip(FIELDS, chosen, strict=True) if is_in]
        what = on(endpoint, *listed, mode=mode)
        told = limits(what)
        for count in (1, 2, 16):
            files, urls = (
                plan(what, pictures(count, **kind), None).issues
                for kind in ({"sha256": "a", "media_type": "image/png"}, {"url": "https://example.com/"})
            )
            assert (not files) == (count <= told.most_files), (listed, count, files)
            assert (not urls) == (told.takes_addresses and count <= _most_addresses(told)), (listed, count, urls)


def _most_addresses(told: ReferenceLimits) -> int:
    """What the words say of addresses: the numbers do not tell them apart from files."""
    return 1 if "one address" in told.words or told.words == "one, a file or an address" else told.most
