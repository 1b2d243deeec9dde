"""Pictures and models before there is a request: what is taken in, what is uploaded, who could do it otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from tokenlab_nb import intake
from tokenlab_nb.contract.model import Issue, Json, Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import NO_LOCAL_FILES, Source, file_issues, takes
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.desk import Desk
from tokenlab_nb.errors import NotFoundError, TokenLabWarning, ValidationError, users_line
from tokenlab_nb.intake import Picture, refusal
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.reached import Reached, reached


class Handover(Desk):
    """Takes pictures in. `Session` is what users hold."""

    def take_in(self, picture: Picture, name: str = "references[0]") -> intake.Taken:
        """Keep a picture for requests that are made later.

        Args:
            picture: What `submit` takes as a reference.
            name: How an issue calls it.

        Returns:
            What stands for it in ``references=``, and what should be known of it.

        Raises:
            ValidationError: If it is no picture that can be used.
        """
        return intake.source(picture, name, self._blobs)

    def upload(self, picture: Picture, *, model: str, purpose: Literal["vision", "user_data"] = "vision") -> Source:
        """Keep a local picture at the service (``/v1/files``) for edits with one model. Nothing is made or paid.

        Requests upload by themselves what they need; this is for a file of your own that is used often.

        Args:
            picture: What `submit` takes as a reference, but no address. Of a mask, what `take_mask` made of it.
            model: The model that may use it; another one needs its own upload.
            purpose: What the service is told that it is for.

        Returns:
            What stands for it in ``references=`` and ``mask=``. The same picture is uploaded once for each model.

        Raises:
            ValidationError: If it is no picture that can be uploaded.
            TokenLabError: If the service does not take it.
        """
        found = self._known_model(model)
        source, notes = intake.source(picture, "picture", self._blobs)
        issues = file_issues("picture", source)
        if not source.is_local:
            what = "an address, which needs no upload" if source.url else "uploaded already"
            issues = [Issue("picture", f"The picture is {what}.", remedy="Hand it in as it is.")]
        if issues:
            raise refusal("picture", issues)
        tell(notes)
        file_id = self._engine.call(self._engine.uploads.bring, found.id, source, purpose)
        return Source(file_id=file_id, width=source.width, height=source.height, of=source.picture)

    def bytes_of(self, source: Source) -> bytes:
        """The bytes that are sent for a local source.

        Raises:
            ValueError: If it is an address or an uploaded file.
            FileNotFoundError: If they are no longer in the data folder.
        """
        if source.sha256 is None:
            raise ValueError("Only a local picture has its bytes here.")
        return self._blobs.get(source.sha256)

    def take_mask(self, mask: Picture, first: Source | None) -> intake.Taken:
        """Keep a mask for requests that are made later, in the shape that edits want.

        Args:
            mask: What `submit` takes as a mask.
            first: The picture that it covers, as `take_in` returned it.

        Returns:
            What stands for it in ``mask=``, and what should be known of it.

        Raises:
            ValidationError: If it is no mask for that picture.
        """
        return intake.mask(mask, first, self._blobs)

    def price_unchecked(self, model: Model, operation: str, values: Mapping[str, Json]) -> Estimate:
        """Tell what settings will cost, right or not: a price hangs on nothing else. Nothing is asked.

        Args:
            model: The model as it was read.
            operation: What it is to do.
            values: Body fields by name; the prompt is not needed.
        """
        return self.price(ImageRequest(model.id, operation, "", values), model)

    def check_reference(self, url: str) -> Reached:
        """Try a picture's address from here, as the service would: it is fetched, and looked at. Nothing is kept.

        What fails here need not fail there, and the other way round: the service fetches references by itself. So
        nothing asks for this check but you.

        Args:
            url: An http(s) address.

        Returns:
            What is there, or in words why it cannot be used.
        """
        if not isinstance(url, str):
            what = f"This is no address, but a value of type {type(url).__name__}."
            raise refusal(
                "url", (Issue("url", what, remedy="Only addresses are checked; hand a picture in as it is."),)
            )
        return reached(url, lambda: self._engine.call(self._client.fetch_reference, url), self._clock.now())

    def fetch_reference(self, url: str) -> Answer[bytes]:
        """Fetch the picture of an address, to show it, without blocking: at most 50 MB, by the rules for references.

        The future holds the bytes as they came, whatever they are; or an `ImageError` where the address is refused, or
        a `TransportError` where it is not reached.
        """
        return self._engine.call_soon(self._reference_bytes, url)

    async def _reference_bytes(self, url: str) -> bytes:
        return (await self._client.fetch_reference(url)).data

    def _known_model(self, model_id: str) -> Model:
        """As `model`, but a wrong id is refused as part of a request."""
        if not model_id:
            raise refusal("The request", (Issue("model", "No model is chosen.", remedy="Choose one."),))
        if not isinstance(model_id, str):
            what = f"A model is named by its id, not by a value of type {type(model_id).__name__}."
            raise refusal("The request", (Issue("model", what, remedy="Give its id: model.id."),))
        try:
            return self.model(model_id)
        except NotFoundError as error:
            near = error.did_you_mean
            remedy = f"Did you mean {near}?" if near else "session.models() lists them."
            issue = Issue("model", f"There is no model {model_id!r}.", error.facts.suggestions, remedy, near)
            raise ValidationError(
                f"{issue.message} {remedy}", issues=(issue,), facts=error.facts, hint=remedy
            ) from error

    def _with_models(
        self, issues: Sequence[Issue], model: Model, operation: str, sources: tuple[Source, ...], cover: Source | None
    ) -> list[Issue]:
        """Where this model does not take the local files, name those that do, if that can be found out. It may ask."""
        names: list[str] = []
        if any(issue.code == NO_LOCAL_FILES for issue in issues):
            fits = partial(takes, operation=operation, references=sources, mask=cover, origin=self.origin)
            names = self._engine.call(self._catalogue.that_fit, fits, model.id)
        more = f" Models that take it: {', '.join(names)}." if names else ""
        return [replace(each, remedy=each.remedy + more) if each.code == NO_LOCAL_FILES else each for each in issues]


def tell(issues: Iterable[Issue]) -> None:
    """Tell what may go wrong without being refused."""
    for issue in issues:
        warnings.warn(str(issue), TokenLabWarning, stacklevel=users_line())
