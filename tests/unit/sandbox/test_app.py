"""The application: keys, headers, creates of every kind, pictures, files, faults, and what survives a restart."""

from __future__ import annotations

import asyncio
import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tokenlab_nb.sandbox.app import ConnectionDropped
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.painter import SAMPLES

from .harness import BASE, EDITS, GENERATIONS, START, VARIATIONS, Lab, error, picture, run


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


async def shown(lab: Lab, url: str) -> httpx.Response:
    """A picture as a client without a key gets it."""
    return await lab.client().get(url)


def masked(width: int = 64, height: int = 48) -> bytes:
    """A mask whose left half may change."""
    mask = Image.new("RGBA", (width, height), "white")
    mask.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


# --- Keys -----------------------------------------------------------------------------------------------------------


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


# --- Answers --------------------------------------------------------------------------------------------------------


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


# --- Tasks ----------------------------------------------------------------------------------------------------------


def test_a_task_runs_from_create_to_picture():
    async def scenario() -> None:
        lab = Lab()
        created = await lab.generate("grok-imagine-image")
        first = created.json()
        assert first["status"] == "pending"
        assert first["data"] == [{"url": "", "revised_prompt": "a red fox"}]
        assert created.headers["X-Task-ID"] == first["id"] == first["task_id"]
        assert first["poll_url"] == f"/v1/tasks/{first['id']}"
        seen = []
        while not seen or seen[-1]["status"] not in ("completed", "failed"):
            lab.clock.tick(0.5)
            seen.append(await lab.poll(first["id"]))
        assert list(dict.fromkeys(state["status"] for state in seen)) == ["pending", "processing", "completed"]
        told = [state["progress"] for state in seen if "progress" in state]
        assert told == sorted(told)
        assert told[-1] == 100
        assert "billing_transaction_id" not in seen[-1]
        again = await lab.http.get(first["poll_url"])
        assert again.json()["billing_transaction_id"] == again.headers["X-Billing-Transaction-ID"]
        assert (await shown(lab, again.json()["data"][0]["url"])).headers["Content-Type"] == "image/jpeg"

    run(scenario)


def test_async_is_the_requests_choice_where_the_contract_lists_it():
    async def scenario() -> None:
        lab = Lab()
        asked = await lab.generate("gpt-image-2", response_format="b64_json", **{"async": True})
        assert asked.json()["status"] == "pending"
        assert (await lab.finished(asked))["data"][0]["url"].endswith(".png")
        assert "status" not in (await lab.generate("gpt-image-2", **{"async": False})).json()
        assert error(await lab.generate("z-image", **{"async": True}))["code"] == "unsupported_parameter"

    run(scenario)


def test_other_task_shapes():
    async def scenario() -> None:
        lab = Lab()
        at_once = await lab.generate("flux-kontext-pro", **{"async": True})
        assert (at_once.json()["status"], len(at_once.json()["data"])) == ("completed", 1)
        assert "poll_url" not in (await lab.generate("flux-2-pro", **{"async": True})).json()
        single = await lab.finished(await lab.generate("nano-banana-pro"))
        assert (await shown(lab, single["image_url"])).status_code == 200

    run(scenario)


def test_a_failed_task_says_why_and_has_no_pictures():
    async def scenario() -> None:
        lab = Lab()
        failed = await lab.finished(await lab.generate("ideogram-v3", "a forbidden thing"))
        assert (failed["status"], failed["error"], failed["data"]) == ("failed", "Content policy violation", [])
        assert "billing_transaction_id" not in await lab.poll(failed["id"])

    run(scenario)


# --- References -----------------------------------------------------------------------------------------------------


def test_an_edit_keeps_the_sources_size_and_changes_only_under_the_mask():
    async def scenario() -> None:
        lab = Lab()
        source = picture(64, 48)
        files = {"image": ("a.png", source), "mask": ("m.png", masked())}
        created = await lab.http.post(EDITS, data={"model": "gpt-image-2", "prompt": "a storm"}, files=files)
        result = opened((await shown(lab, created.json()["data"][0]["url"])).content).convert("RGB")
        before = opened(source).convert("RGB")
        assert result.size == before.size
        right = (32, 0, 64, 48)
        assert result.crop(right).tobytes() == before.crop(right).tobytes()
        assert result.tobytes() != before.tobytes()

    run(scenario)


