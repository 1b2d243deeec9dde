"""The contract's body -> operations: which route, which fields, which values, and who says so."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from tests.unit.contract.models import E, G, V, contract, model, operation
from tokenlab_nb.contract.model import LimitSource
from tokenlab_nb.contract.params import HEADER_FIELDS, documented
from tokenlab_nb.contract.parse import parse

MADE, AS_MADE = ["text-to-image"], {"text-to-image": G}


def routes(body: object, **more: Any) -> dict[str, str]:
    return {name: found.endpoint for name, found in model(body, **more).contract.operations.items()}


@pytest.mark.parametrize(
    ("body", "stated", "expected"),
    [
        ({"public_operations": ["text-to-image"]}, ["image-edit"], {"text-to-image": G}),
        ({"public_operations": []}, ["image-edit"], {"image-edit": E}),
        (None, [*MADE, "image-to-image", "image-edit"], {"text-to-image": G, "image-to-image": G, "image-edit": E}),
        ({"request_endpoint_by_operation": {"image-edit": E}}, [*MADE, "image-edit"], {**AS_MADE, "image-edit": E}),
        ({"request_endpoint_by_operation": {"image-edit": "/v1/own/edits"}}, None, {"image-edit": "/v1/own/edits"}),
        ({"request_endpoint_by_operation": {"image-edit": None}, "request_endpoint": G}, None, {"image-edit": G}),
        (
            {"operation_constraints": [{"operation": "image-edit", "request_endpoint": "/x"}]},
            None,
            {"image-edit": "/x"},
        ),
        ({"operation_constraints": [{"operation": "image-edit"}], "request_endpoint": G}, None, {"image-edit": G}),
        ({"request_endpoint": G}, None, {"text-to-image": G}),
        ({"request_endpoint": E}, None, {"image-edit": E}),
        ({"request_endpoint": V}, None, {"image-variation": V}),
        ({"request_endpoint": "/v1/other"}, None, {}),
        (None, None, {"text-to-image": G}),
        ({"public_operations": ["upscale"]}, None, {"upscale": G}),
    ],
)
def test_names_and_routes(body: object, stated: list[str] | None, expected: dict[str, str]) -> None:
    more = {} if stated is None else {"supported_operations": stated}
    assert routes(body, **more) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"public_operations": ["text-to-image"], "request_endpoint_by_operation": {"variation": V}},
        {
            "public_operations": ["text-to-image", "image-to-image"],
            "request_endpoint_by_operation": {"image-to-image": V},
        },
        {"public_operations": ["text-to-image", "image-variation"]},
    ],
)
def test_whatever_uses_the_variations_route_is_called_image_variation(body: dict[str, Any]) -> None:
    assert routes(body) == {"text-to-image": G, "image-variation": V}


@pytest.mark.parametrize("category", ["video", "chat"])
def test_a_model_of_another_category_gets_no_image_route_that_it_does_not_name(category: str) -> None:
    assert routes(None, category=category, supported_operations=["chat", "text-to-video"]) == {}
    assert routes({"request_endpoint": "/v1/videos"}, category=category, supported_operations=["x"]) == {
        "x": "/v1/videos"
    }


@pytest.mark.parametrize(
    "route",
    [
        "https://evil.example.net/v1/x",
        "//evil.example.net/x",
        "/v1/images/../../admin",
        "/..",
        "v1/images/generations",
        "/v1/x?y=1",
        "/v1//x",
        "/",
        "/a b",
    ],
)
def test_a_route_that_is_no_path_of_ours_is_reported_and_not_used(route: str) -> None:
    for body in (
        {"public_operations": ["image-edit"], "request_endpoint": route},
        {"public_operations": ["image-edit"], "request_endpoint_by_operation": {"image-edit": route}},
        {"operation_constraints": [{"operation": "image-edit", "request_endpoint": route}]},
    ):
        found = model(body)
        assert found.contract.operations["image-edit"].endpoint == E
        assert [issue for issue in found.issues if "below the API" in issue.message]


def test_an_operation_s_own_constraint_stands_over_the_contract_s_general_words() -> None:
    both = model(contract()).contract.operations
    made, edit = both["text-to-image"], both["image-edit"]
    assert made.params["resolution"].choices == ("1k", "2k")
    assert edit.params["resolution"].choices == ("2k",)
    assert (made.params["aspect_ratio"].required, made.params["resolution"].required) == (True, False)
    assert (edit.params["aspect_ratio"].required, edit.params["resolution"].required) == (False, True)
    assert (made.shape_mode, edit.shape_mode, edit.status_mode) == ("json_or_multipart", "json_url", "task")
    assert (made.documented_inputs, edit.documented_inputs) == (("prompt",), ("images",))
    assert (made.notes, edit.notes) == ((), ("Edits are slow.",))
    assert made.takes_mask
    assert edit.takes_mask
    assert "image_url" not in edit.params
    assert "n" not in edit.params


def test_an_operation_that_requires_nothing_is_not_given_the_general_requirements() -> None:
    body = {
        "required_selectors": ["aspect_ratio"],
        "operation_constraints": [
            {"operation": "text-to-image", "required_selectors": []},
            {"operation": "image-edit"},
        ],
    }
    both = model(body).contract.operations
    assert not both["text-to-image"].params["aspect_ratio"].required
    assert both["image-edit"].params["aspect_ratio"].required


def test_a_silent_contract_offers_every_documented_field_unconfirmed_but_its_selectors() -> None:
    silent = operation(optional_selectors=["resolution", "tempo"])
    assert not silent.confirmed
    assert set(silent.params) == {param.name for param in documented(G)} | {"tempo"}
    assert {name for name, param in silent.params.items() if param.confirmed} == {"resolution", "tempo"}


def test_a_listed_field_that_nobody_documents_is_a_free_json_field() -> None:
    new = operation("text-to-image", "prompt", "tempo").params["tempo"]
    assert (new.kind, new.role, new.confirmed, new.limits_from) == ("json", "option", True, LimitSource.NOBODY)


def test_only_what_is_listed_is_offered_with_the_header_and_the_obvious() -> None:
    assert set(operation("text-to-image", "model", "n").params) == {"prompt", "n"} | HEADER_FIELDS
    for name, route in (("image-edit", E), ("image-to-image", G)):
        found = operation(name, "n", "operation")
        references = {param.name for param in documented(route) if param.role == "reference"}
        assert set(found.params) == {"prompt", "n", "operation"} | references | HEADER_FIELDS
    assert set(operation("image-variation", "n").params) == {"image", "n"} | HEADER_FIELDS


def test_options_come_in_the_order_of_the_controls_and_hold_neither_prompt_nor_pictures() -> None:
    names = [
        param.name
        for param in operation("text-to-image", "zeta", "user", "n", "size", "image_url", "prompt", "alpha").options
    ]
    assert names == ["size", "n", "delivery_policy", "user", "alpha", "zeta"]


@pytest.mark.parametrize(
    ("name", "takes", "needs"),
    [
        ("text-to-image", False, False),
        ("image-to-image", True, True),
        ("image-edit", True, True),
        ("image-variation", True, True),
        ("upscale", True, False),
    ],
)
def test_who_takes_and_who_needs_pictures(name: str, takes: bool, needs: bool) -> None:
    found = operation(name, "prompt")
    assert (found.takes_references, found.needs_references) == (takes, needs)


@pytest.mark.parametrize(
    ("limits", "endpoint", "length", "source"),
    [
        ({"prompt_max_characters": 800}, G, 800, LimitSource.CONTRACT),
        ({"prompt_max_characters": 800}, E, 800, LimitSource.CONTRACT),
        (None, G, 4000, LimitSource.DOCUMENTATION),
        (None, E, None, LimitSource.NOBODY),
        ({"prompt_max_characters": 0}, G, 4000, LimitSource.DOCUMENTATION),
    ],
)
def test_the_prompt_s_length(limits: object, endpoint: str, length: int | None, source: LimitSource) -> None:
    prompt = operation("own", "prompt", endpoint=endpoint, service_limits=limits).params["prompt"]
    assert (prompt.max_length, prompt.limits_from, prompt.required) == (length, source, True)


def test_a_prompt_for_variations_is_welcome_and_not_required() -> None:
    assert not operation("image-variation", "prompt", "image").params["prompt"].required


# ------------------------------------------------------------------------------------- documented.json


def test_the_prose_gives_size_quality_background_and_references_to_the_model_it_names() -> None:
    found = operation("image-edit", "prompt", "size", "quality", "background", model_id="gpt-image-2")
    size, quality, background = (found.params[name] for name in ("size", "quality", "background"))
    assert size.size_rule is not None
    assert size.size_rule.describe() == (
        "auto, or WIDTHxHEIGHT: both multiples of 16, longest edge at most 3840, long/short at most 3:1, "
        "655,360 to 8,294,400 pixels"
    )
    assert "3840x2160" in size.suggestions
    assert (quality.kind, quality.choices) == ("choice", ("auto", "low", "medium", "high"))
    assert background.choices == ("auto", "opaque")
    assert {param.limits_from for param in (size, quality, background)} == {LimitSource.DOCUMENTATION}
    assert found.max_references == 16


@pytest.mark.parametrize("suffix", ["", "-quality", "-pro"])
def test_grok_s_edits_take_three_sources(suffix: str) -> None:
    assert operation("image-edit", "prompt", model_id=f"grok-imagine-image{suffix}").max_references == 3
    assert operation("text-to-image", "prompt", model_id=f"grok-imagine-image{suffix}").max_references is None


def test_no_other_model_inherits_the_prose_by_its_name() -> None:
    for model_id in ("gpt-image-2.5-flare", "gpt-image", "GPT-IMAGE-2"):
        assert operation("text-to-image", "size", model_id=model_id).params["size"].size_rule is None


def test_the_live_contract_wins_over_the_prose(monkeypatch: pytest.MonkeyPatch) -> None:
    prose = {"m": {"params": {"resolution": {"choices": ["8k"]}, "output_format": {"choices": ["webp"]}}}}
    monkeypatch.setattr("tokenlab_nb.contract.operations._prose", lambda: prose)
    body = {"supported_parameters": ["resolution", "output_format"], "resolutions": ["1k"], "output_formats": ["png"]}
    params = model(body, model_id="m").contract.operations["text-to-image"].params
    assert (params["resolution"].choices, params["resolution"].limits_from) == (("1k",), LimitSource.CONTRACT)
    assert (params["output_format"].choices, params["output_format"].limits_from) == (("png",), LimitSource.CONTRACT)
    silent = model({"supported_parameters": ["resolution"]}, model_id="m").contract.operations["text-to-image"].params
    assert silent["resolution"].choices == ("8k",)


def test_the_prose_s_suggestions_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tokenlab_nb.contract.operations._prose", lambda: {"m": {"params": {"size": {"suggestions": ["64x64"]}}}}
    )
    size = operation("text-to-image", "size", model_id="m").params["size"]
    assert (size.suggestions, size.choices, size.size_rule) == (("64x64",), (), None)
    monkeypatch.setattr("tokenlab_nb.contract.operations._prose", lambda: {"m": {"params": {"size": {"rule": None}}}})
    assert operation("text-to-image", "size", model_id="m").params["size"].size_rule is None


def test_every_entry_of_the_prose_says_where_it_stands_and_since_when() -> None:
    data = json.loads(files("tokenlab_nb.contract").joinpath("documented.json").read_text(encoding="utf-8"))
    for entry in data["models"].values():
        assert entry["source"].startswith("docs.tokenlab.sh")
        assert len(entry["date"]) == len("2026-07-24")


# ------------------------------------------------------------------------------------ the sandbox's own


def test_the_sandbox_s_models_are_read_without_complaint_and_offer_what_they_say() -> None:
    listing = pytest.importorskip("tokenlab_nb.sandbox.listing")
    catalog = pytest.importorskip("tokenlab_nb.sandbox.catalog").load_catalog()
    for entry in catalog.entries:
        found = parse(listing.model_detail(entry))
        assert (found.id, found.issues) == (entry.id, ())
        assert found.detailed
        if entry.category != "image":
            assert not found.contract.operations
            continue
        assert tuple(found.contract.operations) == entry.operations
        for name, made in found.contract.operations.items():
            stated = entry.constraint(name)
            assert made.endpoint == (entry.endpoint(name) if entry.contract else G)
            assert made.confirmed == bool(stated["supported_parameters"])
            assert set(stated["supported_parameters"]) <= set(made.params)
            for selector in stated["required_selectors"]:
                assert made.params[selector].required
    for query in (
        {},
        {"recommended_for": "image"},
        {"view": "compact"},
        {"view": "compact", "recommended_for": "image"},
    ):
        rows = listing.model_list(catalog, query, 1_790_000_000.0)["data"]
        for row in rows:
            found = parse(row)
            assert (found.id, found.issues, found.detailed) == (row["id"], (), False)
            entry = catalog.find(found.id)
            if entry.category == "image":
                assert set(found.contract.operations) <= set(entry.operations)
                assert found.contract.operations
