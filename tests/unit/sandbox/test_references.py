"""References, masks and uploaded files."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image, ImageChops

from .harness import BASE, EDITS, GENERATIONS, VARIATIONS, Lab, error, masked, opened, picture, run, shown
from .likeness import likeness


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


def test_a_turned_photograph_keeps_the_size_that_people_see():
    async def scenario() -> None:
        lab = Lab()
        photograph = Image.new("RGB", (80, 40), "teal")
        exif = photograph.getexif()
        exif[0x0112] = 6  # turned by a quarter
        buffer = BytesIO()
        photograph.save(buffer, "JPEG", exif=exif)
        files = {"image": ("a.jpg", buffer.getvalue()), "mask": ("m.png", masked(40, 80))}
        created = await lab.http.post(EDITS, data={"model": "gpt-image-2", "prompt": "a storm"}, files=files)
        assert opened((await shown(lab, created.json()["data"][0]["url"])).content).size == (40, 80)

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


@pytest.mark.parametrize("way", ["address", "file_id", "data URL"])
def test_a_json_mask_by_every_way_changes_its_area_only(way: str):
    async def scenario() -> None:
        lab = Lab()
        source = picture(64, 64)
        form = {"purpose": "vision", "model": "gpt-image-2"}
        ids = [
            (await lab.http.post("/v1/files", data=form, files={"file": ("a.png", data)})).json()["id"]
            for data in (source, masked(64, 64))
        ]
        # A result of the sandbox is a picture at an address: the background remover makes one that is a mask.
        made = await lab.http.post(
            EDITS, data={"model": "image-background-remover", "prompt": "x"}, files={"image": source}
        )
        address = made.json()["data"][0]["url"]
        encoded = base64.b64encode(masked(64, 64)).decode()
        named = {
            "address": {"image_url": address},
            "file_id": {"file_id": ids[1]},
            "data URL": {"image_url": f"data:image/png;base64,{encoded}"},
        }
        edited = await lab.edit("gpt-image-2", image_url=None, images=[{"file_id": ids[0]}], mask=named[way])
        result = opened((await shown(lab, edited.json()["data"][0]["url"])).content).convert("RGB")
        cover = opened((await shown(lab, address)).content if way == "address" else masked(64, 64)).getchannel("A")
        change = ImageChops.difference(result, opened(source).convert("RGB"))
        assert change.getbbox() is not None
        change.paste(0, mask=cover.point(lambda alpha: 0 if alpha else 255))
        assert change.getbbox() is None

    run(scenario)


def test_a_fill_model_takes_picture_and_mask_by_address():
    async def scenario() -> None:
        lab = Lab()
        source = f"{BASE}/samples/teapot.png"
        cut = (await lab.edit("image-background-remover", image_url=source)).json()["data"][0]["url"]
        named = {"operation": "image-edit", "image_url": source}
        filled = await lab.generate("flux-pro-1.0-fill", mask_url=cut, **named)
        cover = opened((await shown(lab, cut)).content).getchannel("A")
        urls = (source, filled.json()["data"][0]["url"])
        before, after = [opened((await shown(lab, url)).content).convert("RGB") for url in urls]
        change = ImageChops.difference(after, before)
        assert change.getbbox() is not None
        change.paste(0, mask=cover.point(lambda alpha: 0 if alpha else 255))
        assert change.getbbox() is None
        refused = error(await lab.generate("flux-pro-1.0-fill", mask_url=f"{BASE}/samples/fox.jpg", **named))
        assert (refused["param"], refused["code"]) == ("mask_url", "invalid_mask")

    run(scenario)


@pytest.mark.parametrize("ending", ["deleted", "another model's"])
def test_a_file_that_is_gone_or_anothers_is_refused(ending: str):
    async def scenario() -> None:
        lab = Lab()
        model = "gpt-image-2" if ending == "deleted" else "flux-2-pro"
        form = {"purpose": "vision", "model": model}
        file_id = (await lab.http.post("/v1/files", data=form, files={"file": ("a.png", picture())})).json()["id"]
        content = await lab.http.get(f"/v1/files/{file_id}/content")
        assert (content.content, content.headers["Content-Type"]) == (picture(), "image/png")
        if ending == "deleted":
            assert (await lab.http.delete(f"/v1/files/{file_id}")).json()["deleted"] is True
            assert (await lab.http.get(f"/v1/files/{file_id}")).status_code == 404
        for fields in ({"images": [{"file_id": file_id}], "image_url": None}, {"mask": {"file_id": file_id}}):
            answer = await lab.edit("gpt-image-2", **fields)
            assert answer.status_code == 400
            assert error(answer)["code"] == ("file_not_found" if ending == "deleted" else "file_model_mismatch")

    run(scenario)


def test_fetched_pictures_of_one_request_count_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tokenlab_nb.sandbox.creates.MAX_FETCHED", 150_000)

    async def scenario() -> None:
        lab = Lab()
        address = f"{BASE}/samples/teapot.png"
        assert len((await shown(lab, address)).content) in range(75_000, 150_000)
        assert (await lab.generate("nano-banana-2", image_url=address)).status_code == 200
        answer = await lab.generate("nano-banana-2", image_urls=[address, address])
        assert (answer.status_code, error(answer)["param"]) == (413, "image_urls[1]")
        answer = await lab.generate("flux-pro-1.0-fill", operation="image-edit", image_url=address, mask_url=address)
        assert (answer.status_code, error(answer)["param"]) == (413, "mask_url")

    run(scenario)


def test_the_image_tools_keep_the_picture():
    async def scenario() -> None:
        lab = Lab()
        source = f"{BASE}/samples/mountains.jpg"
        before = opened((await shown(lab, source)).content)
        up = await lab.generate("image-upscaler", image_url=source, resolution="2k")
        frame = await lab.generate("ideogram-reframe-v3", image_url=source, aspect_ratio="9:16")
        large, tall = [opened((await shown(lab, each.json()["data"][0]["url"])).content) for each in (up, frame)]
        assert large.size == (2048, 1368)
        assert likeness(large, before) > 0.99
        assert tall.size == (576, 1024)
        share = tall.width * before.height / before.width / tall.height / 2
        assert likeness(tall, before, (0, 0.5 - share, 1, 0.5 + share)) > 0.98

    run(scenario)


def test_an_upscaler_never_makes_a_picture_smaller():
    async def scenario() -> None:
        lab = Lab()
        form = {"model": "image-upscaler", "prompt": "x", "resolution": "2k"}
        made = await lab.http.post(GENERATIONS, data=form, files={"image": ("a.png", picture(2200, 64))})
        assert opened((await shown(lab, made.json()["data"][0]["url"])).content).size == (2200, 64)

    run(scenario)


def test_the_file_list_knows_its_purposes():
    async def scenario() -> None:
        assert error(await Lab().http.get("/v1/files?purpose=fun"))["param"] == "purpose"
        assert (await Lab().http.get("/v1/files?purpose=batch_output")).json()["data"] == []

    run(scenario)
