"""Text from the service and from people is text wherever it is shown: markup in it runs nothing."""

from __future__ import annotations

from playwright.sync_api import expect

MARKUP = """<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>"""

SERVICE = f"""
import httpx
import tokenlab_nb as tl

EVIL = {MARKUP!r}
EVIL_ID = "evil-" + EVIL
CONTRACT = {{"public_operations": ["text-to-image"], "supported_parameters": ["model", "prompt", "quality", EVIL],
            "request_endpoint": "/v1/images/generations", "notes": [EVIL],
            "operation_constraints": {{"text-to-image": {{"allowed_values": {{"quality": [EVIL, "high"]}}}}}}}}
MODEL = {{"id": EVIL_ID, "object": "model", "created": 1, "owned_by": EVIL,
         "tokenlab": {{"category": "image", "pricing_unit": EVIL, "request_format_details": CONTRACT}}}}

def answer(request):
    if request.method == "POST":
        error = {{"message": EVIL, "type": "invalid_request_error", "param": EVIL, "code": EVIL, "hint": EVIL}}
        return httpx.Response(400, json={{"error": error}}, headers={{"X-Request-ID": "req_" + EVIL}})
    if request.url.path == "/v1/models":
        return httpx.Response(200, json={{"object": "list", "data": [MODEL]}})
    return httpx.Response(200, json=MODEL)

transport = httpx.MockTransport(answer)
session = tl.connect(api_key="sk-test", base_url="http://127.0.0.1:9", transport=transport, data_dir="evil")
"""


def test_markup_runs_nothing_in_any_widget(front_end):
    show = [
        "model = session.model(EVIL_ID)\ntl.ModelPicker(session.models(), value=[EVIL_ID])",
        "tl.ParameterControls({EVIL_ID: model.contract.operations['text-to-image']})",
        "job = session.submit(model=EVIL_ID, prompt=EVIL)\nview = tl.JobView(job)\nview",
        "tl.Gallery([job], title=EVIL)",
    ]
    nb = front_end.open_cells([SERVICE, *show])
    nb.run_all()
    assert "Error" not in "".join(nb.text(index) for index in range(5))
    expect(nb.page.locator(".tlnb-trouble:visible").first).to_contain_text("<img src=x")
    expect(nb.page.locator(".tlnb-picker-id").first).to_contain_text("<script>")
    assert nb.page.evaluate("() => window.attacked") is None
    nb.shot("hostile")
    nb.save()
    nb.reload()
    for index in range(5):
        nb.cell(index)
    assert nb.page.evaluate("() => window.attacked") is None


def test_a_hostile_prompt_on_a_real_picture_runs_nothing(lab):
    code = f"""
import tokenlab_nb as tl
session = tl.connect(data_dir="state")
image, = session.generate(model=session.models(operation="text-to-image")[0].id, prompt={MARKUP!r})
display(image)
gallery = tl.Gallery(session.jobs)
gallery
"""
    nb = lab.open_cells([code])
    nb.run_all()
    expect(nb.page.locator(".tlnb-tile").first).to_be_visible()
    assert nb.page.evaluate("() => window.attacked") is None
    assert nb.page.locator("img[src='x']").count() == 0
