"""The application: keys, headers, inline answers, pictures and the event loop."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from tokenlab_nb.sandbox.painter import SAMPLES

from .harness import BASE, EDITS, GENERATIONS, START, VARIATIONS, Lab, error, opened, picture, run, shown


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer nothing", "Basic sk-one", "sk-one"])
def test_a_key_that_is_none_is_401(sent: str):
    async def scenario() -> None:
        lab = Lab()
        lab.http.headers["Authorization"] = sent
        answer = await lab.generate("z-image")
        assert (answer.status_code, error(answer)["code"]) == (401, "invalid_api_key")
        assert sum(lab.world.received.values()) == 0
        assert (await lab.http.get("/v1/models")).status_code == 401  # what is sent to the list is checked
        assert (await lab.http.get("/v1/models/z-image")).status_code == 200

    run(scenario)


def test_discovery_needs_no_key_and_keys_may_be_listed():
    async def scenario() -> None:
        lab = Lab(api_keys={"sk-mine"})
        for path in ("/v1/models", "/v1/models/z-image/pricing", "/v1/pricing", "/samples"):
            assert (await lab.client().get(path)).status_code == 200
        assert (await lab.generate("z-image")).status_code == 401
        assert (await lab.client("sk-mine").get("/v1/files")).status_code == 200

    run(scenario)


def test_no_key_is_ever_written_down(tmp_path: Path):
    async def scenario() -> None:
        lab = Lab(state_dir=tmp_path, key="sk-canary-canary")
        await lab.generate("nano-banana-pro")
        await lab.http.post("/v1/files", data={"purpose": "vision"}, files={"file": ("a.png", picture())})
        assert "canary" not in repr(vars(lab.world))

    run(scenario)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept
    assert b"canary" not in kept


def test_every_answer_carries_the_headers():
    async def scenario() -> None:
        lab = Lab()
        answers = [
            await lab.http.get("/v1/models"),
            await lab.http.get("/nowhere"),
            await lab.http.delete("/v1/models"),
            await lab.generate("flux-pro"),
            await lab.generate("z-image"),
        ]
        for answer in answers:
            assert answer.headers["X-Request-ID"].startswith("req_")
            assert int(answer.headers["X-Routing-Time-MS"]) >= 0
            assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])
            assert int(answer.headers["X-RateLimit-Reset"]) > START
        assert [answer.status_code for answer in answers] == [200, 404, 405, 400, 200]
        for refused in answers[1:4]:
            assert refused.json()["request_id"] == refused.headers["X-Request-ID"]

    run(scenario)


def test_a_key_has_so_many_calls_in_a_minute():
    async def scenario() -> None:
        lab = Lab(rate_limit=3)
        lab.clock.tick(12.5)
        left = [(await lab.http.get("/v1/files")).headers["X-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        for _ in range(2):
            refused = await lab.generate("z-image")
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "48")
            assert {name: error(refused)[name] for name in ("type", "code", "retryable", "retry_after")} == {
                "type": "rate_limit_exceeded",
                "code": "rate_limit_exceeded",
                "retryable": True,
                "retry_after": 48,
            }
            told = [refused.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
            assert told == ["3", "0", str(int(START) + 60)]
        assert sum(lab.world.received.values()) == 0
        assert (await lab.client("sk-two").get("/v1/files")).status_code == 200  # another key's minute is its own
        lab.clock.tick(47.5)
        assert (await lab.generate("z-image")).status_code == 200

    run(scenario)


def test_what_needs_no_key_is_not_limited():
    async def scenario() -> None:
        lab = Lab(rate_limit=1)
        assert [(await lab.http.get("/v1/files")).status_code for _ in range(2)] == [200, 429]
        discovery = ("/v1/models", "/v1/models/z-image", "/v1/models/z-image/pricing", "/v1/pricing")
        for path in (*discovery, "/samples", "/samples/fox.jpg"):
            assert [(await lab.http.get(path)).status_code for _ in range(3)] == [200] * 3

    run(scenario)


def test_an_unknown_model_is_400_on_a_create_and_404_on_a_look_up():
    async def scenario() -> None:
        lab = Lab()
        answers = [
            await lab.generate("flux-pro"),
            *[await lab.http.get(f"/v1/models/flux-pro{x}") for x in ("", "/pricing")],
        ]
        assert [answer.status_code for answer in answers] == [400, 404, 404]
        assert {(error(answer)["code"], error(answer)["did_you_mean"]) for answer in answers} == {
            ("model_not_found", "flux-2-pro")
        }
        retired = error(await lab.generate("dall-e-3"))
        assert (retired["did_you_mean"], retired["suggestions"]) == ("gpt-image-2", [{"id": "gpt-image-2"}])
        alias = await lab.http.get("/v1/models/openai/gpt-image-2")
        assert alias.json()["id"] == "gpt-image-2"

    run(scenario)


def test_a_create_route_answers_405_to_other_methods():
    async def scenario() -> None:
        lab = Lab()
        for route in (GENERATIONS, EDITS, VARIATIONS):
            answer = await lab.http.get(route)
            assert (answer.status_code, error(answer)["code"]) == (405, "method_not_allowed")

    run(scenario)


def test_paid_answers_carry_a_charge_and_free_ones_none():
    async def scenario() -> None:
        lab = Lab()
        paid, free = await lab.generate("gpt-image-2"), await lab.generate("z-image")
        assert paid.json()["billing_transaction_id"] == paid.headers["X-Billing-Transaction-ID"]
        assert "X-Billing-Transaction-ID" not in free.headers
        assert "X-Billing-Transaction-ID" not in (await lab.generate("gpt-image-2", "forbidden")).headers
        assert lab.world.received["generations"] == 3
        assert lab.world.accepted["generations"] == 2

    run(scenario)


def test_an_inline_answer_takes_its_time():
    async def scenario() -> None:
        lab = Lab()
        await lab.generate("gpt-image-2")
        assert 5 <= lab.clock.now - START <= 60

    run(scenario)


def test_a_picture_is_where_the_answer_says_and_always_the_same():
    async def scenario() -> None:
        lab = Lab()
        created = await lab.generate("gpt-image-2", n=2, size="1536x1024", output_format="webp", output_compression=40)
        urls = [row["url"] for row in created.json()["data"]]
        assert all(url.startswith(f"{BASE}/pictures/img_") and url.endswith(".webp") for url in urls)
        answers = [await shown(lab, url) for url in (*urls, urls[0])]
        assert [answer.headers["Content-Type"] for answer in answers] == ["image/webp"] * 3
        assert int(answers[0].headers["Content-Length"]) == len(answers[0].content)
        assert opened(answers[0].content).size == (1536, 1024)
        assert answers[0].content == answers[2].content != answers[1].content

    run(scenario)


def test_a_seed_gives_the_same_picture_again_and_none_gives_another():
    async def scenario() -> None:
        lab = Lab()

        async def bytes_of(**fields: Any) -> bytes:
            created = await lab.generate("z-image", size="512x512", **fields)
            return (await shown(lab, created.json()["data"][0]["url"])).content

        assert await bytes_of(seed=7) == await bytes_of(seed=7)
        assert len({await bytes_of(seed=8), await bytes_of(seed=9), await bytes_of(), await bytes_of()}) == 4

    run(scenario)


def test_base64_is_the_picture_itself():
    async def scenario() -> None:
        created = await Lab().generate("dall-e-2", size="256x256", response_format="b64_json")
        assert opened(base64.b64decode(created.json()["data"][0]["b64_json"])).size == (256, 256)

    run(scenario)


def test_prompts_are_revised_where_asked_or_by_habit():
    async def scenario() -> None:
        lab = Lab()
        plain = await lab.generate("qwen-image")
        asked = await lab.generate("qwen-image", expand_prompt=True)
        habit = await lab.generate("nano-banana-2")
        assert "revised_prompt" not in plain.json()["data"][0]
        for answer in (asked, habit):
            assert answer.json()["data"][0]["revised_prompt"].startswith("a red fox")

    run(scenario)


def test_unknown_picture_names_are_404():
    async def scenario() -> None:
        lab = Lab()
        url = (await lab.generate("z-image")).json()["data"][0]["url"]
        task = (await lab.generate("nano-banana-pro")).json()["id"]
        names = [url.replace("-0.png", "-1.png"), f"{BASE}/pictures/x.png", f"{BASE}/pictures/{task}-0.png"]
        for name in [*names, f"{BASE}/samples/nothing.jpg"]:
            assert (await shown(lab, name)).status_code == 404

    run(scenario)


def test_six_samples_are_served():
    async def scenario() -> None:
        lab = Lab()
        rows = (await lab.client().get("/samples")).json()["data"]
        assert [row["name"] for row in rows] == list(SAMPLES)
        for row in rows:
            answer = await shown(lab, row["url"])
            assert answer.headers["Content-Type"] in ("image/jpeg", "image/png")
            assert opened(answer.content).width > 200

    run(scenario)


def test_painting_and_large_bodies_leave_the_event_loop_free():
    async def scenario() -> None:
        lab = Lab()
        loop = asyncio.get_running_loop()
        gaps: list[float] = []

        async def watch() -> None:
            while True:
                before = loop.time()
                await asyncio.sleep(0.001)
                gaps.append(loop.time() - before)

        watching = asyncio.create_task(watch())
        await lab.generate("seedream-5.0", size="2048x2048", n=2, response_format="b64_json")
        watching.cancel()
        assert len(gaps) > 20  # the loop kept turning while megabytes were painted and encoded

    run(scenario)


def test_more_pictures_than_are_kept_are_painted_again():
    async def scenario() -> None:
        lab = Lab()
        created = [await lab.generate("dall-e-2", size="256x256", n=10) for _ in range(2)]
        urls = [row["url"] for answer in created for row in answer.json()["data"]]
        first = [(await shown(lab, url)).content for url in urls]
        assert [(await shown(lab, url)).content for url in urls] == first
        assert len(set(first)) == 20

    run(scenario)
