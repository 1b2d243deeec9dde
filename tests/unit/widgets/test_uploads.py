"""Pieces of files become whole files, or nothing."""

import pytest

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.widgets._uploads import CHUNK_BYTES, Uploads


def begun(size=10, most=100):
    uploads = Uploads(most)
    uploads.begin("a", size)
    return uploads


def test_pieces_become_the_file_once():
    uploads = begun()
    assert uploads.put("a", 0, b"01234") == 5
    assert uploads.finished("a") is None
    assert uploads.put("a", 5, memoryview(b"56789")) == 10
    assert uploads.finished("a") == b"0123456789"
    assert uploads.finished("a") is None


def test_a_piece_that_comes_twice_changes_nothing():
    uploads = begun()
    uploads.put("a", 0, b"01234")
    assert uploads.put("a", 0, b"01234") == 5
    uploads.put("a", 5, b"56789")
    assert uploads.finished("a") == b"0123456789"


def test_a_file_that_is_begun_anew_starts_anew():
    uploads = begun()
    uploads.put("a", 0, b"wrong")
    uploads.begin("a", 2)
    uploads.put("a", 0, b"ok")
    assert uploads.finished("a") == b"ok"


@pytest.mark.parametrize(
    ("at", "piece"),
    [(5, b"x"), (-1, b"x"), ("0", b"x"), (None, b"x"), (0, b"0" * 11), (0.5, b"x")],
    ids=["gap", "negative", "text", "nothing", "longer than told", "fraction"],
)
def test_a_piece_that_fits_nowhere_is_refused(at, piece):
    with pytest.raises(ValidationError, match="out of order"):
        begun().put("a", at, piece)


def test_a_piece_is_no_larger_than_a_message_may_be():
    with pytest.raises(ValidationError, match="out of order"):
        begun(2 * CHUNK_BYTES, 3 * CHUNK_BYTES).put("a", 0, bytes(CHUNK_BYTES + 1))


@pytest.mark.parametrize("size", [0, -1, 101, True, "7", None, 1.5])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(ValidationError, match="1 to 100 are taken"):
        Uploads(100).begin("a", size)


def test_what_was_not_announced_or_was_dropped_is_refused():
    uploads = begun()
    uploads.drop("a")
    uploads.drop("never there")
    for key in ("a", "b"):
        with pytest.raises(ValidationError, match="not announced"):
            uploads.put(key, 0, b"x")
