"""Models as a session reads them: kept for a while, with their price, which may be missing."""

from __future__ import annotations

from collections.abc import Mapping
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
