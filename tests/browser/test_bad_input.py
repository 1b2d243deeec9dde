"""What services get wrong and people mistype: one clear message where the user looks, and the other jobs go on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY
from tests.browser.harness import Notebook
from tests.browser.test_pictures import PAINTED
from tests.browser.test_studio import control, opened, run_button, studio, write


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong with the job whose prompt is its name."""

    do: str
    title: str
    told: str
    remedy: str
    path: str = "/v1/images"
    kind: str = "failed"
    request_id: bool = True


CASES = {
    "wrong key": Case("invalid_api_key", "The key was not accepted", "Invalid API key", "TOKENLAB_API_KEY"),
    "no money": Case("insufficient_balance", "Not enough money", "Insufficient balance", "Top up the account"),
    "429 for good": Case("rate_limited", "Too many requests", "Rate limit exceeded", "Wait a little"),
    "503 for good": Case("all_channels_failed", "The service failed", "All channels failed", "Try again later"),
    "not JSON": Case("not_json", "The answer was lost", "not JSON", "Look in the dashboard", kind="unknown"),
    "corrupt picture": Case(
        "corrupt_picture",
        "The picture cannot be used",
        "damaged",
        "job.fetch_again()",
        path="/pictures",
        request_id=False,
    ),
    "200 MB picture": Case(
        "huge_picture", "The picture cannot be used", "200,000,000", "smaller size", path="/pictures", request_id=False
    ),
}

FAULTS = "\n".join(f"    Fault({case.do!r}, path={case.path!r}, prompt={name!r})," for name, case in CASES.items())
STUDIO = f"{HASTY}\nsession = session_with(\n{FAULTS}\n)\nstudio = tl.Studio(session, models=['gpt-image-2'])\nstudio"


def tile(nb: Notebook, place: int) -> Locator:
    return studio(nb).locator(".tlnb-tile").nth(place)


def ask(nb: Notebook, prompt: str) -> Locator:
    """Run this prompt as a person would; return the new tile."""
    there = studio(nb).locator(".tlnb-tile").count()
    write(nb, prompt)
    run_button(nb).click()
    tile(nb, there).wait_for()
    return tile(nb, there)


def test_each_bad_answer_is_told_once_in_its_tile_and_the_others_go_on(lab):
    nb = opened(lab, STUDIO, height=1400)
    tiles = {name: ask(nb, name) for name in CASES}
    ask(nb, "a red fox")
    nb.wait_for(PAINTED, 1)
    for name, case in CASES.items():
        told_once(tiles[name], case)
        expect(tiles[name].get_by_role("button", name="Fetch again")).to_have_count(int(case.path == "/pictures"))
    expect(studio(nb).locator(".tlnb-alert:visible")).to_have_count(0)
    failed = sum(case.kind == "failed" for case in CASES.values())
    expect(studio(nb).locator(".tlnb-counts")).to_have_text(f"1 done, {failed} failed, 1 unknown")
    nb.shot("bad-answers")


def told_once(shown: Locator, case: Case) -> None:
    """The tile holds one message: what happened, what to do, and the id to quote."""
    expect(shown).to_have_attribute("data-kind", case.kind)
    message = shown.locator(".tlnb-trouble:visible")
    expect(message).to_have_count(1)
    text = message.inner_text()
    for part in (case.title, case.told, case.remedy):
        assert part in text, text
    assert text.count(case.told) == 1, text
    assert bool(re.search(r"Request id\s*\S{6,}\s*Copy", text)) is case.request_id, text


def test_a_value_outside_the_contract_is_told_beside_its_control_and_nothing_is_sent(lab):
    nb = opened(lab, STUDIO)
    size = control(nb, "Size").first
    size.get_by_role("combobox").fill("1000x1000")
    write(nb, "a red fox")
    run_button(nb).click()
    objection = studio(nb).locator(".tlnb-objection:visible").filter(has_text=re.compile(r"\S"))
    expect(objection).to_have_count(1)
    expect(size.locator(".tlnb-objection")).to_contain_text("not a multiple of 16. Use 992x992, say.")
    expect(studio(nb).locator(".tlnb-alert:visible")).to_have_text("Nothing was sent. See beside what it is about.")
    expect(studio(nb).locator(".tlnb-tile")).to_have_count(0)
    nb.shot("outside-the-contract")
    size.get_by_role("combobox").fill("992x992")
    size.get_by_role("combobox").blur()
    ask(nb, "a red fox")
    nb.wait_for(PAINTED, 1)
    expect(objection).to_have_count(0)
    expect(studio(nb).locator(".tlnb-alert:visible")).to_have_count(0)


def test_an_unknown_model_is_told_in_the_cell_with_a_near_one(lab):
    cell = "session.submit(model='flux-pro', prompt='a red fox')"
    nb = lab.open_cells(
        [f"{HASTY}\nsession = session_with()", cell, "session.generate(model='flux-2-pro', prompt='fox')"]
    )
    for index in range(3):
        nb.run(index)
    told = r"ValidationError: There is no model 'flux-pro'\. Did you mean flux-2-pro\? \(request id req_\w+\)"
    assert re.fullmatch(told, nb.text(1))
    expect(nb.cell(1).get_by_text("Did you mean flux-2-pro?").first).to_be_visible()
    assert "ImageResult" in nb.text(2)
