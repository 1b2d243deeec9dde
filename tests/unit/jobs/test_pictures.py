"""The pictures of an answer: fetched side by side, kept before they are looked at, and never lost."""

from __future__ import annotations

import base64

import anyio
import pytest

from tests.unit.jobs.fakes import DONE, PICTURES, URLS, World, waiting
from tests.unit.pictures import JPEG, PNG
from tokenlab_nb.api.replies import ImageData, Images, Meta
from tokenlab_nb.errors import ImageError, TransportError
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.job import JobStatus, Origin
from tokenlab_nb.jobs.pictures import MAX_FETCHES

PROCESSING, COMPLETED, FAILED = JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.FAILED
THREE = Images(tuple(ImageData(url=url, revised_prompt=f"no. {n}") for n, url in enumerate(URLS)), Meta("req_3"))
DOWN = TransportError("The network is down.")

# ------------------------------------------------------------------------------------------------- fetching


def test_each_picture_shows_as_soon_as_it_is_on_disk() -> None:
    world = World(creates=[THREE])
    final = world.live()
    assert [len(snapshot.images) for snapshot in world.seen[-4:]] == [1, 2, 3, 3]
    assert [image.media_type for image in final.images] == ["image/png", "image/jpeg", "image/webp"]
    assert [image.revised_prompt for image in final.images] == ["no. 0", "no. 1", "no. 2"]
    assert {(image.width, image.height) for image in final.images} == {(64, 48)}
    assert set(world.blobs.kept.values()) == set(PICTURES.values())


def test_a_failed_download_keeps_the_addresses_and_the_other_pictures() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[1]] = [ImageError("Refused.")]
    final = world.live()
    assert (final.status, final.can_fetch_again) == (FAILED, True)
    assert [image.index for image in final.images] == [0, 2]
    assert [origin.url for origin in final.origins] == list(URLS)
    assert world.ledger.saved[-1].images == final.images


def test_fetching_again_fetches_only_what_is_missing() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[1]] = [ImageError("Refused."), PICTURES[URLS[1]]]
    failed = world.live()
    world.diary.clear()
    final = world.live(failed.move(PROCESSING, 0.0, error=None))
    assert final.status is COMPLETED
    assert [image.index for image in final.images] == [0, 1, 2]
    assert [entry for entry in world.diary if entry[0] != "saved"] == [("fetch", URLS[1])]


def test_a_download_is_tried_again_while_that_may_help() -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [DOWN, PNG]
    assert world.live().status is COMPLETED
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [DOWN]
    assert world.live().can_fetch_again
    assert world.api.count("fetch") == schedule.MAX_ASKS


