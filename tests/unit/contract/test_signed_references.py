"""Signed addresses as references: a warning goes along, an error does not, and no message repeats a signature."""

from __future__ import annotations

import pytest

from tests.unit.contract.models import model, operation
from tokenlab_nb.contract import request as requests
from tokenlab_nb.contract.references import Source, plan

NOW = 1_800_000_000.0
SECRET = "5ecre7"
EDIT = operation("image-edit", "prompt", "images", "mask_url")
PLAIN = Source(url="https://example.com/a.png")


def signed(seconds: float) -> Source:
    return Source(url=f"https://example.com/b.png?AWSAccessKeyId=A&Signature={SECRET}&Expires={NOW + seconds:.0f}")


def test_a_signed_address_is_planned_with_a_warning() -> None:
    found = plan(EDIT, (PLAIN, signed(3600)), signed(7200), "", NOW)
    assert (found.field, found.mask_field) == ("images", "mask_url")
    assert [(issue.field, issue.severity) for issue in found.issues] == [
        ("references[1]", "warning"),
        ("mask", "warning"),
    ]
    assert "in 1 hour" in found.issues[0].message
    assert SECRET not in repr(found.issues)


def test_one_that_has_expired_is_refused_where_the_time_is_known() -> None:
    found = plan(EDIT, (signed(-1), signed(3600)), None, "", NOW)
    assert [issue.severity for issue in found.issues] == ["error", "warning"]
    assert found.field == ""
    assert plan(EDIT, (signed(-1),), None).field == "images"


def test_a_request_is_built_with_its_warnings_or_not_at_all() -> None:
    what = model({"public_operations": ["image-edit"], "supported_parameters": ["prompt", "images"]})
    values = {"prompt": "a fox"}
    built, issues = requests.build(what, "image-edit", values, references=(signed(3600),), now=NOW)
    assert built is not None
    assert built.sources == (signed(3600),)
    assert [issue.severity for issue in issues] == ["warning"]
    refused, issues = requests.build(what, "image-edit", values, references=(signed(30),), now=NOW)
    assert refused is None
    assert "expires in 30 seconds" in issues[0].message


@pytest.mark.parametrize("url", [f"https://10.0.0.1/a.png?sig={SECRET}", f"https://me:{SECRET}@example.com/a.png"])
def test_a_refused_address_is_told_without_its_secrets(url: str) -> None:
    (issue,) = plan(EDIT, (Source(url=url),), None, "", NOW).issues
    assert "cannot be used" in issue.message
    assert SECRET not in repr(issue)
