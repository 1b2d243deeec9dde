"""What a refusal says -> repairs. Error bodies are read as answers of the service are."""

import json
from pathlib import Path

import pytest

from tests.unit.contract.models import model as make_model
from tokenlab_nb import errors
from tokenlab_nb.api.faults import read_error
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.repair import Repair, adapted, can_be_mended, mend, repairs, shortfall
from tokenlab_nb.contract.request import ImageRequest, build
from tokenlab_nb.errors import Facts, from_record

SAMPLES = Path(__file__).parents[2] / "samples"
G = "/v1/images/generations"


def asked(operation="text-to-image", *, references=(), mask=None, policy=None, **values):
    values = {"prompt": "A red fox", **values}
    return ImageRequest("image-model", operation, G, values, references=references, mask=mask, delivery_policy=policy)


def refused(status=400, **error):
    """The error that an answer of the service becomes."""
    body = {"error": {"message": "No.", "type": "invalid_request_error", **error}}
    return read_error("POST /v1", status, {}, json.dumps(body).encode())


def sample(name):
    status = Path(name).stem
    return read_error("POST /v1", int(status), {}, (SAMPLES / f"{name}.json").read_bytes())


def found(request, error, model=None):
    return [(each.label, dict(each.changes)) for each in repairs(request, error, model)]


@pytest.mark.parametrize(
    ("asked_for", "error", "expected"),
    [
        pytest.param(
            {"aspect_ratio": "7:5"},
            {"param": "aspect_ratio", "allowed_aspect_ratios": ["1:1", "3:2"]},
            [("Use 3:2 instead", {"aspect_ratio": "3:2"}), ("Leave aspect_ratio out", {"aspect_ratio": None})],
            id="the nearest of the allowed ones",
        ),
        pytest.param(
            {"resolution": "8k"},
            {"param": "resolution", "allowed_resolutions": ["1k", "2k"]},
            [("Use 1k instead", {"resolution": "1k"}), ("Leave resolution out", {"resolution": None})],
            id="the first where none is near",
        ),
        pytest.param(
            {"resolution": "8k"},
            {
                "param": "resolution",
                "allowed_resolutions": ["1k", "2k"],
                "recommended_request": {"model": "image-model", "prompt": "Yours", "resolution": "2k", "n": 1},
            },
            [
                ("Use 2k instead", {"resolution": "2k"}),
                ("Leave resolution out", {"resolution": None}),
                ("Use what the service recommends", {"resolution": "2k", "n": 1}),
            ],
            id="what is recommended before the first",
        ),
        pytest.param(
            {"size": "1000x1000"},
            {"param": "size", "did_you_mean": "1024x1024"},
            [("Use 1024x1024 instead", {"size": "1024x1024"}), ("Leave size out", {"size": None})],
            id="what is meant",
        ),
        pytest.param(
            {"n": 12},
            {"param": "n", "recommended_request": {"n": 4}},
            [("Use n = 4 instead", {"n": 4}), ("Leave n out", {"n": None})],
            id="a number has its name",
        ),
        pytest.param(
            {},
            {"param": "aspect_ratio", "allowed_aspect_ratios": ["1:1", "3:2"]},
            [("Set aspect_ratio to 1:1", {"aspect_ratio": "1:1"})],
            id="what is missing",
        ),
        pytest.param(
            {"style": "vivid", "seed": 7, "size": "1024x1024"},
            {"param": "style", "supported_parameters": ["prompt", "size"]},
            [("Leave style and seed out", {"style": None, "seed": None})],
            id="all that is not supported, at once",
        ),
        pytest.param(
            {"ratio": "1:1"},
            {"param": "ratio", "did_you_mean": "aspect_ratio", "supported_parameters": ["prompt", "aspect_ratio"]},
            [
                ("Send it as aspect_ratio", {"ratio": None, "aspect_ratio": "1:1"}),
                ("Leave ratio out", {"ratio": None}),
            ],
            id="another name",
        ),
        pytest.param(
            {"ratio": "1:1", "aspect_ratio": "3:2"},
            {"param": "ratio", "did_you_mean": "aspect_ratio", "supported_parameters": ["prompt", "aspect_ratio"]},
            [("Leave ratio out", {"ratio": None})],
            id="another name that is taken",
        ),
        pytest.param(
            {"quality": "ultra" * 20},
            {"param": "quality", "did_you_mean": "high" * 20},
            [
                ("Use highhighhighhighhighhighhighhighhighh... instead", {"quality": "high" * 20}),
                ("Leave quality out", {"quality": None}),
            ],
            id="a long value is cut in the label",
        ),
        pytest.param({"seed": 1}, {"param": "seed"}, [("Leave seed out", {"seed": None})], id="nothing but its name"),
        pytest.param({"size": "1x1"}, {"param": "prompt", "code": "prompt_too_long"}, [], id="the prompt"),
        pytest.param({}, {"param": "image_urls", "code": "too_many_images"}, [], id="pictures"),
        pytest.param({"seed": 1}, {}, [], id="nothing named"),
        pytest.param({"seed": 1}, {"param": "seed", "allowed_seeds": "7", "recommended_request": "x"},
                     [("Leave seed out", {"seed": None})], id="details of another shape"),
    ],
)  # fmt: skip
def test_a_refusal_names_its_repairs(asked_for, error, expected):
    assert found(asked(**asked_for), refused(**error)) == expected


