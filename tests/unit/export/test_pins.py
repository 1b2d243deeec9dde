"""What is kept of a contract, and what is told when it has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.contract.models import E, G, contract, model
from tests.unit.export.notebooks import bundle, code, notebook
from tokenlab_nb.contract.model import Lifecycle, Model, Price, SizeRule
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.pins import KEY, MOST_BYTES, drift, pinned, read_pins, together

NOW = 1_795_000_000.0  # 18 Nov 2026
WORDS = "a prompt that nobody may see"
DELIVERY, DELIVERIES = "delivery_policy", ["auto", "verified", "official"]  # every model takes it
CHEAP = Price("per_image", 0.02, 0.04)


def request(operation: str = "text-to-image", **values: Any) -> ImageRequest:
    return ImageRequest("image-model", operation, G, {"prompt": WORDS, **values})


def made(price: Price = CHEAP, **changes: Any) -> Model:
    return replace(model({**contract(), **changes}), price=price)


def told(
    today: Model | None, *requests: ImageRequest, then: Model | None = None, **pin: Any
) -> list[tuple[str, str, str, bool]]:
    """What has changed since then, once as the twin keeps it: place, message, remedy, whether it is a note."""
    kept = json.loads(json.dumps({**pinned(then or made(), requests or [request(n=1)]), "at": "2026-11-01", **pin}))
    return [(each.place, each.message, each.remedy, each.note) for each in drift("image-model", kept, today, NOW)]


def test_a_pin_holds_what_was_used_and_no_words():
    pin = pinned(
        made(), [request(n=2, resolution="2k", user="me"), request(n=2), request("gone"), request("image-edit")]
    )
    assert pin == {
        "operations": {
            "image-edit": {
                "endpoint": E,
                "params": ["aspect_ratio", DELIVERY, "resolution"],
                "choices": {"aspect_ratio": ["1:1"], "resolution": ["2k"], DELIVERY: DELIVERIES},
            },
            "text-to-image": {
                "endpoint": G,
                "params": ["aspect_ratio", DELIVERY, "n", "output_format", "resolution"],
                "choices": {
                    "aspect_ratio": ["1:1", "16:9"],
                    "output_format": ["png", "jpeg"],
                    "resolution": ["1k", "2k"],
                    DELIVERY: DELIVERIES,
                },
                "used": {"n": [2], "resolution": ["2k"]},
            },
        },
        "price": "$0.02 - $0.04 an image",
        "unit": "per_image",
        "low": 0.02,
        "high": 0.04,
    }


def test_a_pin_keeps_until_when_a_model_was_promised():
    leaving = replace(made(Price()), lifecycle=Lifecycle(sunset_at="2027-01-01", replacement="next"))
    pin = pinned(leaving, [request()])
    assert (pin["price"], pin["retires"], pin["replacement"]) == ("price unknown", "2027-01-01", "next")
    assert "low" not in pin


def test_a_pin_stays_small():
    long = [f"{number}:{number + 1}" for number in range(1, 400)]
    pin = pinned(made(aspect_ratios=long), [request()])
    assert isinstance(pin["operations"]["text-to-image"]["choices"]["aspect_ratio"], str)  # a hash
    assert len(json.dumps(pin)) < MOST_BYTES
    names = [f"a_parameter_of_a_long_name_{number}" for number in range(60)]
    for requests in ([request()], [request(**dict.fromkeys(names, 1), seed=1)]):
        pin = pinned(made(supported_parameters=["prompt", *names]), requests)
        assert list(pin["operations"]["text-to-image"]) == ["endpoint"]
        assert len(json.dumps(pin)) < MOST_BYTES


def test_of_values_only_closed_ones_are_kept():
    free = model({"public_operations": ["text-to-image"], "supported_parameters": ["prompt", "user", "size", "seed"]})
    sizes = free.contract.operations["text-to-image"]
    size = replace(sizes.params["size"], size_rule=SizeRule(16, 3840, 3.0, 1, 10**7))
    ruled = replace(sizes, params={**sizes.params, "size": size})
    free = replace(free, contract=replace(free.contract, operations={"text-to-image": ruled}))
    pin = pinned(free, [request(user=WORDS, size="1040x1040", seed=3)])
    assert pin["operations"]["text-to-image"]["used"] == {"size": ["1040x1040"], "seed": [3]}


def test_the_pins_of_a_notebook_are_put_together():
    first, second = pinned(made(), [request()]), pinned(made(), [request("image-edit")])
    facts = {"origin": "https://api.example.com", "version": "1.0"}
    outputs = [
        bundle({}, **together({"a": first}, at=NOW, **facts)),
        bundle({}, **together({"a": second, "b": first}, at=NOW + 86_400, **facts)),
        bundle({}, **together({}, at=NOW, **facts)),
    ]
    found = read_pins(json.loads(json.dumps(notebook(code("", *outputs)))))
    assert list(found) == [("https://api.example.com", "a"), ("https://api.example.com", "b")]
    assert list(found["https://api.example.com", "a"]["operations"]) == ["text-to-image", "image-edit"]
    assert found["https://api.example.com", "a"]["at"] == "2026-11-19"
    assert outputs[2]["metadata"] == {}


@pytest.mark.parametrize(
    "kept",
    [
        None,
        3,
        [],
        {"origin": 3, "models": {"a": {}}},
        {"origin": "x", "models": [1]},
        {"origin": "x", "models": {"a": 1}},
    ],
)
def test_malformed_pins_are_passed_over(kept):
    tree = notebook(code("", bundle({}, **{KEY: kept})), {"cell_type": "markdown"})
    tree["cells"] += [3, code("", 7)]
    assert read_pins(tree) == {}


def test_a_stranger_cannot_make_the_doctor_ask_for_ever():
    models = {str(number): {} for number in range(10_000)}
    assert len(read_pins(notebook(code("", bundle({}, **{KEY: {"origin": "x", "models": models}}))))) == 100


def test_nothing_is_told_where_nothing_has_changed():
    assert told(made(), request(n=1, resolution="2k"), request("image-edit")) == []


@pytest.mark.parametrize("today", [None, replace(made(), lifecycle=Lifecycle("retired", replacement="next"))])
def test_a_retired_model_is_told_with_what_replaces_it(today):
    assert told(today, replacement="next") == [
        ("model image-model", "It is retired: requests to it are refused.", "Use next instead.", False)
    ]


def test_where_nothing_replaces_it_that_is_said():
    assert told(None)[0][2] == "Choose another model: session.models() lists them."


@pytest.mark.parametrize(
    ("life", "message", "note"),
    [
        (Lifecycle("deprecated", sunset_at="2026-12-01"), "It retires 1 Dec 2026, in 12 days.", False),
        (Lifecycle(sunset_at="2026-11-01T00:00:00+00:00"), "It retires 1 Nov 2026, in 0 days.", False),
        (Lifecycle(sunset_at="2027-11-18"), "It retires 18 Nov 2027, in 364 days.", True),
        (Lifecycle(sunset_at="soon"), "It retires soon.", False),
        (Lifecycle("deprecated"), "It is deprecated.", False),
    ],
)
def test_a_model_that_leaves_is_told(life, message, note):
    assert [(each[1], each[3]) for each in told(replace(made(), lifecycle=life))] == [(message, note)]


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (Price("per_image", 0.02, 0.05), "$0.02 - $0.05 an image today (+25 %)."),
        (Price("per_image", 0.01, 0.02), "$0.01 - $0.02 an image today (-50 %)."),
        (Price("per_image", 0.03, 0.05), "$0.03 - $0.05 an image today (+50 % and +25 %)."),
        (Price("per_token", 0.03, 0.05), "per token: $0.03 in, $0.05 out per 1M today."),
        (Price(), "price unknown today."),
        (Price("per_image", None, 0.04), "unknown - $0.04 an image today."),
    ],
)
def test_another_price_is_told(now, message):
    ((_, said, remedy, note),) = told(made(now))
    assert said == f"Its price has changed since 2026-11-01: $0.02 - $0.04 an image then, {message}"
    assert remedy
    assert not note


@pytest.mark.parametrize("pin", [{"low": True, "high": "x"}, {"low": 0, "high": None}, {"at": ""}])
def test_prices_that_are_none_make_no_step(pin):
    assert "%" not in told(made(Price("per_image", 0.02, 0.05)), **{"low": 0.02, "high": 0.05, **pin})[0][1]


def test_an_operation_that_is_gone_or_moved_is_told():
    moved = made(request_endpoint="/v2/images")
    without = made(public_operations=["image-edit"])
    assert told(without) == [
        (
            "model image-model, text-to-image",
            "It is no longer offered since 2026-11-01.",
            "Choose another operation or model.",
            False,
        )
    ]
    assert told(moved)[0][1] == f"It moved from {G} to /v2/images."
    assert told(moved)[0][3]


def test_parameters_that_are_gone_or_new_are_told():
    today = made(supported_parameters=["prompt", "aspect_ratio", "resolution", "seed"])
    spot = "model image-model, text-to-image"
    assert told(today, request(n=2)) == [
        (spot, "The parameter n is gone, and was used here.", "Leave it out.", False),
        (spot, "The parameter output_format is gone.", "", True),
        (spot, "New parameters: seed.", "", True),
    ]


def test_values_that_are_gone_are_told():
    today = made(resolutions=["1k"], aspect_ratios=["1:1", "16:9", "4:3"])
    spot = "model image-model, text-to-image"
    assert told(today, request(resolution="2k")) == [
        (spot, "The values of aspect_ratio have changed.", "It takes 1:1, 16:9, 4:3.", True),
        (spot, "resolution no longer takes 2k, which was used here.", "It takes 1k.", False),
    ]
    assert told(today, request(resolution="1k"))[1][:3] == (
        spot,
        "The values of resolution have changed: 2k gone.",
        "It takes 1k.",
    )


def test_numbers_are_held_against_todays_bounds():
    then = made()
    (text,) = [made().contract.operations["text-to-image"]]
    few = replace(text, params={**text.params, "n": replace(text.params["n"], minimum=1, maximum=2)})
    today = replace(then, contract=replace(then.contract, operations={"text-to-image": few}))
    assert told(today, request(n=4)) == [
        ("model image-model, text-to-image", "n no longer takes 4, which was used here.", "It takes 1 to 2.", False)
    ]
    assert told(today, request(n=0))[0][1] == "n no longer takes 0, which was used here."
    assert told(today, request(n=2)) == []
    assert told(today, request(n=True)) == []


def test_a_contract_that_is_silent_says_nothing_of_parameters():
    silent = replace(model(), price=CHEAP)
    assert not [each for each in told(silent, request(n=4)) if "parameter" in each[1] or "takes" in each[1]]


def test_a_malformed_pin_says_nothing_and_nothing_strange_is_shown():
    strange = {"text-to-image": {"params": [3, "a\x1b[31m"], "used": {"n": 3}, "choices": 3, "endpoint": 3}, "x": 3}
    assert [each[1] for each in told(made(), operations=strange)] == [
        "The parameter a [31m is gone.",
        "New parameters: aspect_ratio, delivery_policy, n, output_format, resolution.",
    ]