def test_own_samples_and_results_are_read_as_references():
    async def scenario() -> None:
        lab = Lab()
        first = (await lab.generate("gpt-image-2", size="1536x1024")).json()["data"][0]["url"]
        edited = await lab.edit("gpt-image-2", image_url=first)
        assert opened((await shown(lab, edited.json()["data"][0]["url"])).content).size == (1536, 1024)
        urls = [f"{BASE}/samples/fox.jpg", first]
        assert (await lab.generate("nano-banana-2", image_urls=urls)).status_code == 200

    run(scenario)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://example.com/a.png", "image_fetch_failed"),
        ("http://127.0.0.1:9998/samples/fox.jpg", "invalid_image_url"),
        (f"{BASE}/v1/models", "invalid_image_url"),
        (f"{BASE}/samples/nothing.jpg", "invalid_image_url"),
        ("data:image/png;base64,AAAA", "invalid_image_url"),
    ],
)
def test_other_references_are_refused_by_name(url: str, code: str):
    async def scenario() -> None:
        answer = await Lab().generate("nano-banana-2", image_urls=[f"{BASE}/samples/fox.jpg", url])
        assert (error(answer)["param"], error(answer)["code"]) == ("image_urls[1]", code)

    run(scenario)


def test_files_that_are_no_pictures_are_refused():
    async def scenario() -> None:
        lab = Lab()
        for data in (b"GIF89a", picture()[:60]):
            answer = await lab.http.post(
                GENERATIONS, data={"model": "nano-banana-2", "prompt": "x"}, files={"image": ("a.png", data)}
            )
            assert (error(answer)["param"], error(answer)["code"]) == ("image", "invalid_image")

    run(scenario)


@pytest.mark.parametrize(
    ("mask", "param"),
    [
        (picture(32, 32), "mask"),
        (picture(64, 48), "mask"),
        (picture(64, 48, "jpeg"), "mask"),
    ],
)
def test_masks_that_do_not_fit_are_refused(mask: bytes, param: str):
    async def scenario() -> None:
        files = {"image": ("a.png", picture(64, 48)), "mask": ("m.png", mask)}
        answer = await Lab().http.post(EDITS, data={"model": "gpt-image-2", "prompt": "x"}, files=files)
        assert (error(answer)["param"], error(answer)["code"]) == (param, "invalid_mask")

    run(scenario)


def test_a_json_mask_may_be_a_data_url():
    async def scenario() -> None:
        lab = Lab()
        source = (await lab.generate("dall-e-2", size="256x256")).json()["data"][0]["url"]
        encoded = base64.b64encode(masked(256, 256)).decode()
        for head, status in (("image/png;base64,", 200), ("image/png,", 400), ("image/png;base64,!", 400)):
            answer = await lab.edit("gpt-image-2", image_url=source, mask={"image_url": f"data:{head}{encoded}"})
            assert answer.status_code == status

    run(scenario)


def test_variations_of_a_legacy_model():
    async def scenario() -> None:
        lab = Lab()
        form = {"model": "dall-e-2", "n": "2", "size": "512x512"}
        created = await lab.http.post(VARIATIONS, data=form, files={"image": ("a.png", picture(100, 100))})
        rows = created.json()["data"]
        assert [opened((await shown(lab, row["url"])).content).size for row in rows] == [(512, 512)] * 2
        assert lab.world.accepted == {"variations": 1}

    run(scenario)


def test_the_background_remover_cuts_out():
    async def scenario() -> None:
        lab = Lab()
        created = await lab.edit("image-background-remover")
        assert opened((await shown(lab, created.json()["data"][0]["url"])).content).mode == "RGBA"

    run(scenario)


# --- Files ----------------------------------------------------------------------------------------------------------


def test_a_file_id_is_bound_to_its_model_and_its_key():
    async def scenario() -> None:
        lab = Lab()
        form, file = {"purpose": "vision"}, {"file": ("a.png", picture(64, 48))}
        stored = (await lab.http.post("/v1/files", data=form, files=file)).json()
        images = [{"file_id": stored["id"]}]
        assert (await lab.edit("gpt-image-2", image_url=None, images=images)).status_code == 200
        refused = await lab.edit("flux-2-pro", image_url=None, images=images)
        assert error(refused)["code"] == "file_model_mismatch"
        lab.http.headers["Authorization"] = "Bearer sk-two"
        refused = await lab.edit("gpt-image-2", image_url=None, images=images)
        assert (error(refused)["param"], error(refused)["code"]) == ("images[0].file_id", "file_not_found")

    run(scenario)


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "vision", "model": "flux-pro"}, "model"),
        ({"purpose": "vision", "model": "qwen-image"}, "model"),
    ],
)
def test_uploads_that_fit_nothing_are_refused(form: dict[str, str], param: str):
    async def scenario() -> None:
        answer = await Lab().http.post("/v1/files", data=form, files={"file": ("a.png", picture())})
        assert error(answer)["param"] == param

    run(scenario)


