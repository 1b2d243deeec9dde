"""Plans are run: what is there already is used, what goes on is followed, and only the rest is sent, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from tokenlab_nb.ballots import Ballots
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.validate import check_lifecycle
from tokenlab_nb.errors import NotFoundError, SessionClosedError, TokenLabError, ValidationError
from tokenlab_nb.intake import refusal
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import TakenError
from tokenlab_nb.jobs.verdicts import alone
from tokenlab_nb.store import takes as ledger
from tokenlab_nb.sweep.feed import Feed, Started
from tokenlab_nb.sweep.plan import Plan, Take, key_of
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.sweep.standing import standing

_ROUNDING = 1e-9  # dollars, as in budgets
_MOST_LOOKS = 5

ModelOrError = Model | TokenLabError


@dataclass(frozen=True)
class _Look:
    """What is known of takes at one moment.

    Attributes:
        rows: What the ledger holds of them.
        stand: By key, the job that stands for a take; none for one that is to be made.
        parked: By key, the drafts among them that an earlier kernel left, and nobody has in hand.
    """

    rows: Sequence[ledger.Found]
    stand: Mapping[str, JobSnapshot]
    parked: Mapping[str, JobSnapshot]

    def wanted(self, takes: Iterable[Take]) -> list[Take]:
        """Those that are to be sent."""
        return [take for take in takes if take.key not in self.stand or take.key in self.parked]


class Running(Ballots):
    """Runs plans. `Session` is what users hold."""

    def run_plan(
        self,
        plan: Plan,
        *,
        budget: float | Budget | None = None,
        concurrency: int | Mapping[str, int] | None = None,
        anew: bool = False,
    ) -> GridRun:
        """Start the jobs of a plan; see `Sweep.run`.

        A take whose pictures an earlier run made, in whichever kernel, is not sent; one that is on its way is
        followed; one of unknown outcome stays so, and is never sent again by itself.

        Raises:
            ValidationError: If a price has risen since the plan was made; nothing was sent.
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent, and nothing written.
            TokenLabError: If the ledger cannot be used, or no model be read.
        """
        most = _checked(concurrency, plan)
        limit = self._limit(budget)
        free: Collection[str] = () if anew else plan.made
        started = self._started(list(plan.takes.values()), self._budgets(limit), free=free, anew=anew)
        return GridRun(plan, self, started, limit, Feed(self._engine, most), anew=anew)

    def run_takes(
        self,
        takes: Sequence[Take],
        *,
        budget: float | Budget | None = None,
        beside: Budget | None = None,
        anew: bool = False,
    ) -> Started:
        """Make the takes of a grid that are not there, under the budgets; see `GridRun.retry`."""
        budgets = self._budgets(self._limit(budget))
        return self._started(takes, [*budgets, beside] if beside else budgets, anew=anew)

    def _limit(self, budget: float | Budget | None) -> Budget | None:
        return self.budget_of(budget) if isinstance(budget, int | float) else budget

    def made_takes(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of these keys of takes whose pictures are there already.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        wanted = set(keys)
        found = ledger.made(self._journal, self.origin, map(_hash_of, wanted))
        return frozenset(key for key in (key_of(name, take) for name, take in found) if key in wanted)

    # ------------------------------------------------------------------------------------ details

    @cached_property
    def _takes(self) -> dict[str, list[str]]:
        """By key, the ids of this session's own jobs: it knows them even where the ledger was lost meanwhile."""
        return {}

    def _started(
        self, takes: Sequence[Take], budgets: Sequence[Budget], *, free: Collection[str] = (), anew: bool = False
    ) -> Started:
        for _ in range(_MOST_LOOKS):
            look = self._look(takes, anew=anew)
            wanted = look.wanted(takes)
            models = self._read_models(wanted)
            drafts, unreadable = self._drafted(wanted, models, look.parked, budgets, free)
            names = [parked.id for parked in look.parked.values()]
            try:
                with self._engine.hands.taking(names):
                    self._put_in_line(look, drafts, models, budgets)
            except TakenError:
                continue
            self._give_up(unreadable, models)
            return self._gathered(takes, look, {**unreadable, **drafts}, models)
        raise TokenLabError(
            "Another kernel is at work on the same plan. Nothing was sent.", hint="Run it again once that one is done."
        )

    def _look(self, takes: Sequence[Take], *, anew: bool) -> _Look:
        """Find what stands for each take; what a kernel left that died meanwhile is taken up first."""
        hashes = {_hash_of(take.key) for take in takes}
        rows = ledger.found(self._journal, self.origin, hashes)
        if any(self._may_be_left(row) for row in rows):
            self._engine.recover()
            rows = ledger.found(self._journal, self.origin, hashes)
        known: dict[str, dict[str, JobSnapshot]] = {}
        for row in rows:
            known.setdefault(key_of(row.request_hash, row.take), {})[row.snapshot.id] = self._newer(row.snapshot)
        stand = {}
        for take in takes:
            ours = {name: self._engine.snapshot(name) for name in self._takes.get(take.key, ())}
            told = known.get(take.key, {})
            jobs = {**told, **ours, **told}  # in the ledger's order; those that it lost come last
            if found := standing(list(jobs.values()), anew=anew):
                stand[take.key] = found
        free = {row.snapshot.id for row in rows if row.owner is None}
        parked = {key: job for key, job in stand.items() if job.is_parked and job.id in free}
        return _Look(rows, stand, parked)

    def _may_be_left(self, row: ledger.Found) -> bool:
        """Whether it stands as a kernel left it that died meanwhile, or as a run of ours that was broken off."""
        status, name = row.snapshot.status, row.snapshot.id
        if row.is_ours:
            return status is JobStatus.DRAFT and not self._engine.hands.are_on(name)
        return status is JobStatus.SENDING or (status is JobStatus.DRAFT and not row.snapshot.is_parked)

    def _newer(self, row: JobSnapshot) -> JobSnapshot:
        """A job of the ledger as it stands; of those that run here we know better."""
        self._engine.know(row)
        ours = self._engine.snapshot(row.id)
        return ours if len(ours.moves) > len(row.moves) else row

    def _read_models(self, takes: Sequence[Take]) -> Mapping[str, ModelOrError]:
        """Each model as it stands now, or why there is none: that is a matter of its own cells."""
        found = {name: self._model_or_error(name) for name in dict.fromkeys(take.request.model for take in takes)}
        errors = [each for each in found.values() if isinstance(each, TokenLabError)]
        others = [each for each in errors if not isinstance(each, NotFoundError | ValidationError)]
        if others and len(errors) == len(found):  # the service cannot be asked at all
            raise others[0]
        return found

    def _model_or_error(self, name: str) -> ModelOrError:
        try:
            model = self.model(name)
        except SessionClosedError:
            raise
        except TokenLabError as error:
            return alone(error)
        life = check_lifecycle(model)
        return refusal(name, (life,)) if life and life.severity == "error" else model

    def _drafted(
        self,
        takes: Sequence[Take],
        models: Mapping[str, ModelOrError],
        parked: Mapping[str, JobSnapshot],
        budgets: Sequence[Budget],
        free: Collection[str],
    ) -> tuple[dict[str, JobSnapshot], dict[str, JobSnapshot]]:
        """Drafts by key, at today's prices: those that can be sent, and those whose model cannot be read."""
        since = self._since(budgets)
        now = max(self._clock.now(), since)
        good: dict[str, JobSnapshot] = {}
        bad: dict[str, JobSnapshot] = {}
        dearer = 0.0
        for take in takes:
            model, left = models[take.request.model], parked.get(take.key)
            known = isinstance(model, Model)
            price = self.price(take.request, model) if isinstance(model, Model) else take.price
            if known:
                dearer += _risen(Estimate(0.0, 0.0) if take.key in free else take.price, price)
            if left and known:
                draft = left.revived(now, price)
            else:
                draft = self._engine.draft(take.request, estimate=price, since=since, take=take.number)
            (good if known else bad)[take.key] = draft
        if dearer > _ROUNDING:
            raise ValidationError(
                "The price has changed since this was planned: it costs more now. Nothing was sent.",
                hint="Plan it again, and look at the new price.",
            )
        return good, bad

    def _put_in_line(
        self,
        look: _Look,
        drafts: Mapping[str, JobSnapshot],
        models: Mapping[str, ModelOrError],
        budgets: Sequence[Budget],
    ) -> None:
        """Write drafts down and have them wait. Where that is broken off, they are left for whoever runs them next."""
        try:
            self._reserve(look, drafts, budgets)
            self._line_up(drafts, models)
        except BaseException:
            self._engine.let_go(draft.id for draft in drafts.values())
            raise

    def _reserve(self, look: _Look, drafts: Mapping[str, JobSnapshot], budgets: Sequence[Budget]) -> None:
        if drafts:
            write = partial(ledger.reserve, self._journal, look.rows, drafts.keys())
            self._engine.reserve(list(drafts.values()), budgets, write)

    def _line_up(self, drafts: Mapping[str, JobSnapshot], models: Mapping[str, ModelOrError]) -> None:
        for model, some in _by_model(drafts.values(), models):
            if isinstance(model, Model):
                limits = model.contract.limits
                self._engine.line.up(some, concurrency=limits.concurrency, per_minute=limits.requests_per_minute)

    def _give_up(self, drafts: Mapping[str, JobSnapshot], models: Mapping[str, ModelOrError]) -> None:
        """End what cannot be sent, since its model cannot be read."""
        for error, some in _by_model(drafts.values(), models):
            if isinstance(error, TokenLabError):
                self._engine.line.up(some)
                self._engine.call(self._engine.line.call_off, [draft.id for draft in some], error)

    def _gathered(
        self,
        takes: Sequence[Take],
        look: _Look,
        drafts: Mapping[str, JobSnapshot],
        models: Mapping[str, ModelOrError],
    ) -> Started:
        jobs = {}
        for take in takes:
            job = self._own((drafts.get(take.key) or look.stand[take.key]).id)
            names = self._takes.setdefault(take.key, [])
            if job.id not in names:
                names.append(job.id)
            if take.key not in drafts:
                job.resume()  # where there is a task or a picture to ask for; nothing is sent
            jobs[take.key] = job
        waiting = frozenset(job.id for job in jobs.values() if job.id in self._engine.line)
        stated = {name: model.contract.limits.concurrency for name, model in models.items() if isinstance(model, Model)}
        return Started(jobs, waiting, {name: most for name, most in stated.items() if most})


