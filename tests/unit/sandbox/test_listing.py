"""The catalogue, and what the discovery routes make of it."""

from __future__ import annotations

import pytest

from tokenlab_nb.sandbox.catalog import load_catalog
from tokenlab_nb.sandbox.listing import model_detail, model_list, model_pricing, price_list
from tokenlab_nb.sandbox.refusals import Refusal, unknown_model

CATALOG = load_catalog()
REQUIRED = [
    "gpt-image-2",
    "nano-banana-2",
    "nano-banana-pro",
    "nano-banana-edit",
    "grok-imagine-image",
    "flux-2-pro",
    "seedream-5.0",
    "qwen-image",
    "ideogram-edit-v3",
]


def ids(**query: str) -> list[str]:
    return [row["id"] for row in model_list(CATALOG, query, 0.0)["data"]]


def test_the_models_that_others_rely_on_are_there():
    assert set(REQUIRED) <= set(ids(category="image"))
    assert CATALOG.find("flux-pro") is None
    assert CATALOG.near("flux-pro")[0] == "flux-2-pro"
    edits_only = CATALOG.find("ideogram-edit-v3")
    assert edits_only is not None
    assert edits_only.endpoint("image-edit") == "/v1/images/edits"
    legacy = CATALOG.find("dall-e-2")
    assert legacy is not None
    assert legacy.endpoint("image-variation") == "/v1/images/variations"


def test_the_models_differ_as_real_ones_do():
    images = [entry for entry in CATALOG.listed if entry.category == "image"]
    assert len(images) >= 10
    assert {entry.behaviour.answers for entry in images} == {"inline", "task", "choice"}
    assert {entry.pricing_unit for entry in images} == {"per_token", "per_image", "per_request"}
    assert {entry.lifecycle["stage"] for entry in images} == {"active", "preview", "deprecated"}
    assert {entry.behaviour.pending for entry in images} == {"empty", "placeholder", "no_poll_url", "terminal"}
    assert any(entry.free for entry in images)
    assert any(entry.contract is None for entry in images)


def test_what_is_invented_says_so():
    for entry in CATALOG.entries:
        assert any(note.startswith("sandbox value: ") for note in entry.notes), entry.id


def test_operations_and_contracts_agree():
    for entry in CATALOG.entries:
        if entry.contract:
            assert tuple(entry.contract["public_operations"]) == entry.operations
            assert set(entry.contract_keys) <= {
                "request_format_details",
                "request_format_summary",
                "public_contract",
                "public_contract_summary",
            }


def test_details_use_every_key_name():
    seen = {key for entry in CATALOG.listed for key in entry.contract_keys}
    assert len(seen) == 4
    summary = model_detail(next(e for e in CATALOG.listed if e.contract_keys == ("request_format_summary",)))
    assert "notes" not in summary["tokenlab"]["request_format_summary"]
    full = model_detail(next(e for e in CATALOG.listed if e.contract_keys == ("public_contract",)))
    assert full["tokenlab"]["public_contract"]["notes"]
    bare = model_detail(next(e for e in CATALOG.listed if e.category == "image" and e.contract is None))
    assert bare["tokenlab"]["request_format_details"] is None
    assert bare["tokenlab"]["supported_operations"]


def test_recommendations_are_ordered_by_success_with_the_unscored_last():
    rows = model_list(CATALOG, {"recommended_for": "image"}, 1000.0)["data"]
    blocks = [row["tokenlab"]["agent_preferences"]["image"] for row in rows]
    rates = [block["success_rate_24h"] for block in blocks if block["status"] == "ready"]
    assert rates == sorted(rates, reverse=True)
    assert [block["preferred_rank"] for block in blocks[: len(rates)]] == list(range(1, len(rates) + 1))
    assert all(block["preferred_rank"] is None for block in blocks[len(rates) :])
    assert 0 < len(rates) < len(blocks)
    assert blocks[0]["updated_at"] == "1970-01-01T00:15:00Z"
    assert "text-to-image" in rows[0]["tokenlab"]["capabilities"]


def test_filters():
    assert ids(provider="xai") == ["grok-imagine-image"]
    assert ids(tag="chat") == ["sandbox-chat"]
    assert set(ids(category="image")) == set(ids(recommended_for="image", category="image"))
    assert len(ids()) > len(ids(category="image"))
    assert [row["model"] for row in price_list(CATALOG, {"provider": "xai"})["data"]] == ["grok-imagine-image"]


@pytest.mark.parametrize(
    "query",
    [
        {"category": "art"},
        {"recommended_for": "chat"},
        {"view": "wide"},
        {"category": "image", "recommended_for": "tts"},
    ],
)
def test_bad_queries_are_400(query: dict[str, str]):
    with pytest.raises(Refusal) as caught:
        model_list(CATALOG, query, 0.0)
    assert caught.value.body["error"]["param"] in query


def test_compact_rows():
    listed = model_list(CATALOG, {"view": "compact", "recommended_for": "image"}, 0.0)
    assert listed["count"] == len(listed["data"])
    first = listed["data"][0]
    assert first["recommendation"]["preferred_rank"] == 1
    assert first["pricing"]["currency"] == "USD"
    assert "recommendation" not in model_list(CATALOG, {"view": "compact"}, 0.0)["data"][0]


def test_an_unknown_price_is_absent_not_zero():
    dashboard = CATALOG.find("flux-2-pro")
    assert dashboard is not None
    assert model_pricing(dashboard)["scalar_pricing"] == {}


def test_the_pricing_route_says_what_the_model_says_and_where_it_is_from():
    flare, nano, legacy = (CATALOG.find(name) for name in ("gpt-image-2.5-flare", "nano-banana-2", "dall-e-2"))
    assert flare is not None
    assert nano is not None
    assert legacy is not None
    beside = model_pricing(flare)
    assert (beside["pricing_unit"], beside["pricing_summary"]["unit"]) == ("per_token", "per_image")
    assert set(beside["scalar_pricing"]) == {"input_per_1m", "output_per_1m"}
    assert beside["pricing_provenance"]["source"] == "sandbox"
    assert model_pricing(nano)["scalar_pricing"] == {"min_price": "0.0225", "max_price": "0.0755"}
    assert model_pricing(nano)["pricing_provenance"]["source"] == "documents"
    assert model_pricing(legacy)["pricing_provenance"]["source"] == "sandbox"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("flux-pro", "flux-2-pro"), ("dall-e-3", "gpt-image-2"), ("zzzzzz", None), ("GPT-Image-2", "gpt-image-2")],
)
def test_unknown_models_come_with_what_may_have_been_meant(name: str, meant: str | None):
    error = unknown_model(CATALOG, name, status=404).body["error"]
    assert (error["code"], error["param"], error.get("did_you_mean")) == ("model_not_found", "model", meant)
    assert error["hint"]
    assert [row["id"] for row in error["suggestions"]][:1] == ([meant] if meant else [])


def test_badges_tell_the_lifecycle_and_the_promotion():
    rows = {row["id"]: row["tokenlab"] for row in model_list(CATALOG, {}, 0.0)["data"]}
    assert [badge["key"] for badge in rows["dall-e-2"]["badges"]] == ["deprecated"]
    assert rows["dall-e-2"]["lifecycle"]["sunset_at"]
    assert [badge["key"] for badge in rows["z-image"]["badges"]] == ["free"]
    assert rows["z-image"]["badges"][0]["tooltip"]["values"] == {"value": rows["z-image"]["commercial"]["free_until"]}
