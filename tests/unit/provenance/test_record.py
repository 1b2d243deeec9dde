"""What a record holds, and what it refuses to hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.provenance.samples import PROMPT, record, request
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ImageError
from tokenlab_nb.provenance.record import Record, record_of

SIGNED = "https://bucket.example/a.png?X-Amz-Signature=abc&X-Amz-Date=20261126T180000Z&X-Amz-Expires=900"
CANARY = "sk-canary-0123456789abcdef"


def metadata(**changes: Any) -> dict[str, Any]:
    """As a job tells it."""
    return {
        "job": "job_1",
        "request": request().to_json(),
        "index": 0,
        "revised_prompt": None,
        "created_at": 5.0,
        "seconds": 1.23456,
        "parents": ["b" * 64],
        "sandbox": True,
        **changes,
    }


def test_a_record_comes_back_from_json() -> None:
    asked = request(
        PROMPT,
        endpoint="/v1/images/edits",
        references=(Source(sha256="c" * 64, media_type="image/png", size=9, width=3, height=3, of="d" * 64),),
        mask=Source(file_id="file_1"),
        reference_field="images",
        mask_field="mask",
        delivery_policy="fast",
        rest_field="more",
    )
    for each in (record(request=asked), record(request=None, revised_prompt=None), record(request=request())):
        assert Record.from_json(json.loads(json.dumps(each.to_json()))) == each


def test_it_is_told_in_words_and_as_metadata() -> None:
    assert record().words == "Made with tokenlab_nb 1.2.3, by some-model"
    assert record(request=None, version="").words == "Made with tokenlab_nb"
    told = record().metadata
    assert (told["model"], told["operation"], told["parents"]) == ("some-model", "text-to-image", ["a" * 64])
    assert (told["made_as"], told["index"], told["created_at"]) == ("job_1", 1, 1_764_115_200.25)
    assert "job" not in told
    assert json.loads(json.dumps(told)) == told
    assert record(request=None).metadata["is_cut"]


def test_a_job_tells_what_a_record_needs() -> None:
    made = record_of(metadata(), "e" * 64, "9")
    assert made
    assert made.request == request()
    assert (made.sha256, made.version, made.seconds, made.sandbox, made.parents) == (
        *("e" * 64, "9", 1.235, True),
        ("b" * 64,),
    )


@pytest.mark.parametrize("odd", [{}, {"seed": 7}, metadata(request={**request().to_json(), "model": ""})])
def test_where_nothing_is_known_there_is_no_record(odd: dict[str, Any]) -> None:
    assert record_of(odd, "e" * 64, "9") is None


def test_no_key_and_no_query_gets_into_it() -> None:
    asked = request(
        f"like {SIGNED}, with {CANARY}, not like https://public.example/b.png?page=2",
        values={
            "prompt": f"like {SIGNED}, with {CANARY}, not like https://public.example/b.png?page=2",
            "extra": {"deep": [SIGNED, CANARY, 1, None]},
        },
        references=(Source(url="https://user:secret@near.example/x.png?token=hidden#part"), Source(sha256="c" * 64)),
        mask=Source(url="https://near.example/mask.png?token=hidden"),
    )
    made = record_of(metadata(request=asked.to_json(), revised_prompt=f"as in {SIGNED}"), "e" * 64, "9")
    assert made
    assert made.request
    text = json.dumps(made.to_json())
    assert not any(part in text for part in ("canary", "Signature", "hidden", "secret", "user"))
    assert made.request.references[0].url == "https://near.example/x.png"
    assert made.request.references[1] == asked.references[1]
    assert "with [key], not like https://public.example/b.png?page=2" in made.request.prompt


@pytest.mark.parametrize(
    "key", ["hf_" + "Ab3dE5gH7jK9" * 3, "AIza" + "Ab3dE5gH7jK9" * 2 + "Ab3dE5gH7jK", f"{CANARY}, {CANARY}"]
)
def test_keys_of_other_vendors_do_not_get_into_it(key: str) -> None:
    asked = request(values={"prompt": f"with {key} in it", "extra": {key: 1}})
    made = record_of(metadata(request=asked.to_json(), revised_prompt=f"{key}"), "e" * 64, "9")
    assert made
    assert made.request
    assert key[12:30] not in json.dumps(made.to_json())
    assert made.request.prompt.startswith("with ")
    assert made.request.prompt.endswith("[key] in it")


def changed(path: str, value: Any) -> dict[str, Any]:
    """A record's JSON with one place changed."""
    data: Any = record(request=request(references=(Source(sha256="c" * 64),), endpoint="/v1/images/edits")).to_json()
    data = whole = json.loads(json.dumps(data))
    *steps, last = path.split(".")
    for step in steps:
        data = data[int(step)] if isinstance(data, list) else data[step]
    data[last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tool", "another"),
        ("format", "1"),
        ("format", True),
        ("created_at", 5),
        ("created_at", "yesterday"),
        ("created_at", "0001-01-01T00:00:00+23:59"),
        ("created_at", "2026-01-01T00:00:00"),
        ("sha256", "../../etc/passwd"),
        ("sha256", None),
        ("version", ["1"]),
        ("seconds", "4"),
        ("seconds", True),
        ("seconds", 10**400),
        ("seconds", float("inf")),
        ("seconds", -1),
        ("job", {}),
        ("index", 1.5),
        ("revised_prompt", 7),
        ("parents", "a" * 64),
        ("parents", ["a" * 63]),
        ("parents", ["a" * 64] * 101),
        ("sandbox", 1),
        ("request", "text"),
        ("request.more", 1),
        ("request.model", ""),
        ("request.model", "x" * 201),
        ("request.model", "a\u202eb"),
        ("request.operation", None),
        ("request.endpoint", "https://evil.example/steal"),
        ("request.endpoint", "/v1/images/../keys"),
        ("request.values", []),
        ("request.references", {}),
        ("request.references", ["path"]),
        ("request.references.0.sha256", "C" * 64),
        ("request.references.0.url", "https://a.example/b.png"),
        ("request.references.0.width", "wide"),
        ("request.references.0.media_type", 5),
        ("request.references.0.more", 5),
        ("request.mask", {}),
        ("request.multipart", "yes"),
        ("request.reference_field", 5),
        ("request.delivery_policy", 5),
    ],
)
def test_a_record_that_is_none_is_a_clear_error(path: str, value: Any) -> None:
    assert Record.from_json(changed("index", 2)).index == 2
    with pytest.raises(ImageError, match="The record in this picture is damaged: ") as caught:
        Record.from_json(changed(path, value))
    assert "evil" not in str(caught.value)


def test_a_request_with_a_part_missing_is_none() -> None:
    data = changed("index", 2)
    del data["request"]["endpoint"]
    with pytest.raises(ImageError, match="other fields"):
        Record.from_json(data)


def test_no_record_at_all() -> None:
    with pytest.raises(ImageError, match="its record is of another kind"):
        Record.from_json([])


def test_a_newer_record_is_told_apart() -> None:
    with pytest.raises(ImageError, match="newer version") as caught:
        Record.from_json(changed("format", 2))
    assert "Upgrade" in caught.value.hint


def test_a_size_below_nothing_is_nothing() -> None:
    found = Record.from_json(changed("request.references.0.width", -5)).request
    assert found
    assert found.references[0].width == 0