def test_reasons_say_who_says_so():
    listed = refused(param="resolution", allowed_resolutions=[f"{n}k" for n in range(1, 12)])
    assert repairs(asked(resolution="99k"), listed)[0].why == "Taken are 1k, 2k, 3k, 4k, 5k, 6k, 7k, 8k and more."
    recommended = refused(param="size", recommended_request={"size": "1024x1024", "n": 2})
    first, out, whole = repairs(asked(size="1x1"), recommended)
    assert first.why == "The service recommends it."
    assert out.why == "Then the service decides."
    assert whole.why == "That is size 1024x1024 and n 2."
    unsupported = refused(param="style", supported_parameters=["prompt"])
    assert repairs(asked(style="vivid"), unsupported)[0].why == "image-model does not take style here."


def test_the_documented_samples_are_understood():
    ratio = asked(resolution="8k", aspect_ratio="1:1")
    assert found(ratio, sample("generations/resolution_not_allowed/400"))[0] == (
        "Use 1k instead",
        {"resolution": "1k"},
    )
    fidelity = asked(input_fidelity="high")
    assert found(fidelity, sample("generations/unsupported_parameter/400")) == [
        ("Leave input_fidelity out", {"input_fidelity": None})
    ]
    names = [each.model for each in repairs(asked(), sample("generations/model_not_found/400"))]
    assert names == ["flux-2-pro", "flux-kontext-pro"]
    assert [each.model for each in repairs(asked(), sample("generations/all_channels_failed/503"))] == ["nano-banana-2"]
    assert repairs(asked(), sample("edits/too_many_images/400")) == ()
    assert repairs(asked(), sample("generations/insufficient_balance/402")) == ()


def test_an_error_out_of_the_ledger_says_the_same():
    error = refused(param="aspect_ratio", allowed_aspect_ratios=["1:1", "3:2"])
    again = from_record(json.loads(json.dumps(error.to_record())))
    assert repairs(asked(aspect_ratio="7:5"), again) == repairs(asked(aspect_ratio="7:5"), error)


def test_an_issue_of_our_own_suggests_a_value():
    issues = [Issue("response_format", "Not with a task.", suggestion="url"), Issue("prompt", "Empty.", suggestion="x")]
    error = errors.ValidationError("No.", issues=issues)
    request = asked(response_format="b64_json", **{"async": True})
    assert found(request, error) == [
        ("Use url instead", {"response_format": "url"}),
        ("Leave response_format out", {"response_format": None}),
    ]


def test_the_contract_is_asked_where_the_refusal_lists_nothing():
    model = make_model({"public_operations": ["text-to-image"], "supported_parameters": ["prompt", "n", "quality"]})
    assert found(asked(n=12), refused(param="n"), model)[0] == ("Use n = 10 instead", {"n": 10})
    assert found(asked(n=2), refused(param="n"), model) == [("Leave n out", {"n": None})]
    assert found(asked(seed=2), refused(param="seed"), model) == [("Leave seed out", {"seed": None})]
    assert found(asked("image-edit", n=12), refused(param="n"), model) == [("Leave n out", {"n": None})]


@pytest.mark.parametrize(
    "error",
    [
        errors.AuthenticationError("No.", facts=Facts(status=401, did_you_mean="x", param="model")),
        errors.InsufficientBalanceError("No.", facts=Facts(status=402, suggestions=("cheaper",))),
        errors.RateLimitError("No.", facts=Facts(suggestions=("x",))),
        errors.TransportError("No."),
        errors.UnknownOutcomeError("Lost.", facts=Facts(suggestions=("x",))),
        errors.JobFailedError("No.", facts=Facts(suggestions=("x",), param="n")),
        refused(code="content_policy_violation", param="size", did_you_mean="1024x1024"),
        refused(type="moderation_blocked", suggestions=[{"id": "other"}]),
        refused(message="Your prompt was refused by the safety system.", param="model", did_you_mean="other"),
    ],
)
def test_some_refusals_no_other_request_mends(error):
    assert not can_be_mended(error)
    assert repairs(asked(n=2), error) == ()