def test_uploads_need_a_file_of_at_most_50_megabytes():
    async def scenario() -> None:
        lab = Lab()
        assert error(await lab.http.post("/v1/files", json={"purpose": "vision"}))["param"] == "file"
        big = await lab.http.post("/v1/files", data={"purpose": "batch"}, files={"file": ("a", bytes(50_000_001))})
        assert (big.status_code, error(big)["code"]) == (413, "payload_too_large")

    run(scenario)


def test_a_batch_file_is_kept_as_it_is():
    async def scenario() -> None:
        lab = Lab()
        stored = await lab.http.post("/v1/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", b"{}")})
        content = await lab.http.get(f"/v1/files/{stored.json()['id']}/content")
        assert (content.text, content.headers["Content-Type"].partition(";")[0]) == ("{}", "text/plain")
        refused = await lab.edit("gpt-image-2", image_url=None, images=[{"file_id": stored.json()["id"]}])
        assert error(refused)["code"] == "file_model_mismatch"

    run(scenario)


def test_the_file_list_pages_newest_first():
    async def scenario() -> None:
        lab = Lab()
        for name in ("a", "b", "c"):
            purpose = "batch" if name == "a" else "user_data"
            await lab.http.post("/v1/files", data={"purpose": purpose}, files={"file": (name, picture())})
        page = (await lab.http.get("/v1/files?limit=2")).json()
        assert ([row["filename"] for row in page["data"]], page["has_more"]) == (["c", "b"], True)
        rest = (await lab.http.get(f"/v1/files?after={page['last_id']}")).json()
        assert ([row["filename"] for row in rest["data"]], rest["has_more"]) == (["a"], False)
        assert len((await lab.http.get("/v1/files?purpose=batch")).json()["data"]) == 1
        assert error(await lab.http.get("/v1/files?limit=0"))["param"] == "limit"

    run(scenario)


