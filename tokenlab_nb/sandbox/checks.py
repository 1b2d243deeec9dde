"""Pure: would the service take this request? If not, the answer it would give.

Rules come from the vendor's schemas `ImageGenerationRequest`, `ImageGenerationMultipartRequest`, the inline bodies of
`/v1/images/edits` and `/v1/images/variations`, from each model's own contract, and from `catalog.Rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .catalog import EDITS, GENERATIONS, TEXT_TO_IMAGE, VARIATIONS, Entry
from .forms import Form, as_boolean, as_integer, as_string, check_parts
from .refusals import Refusal, invalid, missing
from .sizes import breaks_rule, parse_size
from .sources import Source, object_source, object_sources, upload_sources, url_sources

MAX_PROMPT = 4000
_STRINGS = ("negative_prompt", "size", "quality", "style", "aspect_ratio", "resolution", "user", "response_format")
_INTEGERS: Mapping[str, tuple[int, int] | None] = {
    "n": (1, 10),
    "seed": None,
    "output_compression": (0, 100),
    "compression": (0, 100),
}
_BOOLEANS = ("async", "expand_prompt")
_ENUMS: Mapping[str, Sequence[str]] = {
    "response_format": ("url", "b64_json"),
    "background": ("transparent", "opaque", "auto"),
    "output_format": ("png", "jpeg", "webp"),
    "moderation": ("auto", "low"),
}
_ROUTING = {"model", "prompt", "operation", "stream"}
_SCALARS = {*_STRINGS, *_INTEGERS, *_BOOLEANS, *_ENUMS}
_URLS = {"image_urls", "reference_image_urls"}
_SHAPES: Mapping[tuple[str, bool], set[str]] = {  # the fields of each body: JSON (False) and multipart (True)
    (GENERATIONS, False): _SCALARS | _URLS | {"image_url", "mask_url"},
    (GENERATIONS, True): _SCALARS | _URLS | {"image", "mask_url"},
    (EDITS, False): _SCALARS | {"image_url", "image_urls", "images", "mask"},
    (EDITS, True): _SCALARS | {"image", "image[]", "mask"},
    (VARIATIONS, True): {"image", "n", "size", "response_format", "user"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the service would take.

    Attributes:
        entry: The model.
        operation: What it is asked to do; worked out where the request does not say.
        prompt: Empty for a variation.
        options: The optional fields, typed, by name.
        references: Pictures to work from, in their order.
        mask: What may change.
    """

    entry: Entry
    operation: str
    prompt: str
    options: Mapping[str, Any]
    references: tuple[Source, ...] = ()
    mask: Source | None = None

    @property
    def count(self) -> int:
        """How many pictures."""
        return int(self.options.get("n", 1))

    @property
    def as_task(self) -> bool:
        """Whether the answer is a task."""
        answers = self.entry.behaviour.answers
        return answers == "task" or (answers == "choice" and bool(self.options.get("async")))

    @property
    def as_base64(self) -> bool:
        """Whether the answer carries the bytes; tasks answer with URLs whatever was asked."""
        return self.options.get("response_format") == "b64_json" and not self.as_task


def model_name(form: Form, route: str) -> str:
    """The model that is asked for.

    Raises:
        Refusal: 400 that names every required field that is missing.
    """
    required = ["model"] if route == VARIATIONS else ["model", "prompt"]
    lacking = [name for name in required if name not in form.fields or form.fields[name] == ""]
    if lacking:
        raise missing(lacking)
    if not isinstance(form.fields["model"], str):
        raise invalid("Expected a string.", param="model", code="invalid_type")
    return str(form.fields["model"])


def check(entry: Entry, route: str, form: Form) -> Asked:
    """Check a whole request.

    Args:
        entry: The model that `model_name` found.
        route: The path that it was sent to.
        form: The body.

    Raises:
        Refusal: 400, naming the field, with the slice of the contract that mends it.
    """
    if as_boolean(form, "stream"):
        raise invalid("Image streaming is not supported.", param="stream", code="unsupported_parameter")
    if route == VARIATIONS and not form.multipart:
        raise invalid("Send multipart/form-data.", param="image", code="unsupported_content_type")
    check_parts(form)
    references, mask = _references(form, route), _mask(form)
    operation = _operation(entry, route, form, has_references=bool(references))
    constraint = entry.constraint(operation)
    _check_names(entry, route, form, constraint)
    _check_shape(entry, route, form, constraint)
    prompt = _prompt(entry, route, form)
    options = _options(form)
    _check_values(entry, options, constraint)
    for selector in constraint.get("required_selectors", ()):
        if selector not in options:
            raise invalid(
                f"Required for {operation}.",
                param=selector,
                code="missing_required_selector",
                **_slice(entry, constraint),
            )
    _check_references(entry, operation, references, form)
    if mask and not references:
        raise invalid("A mask needs the image that it covers.", param=mask.param, code="invalid_mask")
    return Asked(entry, operation, prompt, options, references, mask)