@pytest.mark.parametrize("data", [b"", b"<html>", PNG[:-30], b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_bytes_that_are_no_picture_are_kept_noted_and_told(data: bytes) -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [data]
    final = world.live()
    (sha256,) = world.blobs.kept
    assert (final.status, final.can_fetch_again, world.blobs.kept[sha256]) == (FAILED, True, data)
    assert (final.origins[0].url, final.origins[0].sha256) == (URLS[0], sha256)
    assert world.ledger.saved[-2].origins == final.origins  # before it was looked at
    assert isinstance(final.error, ImageError)
    assert f"its bytes are kept in the data folder's pictures under {sha256}" in str(final.error)
    assert world.api.count("fetch") == 1


def test_fetching_again_looks_at_what_is_kept_first_and_loses_none_of_it() -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [b"odd", b"odder", PNG]
    failed = world.live()
    again = world.live(failed.going_on(0.0))
    assert (again.status, again.origins) == (FAILED, failed.origins)
    final = world.live(again.going_on(0.0))
    assert (final.status, set(world.blobs.kept.values())) == (COMPLETED, {b"odd", b"odder", PNG})
    assert world.api.count("fetch") == 3


def test_bytes_that_were_kept_before_the_kernel_died_are_not_fetched_again() -> None:
    world = World()
    sha256 = world.blobs.put(PNG)
    final = world.live(waiting(PROCESSING, origins=(Origin(url=URLS[0], sha256=sha256),)))
    assert (final.status, final.images[0].sha256, world.api.count("fetch")) == (COMPLETED, sha256, 0)


def test_a_hash_that_cannot_be_noted_costs_no_picture() -> None:
    world = World(creates=[DONE])
    world.ledger.fails = lambda snapshot: any(origin.sha256 for origin in snapshot.origins)
    final = world.live()
    assert (final.status, len(final.images)) == (COMPLETED, 1)
    assert "Not written to the ledger" in final.note


def test_four_pictures_of_an_answer_are_fetched_at_once_and_keep_their_order() -> None:
    urls = [f"https://cdn.example.com/many/{n}.png" for n in range(6)]
    world = World(creates=[Images(tuple(ImageData(url=url) for url in urls), Meta("req_6"))])
    fetching: list[str] = []
    most: list[int] = []

    async def fetch(url: str) -> bytes:
        fetching.append(url)
        most.append(len(fetching))
        for _ in range(10 if url == urls[0] else 3):  # the first comes last
            await anyio.wait_all_tasks_blocked()
        fetching.remove(url)
        return PNG

    world.api.download = fetch  # type: ignore[method-assign] # counts
    final = world.live()
    assert (final.status, max(most)) == (COMPLETED, MAX_FETCHES)
    assert [image.index for image in final.images] == list(range(6))
    counts = [len(snapshot.images) for snapshot in world.seen]
    assert sorted(set(counts)) == list(range(7))
    assert counts == sorted(counts)


def test_of_several_failures_the_first_pictures_is_told() -> None:
    world = World(creates=[THREE])
    for n in (2, 0):
        world.api.pictures[URLS[n]] = [ImageError(f"Refused {n}.")]
    final = world.live()
    assert (final.status, [image.index for image in final.images]) == (FAILED, [1])
    assert "Refused 0." in str(final.error)


def test_a_full_disk_loses_no_address() -> None:
    world = World(creates=[DONE])
    world.blobs.full = True
    final = world.live()
    assert (final.status, final.can_fetch_again) == (FAILED, True)
    assert "disk is full" in str(final.error)


def test_a_picture_of_an_earlier_kernel_that_was_not_kept_is_told() -> None:
    final = World().live(waiting(PROCESSING, origins=(Origin(),)))
    assert (final.status, final.can_fetch_again) == (FAILED, False)
    assert "could not be kept" in str(final.error)


# ---------------------------------------------------------------------------------- pictures inside the answer


def inside(*texts: str) -> Images:
    return Images(tuple(ImageData(b64=text, revised_prompt="wiser") for text in texts), Meta("req_1"))


TEXT = base64.b64encode(PNG).decode()


@pytest.mark.parametrize("text", [TEXT, f"data:image/png;base64,{TEXT}", TEXT.rstrip("="), "\n".join(TEXT)])
def test_a_picture_inside_the_answer_is_kept_before_anybody_hears_of_it(text: str) -> None:
    world = World(creates=[inside(text)])
    final = world.live()
    assert (final.status, list(world.blobs.kept.values())) == (COMPLETED, [PNG])
    assert final.images[0].revised_prompt == "wiser"
    assert world.api.count("fetch") == 0
    assert not final.can_fetch_again


def test_one_unreadable_picture_inside_the_answer_loses_none_of_the_others() -> None:
    world = World(creates=[inside(TEXT, "A", base64.b64encode(JPEG).decode())])
    final = world.live()
    assert (final.status, [image.index for image in final.images]) == (FAILED, [0, 2])
    assert isinstance(final.error, ImageError)
    assert set(world.blobs.kept.values()) == {PNG, JPEG, b"A"}


def test_a_picture_inside_the_answer_that_is_none_is_told() -> None:
    world = World(creates=[inside(base64.b64encode(b"<html>").decode())])
    final = world.live()
    assert (final.status, world.posts) == (FAILED, 1)
    assert "web page" in str(final.error)
    assert list(world.blobs.kept.items()) == [(final.origins[0].sha256, b"<html>")]
    assert str(final.origins[0].sha256) in str(final.error)


def test_a_full_disk_is_told_as_such() -> None:
    world = World(creates=[inside(TEXT)])
    world.blobs.full = True
    assert "disk is full" in str(world.live().error)


def test_a_job_keeps_its_error_without_the_frames_that_led_to_it() -> None:
    world = World(creates=[inside(TEXT, "A")])
    error = world.live().error
    assert error is not None
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
