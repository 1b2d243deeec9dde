"""Tasks from create to picture, and what survives a restart."""

from __future__ import annotations

from pathlib import Path

from .harness import Lab, error, picture, run, shown


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
