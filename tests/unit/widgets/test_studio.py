"""The Studio as Python sees it, against the sandbox; the browser tests look at it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

import tokenlab_nb as tl
from tokenlab_nb import opening
from tokenlab_nb.widgets._bridge import bridge

DEADLINE = 20.0


def until(condition: Callable[[], object]) -> None:
    """Let the bridge work until the condition holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        bridge().flush(0.05)


@pytest.fixture
def studio(sandbox_session: tl.Session) -> Iterator[tl.Studio]:
    made = tl.Studio(sandbox_session, models=["gpt-image-2"], prompt="A red fox in deep snow")
    until(lambda: not made.button.disabled)
    yield made
    made.close()


def choose(studio: tl.Studio, *models: str) -> None:
    studio.picker.value = list(models)
    until(lambda: studio.button.description.startswith(f"Run {len(models)} "))


def test_it_offers_all_image_models(studio):
    offered = {model.id for model in studio.picker.models}
    assert {"gpt-image-2", "nano-banana-2", "ideogram-edit-v3"} <= offered


def test_without_a_wish_the_first_recommendation_is_chosen(sandbox_session):
    studio = tl.Studio(sandbox_session)
    until(lambda: not studio.button.disabled)
    first = next(model for model in studio.picker.models if "text-to-image" in model.contract.operations)
    assert studio.picker.value == [first.id]
    studio.close()


def test_controls_follow_the_chosen_models_and_values_are_carried(studio):
    studio.controls.set_values({"quality": "high", "n": 2})
    choose(studio, "gpt-image-2", "nano-banana-2")
    assert studio.values == {"quality": "high", "n": 2}
    choose(studio, "nano-banana-2")
    assert studio.values == {"n": 2}
    assert studio.button.description == "Run 1 request"


def test_run_starts_one_job_for_each_chosen_model_with_what_it_takes(studio):
    choose(studio, "gpt-image-2", "nano-banana-2")
    studio.controls.set_values({"aspect_ratio": "16:9"})
    jobs = {job.request.model: job for job in studio.run()}
    assert "aspect_ratio" not in jobs["gpt-image-2"].request.values
    assert jobs["nano-banana-2"].request.values["aspect_ratio"] == "16:9"
    for job in jobs.values():
        assert len(job.wait(DEADLINE)) == 1
    assert studio.jobs == list(jobs.values())
    assert {image.sha256 for image in studio.gallery.images} == {job.images[0].sha256 for job in jobs.values()}


def test_the_button_runs(studio):
    studio.button.click()
    assert len(studio.jobs) == 1
    studio.jobs[0].wait(DEADLINE)


@pytest.mark.parametrize(("prompt", "said"), [("", "empty"), ("x" * 40_000, "40,000 characters")])
def test_a_bad_prompt_is_told_below_it_and_nothing_is_sent(studio, prompt, said):
    studio.prompt.value = prompt
    studio.button.click()
    assert said in studio.count.value
    assert studio.jobs == []
    studio.prompt.value = "A red fox"
    assert studio.count.value.startswith("9 / ")


def test_no_chosen_model_is_told_in_the_bar(studio):
    studio.picker.value = []
    studio.button.disabled = False
    studio.button.click()
    assert "No model is chosen" in studio.header.error


def test_running_the_cell_again_keeps_the_results(studio, sandbox_session):
    (job,) = studio.run()
    job.wait(DEADLINE)
    studio.close()
    again = tl.Studio(sandbox_session)
    assert [image.sha256 for image in again.gallery.images] == [job.images[0].sha256]
    again.close()


def test_closing_frees_every_widget_and_leaves_the_session_open(studio, sandbox_session):
    parts = [studio, studio.header, studio.picker, studio.controls, studio.gallery, studio.prompt, studio.button]
    studio.close()
    assert [part for part in parts if part.comm is not None] == []
    assert not sandbox_session.is_closed


