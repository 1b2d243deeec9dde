"""What came of trying an address: a picture by its bytes, or in words why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.pictures import PNG
from tokenlab_nb.api.replies import Fetched
from tokenlab_nb.errors import ImageError, SessionClosedError, TokenLabError
from tokenlab_nb.images import probe
from tokenlab_nb.reached import Reached, reached

NOW = 1_800_000_000.0
SECRET = "5ecre7"
AT = "https://cdn.example.com/1.png"


def signed(seconds: float) -> str:
    return f"{AT}?AWSAccessKeyId=A&Signature={SECRET}&Expires={NOW + seconds:.0f}"


def raising(error: TokenLabError) -> Callable[[], Fetched]:
    def fetch() -> Fetched:
        raise error

    return fetch


def test_a_picture_is_described_by_its_bytes() -> None:
    seen = probe(PNG)
    found = reached(signed(600), lambda: Fetched(PNG, "https://b.example.com/2", 2), NOW)
    assert found == Reached(
        *(AT, "https://b.example.com/2", "image/png", seen.width, seen.height, len(PNG), 2, NOW + 600, ""),
    )
    assert found.is_usable
    assert reached(AT, lambda: Fetched(PNG, AT), NOW).expires_at is None


def test_what_is_no_picture_is_told_with_what_is_known() -> None:
    found = reached(AT, lambda: Fetched(b"<html>", AT, 1), NOW)
    assert (found.final_url, found.size, found.redirects, found.media_type) == (AT, 6, 1, "")
    assert found.problem.startswith("This is a web page, not a picture.")
    assert not found.is_usable


def test_what_is_not_reached_is_told() -> None:
    found = reached(signed(600), raising(ImageError("It is refused.", hint="Use another.")), NOW)
    assert found == Reached(AT, expires_at=NOW + 600, problem="It is refused. Use another.")
    with pytest.raises(SessionClosedError):
        reached(AT, raising(SessionClosedError("Closed.")), NOW)


def test_one_that_ends_before_the_service_can_fetch_it_is_a_problem() -> None:
    found = reached(signed(30), lambda: Fetched(PNG, AT), NOW)
    assert "expires in 30 seconds" in found.problem
    assert found.problem.endswith("hand in the file itself.")
    assert found.media_type == "image/png"
    assert SECRET not in repr(found)
