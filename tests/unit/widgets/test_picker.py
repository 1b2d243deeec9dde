import json
from pathlib import Path

import pytest
import traitlets as t

import tokenlab_nb
from tokenlab_nb.contract.model import GENERATIONS, Contract, Lifecycle, Model, Operation, Price, Reliability
from tokenlab_nb.widgets.picker import ModelPicker, row

STATIC = Path(tokenlab_nb.__file__).parent / "widgets" / "static"


def model(model_id: str, **facts: object) -> Model:
    operation = Operation("text-to-image", GENERATIONS, {})
    return Model(model_id, Contract({operation.name: operation}), **facts)  # type: ignore[arg-type]  # any facts


MODELS = [model("alpha", aliases=("lab/alpha",)), model("beta"), model("gamma")]


def test_a_row_holds_texts_and_sort_keys_as_json() -> None:
    full = model(
        "alpha",
        provider="lab",
        aliases=("lab/alpha",),
        price=Price("per_image", 0.02, 0.08),
        reliability=Reliability(3, 0.991, 412, "ready"),
        lifecycle=Lifecycle("deprecated", replacement="beta", sunset_at="2026-12-01T00:00:00Z"),
    )
    assert json.loads(json.dumps(row(full))) == {
        "id": "alpha",
        "provider": "lab",
        "operations": ["text-to-image"],
        "aliases": ["lab/alpha"],
        "price": "$0.02 - $0.08 an image",
        "price_rank": [1, 0.02, 0.08],
        "record": "99.1 % of 412 in 24 h",
        "success_rank": 0.991,
        "rank": 3,
        "life": ["retires 1 Dec 2026 -> beta"],
        "leaving": True,
        "replacement": "beta",
    }


def test_what_is_unknown_is_said_and_sorts_as_unknown() -> None:
    facts = row(model("alpha"))
    assert (facts["price"], facts["record"], facts["success_rank"], facts["rank"]) == (
        "price unknown",
        "no record",
        None,
        None,
    )


def test_a_rate_from_too_few_samples_does_not_sort() -> None:
    facts = row(model("alpha", reliability=Reliability(9, 1.0, 3, "insufficient_samples")))
    assert (facts["record"], facts["success_rank"], facts["rank"]) == ("too few samples (3)", None, 9)


def test_preview_and_latest_are_words_and_no_warning() -> None:
    facts = row(model("alpha", lifecycle=Lifecycle("preview", latest=True)))
    assert (facts["life"], facts["leaving"]) == (["latest", "preview"], False)


def test_chosen_ids_and_models_go_together_in_the_order_of_choosing() -> None:
    picker = ModelPicker(MODELS, value=["gamma", "alpha"])
    assert picker.value == ["gamma", "alpha"]
    assert [chosen.id for chosen in picker.selected] == ["gamma", "alpha"]


def test_an_alias_chooses_its_model_once() -> None:
    assert ModelPicker(MODELS, value=["lab/alpha", "alpha"]).value == ["alpha"]


def test_an_unknown_id_is_refused_with_the_nearest_one() -> None:
    picker = ModelPicker(MODELS, value=["beta"])
    with pytest.raises(t.TraitError, match=r"no model 'gama' here\. Did you mean 'gamma'"):
        picker.value = ["gama"]
    assert picker.value == ["beta"]


def test_nothing_like_it_is_refused_without_a_guess() -> None:
    with pytest.raises(t.TraitError, match=r"no model 'zzzz' here\.$"):
        ModelPicker(MODELS, value=["zzzz"])


def test_a_picker_of_one_refuses_two() -> None:
    with pytest.raises(t.TraitError, match="takes one model, not 2: alpha, beta"):
        ModelPicker(MODELS, value=["alpha", "beta"], multiple=False)


def test_new_models_let_go_of_chosen_ones_that_are_gone() -> None:
    picker = ModelPicker(MODELS, value=["alpha", "beta"])
    picker.models = MODELS[1:]
    assert picker.value == ["beta"]
    assert [model.id for model in picker.models] == ["beta", "gamma"]
    assert [entry["id"] for entry in picker.get_state()["_rows"]] == ["beta", "gamma"]


def test_a_repeated_model_counts_once() -> None:
    assert len(ModelPicker([*MODELS, MODELS[0]]).models) == 3


def test_observers_hear_of_a_choice_made_on_the_page() -> None:
    picker = ModelPicker(MODELS)
    heard: list[list[str]] = []
    picker.observe(lambda change: heard.append(change["new"]), "value")
    picker.set_state({"value": ["beta"]})
    assert heard == [["beta"]]


def test_the_repr_is_one_stable_line() -> None:
    assert repr(ModelPicker(MODELS, value=["beta"])) == "ModelPicker(3 models, value=['beta'])"


def test_no_models_is_a_picker_too() -> None:
    assert ModelPicker().selected == []


def test_the_script_writes_no_markup() -> None:
    script = (STATIC / "picker.js").read_text(encoding="utf-8")
    assert not [word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write") if word in script]
