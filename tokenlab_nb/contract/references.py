"""Which field carries the pictures that go in, how many, and in which shape -> `ReferencePlan`.

Fields and shapes: the vendor's schemas ``ImageGenerationRequest``, ``ImageGenerationMultipartRequest`` and the request
bodies of ``/v1/images/edits`` and ``/v1/images/variations``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from tokenlab_nb.contract.hosts import url_problem
from tokenlab_nb.contract.model import EDITS, VARIATIONS, Issue, Operation
from tokenlab_nb.contract.signed import shown, url_issue

MAX_FILE_BYTES = 50_000_000
"""Most bytes of one reference file (guide "Image Generation"; MB and MiB are not told apart, so the smaller)."""

_SCHEMA_MAX = 16  # image_urls, images, image: maxItems
_FILE_TYPES = ("image/png", "image/jpeg", "image/webp")
_MASK_TYPE = "image/png"

# The fields that carry several addresses, the route's own first: ``images`` belongs to edits.
_LISTS_ON_EDITS = ("images", "image_urls", "reference_image_urls")
_LISTS_ELSEWHERE = ("image_urls", "reference_image_urls", "images")


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that goes in: exactly one of a URL, an uploaded file's id, or bytes kept by their hash.

    Attributes:
        url: A public http(s) address that the service fetches.
        file_id: An id from ``/v1/files``.
        sha256: The hash of local bytes; the runner reads them from the blob store when it sends.
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``, for bytes.
        size: Length in bytes, for bytes.
        width: Pixels, for bytes.
        height: Pixels, for bytes.
        of: The hash of the picture that these bytes are a prepared copy of (upright, 8 bits, smaller); None where they
            are the picture itself.
    """

    url: str | None = None
    file_id: str | None = None
    sha256: str | None = None
    media_type: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    of: str | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.url, self.file_id, self.sha256)) != 1:
            raise ValueError("A source is exactly one of url, file_id and sha256.")

    @property
    def is_local(self) -> bool:
        """Whether its bytes must be sent along."""
        return self.sha256 is not None

    @property
    def picture(self) -> str | None:
        """The hash that tells where it came from: that of the picture which was handed in."""
        return self.of or self.sha256

    def to_json(self) -> dict[str, object]:
        """Plain JSON values. What was added later is left out while it says nothing: old hashes stay as they are."""
        values = asdict(self)
        if self.of is None:
            del values["of"]
        return values


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """How the pictures travel.

    Attributes:
        field: The field that carries the references (the first one, where there is a `rest_field`); empty without any.
        rest_field: The field that carries all but the first, where that is another one.
        mask_field: The field that carries the mask; empty without one.
        multipart: Whether the call is ``multipart/form-data``.
        issues: Why it cannot be done (the other attributes mean nothing then), and what is worth knowing.
    """

    field: str = ""
    mask_field: str = ""
    multipart: bool = False
    rest_field: str = ""
    issues: tuple[Issue, ...] = ()


def plan(
    operation: Operation,
    references: tuple[Source, ...],
    mask: Source | None,
    origin: str = "",
    now: float | None = None,
) -> ReferencePlan:
    """Choose the fields for the pictures of one request.

    Args:
        operation: What is asked of which model.
        references: Pictures that go in, in order.
        mask: The mask, if any.
        origin: The API's origin, whose own pictures may be referred to even on a private host.
        now: The time, in seconds since 1970: signed addresses are held against it.
    """
    issues = _count_issues(operation, references, mask) + _source_issues(references, mask, origin, now)
    issues += _mask_issues(references, mask) if mask else []
    if any(issue.severity == "error" for issue in issues):
        return ReferencePlan(issues=tuple(issues))
    fields = _fields(operation, references, mask)
    return replace(fields, issues=(*fields.issues, *issues))


def _fields(operation: Operation, references: tuple[Source, ...], mask: Source | None) -> ReferencePlan:
    if not references and not mask:
        return ReferencePlan(multipart=operation.endpoint == VARIATIONS)
    if any(source.is_local for source in (*references, mask) if source):
        return _as_files(operation, references, mask)
    return _as_addresses(operation, references, mask)


def _count_issues(operation: Operation, references: tuple[Source, ...], mask: Source | None) -> list[Issue]:
    most = operation.max_references or (1 if operation.endpoint == VARIATIONS else _SCHEMA_MAX)
    count, name = len(references), operation.name
    if count and not operation.takes_references:
        return [_issue(f"{name} takes no pictures.", "Use image-to-image or image-edit, or leave the picture out.")]
    if not count and operation.needs_references:
        return [_issue(f"{name} needs a picture to start from.", "Give one: a path, bytes, an address or a result.")]
    if count > most:
        return [_issue(f"{count} pictures were given; {name} of this model takes {most} at most.", "Use fewer.")]
    if mask and not operation.takes_mask:
        return [Issue("mask", f"{name} of this model takes no mask.", remedy="Leave it out, or choose another model.")]
    if mask and not count:
        return [Issue("mask", "A mask was given without the picture that it covers.", remedy="Give that picture too.")]
    return []


