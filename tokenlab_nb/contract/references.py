"""Which field carries the pictures that go in, how many, and in which shape -> `ReferencePlan`.

What an operation has room for is read in `tokenlab_nb.contract.carriers`. Limits of sizes and types: the vendor's guide
"Image Generation" and the page "Edit image".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from tokenlab_nb.contract.carriers import Room, carriers
from tokenlab_nb.contract.hosts import url_problem
from tokenlab_nb.contract.model import (
    IMAGE_EDIT,
    IMAGE_TO_IMAGE,
    IMAGE_VARIATION,
    VARIATIONS,
    Issue,
    Model,
    Operation,
)
from tokenlab_nb.contract.signed import shown, url_issue

MAX_FILE_BYTES = 50_000_000
"""Most bytes of one reference file (guide "Image Generation"; MB and MiB are not told apart, so the smaller)."""

MAX_LOCAL_BYTES = 200_000_000
"""Most bytes of all local files of one request together, the mask included."""

NO_LOCAL_FILES = "no_local_files"
"""`Issue.code`: this model cannot take these local files, or so many of them; another model may."""

_FILE_TYPES = ("image/png", "image/jpeg", "image/webp")
_MASK_TYPE = "image/png"


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
        ways = [part for part in (self.url, self.file_id, self.sha256) if part is not None]
        if len(ways) != 1 or not ways[0]:  # an empty one would be sent as no picture at all
            raise ValueError("A source is exactly one of url, file_id and sha256.")

    def __repr__(self) -> str:
        """What is set, an address without its query: a notebook keeps what it shows, and the query may be a key."""
        told = {**self.to_json(), "url": self.url and shown(self.url)}
        return f"Source({', '.join(f'{name}={value!r}' for name, value in told.items() if value)})"

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
        multipart: Whether the call is ``multipart/form-data``. If it is not, local pictures are uploaded to
            ``/v1/files`` first, and `field` (``images``) or `mask_field` (``mask``) names what came of them.
        issues: Why it cannot be done (the other attributes mean nothing then), and what is worth knowing.
    """

    field: str = ""
    mask_field: str = ""
    multipart: bool = False
    rest_field: str = ""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceLimits:
    """What pictures an operation takes, for people and for pickers.

    Attributes:
        most: Most pictures of one request.
        most_files: Most of them that may be local files.
        takes_files: Whether local files are taken.
        takes_addresses: Whether public addresses are taken.
        takes_mask: Whether a mask is taken.
        takes_mask_file: Whether it may be a local file.
        words: The same in words, such as ``up to 16, files or addresses``.
    """

    most: int = 0
    most_files: int = 0
    takes_files: bool = False
    takes_addresses: bool = False
    takes_mask: bool = False
    takes_mask_file: bool = False
    words: str = "no pictures"


def limits(operation: Operation) -> ReferenceLimits:
    """Tell what pictures an operation takes; `plan` keeps to the same."""
    if not operation.takes_references:
        return ReferenceLimits()
    room = carriers(operation)
    files, addresses = room.most_files, room.most_addresses
    return ReferenceLimits(
        most=max(files, addresses),
        most_files=files,
        takes_files=files > 0,
        takes_addresses=addresses > 0,
        takes_mask=_takes_mask(operation),
        takes_mask_file=bool(room.mask_file) or room.mask_uploads,
        words=_words(files, addresses, file_leads=room.file_leads),
    )


def _words(files: int, addresses: int, *, file_leads: bool) -> str:
    if not (files and addresses):
        return _number(files, "file") if files else _number(addresses, "address") if addresses else "no pictures"
    if files == addresses:
        return "one, a file or an address" if files == 1 else f"up to {files}, files or addresses"
    if file_leads:
        return f"{_number(addresses, 'address')}; the first may be a file"
    return f"{_number(files, 'file')}, or {_number(addresses, 'address')}"


def _number(count: int, what: str) -> str:
    plural = "addresses" if what == "address" else f"{what}s"
    return f"one {what}" if count == 1 else f"up to {count} {plural}"