def test_a_body_over_the_limit_is_413(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tokenlab_nb.sandbox.app.MAX_BODY", 1000)

    async def scenario() -> None:
        answer = await Lab().generate("z-image", "x" * 2000)
        assert answer.status_code == 413

    run(scenario)


# --- Restart --------------------------------------------------------------------------------------------------------


def test_tasks_pictures_and_files_survive_a_restart(tmp_path: Path):
    async def scenario() -> None:
        lab = Lab(state_dir=tmp_path)
        form, file = {"purpose": "vision"}, {"file": ("a.png", picture(64, 48))}
        stored = (await lab.http.post("/v1/files", data=form, files=file)).json()["id"]
        gone = (await lab.http.post("/v1/files", data=form, files=file)).json()["id"]
        await lab.http.delete(f"/v1/files/{gone}")
        images = [{"file_id": stored}]
        task = (await lab.edit("gpt-image-2", image_url=None, images=images, **{"async": True})).json()["id"]
        inline = (await lab.edit("gpt-image-2", image_url=None, images=images)).json()["data"][0]["url"]
        first = (await shown(lab, inline)).content
        (tmp_path / "records" / "cut.json").write_text('{"id": ')

        later = Lab(state_dir=tmp_path)
        assert (await later.poll(task))["status"] == "pending"
        later.clock.tick(100)
        done = await later.poll(task)
        assert (await shown(later, done["data"][0]["url"])).status_code == 200
        assert (await shown(later, inline)).content == first
        assert (await later.http.get(f"/v1/files/{stored}/content")).content == picture(64, 48)
        assert (await later.http.get(f"/v1/files/{gone}")).status_code == 404

    run(scenario)


# --- Faults ---------------------------------------------------------------------------------------------------------


def test_a_dropped_connection_before_and_after_the_work():
    async def scenario() -> None:
        lab = Lab(Fault("drop", times=1, path=GENERATIONS), Fault("drop", after=True, path=GENERATIONS, times=1))
        for accepted in (0, 1):
            with pytest.raises(ConnectionDropped):
                await lab.generate("nano-banana-pro")
            assert lab.world.accepted["generations"] == accepted
        assert lab.world.received["generations"] == 2
        assert len(lab.world.records) == 1

    run(scenario)


def test_scripted_answers_and_delays():
    async def scenario() -> None:
        teapot = Fault("answer", status=418, body="short and stout", headers={"X-Pot": "tea"}, prompt="pot", after=True)
        slow = Fault("delay", seconds=1000, prompt="slow")
        late = Fault("delay", seconds=1000, prompt="late", after=True)
        lab = Lab(Fault("rate_limited", prompt="busy"), Fault("bad_gateway_html", prompt="html"), teapot, slow, late)
        busy = await lab.generate("z-image", "a busy street")
        assert (busy.status_code, busy.headers["Retry-After"], error(busy)["retry_after"]) == (429, "2", 8)
        assert busy.json()["request_id"]
        gateway = await lab.generate("z-image", "html")
        assert (gateway.status_code, gateway.headers["Content-Type"]) == (502, "text/html")
        pot = await lab.generate("z-image", "a pot")
        assert (pot.status_code, pot.text, pot.headers["X-Pot"]) == (418, "short and stout", "tea")
        assert lab.world.accepted["generations"] == 1
        await lab.generate("z-image", "slow and late")
        assert lab.clock.now - START > 2000

    run(scenario)


def test_scripted_body_that_is_a_list():
    async def scenario() -> None:
        assert (await Lab(Fault("answer", status=200, body=[1])).generate("z-image")).json() == [1]

    run(scenario)


def test_unreadable_answers_come_after_the_work():
    async def scenario() -> None:
        kinds = ("not_json", "truncated_json", "unreadable_200")
        lab = Lab(*(Fault(kind, prompt=kind) for kind in kinds))
        for kind in kinds:
            answer = await lab.generate("z-image", kind)
            assert answer.status_code == 200
            with pytest.raises(json.JSONDecodeError):
                answer.json()
        assert lab.world.accepted["generations"] == 3

    run(scenario)


def test_tasks_that_vanish_or_end_without_a_picture():
    async def scenario() -> None:
        lab = Lab(
            Fault("task_vanishes", path="/v1/tasks", prompt="gone"),
            Fault("completed_without_url", path="/v1/tasks", prompt="empty"),
            Fault("foreign_poll_url", path=GENERATIONS, prompt="foreign"),
            Fault("private_picture_host", path="/v1/tasks", model="ideogram-v3", operation="text-to-image"),
        )
        gone = (await lab.generate("ideogram-v3", "gone")).json()["id"]
        assert error(await lab.http.get(f"/v1/tasks/{gone}"))["code"] == "async_task_not_found"
        assert (await lab.finished(await lab.generate("grok-imagine-image", "empty")))["data"] == [{"url": ""}]
        foreign = await lab.generate("ideogram-v3", "foreign")
        assert foreign.json()["poll_url"].startswith("https://collector.example/")
        assert (await lab.finished(foreign))["data"][0]["url"].startswith("http://10.0.0.1/pictures/")

    run(scenario)


def test_bad_pictures():
    async def scenario() -> None:
        lab = Lab(
            Fault("corrupt_picture", path="/pictures", prompt="corrupt"),
            Fault("wrong_content_type", path="/pictures", prompt="typed"),
            Fault("huge_picture", path="/pictures", prompt="huge"),
        )

        async def fetched(prompt: str) -> httpx.Response:
            created = await lab.generate("z-image", prompt, size="512x512")
            return await shown(lab, created.json()["data"][0]["url"])

        with pytest.raises(OSError, match="image"):
            opened((await fetched("corrupt")).content).load()
        assert (await fetched("typed")).headers["Content-Type"].startswith("text/html")
        huge = await fetched("huge")
        assert huge.headers["Content-Length"] == "200000000"
        assert len(huge.content) == 200_000_000

    run(scenario)


def test_operations_are_matched_even_where_the_request_does_not_name_them():
    async def scenario() -> None:
        lab = Lab(Fault("timeout_504", operation="image-edit"), Fault("no_channel", operation="image-to-image"))
        assert (await lab.edit("gpt-image-2")).status_code == 504
        assert (await lab.generate("nano-banana-2", image_url=f"{BASE}/samples/fox.jpg")).status_code == 503
        assert (await lab.generate("gpt-image-2")).status_code == 200
        assert (await lab.generate("openai/gpt-image-2", operation="image-edit")).status_code == 504

    run(scenario)


# --- The loop -------------------------------------------------------------------------------------------------------


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