def _mask_issues(references: tuple[Source, ...], mask: Source) -> list[Issue]:
    """Edit image: the mask is a PNG of the same pixel size as the source; sizes are known of local files only."""
    issues = []
    if mask.is_local and mask.media_type != _MASK_TYPE:
        issues.append(Issue("mask", f"The mask is {mask.media_type or 'of an unknown type'}; it must be a PNG.",
                            remedy="Save it as PNG, with the parts that may change fully transparent."))  # fmt: skip
    picture = references[0] if references else mask
    if mask.width and picture.width and (mask.width, mask.height) != (picture.width, picture.height):
        issues.append(Issue(
            "mask", f"The mask has {mask.width}x{mask.height} pixels, the picture {picture.width}x{picture.height}.",
            remedy=f"Make the mask {picture.width}x{picture.height}."))  # fmt: skip
    return issues


def _source_issues(references: tuple[Source, ...], mask: Source | None, origin: str, now: float | None) -> list[Issue]:
    named = [(f"references[{index}]", source) for index, source in enumerate(references)]
    named += [("mask", mask)] if mask else []
    issues = []
    for name, source in named:
        problem = url_problem(source.url, trusted_origin=origin) if source.url else ""
        if problem:
            remedy = "Use a public http(s) address, or hand in the file itself."
            issues.append(Issue(name, f"{shown(source.url or '')} cannot be used. {problem}", remedy=remedy))
        elif source.url and (signed := url_issue(name, source.url, now)):
            issues.append(signed)
        if source.is_local and source.media_type not in _FILE_TYPES:
            issues.append(Issue(name, f"The file is {source.media_type or 'of an unknown type'}.", _FILE_TYPES,
                                "Use PNG, JPEG or WebP."))  # fmt: skip
        if source.size > MAX_FILE_BYTES:
            issues.append(Issue(name, f"The file has {source.size:,} bytes; {MAX_FILE_BYTES:,} at most.",
                                remedy="Make the picture smaller."))  # fmt: skip
    return issues


def _as_files(operation: Operation, references: tuple[Source, ...], mask: Source | None) -> ReferencePlan:
    local = [source for source in references if source.is_local]
    if not _takes_files(operation):
        return _refused("This model takes public picture addresses only, no local files.",
                        "Put the picture at a public address, or choose a model that takes files.")  # fmt: skip
    if len(local) != len(references) or (mask and not mask.is_local):
        return _refused("Local files and addresses cannot go in one request.", "Hand in all of them the same way.")
    if operation.endpoint == EDITS:
        return ReferencePlan("image", "mask" if mask else "", multipart=True)
    if len(local) > 1:
        return _refused(f"{operation.endpoint} takes one local file a request.", "Use public addresses for several.")
    if mask:
        return _refused("This model takes a mask by public address only.", "Put mask and picture at public addresses.")
    return ReferencePlan("image", multipart=True)


def _takes_files(operation: Operation) -> bool:
    if operation.endpoint == VARIATIONS or "multipart" in (operation.shape_mode or ""):
        return True
    return operation.shape_mode is None and any(name in operation.params for name in ("image", "image[]"))


def _as_addresses(operation: Operation, references: tuple[Source, ...], mask: Source | None) -> ReferencePlan:
    if operation.endpoint == VARIATIONS:
        return _refused(f"{operation.endpoint} takes a local file, no address.", "Download it and hand in the file.")
    field = next((name for name in _address_fields(operation, references) if name in operation.params), "")
    if not field:
        kind = "uploaded files" if any(source.file_id for source in references) else "so many picture addresses"
        return _refused(f"{operation.name} of this model states no field for {kind}.",
                        "Hand in a local file, or fewer pictures.")  # fmt: skip
    if not mask:
        return ReferencePlan(field)
    # A mask_url is a text; only the mask object can name an uploaded file (schema of /v1/images/edits).
    mask_fields = ("mask",) if mask.file_id else ("mask_url", "mask")
    mask_field = next((name for name in mask_fields if name in operation.params), "")
    if not mask_field:
        return _refused(f"{operation.name} of this model takes no uploaded file as mask.", "Use a public address.")
    return ReferencePlan(field, mask_field)


def _address_fields(operation: Operation, references: tuple[Source, ...]) -> tuple[str, ...]:
    if any(source.file_id for source in references):
        return ("images",)
    several = _LISTS_ON_EDITS if operation.endpoint == EDITS else _LISTS_ELSEWHERE
    return ("image_url", *several) if len(references) == 1 else several


def _refused(message: str, remedy: str) -> ReferencePlan:
    return ReferencePlan(issues=(_issue(message, remedy),))


def _issue(message: str, remedy: str) -> Issue:
    return Issue("references", message, remedy=remedy)