def _references(form: Form, route: str) -> tuple[Source, ...]:
    uploads = tuple(upload_sources(form, "image", "image[]"))
    if route == GENERATIONS:
        if len(uploads) > 1:
            raise invalid("One file is accepted here.", param="image", code="too_many_images")
        return uploads + tuple(url_sources(form))
    if form.multipart:
        return uploads
    shapes = [name for name in ("image_url", "image_urls", "images") if name in form.fields]
    if len(shapes) > 1:
        raise invalid("Provide exactly one of image_url, image_urls or images.", param=shapes[1])
    return tuple(object_sources(form.fields["images"]) if "images" in form.fields else url_sources(form))


def _mask(form: Form) -> Source | None:
    files = form.files("mask")
    if len(files) > 1:
        raise invalid("One file is accepted here.", param="mask", code="too_many_images")
    if files:
        return Source("mask", data=files[0].data)
    if "mask" in form.fields:
        return object_source(form.fields["mask"], "mask")
    if "mask_url" in form.fields:
        return Source("mask_url", url=as_string(form, "mask_url") or "")
    return None


def _operation(entry: Entry, route: str, form: Form, *, has_references: bool) -> str:
    """The operation that is meant; where the body does not say, the route and the references do."""
    likely = likely_operation(entry, route, has_references=has_references)
    named = as_string(form, "operation") if route == GENERATIONS else None
    if named is not None and named not in entry.operations:
        raise _unsupported_operation(entry, f"'{named}' is not supported by this model.", entry.operations[0])
    if named is not None and entry.endpoint(named) != route:
        raise _unsupported_operation(entry, f"'{named}' is served at {entry.endpoint(named)}.", named)
    if not likely:
        best = entry.operations[0]
        raise _unsupported_operation(entry, f"{route} is not served for this model.", best)
    return named or likely


def likely_operation(entry: Entry, route: str, *, has_references: bool) -> str:
    """What a request means that does not say; empty when the route serves nothing for this model."""
    here = [name for name in entry.operations if entry.endpoint(name) == route]
    fitting = [name for name in here if (name == TEXT_TO_IMAGE) != has_references]
    return next(iter(fitting or here), "")


def _unsupported_operation(entry: Entry, message: str, meant: str) -> Refusal:
    return invalid(
        message,
        param="operation",
        code="unsupported_operation",
        model=entry.id,
        supported_operations=list(entry.operations),
        request_endpoint=entry.endpoint(meant) or None,
        recommended_request={"model": entry.id, "operation": meant},
    )


def _check_names(entry: Entry, route: str, form: Form, constraint: Mapping[str, Any]) -> None:
    """Refuse fields that this body does not have, or that the contract does not list (if there is one)."""
    shape = _SHAPES[route, form.multipart]
    listed = set(constraint.get("supported_parameters") or shape)
    listed |= {"image[]"} if "image" in listed else set()
    supported = (listed & shape) | _ROUTING
    for name in [*form.fields, *(upload.name for upload in form.uploads)]:
        if name not in supported:
            raise invalid(
                f"Not supported by {entry.id} at {route}.",
                param=name,
                code="unsupported_parameter",
                hint="Remove the field, or choose a model whose details list it.",
                **_slice(entry, constraint),
            )


def _check_shape(entry: Entry, route: str, form: Form, constraint: Mapping[str, Any]) -> None:
    """Refuse a body of the kind that the operation's `request_shape_mode` leaves out (words of it; a sandbox rule)."""
    mode = str(constraint.get("request_shape_mode") or (entry.contract or {}).get("request_shape_mode") or "")
    kinds = {"multipart": "multipart/form-data", "json": "application/json"}
    wanted = [kind for word, kind in kinds.items() if word in mode]
    sent = kinds["multipart" if form.multipart else "json"]
    if wanted and sent not in wanted and route != VARIATIONS:
        raise invalid(
            f"Send {wanted[0]}.",
            param="Content-Type",
            code="unsupported_content_type",
            request_shape_mode=mode,
            **_slice(entry, constraint),
        )