def _takes_mask(operation: Operation) -> bool:
    return operation.takes_mask and operation.endpoint != VARIATIONS


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
    room = carriers(operation)
    issues = _count_issues(operation, room, references, mask) + _source_issues(references, mask, origin, now)
    issues += _mask_issues(references, mask) if mask else []
    if any(issue.severity == "error" for issue in issues):
        return ReferencePlan(issues=tuple(issues))
    fields = _fields(room, operation, references, mask)
    return replace(fields, issues=(*fields.issues, *issues))


def _fields(room: Room, operation: Operation, references: tuple[Source, ...], mask: Source | None) -> ReferencePlan:
    if not references:  # nor a mask, which is refused without them
        return ReferencePlan(multipart=operation.endpoint == VARIATIONS)
    if not any(source.is_local for source in references):
        return _as_addresses(room, operation, references, mask)
    return _as_files(room, references, mask) if room.repeats else _as_one_file(room, operation, references, mask)


def takes(model: Model, operation: str, references: tuple[Source, ...], mask: Source | None, origin: str = "") -> bool:
    """Whether a model surely does this work with these pictures, perhaps by an operation of another name.

    Args:
        model: With its contract.
        operation: What was asked of another model.
        references: Pictures that go in, in order.
        mask: The mask, if any.
        origin: The API's origin.
    """
    alike = (IMAGE_VARIATION,) if operation == IMAGE_VARIATION else (IMAGE_TO_IMAGE, IMAGE_EDIT)
    offered = [each for name, each in model.contract.operations.items() if name in alike and each.confirmed]
    return any(not _refusals(plan(each, references, mask, origin)) for each in offered)


def _refusals(made: ReferencePlan) -> list[Issue]:
    return [issue for issue in made.issues if issue.severity == "error"]


def _count_issues(operation: Operation, room: Room, references: tuple[Source, ...], mask: Source | None) -> list[Issue]:
    count, name, most = len(references), operation.name, room.most
    if count and not operation.takes_references:
        return [_issue(f"{name} takes no pictures.", "Use image-to-image or image-edit, or leave the picture out.")]
    if not count and operation.needs_references:
        return [_issue(f"{name} needs a picture to start from.", "Give one: a path, bytes, an address or a result.")]
    if count > most:
        return [_issue(f"{count} pictures were given; {name} of this model takes {most} at most.", "Use fewer.")]
    if mask and not _takes_mask(operation):
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
        issues += file_issues(name, source)
    total = sum(source.size for _, source in named if source.is_local)
    if total > MAX_LOCAL_BYTES:
        issues.append(_issue(f"The local files have {total:,} bytes together; {MAX_LOCAL_BYTES:,} at most.",
                             "Use fewer or smaller pictures."))  # fmt: skip
    return issues


def file_issues(name: str, source: Source) -> list[Issue]:
    """What is wrong with a local file, by its type and size.

    Args:
        name: How an issue calls it.
        source: The picture; an address has no issue here.
    """
    if not source.is_local:
        return []
    issues = []
    if source.media_type not in _FILE_TYPES:
        issues.append(Issue(name, f"The file is {source.media_type or 'of an unknown type'}.", _FILE_TYPES,
                            "Use PNG, JPEG or WebP."))  # fmt: skip
    if source.size > MAX_FILE_BYTES:
        issues.append(Issue(name, f"The file has {source.size:,} bytes; {MAX_FILE_BYTES:,} at most.",
                            remedy="Make the picture smaller."))  # fmt: skip
    return issues


_Pictures = tuple[Source, ...]


def _as_files(room: Room, references: _Pictures, mask: Source | None) -> ReferencePlan:
    """Edits: all in one form, else all by address and by uploaded file."""
    all_local = all(source.is_local for source in references)
    if room.file and all_local and (mask is None or (mask.is_local and room.mask_file)):
        return ReferencePlan(room.file, room.mask_file if mask else "", multipart=True)
    if room.uploads:
        return _with_mask(room, ReferencePlan("images"), mask)
    if not room.file:
        return _no_local_files()
    if not all_local:
        return _no_mixing(room)
    if mask and mask.is_local:
        return _mask_by_address()
    return _refused("Where the pictures are local files, the mask of this model must be one too.",
                    "Hand in the mask itself.", "mask")  # fmt: skip


