"""Pure: what goes wrong on purpose.

A fault file is a JSON list of rules. A rule says what it matches and what then happens; every matching rule that has
not used up its `times` takes part, in the order of the list, but first those that strike before the work. A call that
one rule ends is not seen by the rules after it.

Matching (all optional; what is left out matches everything):

* `method`: `GET`, `POST` or `DELETE`.
* `path`: a prefix of the path, such as `/v1/images`, `/v1/tasks` or `/pictures`.
* `model`, `operation`: exact; `prompt`: a part of it, in any case. Status and picture routes match by the request
  that made the task or picture. `operation` is as the request names it, else the first that its route and its
  references allow.
* `nth`: the first `nth - 1` matching calls pass (default 1).
* `times`: how often it happens (default: always).

What happens, `do`:

* The answers of `PRESETS`: `insufficient_balance`, `quota_exceeded`, `rate_limited` (its header and its body differ),
  `all_channels_failed` (`retryable` true), `no_channel` (`retryable` false), `delivery_tier_unavailable`,
  `server_error`, `bad_gateway_html`, `timeout_504`, `invalid_api_key`, `model_not_allowed`, `task_vanishes`,
  `not_json`, `unreadable_200`. Or `answer`, with `status`, `headers` and `body` (JSON, or a string sent as it is).
* `drop`: the connection closes without an answer. `delay`: it takes `seconds` more, not scaled.
* In the answer that the service would have given: `truncated_json` (half of it), `completed_without_url`,
  `private_picture_host`, `foreign_poll_url`.
* In a picture: `corrupt_picture`, `huge_picture` (200 MB), `wrong_content_type`.

`after`: true lets the call do its work first, so that a task is made and its answer is lost; that is the default of
`not_json` and `unreadable_200`. For example, a task whose create is lost, once:

    [{"do": "drop", "after": true, "method": "POST", "path": "/v1/images", "times": 1}]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

ANSWER, DROP, DELAY = "answer", "drop", "delay"
REPLY_EDITS = ("truncated_json", "completed_without_url", "private_picture_host", "foreign_poll_url")
PICTURE_EDITS = ("corrupt_picture", "huge_picture", "wrong_content_type")
PRIVATE_HOST, FOREIGN_HOST = "http://10.0.0.1", "https://collector.example"
HUGE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer that is given as it stands.

    Attributes:
        status: HTTP status.
        body: JSON, or a string that is sent as it is.
        headers: Extra headers, `Content-Type` among them for a string.
        after: Whether the call does its work first, unless the rule says otherwise.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False


def _error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None, **extra: Any) -> Canned:
    return Canned(status, {"error": {"message": message, "type": kind, **extra}}, headers or {})


PRESETS: Mapping[str, Canned] = {
    "insufficient_balance": _error(
        402,
        "insufficient_balance",
        "Insufficient balance. Please top up your account.",
        code="insufficient_balance",
        balance_usd=0.12,
        estimated_cost_usd=0.35,
        suggestions=[],
        hint="Top up the account, or choose a cheaper model.",
    ),
    "quota_exceeded": _error(
        402, "quota_exceeded", "The spend limit of this API key is reached.", code="quota_exceeded"
    ),
    "rate_limited": _error(
        429,
        "rate_limit_exceeded",
        "Rate limit exceeded. Please slow down.",
        {"Retry-After": "2"},
        code="rate_limit_exceeded",
        retryable=True,
        retry_after=8,
    ),
    "all_channels_failed": _error(
        503,
        "all_channels_failed",
        "All channels failed for this model.",
        code="all_channels_failed",
        retryable=True,
        retry_after=30,
        alternatives=[],
    ),
    "no_channel": _error(
        503, "server_error", "No channel exists for this model.", code="all_channels_failed", retryable=False
    ),
    "delivery_tier_unavailable": _error(
        503,
        "delivery_tier_unavailable",
        "The requested delivery tier is not available.",
        code="delivery_tier_unavailable",
        retryable=True,
    ),
    "server_error": _error(500, "server_error", "An internal error occurred."),
    "timeout_504": _error(504, "timeout_error", "The upstream service did not answer in time."),
    "invalid_api_key": _error(401, "invalid_api_key", "Invalid API key provided.", code="invalid_api_key"),
    "model_not_allowed": _error(
        403, "permission_error", "This API key may not use the model.", code="model_not_allowed"
    ),
    "task_vanishes": _error(
        404,
        "invalid_request_error",
        "Task not found or no longer available.",
        code="async_task_not_found",
    ),
    "bad_gateway_html": Canned(
        502,
        "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
        {"Content-Type": "text/html"},
    ),
    "not_json": Canned(200, "OK, your image is on its way!", {"Content-Type": "text/plain"}, after=True),
    "unreadable_200": Canned(200, '{"created": ', {"Content-Type": "application/json"}, after=True),
}
_DOINGS = (*PRESETS, ANSWER, DROP, DELAY, *REPLY_EDITS, *PICTURE_EDITS)


@dataclass(frozen=True, slots=True)
class Event:
    """One call, as far as rules look at it."""

    method: str
    path: str
    model: str = ""
    operation: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule; the module's text says what its fields mean."""

    do: str
    method: str = ""
    path: str = ""
    model: str = ""
    operation: str = ""
    prompt: str = ""
    nth: int = 1
    times: int | None = None
    after: bool | None = None
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could never happen, while its author is watching."""
        if self.do not in _DOINGS:
            raise ValueError(f"unknown fault {self.do!r}; one of: {', '.join(_DOINGS)}")

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Fault:
        """Read one rule.

        Raises:
            ValueError: A key or a `do` that there is not.
        """
        unknown = set(raw) - {each.name for each in fields(cls)}
        if unknown or "do" not in raw:
            raise ValueError(f"unknown keys in a fault: {', '.join(sorted(unknown))}" if unknown else "no 'do'")
        return cls(**raw)

    @property
    def canned(self) -> Canned | None:
        """The answer that it gives in place of the service's own, if it does."""
        if self.do == ANSWER:
            return Canned(self.status, self.body, self.headers)
        return PRESETS.get(self.do)

    @property
    def ends(self) -> bool:
        """Whether nothing comes after it."""
        return self.do == DROP or self.canned is not None

    @property
    def late(self) -> bool:
        """Whether the call does its work first."""
        if self.do in (*REPLY_EDITS, *PICTURE_EDITS):
            return True
        if self.after is not None:
            return self.after
        return self.canned is not None and self.canned.after

    def matches(self, event: Event) -> bool:
        """Whether this rule is about this call."""
        return (
            self.method in ("", event.method)
            and event.path.startswith(self.path)
            and self.model in ("", event.model)
            and self.operation in ("", event.operation)
            and self.prompt.casefold() in event.prompt.casefold()
        )


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read a fault file.

    Args:
        text: A JSON list of rules.

    Raises:
        ValueError: Not JSON, or no such list.
    """
    raw = json.loads(text)
    if not isinstance(raw, list) or not all(isinstance(rule, dict) for rule in raw):
        raise ValueError("a fault file holds a JSON list of objects")
    return tuple(Fault.from_json(rule) for rule in raw)


class Script:
    """The rules, and how often each has matched."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        self._in_order = sorted(enumerate(self.faults), key=lambda item: item[1].late)
        self._seen: Counter[int] = Counter()

    def fire(self, event: Event) -> tuple[Fault, ...]:
        """The faults that this call meets, counting it."""
        fired: list[Fault] = []
        for place, fault in self._in_order:
            if not fault.matches(event):
                continue
            self._seen[place] += 1
            past = self._seen[place] - fault.nth
            if past >= 0 and (fault.times is None or past < fault.times):
                fired.append(fault)
                if fault.ends:
                    break
        return tuple(fired)


def edit_answer(answer: dict[str, Any], do: str, base_url: str) -> dict[str, Any]:
    """A service answer with one of `REPLY_EDITS` done to it (`truncated_json` changes no value)."""
    if do == "completed_without_url" and answer.get("status", "completed") == "completed" and "data" in answer:
        emptied = {**answer, "data": [{"url": ""} for _ in answer["data"]]}
        emptied.pop("image_url", None)
        return emptied
    if do == "private_picture_host":
        text = json.dumps(answer).replace(f"{base_url}/pictures/", f"{PRIVATE_HOST}/pictures/")
        return dict(json.loads(text))
    if do == "foreign_poll_url" and "poll_url" in answer:
        return {**answer, "poll_url": f"{FOREIGN_HOST}{answer['poll_url']}"}
    return answer
