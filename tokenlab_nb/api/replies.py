"""What the service answered, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

NO_PICTURE = "no_usable_picture"
"""Our code of a failure: the service says that it is done, or at least says nothing else, and there is no picture."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What every answer may carry beside its subject; None where it did not.

    Attributes:
        request_id: ``X-Request-ID``: the service's id of this call.
        billing_transaction_id: Id of a settled charge, from the body or ``X-Billing-Transaction-ID``.
        retry_after: Seconds that the service asks to wait before the next call.
        answered_at: ``Date``: when it was given, by the service's clock, in seconds since 1970.
        calls_limit: ``X-RateLimit-Limit``: how many calls the key has in each window.
        calls_left: ``X-RateLimit-Remaining``: how many of them are left.
        calls_renewed_at: ``X-RateLimit-Reset``: when the next window begins, by the service's clock, in seconds since
            1970.
    """

    request_id: str | None = None
    billing_transaction_id: str | None = None
    retry_after: float | None = None
    answered_at: float | None = None
    calls_limit: int | None = None
    calls_left: int | None = None
    calls_renewed_at: float | None = None


@dataclass(frozen=True, slots=True)
class ImageData:
    """One picture of an answer: a URL to fetch, or its bytes in base64 (exactly one is set).

    Attributes:
        url: Where it lies.
        b64: Its base64 text.
        revised_prompt: The prompt as the model rewrote it.
    """

    url: str | None = None
    b64: str | None = None
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """The pictures are ready (schema ``ImageGenerationResponse``, or a completed task).

    Attributes:
        images: At least one.
        meta: Ids and hints of the answer.
        task_id: The task that made them, if there was one.
        model: The model that made them, where the answer names it.
    """

    images: tuple[ImageData, ...]
    meta: Meta = Meta()
    task_id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """The pictures are being made.

    Attributes:
        task_id: The task's id; None when the answer gave only a ``poll_url``.
        poll_url: Where to ask next, as the answer gave it; None when it gave none.
        status: ``pending`` or ``processing``.
        progress: 0 to 100, only where the service gives a real figure.
        meta: Ids and hints of the answer.
    """

    task_id: str | None
    poll_url: str | None = None
    status: str = "pending"
    progress: int | None = None
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture that was fetched.

    Attributes:
        data: Its bytes, as they came.
        url: Where it was in the end, as it may be shown.
        redirects: How many redirects led there.
    """

    data: bytes = field(repr=False)
    url: str
    redirects: int = 0


Reply = Images | Task


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A picture that was uploaded (schema ``FileObject``).

    Attributes:
        file_id: What an edit calls it; the same model's only.
        expires_at: Until when, by the service's clock, in seconds since 1970; None where nothing is said.
        meta: Ids and hints of the answer.
    """

    file_id: str
    expires_at: float | None = None
    meta: Meta = Meta()