def _by_model(
    drafts: Iterable[JobSnapshot], models: Mapping[str, ModelOrError]
) -> Iterator[tuple[ModelOrError, list[JobSnapshot]]]:
    some: dict[str, list[JobSnapshot]] = {}
    for draft in drafts:
        some.setdefault(draft.request.model, []).append(draft)
    return ((models[name], each) for name, each in some.items())


def _risen(was: Estimate, now: Estimate) -> float:
    """By how many dollars a price has risen; infinitely, where nobody knows it any more. An unknown one cannot rise."""
    if was.high is None:
        return 0.0
    return float("inf") if now.high is None else now.high - was.high


def _hash_of(key: str) -> str:
    return key.rpartition(":")[0]


def _checked(concurrency: int | Mapping[str, int] | None, plan: Plan) -> int | Mapping[str, int] | None:
    """Refuse a concurrency that is none.

    Raises:
        ValidationError: If it is no positive number, or speaks of a model that the plan does not use.
    """
    each = concurrency if isinstance(concurrency, Mapping) else {"": concurrency}
    for most in each.values():
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise ValidationError(f"A concurrency of {most!r} is none.", hint="Give a whole number from 1.")
    models = {cell.model for cell in plan.cells}
    if isinstance(concurrency, Mapping) and (odd := concurrency.keys() - models):
        raise ValidationError(f"The plan does not use {sorted(odd)[0]!r}.", hint=f"Its models: {', '.join(models)}.")
    return concurrency
