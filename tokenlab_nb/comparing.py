"""Grids: plans over models, prompts and settings, running them, and what people say of the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tokenlab_nb.contract.model import Issue, Model
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import (
    NotFoundError,
    NotRecordedError,
    PermissionDeniedError,
    ServiceError,
    ValidationError,
)
from tokenlab_nb.handover import tell
from tokenlab_nb.intake import Picture
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.jobs.schedule import DOCUMENTED_SECONDS, expected_seconds
from tokenlab_nb.running import Running
from tokenlab_nb.sweep.axes import Asked, read
from tokenlab_nb.sweep.planner import Known, make_plan
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.sweep.sweep import Sweep


class Comparing(Running):
    """Plans and runs grids. `Session` is what users hold."""

    def sweep(
        self,
        models: str | Sequence[str],
        prompts: str | Sequence[str | None] | Mapping[str, str | None] | None = None,
        *,
        references: Any = None,
        mask: Picture | None = None,
        operations: str | Sequence[str | None] | None = None,
        repeats: int = 1,
        strict: bool = False,
        **params: Any,
    ) -> Sweep:
        """Plan a grid: what each cell will do and cost. Nothing is sent, and no job is made.

        Every list is an axis. A setting that a model does not take as it is asked is said otherwise there (a size as a
        ratio, the nearest value, several requests for many pictures) or left out; the cell is then *adjusted*, and each
        difference is named. Where nothing is near, it is *impossible*, and says why. Cells that come down to the same
        request share one job and one price.

        Args:
            models: A model's id, or several; of one that cannot be had, every cell is impossible.
            prompts: A prompt, several, or a dict of them by label; taken literally. Variations do without.
            references: A picture for every cell; or a list, whose entries are one cell's each: a picture, a list of
                pictures, or None; or a dict of these by label.
            mask: The mask of every cell.
            operations: A name or several; None is what the model does with what goes in.
            repeats: How often each cell is made.
            strict: Adjust nothing: what cannot be sent as it is asked is impossible.
            **params: Request fields. A list is an axis (``[[...]]`` where a list is the value), anything else is for
                all cells; None is not sent, and ``async_`` stands for ``async``.

        Raises:
            ValidationError: If an axis is empty, or what was handed in is of the wrong kind.
            TokenLabError: If the service cannot be asked for its models.
        """
        notes: list[Issue] = []

        def take(picture: Picture, name: str) -> Source:
            source, found = self.take_in(picture, name)
            notes.extend(found)
            return source

        asked = read(models, prompts, params, references=references, operations=operations, repeats=repeats, take=take)
        cover = None
        if mask is not None:
            cover, found = self.take_mask(mask, _covered(asked))
            notes.extend(found)
        known = self._known(asked.models)
        plan = make_plan(
            asked.axes,
            known,
            fixed=asked.fixed,
            references=asked.references,
            mask=cover,
            operation=asked.operation,
            strict=strict,
        )
        tell(dict.fromkeys(notes))
        return Sweep(replace(plan, notes=tuple(dict.fromkeys((*notes, *plan.notes)))), self)

    def compare(
        self,
        models: str | Sequence[str],
        prompts: str | Sequence[str | None] | Mapping[str, str | None] | None = None,
        *,
        budget: float | None = None,
        concurrency: int | Mapping[str, int] | None = None,
        anew: bool = False,
        **axes: Any,
    ) -> GridRun:
        """Plan a grid and run it: `sweep` and `Sweep.run` in one; see there for arguments and errors."""
        planned = self.sweep(models, prompts, **axes)
        tell(note for note in planned.plan.notes if note.field.startswith(("references", "mask")))
        return planned.run(budget, concurrency=concurrency, anew=anew)

    def _known(self, names: Sequence[str]) -> Known:
        """What a plan rests on. All models are asked for at once."""
        answers = {name: self.fetch_model(name) for name in names}
        models = {name: _read(name, answer) for name, answer in answers.items()}
        found = [model for model in models.values() if isinstance(model, Model)]
        documented = DOCUMENTED_SECONDS if self.is_billed else None
        usual = {
            model.id: expected_seconds(self._journal.latencies(self.origin, model.id), documented) for model in found
        }
        return Known(
            models,
            self.price,
            seconds={model_id: seconds for model_id, seconds in usual.items() if seconds is not None},
            made=self.made_takes,
            origin=self.origin,
            now=self._clock.now(),
            prefer_tasks=self.settings.prefer_tasks,
        )


def _read(name: str, answer: Answer[Model]) -> Model | str:
    """A model, or in words why it cannot be had; what is wrong with the service as a whole is raised."""
    try:
        return answer.result()
    except NotFoundError as error:
        near = error.did_you_mean
        return f"There is no model {name!r}. " + (f"Did you mean {near}?" if near else "session.models() lists them.")
    except (PermissionDeniedError, ValidationError, NotRecordedError) as error:
        return str(error)
    except ServiceError as error:
        if (error.facts.status or 500) >= 500:
            raise
        return str(error)


def _covered(asked: Asked) -> Source | None:
    """The picture that a mask must fit, where it is the same size in all cells that have one."""
    first = [pictures[0] for pictures in asked.pictures if pictures]
    alike = len({(source.width, source.height) for source in first}) == 1
    return first[0] if alike else None