def test_a_service_that_cannot_be_reached_is_told_and_can_be_asked_again(tmp_path):
    down = True

    def answer(request: httpx.Request) -> httpx.Response:
        if down:
            raise httpx.ConnectError("no route", request=request)
        item = {"id": "m", "object": "model", "tokenlab": {"category": "image", "supported_operations": []}}
        return httpx.Response(200, json={"data": [item]} if request.url.path == "/v1/models" else item)

    transport = httpx.MockTransport(answer)
    with tl.connect(base_url="http://127.0.0.1:1", api_key="sk-x", data_dir=tmp_path, transport=transport) as session:
        studio = tl.Studio(session)
        until(lambda: studio.header.error)
        assert "did not reach" in studio.header.error
        assert studio.retry.layout.display is None
        down = False
        studio.retry.click()
        until(lambda: not studio.button.disabled)
        assert studio.header.error == ""
        studio.close()


def test_the_bar_says_where_pictures_come_from(sandbox_session, tmp_path):
    studio = tl.Studio(sandbox_session)
    assert (studio.header.sandbox, "nothing is billed" in studio.header.place) == (True, True)
    studio.close()
    with tl.connect(api_key="sk-canary-key", base_url="http://127.0.0.1:1", data_dir=tmp_path) as session:
        live = tl.Studio(session)
        assert live.header.place == "http://127.0.0.1:1: every picture is paid for"
        assert "canary" not in repr(live) + str(live.header.get_state())
        live.close()


def test_widgets_share_one_session_until_the_settings_change(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "one"))
    first = opening.shared_session()
    assert opening.shared_session() is first
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "two"))
    second = opening.shared_session()
    assert second is not first
    first.close()
    second.close()


def service(tmp_path, answer: Callable[[httpx.Request], httpx.Response]) -> tl.Session:
    return tl.connect(
        base_url="http://127.0.0.1:1", api_key="sk-x", data_dir=tmp_path, transport=httpx.MockTransport(answer)
    )


def item(name: str, *operations: str) -> dict[str, object]:
    extension = {"category": "image", "supported_operations": list(operations)}
    return {"id": name, "object": "model", "tokenlab": extension}


def test_run_waits_for_the_contract_and_a_failed_one_can_be_asked_for_again(tmp_path):
    down = True

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [item("m", "text-to-image")]})
        return (
            httpx.Response(503, json={"error": {"message": "later", "type": "server_error"}})
            if down
            else (
                httpx.Response(200, json=item("m-of-today", "text-to-image"))  # the id was an alias
            )
        )

    with service(tmp_path, answer) as session:
        studio = tl.Studio(session, prompt="A fox")
        until(lambda: studio.header.error)
        assert studio.button.disabled
        with pytest.raises(tl.errors.ValidationError, match="not here yet"):
            studio.run()
        down = False
        studio.retry.click()
        until(lambda: not studio.button.disabled)
        assert (studio.header.error, studio.retry.layout.display) == ("", "none")
        assert studio.picker.value == ["m"]
        studio.close()


def test_a_model_whose_contract_turns_out_to_need_a_picture_goes_on_from_pictures(tmp_path):
    def answer(request: httpx.Request) -> httpx.Response:
        listed = request.url.path == "/v1/models"
        return httpx.Response(200, json={"data": [item("m", "text-to-image")]} if listed else item("m", "image-edit"))

    with service(tmp_path, answer) as session:
        studio = tl.Studio(session)
        until(lambda: studio.inputs.bar.value == "change")
        assert "m makes no picture from a prompt alone" in studio.inputs.bar.note
        studio.close()


def test_its_state_is_told_as_code_in_three_languages(studio):
    choose(studio, "gpt-image-2", "nano-banana-2")
    studio.prompt.value = "It's a fox"
    until(lambda: "It's a fox" in studio.code_line.code)
    line = studio.code_line
    assert (studio.code, studio.curl, studio.openai) == (line.code, line.curl, line.openai)
    assert line.code.count("session.submit(") == line.curl.count("--data-raw") == line.openai.count("answer = ") == 2
    assert studio.jobs == []