def _prompt(entry: Entry, route: str, form: Form) -> str:
    if route == VARIATIONS:
        return ""
    prompt = as_string(form, "prompt") or ""
    if not prompt.strip():
        raise invalid("Prompt must not be empty.", param="prompt", code="required")
    limit = entry.prompt_max or (MAX_PROMPT if route == GENERATIONS else None)
    if limit is not None and len(prompt) > limit:
        raise invalid(
            f"At most {limit:,} characters, got {len(prompt):,}.",
            param="prompt",
            code="prompt_too_long",
            prompt_max_characters=limit,
        )
    return prompt


def _options(form: Form) -> dict[str, Any]:
    """The optional fields with their schema types and enums checked."""
    options: dict[str, Any] = {}
    for name in form.fields:
        if name in _INTEGERS:
            options[name] = _ranged(form, name)
        elif name in _BOOLEANS:
            options[name] = as_boolean(form, name)
        elif name in _STRINGS or name in _ENUMS:
            options[name] = as_string(form, name)
        if name in _ENUMS and options[name] not in _ENUMS[name]:
            raise _not_allowed(name, _ENUMS[name])
    return options


def _ranged(form: Form, name: str) -> int:
    value, bounds = as_integer(form, name), _INTEGERS[name]
    if bounds and not bounds[0] <= value <= bounds[1]:
        raise invalid(f"Must be {bounds[0]} to {bounds[1]}.", param=name, code="out_of_range")
    return value


def _check_values(entry: Entry, options: Mapping[str, Any], constraint: Mapping[str, Any]) -> None:
    """The model's own limits on values: its contract's lists, then `Rules`."""
    for name, key in (("aspect_ratio", "allowed_aspect_ratios"), ("resolution", "allowed_resolutions")):
        allowed = constraint.get(key) or ()
        if name in options and allowed and options[name] not in allowed:
            fix = {"model": entry.id, name: allowed[0]}
            raise _not_allowed(name, allowed, recommended_request=fix, **{key: list(allowed)})
    rules = entry.rules
    for name in ("quality", "background", "style", "output_format"):
        listed: Sequence[str] = getattr(rules, name)
        if name in options and listed and options[name] not in listed:
            raise _not_allowed(name, listed, recommended_request={"model": entry.id, name: listed[0]})
    if options.get("n", 1) > rules.n_max:
        raise invalid(f"This model makes at most {rules.n_max} images at once.", param="n", code="out_of_range")
    if "size" in options:
        _check_size(entry, str(options["size"]))


def _check_size(entry: Entry, size: str) -> None:
    rules = entry.rules
    fix = {"model": entry.id, "size": rules.default_size}
    if rules.sizes and size not in rules.sizes:
        raise _not_allowed("size", rules.sizes, recommended_request=fix)
    if rules.size_rule is None or size in rules.size_rule["words"]:
        return
    exact = parse_size(size)
    wrong = "Send auto or WIDTHxHEIGHT." if exact is None else breaks_rule(rules.size_rule, exact)
    if wrong:
        raise invalid(wrong, param="size", code="invalid_size", recommended_request=fix)


def _check_references(entry: Entry, operation: str, references: Sequence[Source], form: Form) -> None:
    if operation == TEXT_TO_IMAGE:
        if references:
            raise _unsupported_operation(entry, "This model takes no reference images here.", operation)
        return
    if not references:
        param = "image" if form.multipart else "image_url"
        raise invalid(f"A reference image is required for {operation}.", param=param, code="required")
    if len(references) > entry.rules.references_max:
        raise invalid(
            f"At most {entry.rules.references_max} source images are accepted, got {len(references)}.",
            param=references[0].param.partition("[")[0],
            code="too_many_images",
        )


def _slice(entry: Entry, constraint: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the contract with which a client can mend its request."""
    keys = (
        "supported_parameters",
        "required_selectors",
        "optional_selectors",
        "allowed_aspect_ratios",
        "allowed_resolutions",
    )
    found = {key: list(constraint[key]) for key in keys if constraint.get(key)}
    found.setdefault("supported_parameters", ["prompt", *sorted(_SCALARS)])
    return {**found, "model": entry.id}


def _not_allowed(name: str, allowed: Sequence[str], **extra: Any) -> Refusal:
    return invalid(f"Must be one of: {', '.join(allowed)}.", param=name, code="invalid_value", **extra)