def test_no_error_needs_no_repair():
    assert not can_be_mended(None)
    assert can_be_mended(refused(param="moderation", code="invalid_value", type="invalid_request_error"))


def test_a_delivery_that_is_not_to_be_had_is_left_to_the_service():
    error = sample("generations/delivery_tier_unavailable/503")
    (only,) = repairs(asked(policy="official", n=2), error)
    assert (only.label, only.changes) == ("Leave the delivery to the service", {"delivery_policy": None})
    assert "official" in only.why
    assert repairs(asked(), error) == ()


def test_a_failing_service_is_not_the_fault_of_a_field():
    assert repairs(asked(n=2), refused(500, param="n", did_you_mean="m")) == ()


@pytest.mark.parametrize("error", [{"param": "operation"}, {"code": "unsupported_operation"}])
def test_another_operation_does_the_same_or_is_the_one_that_is_recommended(error):
    offered = ["text-to-image", "image-edit"]
    refusal = refused(**error, supported_operations=offered, recommended_request={"operation": "text-to-image"})
    names = [each.operation for each in repairs(asked("image-to-image"), refusal)]
    assert names == ["text-to-image", "image-edit"]
    assert repairs(asked("image-to-image"), refusal)[0].why == "It offers text-to-image and image-edit."


def test_the_operations_of_the_contract_count_where_none_are_named():
    model = make_model({"public_operations": ["image-edit"]})
    refusal = refused(param="operation")
    assert [each.operation for each in repairs(asked("image-to-image"), refusal, model)] == ["image-edit"]
    assert repairs(asked("image-to-image"), refusal) == ()
    assert repairs(asked("image-edit"), refusal, model) == ()


def test_a_retired_model_has_its_replacement_first():
    old = make_model({}, lifecycle={"stage": "retired", "replacement_model": "new-model"})
    error = refused(
        404, code="model_not_found", did_you_mean="near-model", suggestions=[{"id": "new-model"}, {"id": "image-model"}]
    )
    ways = repairs(asked(), error, old)
    assert [each.model for each in ways] == ["new-model", "near-model"]
    assert [each.why for each in ways] == ["It replaces image-model.", "The service suggests it."]
    assert [each.label for each in ways] == ["Use new-model instead", "Use near-model instead"]


def test_a_model_that_a_key_may_not_use_has_others():
    error = refused(403, code="model_not_allowed", suggestions=[{"id": "other"}])
    assert [each.model for each in repairs(asked(), error)] == ["other"]
    assert repairs(asked(), refused(403, code="task_not_owned", suggestions=[{"id": "other"}])) == ()


def test_what_is_recommended_may_be_another_model_and_operation():
    body = {"model": "other", "operation": "image-edit", "size": "1024x1024"}
    (only,) = repairs(asked(), refused(recommended_request=body))
    assert only == Repair(
        "Use what the service recommends", {"size": "1024x1024"}, "other", "image-edit", "That is size 1024x1024."
    )
    alias = refused(model="other", recommended_request={**body, "operation": 7})
    assert (repairs(asked(), alias)[0].model, repairs(asked(), alias)[0].operation) == (None, None)
    assert repairs(asked(size="1024x1024"), refused(recommended_request={"size": "1024x1024"})) == ()


def test_no_more_than_four_are_named_and_none_twice():
    names = [{"id": f"model-{n}"} for n in (1, 1, 2, 3, 4, 5)]
    ways = repairs(asked(), refused(404, param="model", suggestions=names))
    assert [each.model for each in ways] == ["model-1", "model-2", "model-3", "model-4"]


# ------------------------------------------------------------------------------------------- building

PLAIN = {"public_operations": ["text-to-image"], "supported_parameters": ["prompt", "n", "aspect_ratio", "quality"],
         "aspect_ratios": ["1:1", "3:2"]}  # fmt: skip