def _as_one_file(room: Room, operation: Operation, references: _Pictures, mask: Source | None) -> ReferencePlan:
    """Generations and variations: one local file in a form, and addresses after it as one text."""
    first, *others = references
    if not room.file:
        return _no_local_files()
    if sum(source.is_local for source in references) > 1:
        how = "Put the others at public addresses" if room.joined else "Use one"
        return _refused(f"{operation.name} of this model takes one local file a request.",
                        f"{how}, or choose a model that takes several files.", code=NO_LOCAL_FILES)  # fmt: skip
    if others and not room.joined:
        return _no_mixing(room)
    if not first.is_local:
        return _refused("The local file must be the first picture here, before all addresses.",
                        "Move it to the front, or put it at a public address.")  # fmt: skip
    if any(source.file_id for source in others):
        return _no_uploaded_files(operation)
    return _in_form(room, ReferencePlan(room.file, multipart=True, rest_field=room.joined if others else ""),
                    references, mask)  # fmt: skip


def _as_addresses(room: Room, operation: Operation, references: _Pictures, mask: Source | None) -> ReferencePlan:
    if any(source.file_id for source in references):
        chosen = ReferencePlan("images")
        return _with_mask(room, chosen, mask) if room.uploads else _no_uploaded_files(operation)
    if not room.most_addresses:
        return _refused("This model takes local files only, no addresses.", "Download it and hand in the file.")
    if len(references) > room.most_addresses:
        return _refused(f"{operation.name} of this model takes one picture address a request.",
                        "Use one, or hand in local files." if room.most_files > 1 else "Use one.")  # fmt: skip
    if room.form_only:
        return _in_form(room, ReferencePlan(room.joined, multipart=True), references, mask)
    if room.one and (len(references) == 1 or not room.several):
        chosen = ReferencePlan(room.one, rest_field=room.rest if len(references) > 1 else "")
    else:
        chosen = ReferencePlan(room.several)
    return _with_mask(room, chosen, mask)


def _in_form(room: Room, chosen: ReferencePlan, references: _Pictures, mask: Source | None) -> ReferencePlan:
    """A form's addresses are one text with commas, and its mask is an address."""
    commas = [place for place, source in enumerate(references) if "," in (source.url or "")]
    if commas:
        return _refused("The address holds a comma, and here all addresses travel as one text with commas.",
                        "Use an address without a comma.", f"references[{commas[0]}]")  # fmt: skip
    if mask is None:
        return chosen
    return replace(chosen, mask_field=room.form_mask) if mask.url and room.form_mask else _mask_by_address()


def _with_mask(room: Room, chosen: ReferencePlan, mask: Source | None) -> ReferencePlan:
    """A JSON body's mask: a ``mask_url`` is a text, only the ``mask`` object can name an uploaded file."""
    if mask is None:
        return chosen
    if mask.url:
        return replace(chosen, mask_field=room.masks[0])
    return replace(chosen, mask_field="mask") if room.mask_uploads else _mask_by_address()


def _no_local_files() -> ReferencePlan:
    return _refused("This model takes public picture addresses only, no local files.",
                    "Put the picture at a public address, or choose a model that takes files.",
                    code=NO_LOCAL_FILES)  # fmt: skip


def _no_uploaded_files(operation: Operation) -> ReferencePlan:
    return _refused(f"{operation.name} of this model states no field for uploaded files.",
                    "Hand in the picture itself, or its public address.")  # fmt: skip


def _no_mixing(room: Room) -> ReferencePlan:
    ways = ["all of them as files"] if room.most_files > 1 else []
    ways += ["all of them by address"] if room.most_addresses > 1 else []
    return _refused("Local files and addresses cannot go in one request of this model.",
                    f"Hand in {', or '.join(ways) or 'one of them alone'}.", code=NO_LOCAL_FILES)  # fmt: skip


def _mask_by_address() -> ReferencePlan:
    return _refused("This model takes a mask by public address only.", "Put mask and picture at public addresses.",
                    "mask", NO_LOCAL_FILES)  # fmt: skip


def _refused(message: str, remedy: str, field: str = "references", code: str = "") -> ReferencePlan:
    return ReferencePlan(issues=(Issue(field, message, remedy=remedy, code=code),))


def _issue(message: str, remedy: str) -> Issue:
    return Issue("references", message, remedy=remedy)
