"""Scripted faults, as a client meets them."""

from __future__ import annotations

import json

import httpx
import pytest

from tokenlab_nb.sandbox.app import ConnectionDropped
from tokenlab_nb.sandbox.faults import Fault

from .harness import BASE, GENERATIONS, START, Lab, error, opened, run, shown


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


def test_faults_of_pictures_leave_other_answers_alone():
    async def scenario() -> None:
        lab = Lab(Fault("corrupt_picture"), Fault("foreign_poll_url"))
        assert (await lab.http.get("/v1/models")).json()["object"] == "list"

    run(scenario)
