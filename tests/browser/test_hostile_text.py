"""Text from the service and from people is text wherever it is shown: markup in it runs nothing."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.harness import Notebook
from tests.browser.test_pictures import pictures
from tests.browser.test_studio import run_button, studio

MARKUP = """<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>"""
SHORT = "<img src=x onerror=attacked=1>"
"""Short enough to become a radio button."""

SERVICE = f"""
import io
import httpx
import tokenlab_nb as tl
from PIL import Image

EVIL, SHORT = {MARKUP!r}, {SHORT!r}
EVIL_ID = "evil-" + EVIL
PLAIN_LISTS = {{"operation": "text-to-image", "allowed_aspect_ratios": [EVIL, "1:1"], "allowed_resolutions": [SHORT]}}
CONTRACT = {{"public_operations": ["text-to-image"], "operation_constraints": [PLAIN_LISTS], "notes": [EVIL],
            "supported_parameters": ["model", "prompt", "aspect_ratio", "resolution", "quality", EVIL],
            "request_endpoint": "/v1/images/generations"}}
MODEL = {{"id": EVIL_ID, "object": "model", "created": 1, "owned_by": EVIL,
         "tokenlab": {{"category": "image", "pricing_unit": EVIL, "request_format_details": CONTRACT}}}}
ORIGIN = "http://127.0.0.1:9"
REQUEST_ID = {{"X-Request-ID": "req_" + EVIL}}
PICTURE = io.BytesIO()
Image.new("RGB", (64, 64), "teal").save(PICTURE, "PNG")

def answer(request):
    if request.method == "POST" and b"refuse" in request.content:
        error = {{"message": EVIL, "type": "invalid_request_error", "param": EVIL, "code": EVIL, "hint": EVIL}}
        return httpx.Response(400, json={{"error": error}}, headers=REQUEST_ID)
    if request.method == "POST":
        data = [{{"url": ORIGIN + "/a.png", "revised_prompt": EVIL}}]
        return httpx.Response(200, json={{"created": 1, "data": data}}, headers=REQUEST_ID)
    if request.url.path == "/a.png":
        return httpx.Response(200, content=PICTURE.getvalue(), headers={{"Content-Type": "image/png"}})
    if request.url.path == "/v1/models":
        return httpx.Response(200, json={{"object": "list", "data": [MODEL]}})
    return httpx.Response(200, json=MODEL)

session = tl.connect(api_key="sk-test", base_url=ORIGIN, transport=httpx.MockTransport(answer), data_dir="evil")
"""


def harmless(nb: Notebook) -> None:
    """Nothing of the markup was run, or became an element."""
    assert nb.page.evaluate("() => window.attacked") is None
    assert nb.page.locator("img[src='x']").count() == 0


def test_markup_runs_nothing_in_any_widget(front_end):
    show = [
        "model = session.model(EVIL_ID)\ntl.ModelPicker(session.models(), value=[EVIL_ID])",
        "tl.ParameterControls({EVIL_ID: model.contract.operations['text-to-image']})",
        "job = session.submit(model=EVIL_ID, prompt='refuse ' + EVIL)\nview = tl.JobView(job)\nview",
        "tl.Gallery([job], title=EVIL)",
    ]
    nb = front_end.open_cells([SERVICE, *show])
    nb.run_all()
    assert "Error" not in "".join(nb.text(index) for index in range(5))
    expect(nb.page.locator(".tlnb-trouble:visible").first).to_contain_text("<img src=x")
    expect(nb.page.locator(".tlnb-picker-id").first).to_contain_text("<script>")
    controls = nb.cell(2).locator(".tlnb-controls")
    expect(controls.locator("option", has_text=MARKUP)).to_have_count(1)
    expect(controls.get_by_role("radio", name=SHORT)).to_have_count(1)
    expect(controls.get_by_text(MARKUP).first).to_be_attached()
    harmless(nb)
    nb.shot("hostile")
    nb.save()
    nb.reload()
    for index in range(5):
        nb.cell(index)
    harmless(nb)


def test_markup_in_everything_a_picture_carries_is_shown_as_it_is(lab):
    nb = lab.open_cells(
        [SERVICE + "tl.Studio(session, models=[EVIL_ID], prompt=EVIL)", "display(*session.jobs[0].images)"]
    )
    nb.run(0)
    expect(run_button(nb)).to_be_enabled()
    expect(studio(nb).locator(".tlnb-controls option", has_text=MARKUP)).to_have_count(1)
    studio(nb).locator(".tlnb-controls select").first.select_option(label=MARKUP)
    run_button(nb).click()
    pictures(nb, 1)
    tile = studio(nb).locator(".tlnb-tile")
    expect(tile.locator("img")).to_have_attribute("alt", MARKUP)
    expect(tile.locator(".tlnb-model")).to_have_text("evil-" + MARKUP)
    tile.locator(".tlnb-main").click()
    facts = studio(nb).locator(".tlnb-lightbox dd")
    for text in ("evil-" + MARKUP, MARKUP, "req_" + MARKUP):
        expect(facts.get_by_text(text, exact=True).first).to_be_visible()
    expect(studio(nb).locator(".tlnb-lightbox img")).to_have_attribute("alt", MARKUP)
    with nb.page.expect_download() as saved:
        studio(nb).locator(".tlnb-lightbox").get_by_role("button", name="Download").click()
    assert re.fullmatch(r"[\w.-]+\.png", saved.value.suggested_filename)
    nb.page.keyboard.press("Escape")
    nb.run(1)
    harmless(nb)
    twin_is_text(nb)


def twin_is_text(nb: Notebook) -> None:
    """The frozen twin, in the page and in the file, shows the markup as text."""
    expect(nb.page.locator("[class*='tlnb-twin-']").first).to_contain_text("evil-" + MARKUP)
    nb.shot("hostile-studio")
    html = "".join("".join(out.data.get("text/html", "")) for out in nb.save().cells[0].outputs if "data" in out)
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    assert "<script" not in html