def test_a_repair_is_built_and_changes_nothing_else():
    model = make_model(PLAIN)
    request, _ = build(model, "text-to-image", {"prompt": "A fox", "n": 2, "delivery_policy": "verified"})
    mended, issues = mend(request, Repair("", {"aspect_ratio": "3:2", "n": None}), model)
    assert issues == ()
    assert mended.settings == {"prompt": "A fox", "aspect_ratio": "3:2", "delivery_policy": "verified"}
    assert mended.delivery_policy == "verified"
    assert mend(mended, Repair("", {"delivery_policy": None}), model)[0].delivery_policy is None


def test_a_repair_that_would_be_refused_builds_nothing():
    mended, issues = mend(asked(), Repair("", {"aspect_ratio": "9:9"}), make_model(PLAIN))
    assert mended is None
    assert issues[0].field == "aspect_ratio"


def test_what_was_null_stays_null():
    model = make_model({"public_operations": ["text-to-image"], "supported_parameters": ["prompt", "extra", "n"]})
    request = asked(extra=None, n=2)
    assert mend(request, Repair("", {"n": None}), model)[0].values == {"prompt": "A red fox", "extra": None}


def test_the_named_operation_changes_with_the_operation():
    model = make_model({"public_operations": ["image-edit", "image-to-image"],
                        "supported_parameters": ["prompt", "operation", "image_urls"]})  # fmt: skip
    picture = (Source(url="https://example.com/fox.png"),)
    request, _ = build(model, "image-edit", {"prompt": "A fox"}, references=picture)
    mended, _ = mend(request, Repair("", operation="image-to-image"), model)
    assert (request.values["operation"], mended.values["operation"]) == ("image-edit", "image-to-image")
    assert mended.references == picture


def test_another_model_gets_the_settings_in_its_own_words():
    other = make_model({**PLAIN, "supported_parameters": ["prompt", "aspect_ratio", "async"]}, model_id="other")
    request = asked(size="1024x1024", quality="high", policy="verified")
    whole = adapted(Repair("Use other instead", model="other", why="So."), request, other, prefer_tasks=True)
    assert whole.changes == {"size": None, "quality": None, "aspect_ratio": "1:1", "async": True}
    assert whole.operation is None
    assert (
        whole.why == "So. Said otherwise: size 1024x1024 -> aspect_ratio 1:1. Left out: quality (not taken by other)."
    )
    mended, _ = mend(request, whole, other)
    assert mended.values == {"prompt": "A red fox", "aspect_ratio": "1:1", "async": True}
    assert mended.delivery_policy == "verified"
    again = adapted(whole, request, other, prefer_tasks=True)
    assert (again.changes, again.operation) == (whole.changes, None)


def test_a_task_is_asked_for_as_the_other_model_has_it():
    takes = make_model({**PLAIN, "supported_parameters": ["prompt", "async"]}, model_id="other")
    lacks = make_model(PLAIN, model_id="other")
    repair = Repair("", model="other")
    assert adapted(repair, asked(**{"async": True}), takes).changes == {}
    assert adapted(repair, asked(**{"async": False}), takes, prefer_tasks=True).changes == {}
    assert adapted(repair, asked(**{"async": True}), lacks, prefer_tasks=True).changes == {"async": None}
    assert adapted(repair, asked(), takes).changes == {}


def test_another_model_has_its_own_operation_for_the_same_work():
    other = make_model({"public_operations": ["text-to-image", "image-edit"]}, model_id="other")
    picture = (Source(url="https://host/fox.png"),)
    repair = Repair("", model="other")
    assert adapted(repair, asked("image-to-image", references=picture), other).operation == "image-edit"
    assert adapted(repair, asked("image-variation", references=picture), other).operation == "image-edit"
    assert adapted(Repair("", model="other", operation="image-edit"), asked(), other).operation == "image-edit"


def test_a_model_without_any_operation_is_left_to_the_check():
    other = make_model({}, model_id="other", category="chat")
    repair = Repair("", model="other")
    assert adapted(repair, asked(), other) is repair
    assert mend(asked(), repair, other)[0] is None


# --------------------------------------------------------------------------------------------- money


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(balance_usd=0.12, estimated_cost_usd=0.35), "About $0.23 is missing."),
        (Facts(balance_usd=0.12), ""),
        (Facts(estimated_cost_usd=0.12), ""),
        (Facts(balance_usd=0.5, estimated_cost_usd=0.35), ""),
    ],
)
def test_what_is_missing_is_said_where_it_is_known(facts, said):
    assert shortfall(errors.InsufficientBalanceError("No.", facts=facts)) == said


def test_only_a_balance_falls_short():
    assert shortfall(errors.ServiceError("No.", facts=Facts(balance_usd=0.1, estimated_cost_usd=1.0))) == ""
    assert shortfall(None) == ""
