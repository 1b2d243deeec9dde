"""Models as a session reads them: kept for a while, with their price, which may be missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import pytest

from tests.unit.contract.models import detail
from tokenlab_nb.catalogue import CONTRACT_SECONDS, Catalogue
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.errors import NotFoundError, ServiceError, TokenLabError

MODEL = parse(detail())
PRICE = {"pricing_unit": "per_image", "scalar_pricing": {"per_image": "0.5"}}


class Service:
    """Answers, or raises what it is told to; counts the questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.detail: Model | TokenLabError = MODEL
        self.price: Mapping[str, Any] | TokenLabError = PRICE

    def _give(self, what: str, answer: Any) -> Any:
        self.asked.append(what)
        if isinstance(answer, TokenLabError):
            raise answer
        return answer

    async def models(self, **filters: str | None) -> tuple[Model, ...]:
        return self._give(f"models {filters}", (MODEL,))  # type: ignore[no-any-return]

    async def model(self, model_id: str) -> Model:
        return self._give("model", self.detail)  # type: ignore[no-any-return]

    async def pricing(self, model_id: str) -> Mapping[str, Any]:
        return self._give("pricing", self.price)  # type: ignore[no-any-return]


class Place:
    """A catalogue at a time."""

    def __init__(self) -> None:
        self.service, self.time = Service(), 1000.0
        self.catalogue = Catalogue(self.service, lambda: self.time)

    def read(self, name: str = "image-model") -> Model:
        return anyio.run(self.catalogue.model, name)


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_model_comes_with_its_price_and_is_kept_for_ten_minutes(place: Place) -> None:
    first = place.read()
    assert first.id == "image-model"
    place.time += CONTRACT_SECONDS
    assert place.read() is first
    assert sorted(place.service.asked) == ["model", "pricing"]
    assert (place.catalogue.details["image-model"], place.catalogue.prices["image-model"]) == (first, PRICE)
    place.time += 1
    assert place.read() is not first


def test_it_is_read_again_when_the_clock_went_back(place: Place) -> None:
    place.read()
    place.time -= 1
    place.read()
    assert place.service.asked.count("model") == 2


def test_a_model_that_cannot_be_read_is_an_error_and_kept_by_nobody(place: Place) -> None:
    place.service.detail = NotFoundError("No such model.")
    with pytest.raises(NotFoundError):
        place.read()
    assert place.catalogue.details == {}
    place.service.detail = MODEL
    assert place.read().id == "image-model"


@pytest.mark.parametrize(("error", "questions"), [(NotFoundError("No such route."), 1), (ServiceError("Busy."), 2)])
def test_a_price_that_cannot_be_read_is_no_error_and_asked_for_again_if_that_may_help(
    error: TokenLabError, questions: int, place: Place
) -> None:
    place.service.price = error
    assert place.read().price.low == MODEL.price.low
    place.service.price = PRICE
    place.read()
    assert place.service.asked.count("pricing") == questions


def test_the_whole_list_is_remembered_and_a_part_of_it_is_not(place: Place) -> None:
    anyio.run(lambda: place.catalogue.models(provider="openai"))
    assert place.catalogue.listed == ()
    assert anyio.run(place.catalogue.models) == place.catalogue.listed == (MODEL,)
    assert place.service.asked[-1] == "models {'recommended_for': 'image', 'provider': None}"


# ------------------------------------------------------------------------------------------------- others that fit


def listed(name: str, *operations: str, rank: int | None = None, stage: str = "active") -> Model:
    offered = list(operations or ("image-edit",))
    about = {"supported_operations": offered, "lifecycle": {"stage": stage}, "category": "image"}
    preferred = {"image": {"preferred_rank": rank}} if rank else {}
    return parse({"id": name, "tokenlab": {**about, "agent_preferences": preferred}})


class Many(Service):
    """Lists these models, and reads each in detail."""

    def __init__(self, *models: Model) -> None:
        super().__init__()
        self.all = {model.id: model for model in models}

    async def models(self, **filters: str | None) -> tuple[Model, ...]:
        return self._give("models", tuple(self.all.values()))  # type: ignore[no-any-return]

    async def model(self, model_id: str) -> Model:
        return self._give(model_id, self.detail if self.detail is not MODEL else self.all[model_id])  # type: ignore[no-any-return]


def that_fit(service: Many, fits: Callable[[Model], bool], *, known: bool = True) -> tuple[list[str], list[str]]:
    """What is found, and which models were read in detail."""
    catalogue = Catalogue(service, lambda: 0.0)

    async def find() -> list[str]:
        if known:
            await catalogue.models()
            service.asked.clear()
        return await catalogue.that_fit(fits, "mine")

    return anyio.run(find), [name for name in service.asked if name in service.all]


def test_models_that_fit_are_found_best_first_and_few_are_read() -> None:
    models = [listed(f"m{place}", rank=20 - place) for place in range(12)]
    found, read = that_fit(Many(*models), lambda model: model.id in ("m10", "m9", "m7", "m6"))
    assert found == ["m10", "m9", "m7"]
    assert read == ["m11", "m10", "m9", "m8", "m7"]
    assert that_fit(Many(*models), lambda model: model.id == "m0") == ([], ["m11", "m10", "m9", "m8", "m7", "m6"])


def test_only_models_that_can_be_meant_are_read() -> None:
    others = (listed("mine"), listed("writer", "text-to-image"), listed("old", stage="retired"))
    service = Many(*others, listed("unranked"), listed("best", "image-to-image", rank=1))
    assert that_fit(service, lambda model: True) == (["best", "unranked"], ["best", "unranked"])


def test_models_are_listed_first_where_none_were() -> None:
    service = Many(listed("other"))
    assert that_fit(service, lambda model: True, known=False) == (["other"], ["other"])
    assert service.asked[0] == "models"


def test_what_cannot_be_asked_is_left_out_without_a_word() -> None:
    service = Many(listed("one", rank=1), listed("two", rank=2))
    service.detail = ServiceError("Down.")
    assert that_fit(service, lambda model: True) == ([], ["one"])
