"""`ImageRequest`: a checked request as a value. Hashable, JSON-able, and free of keys, files and clocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from tokenlab_nb.contract.model import VARIATIONS, Issue, Json, Model, Operation
from tokenlab_nb.contract.params import HEADER_FIELDS
from tokenlab_nb.contract.references import Source, plan
from tokenlab_nb.contract.validate import check_lifecycle, check_operation, check_values


@dataclass(frozen=True, slots=True, eq=False)
class ImageRequest:
    """One create call, decided down to the field that carries each picture.

    Attributes:
        model: Model id.
        operation: Operation name, such as ``text-to-image``.
        endpoint: Path, such as ``/v1/images/generations``.
        values: Body fields by name, the prompt included, pictures excluded; JSON values, kept as a copy.
        references: Pictures that go in, in order.
        reference_field: The field that carries them, such as ``image_urls`` or ``image``; empty without any.
        rest_field: The field that carries all but the first, where that is another one.
        mask: The mask, if any.
        mask_field: The field that carries it.
        multipart: Whether it is sent as ``multipart/form-data`` instead of JSON.
        delivery_policy: Value of the ``X-TokenLab-Delivery-Policy`` header, or None.
    """

    model: str
    operation: str
    endpoint: str
    values: Mapping[str, Json] = field(default_factory=dict)
    references: tuple[Source, ...] = ()
    reference_field: str = ""
    mask: Source | None = None
    mask_field: str = ""
    multipart: bool = False
    delivery_policy: str | None = None
    rest_field: str = ""

    def __post_init__(self) -> None:
        # A copy in JSON's own types: what the caller does to its lists later cannot change what was checked.
        object.__setattr__(self, "values", json.loads(json.dumps(dict(self.values))))

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, ImageRequest) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def prompt(self) -> str:
        """The prompt, or an empty string for an operation that takes none."""
        return str(self.values.get("prompt") or "")

    @property
    def settings(self) -> dict[str, Json]:
        """What was set, by field: `build` makes the same request of it. The operation's name is not among it."""
        values = {name: value for name, value in self.values.items() if (name, value) != ("operation", self.operation)}
        return values if self.delivery_policy is None else {**values, "delivery_policy": self.delivery_policy}

    @property
    def count(self) -> int:
        """How many pictures are asked for."""
        n = self.values.get("n")
        return n if isinstance(n, int) and n > 0 else 1

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON: equal requests have equal hashes, on every machine.

        What was handed in before it was prepared does not count: what is sent does.
        """
        references = [replace(each, of=None).to_json() for each in self.references]
        # Not by way of `to_json`, whose deep copy takes longer than all the rest: plans hash thousands.
        text = json.dumps(self._record(references), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def sources(self) -> tuple[Source, ...]:
        """References and mask together."""
        return (*self.references, self.mask) if self.mask else self.references

    @property
    def uploads(self) -> tuple[Source, ...]:
        """The local pictures that are uploaded to ``/v1/files`` first, each once; a form brings its own along."""
        local = {} if self.multipart else {source.sha256: source for source in self.sources if source.is_local}
        return tuple(local.values())

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; `from_json` is its inverse. What was added later is left out while it is empty."""
        record = self._record([source.to_json() for source in self.references])
        return {**record, "values": json.loads(json.dumps(record["values"]))}

    def _record(self, references: list[dict[str, object]]) -> dict[str, object]:
        record: dict[str, object] = {each.name: getattr(self, each.name) for each in fields(self)}
        if not self.rest_field:
            del record["rest_field"]
        return {**record, "references": references, "mask": self.mask.to_json() if self.mask else None}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild a request from `to_json`.

        Raises:
            TypeError: If the record is not one of ours, or holds fields that only a newer version knows.
            ValueError: If a picture in it is not exactly one of url, file_id and sha256.
        """
        data = dict(record)
        references, mask = data.pop("references", ()), data.pop("mask", None)
        if not isinstance(references, list | tuple):
            raise TypeError("references must be a list")
        return cls(
            references=tuple(Source(**item) for item in references),
            mask=Source(**mask) if isinstance(mask, dict) else None,
            **data,
        )


def build(
    model: Model,
    operation: str,
    values: Mapping[str, Json],
    *,
    references: tuple[Source, ...] = (),
    mask: Source | None = None,
    origin: str = "",
    now: float | None = None,
) -> tuple[ImageRequest | None, tuple[Issue, ...]]:
    """Check everything that can be known before sending, and decide how it is sent.

    Args:
        model: With its contract.
        operation: Operation name; one that the model does not offer is an issue.
        values: What the user set, the prompt included; nothing else is sent. The values of an earlier request do.
        references: Pictures that go in, in order.
        mask: The mask, if any.
        origin: The API's origin.
        now: The time, in seconds since 1970: signed addresses are held against it.

    Returns:
        The request, or None where an issue is an error; and all issues, warnings included.
    """
    refused = check_operation(model, operation)
    if refused:
        return None, (refused,)
    values = {name: value for name, value in values.items() if (name, value) != ("operation", operation)}
    what = model.contract.operations[operation]
    pictures = plan(what, references, mask, origin, now)
    life = check_lifecycle(model)
    issues = (*((life,) if life else ()), *check_values(what, values), *pictures.issues)
    if any(issue.severity == "error" for issue in issues):
        return None, issues
    policy = values.get("delivery_policy")
    request = ImageRequest(
        model=model.id,
        operation=operation,
        endpoint=what.endpoint,
        values={**_named_operation(what), **{k: v for k, v in values.items() if k not in HEADER_FIELDS}},
        references=references,
        reference_field=pictures.field,
        mask=mask,
        mask_field=pictures.mask_field,
        multipart=pictures.multipart or what.endpoint == VARIATIONS,
        delivery_policy=policy if isinstance(policy, str) else None,
        rest_field=pictures.rest_field,
    )
    return request, issues


def with_task(model: Model, operation: str, values: Mapping[str, Json], *, prefer: bool) -> Mapping[str, Json]:
    """The values with ``async: true``, where the contract lists it and nothing that was set speaks against it.

    Args:
        model: With its contract.
        operation: Operation name.
        values: What the user set.
        prefer: Whether tasks are wanted at all (`Settings.prefer_tasks`).
    """
    offered = model.contract.operations.get(operation)
    listed = offered.params.get("async") if offered else None
    wanted = prefer and "async" not in values and values.get("response_format") != "b64_json"
    return {**values, "async": True} if listed and listed.confirmed and wanted else values


def _named_operation(operation: Operation) -> dict[str, Json]:
    """The ``operation`` field, where the contract lists it (schema ``ImageGenerationRequest.operation``)."""
    listed = operation.params.get("operation")
    if listed is None or operation.endpoint == VARIATIONS:  # there the name is ours, not the API's
        return {}
    wanted = operation.confirmed or listed.required or operation.needs_references
    return {"operation": operation.name} if wanted else {}
