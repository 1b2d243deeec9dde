"""`Record`: how a picture was made, as a value; free of secrets on its way out, checked on its way in.

What is read was written by anybody. Every value is of the kind that it should be before it leaves here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self

from tokenlab_nb.contract.leaks import find_leaks, redacted
from tokenlab_nb.contract.model import EDITS, GENERATIONS, VARIATIONS
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError

__all__ = ["TOOL", "Record", "damaged", "record_of"]

TOOL = "tokenlab_nb"
"""The name of the tool in a record."""

_FORMAT = 1  # of the record; a higher one is a newer version's
_MOST_SOURCES, _MOST_NAME = 100, 200
_MOST_SECONDS = 1e9
_FIRST_YEAR, _LAST_YEAR = 1970, 9999
_TEXTS = ("url", "file_id", "media_type")
_ENDPOINTS = (GENERATIONS, EDITS, VARIATIONS)
_HASH = re.compile(r"[0-9a-f]{64}")
_USER = re.compile(r"//[^/@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How one picture was made.

    Attributes:
        request: What was asked: no key, addresses without their query. None where it was too long for the file.
        sha256: The hash of the file as the service made it.
        version: The version of this tool that wrote the record.
        created_at: When it was asked for, in seconds since 1970.
        seconds: How long it took.
        job: The id of its job, in the ledger of whoever made it.
        index: Which of the job's pictures it is, from 0.
        revised_prompt: The prompt as the model rewrote it.
        parents: The hashes of the pictures that went in.
        sandbox: Whether the sandbox drew it, so that no model made it.
    """

    request: ImageRequest | None
    sha256: str
    version: str = ""
    created_at: float = 0.0
    seconds: float = 0.0
    job: str = ""
    index: int = 0
    revised_prompt: str | None = None
    parents: tuple[str, ...] = ()
    sandbox: bool = False

    @property
    def words(self) -> str:
        """One line for people."""
        tool = f"{TOOL} {self.version}".strip()
        return f"Made with {tool}" + (f", by {self.request.model}" if self.request else "")

    @property
    def metadata(self) -> dict[str, object]:
        """The same as `ImageResult.metadata` has it. The job is not among it: it is one of somebody's ledger."""
        values = {name: value for name, value in asdict(self).items() if name not in ("request", "job", "sha256")}
        values |= {"parents": list(self.parents), "made_as": self.job, "is_cut": self.request is None}
        if self.request is None:
            return values
        request = self.request
        return {"model": request.model, "operation": request.operation, "request": request.to_json(), **values}

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; `from_json` is its inverse."""
        values = {name: value for name, value in asdict(self).items() if name not in ("request", "created_at")}
        when = datetime.fromtimestamp(self.created_at, UTC).isoformat(timespec="milliseconds")
        head = {"tool": TOOL, "format": _FORMAT, "created_at": when.replace("+00:00", "Z")}
        request = self.request.to_json() if self.request else None
        return {**head, **values, "parents": list(self.parents), "request": request}

    @classmethod
    def from_json(cls, record: object) -> Self:
        """Rebuild a record from `to_json`, whoever wrote it.

        Raises:
            ImageError: If it is none.
        """
        data = _of(dict, record, "record")
        if data.get("tool") != TOOL:
            raise damaged("it names another tool")
        if _of(int, data.get("format"), "format") > _FORMAT:
            raise ImageError("The record in this picture was written by a newer version.", hint="Upgrade tokenlab-nb.")
        revised = data.get("revised_prompt")
        return cls(
            request=None if data.get("request") is None else _request(data["request"]),
            sha256=_hash(data.get("sha256")),
            version=_of(str, data.get("version"), "version")[:_MOST_NAME],
            created_at=_moment(_of(str, data.get("created_at"), "created_at")),
            seconds=_span(_of((int, float), data.get("seconds"), "seconds")),
            job=_of(str, data.get("job"), "job")[:_MOST_NAME],
            index=_of(int, data.get("index"), "index"),
            revised_prompt=None if revised is None else _of(str, revised, "revised_prompt"),
            parents=tuple(_hash(each) for each in _listed(data.get("parents"))),
            sandbox=_of(bool, data.get("sandbox"), "sandbox"),
        )


def record_of(metadata: Mapping[str, Any], sha256: str, version: str) -> Record | None:
    """The record of a finished picture, free of secrets.

    Args:
        metadata: What its job knows of it.
        sha256: The hash of its bytes.
        version: Of this tool.

    Returns:
        The record; None where it is not known what was asked.
    """
    asked = metadata.get("request")
    if not asked or not asked["model"]:
        return None
    request = ImageRequest.from_json(_clean(asked))
    references = tuple(_without_query(source) for source in request.references)
    mask = _without_query(request.mask) if request.mask else None
    return Record(
        request=replace(request, references=references, mask=mask),
        sha256=sha256,
        version=version,
        created_at=metadata["created_at"],
        seconds=round(metadata["seconds"], 3),
        job=metadata["job"],
        index=metadata["index"],
        revised_prompt=_clean(metadata["revised_prompt"]),
        parents=tuple(metadata["parents"]),
        sandbox=metadata["sandbox"],
    )


# -------------------------------------------------------------------------------------------------- on its way out


def _clean(value: Any) -> Any:
    """The value without keys and signatures, wherever they stand in it."""
    if isinstance(value, str):
        leaks = (leak for leak in find_leaks(value) if leak.kind != "path")
        return redacted(value, [replace(leak, shown="[key]") if leak.kind == "key" else leak for leak in leaks])
    if isinstance(value, Mapping):
        return {_clean(name): _clean(each) for name, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list | tuple) else value


def _without_query(source: Source) -> Source:
    """A query may open the door to somebody's files, signed or not; and so may a user's name."""
    if not source.url:
        return source
    return replace(source, url=_USER.sub("//", re.split(r"[?#]", source.url, maxsplit=1)[0], count=1))


# --------------------------------------------------------------------------------------------------- on its way in


def _request(record: object) -> ImageRequest:
    """A request of a record; that a model takes it is for the session to check."""
    data = _of(dict, record, "request")
    names = {each.name for each in fields(ImageRequest)}
    if not data.keys() <= names or not data.keys() >= names - {"rest_field"}:
        raise damaged("its request has other fields")
    mask, policy = data["mask"], data["delivery_policy"]
    if data["endpoint"] not in _ENDPOINTS:
        raise damaged("its request goes to no place where pictures are made")
    return ImageRequest(
        **{name: _name(data.get(name, ""), name) for name in ("reference_field", "mask_field", "rest_field")},
        model=_name(data["model"], "model", least=1),
        operation=_name(data["operation"], "operation", least=1),
        endpoint=data["endpoint"],
        values=_of(dict, data["values"], "values"),
        references=tuple(_source(each) for each in _listed(data["references"])),
        mask=None if mask is None else _source(mask),
        multipart=_of(bool, data["multipart"], "multipart"),
        delivery_policy=None if policy is None else _name(policy, "delivery_policy"),
    )


def _source(record: object) -> Source:
    data = _of(dict, record, "picture")
    if not data.keys() <= {each.name for each in fields(Source)}:
        raise damaged("a picture in it has other fields")
    kept: dict[str, Any] = {name: _of(str, data[name], name) for name in _TEXTS if data.get(name) is not None}
    kept |= {name: _hash(data[name]) for name in ("sha256", "of") if data.get(name) is not None}
    kept |= {name: max(0, _of(int, data.get(name, 0), name)) for name in ("size", "width", "height")}
    try:
        return Source(**kept)
    except ValueError as error:
        raise damaged("a picture in it is none") from error


def _of(kind: Any, value: Any, name: str) -> Any:
    # A bool is an int to Python, and to nobody else.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise damaged(f"its {name} is of another kind")
    return value


def _name(value: object, name: str, least: int = 0) -> str:
    text: str = _of(str, value, name)
    if not least <= len(text) <= _MOST_NAME or not text.isprintable():
        raise damaged(f"its {name} is none")
    return text


def _moment(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise damaged("its time is none") from error
    if when.tzinfo is None or not _FIRST_YEAR <= when.year < _LAST_YEAR:
        raise damaged("its time is none")
    return when.timestamp()


def _span(seconds: float) -> float:
    if not 0 <= seconds <= _MOST_SECONDS:
        raise damaged("its seconds are none")
    return float(seconds)


def _hash(value: object) -> str:
    text: str = _of(str, value, "hash")
    if not _HASH.fullmatch(text):
        raise damaged("a hash in it is none")
    return text


def _listed(value: object) -> list[object]:
    items: list[object] = _of(list, value, "list")
    if len(items) > _MOST_SOURCES:
        raise damaged("it lists too much")
    return items


def damaged(why: str) -> ImageError:
    """The error for a record that is none.

    Args:
        why: The end of the sentence, about the record.
    """
    return ImageError(f"The record in this picture is damaged: {why}.", hint="The picture itself may be fine.")
