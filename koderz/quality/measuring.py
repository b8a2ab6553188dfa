"""Measuring: the main model does again what small models did, and both answers are compared.

    async with open_router() as router:
        result = await router.perform(MeasureAnswers(store))

Every call is an attempt in the ledger under a task kind of its own: it costs what it costs, and
saves nothing. An answer goes from the file once it is measured, so that a run that was broken off,
or that its limit ended, is gone on with by the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from koderz.errors import JobError
from koderz.jobs.asking import Asker, PartAnswer
from koderz.ledger.records import Attempt, Outcome
from koderz.ledger.scores import Measure, ScoreRecord
from koderz.prompts.judge import build_judge_request
from koderz.quality.judging import VERDICT_CHECK, score_verdicts
from koderz.quality.measures import Agreement
from koderz.quality.results import MeasurePlan, MeasureResult, MeasureTally
from koderz.quality.samples import SampleStore, StoredAnswer
from koderz.quality.sittings import Sitting, build_sitting, choose_affordable
from koderz.routing.checks import check_text
from koderz.routing.router import sum_costs
from koderz.types import ModelInfo, Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_REFUSALS = 2


class MeasureAnswers(msgspec.Struct, frozen=True):
    """A job: kept answers of `store`, all or those of a `task` `since` then, are measured.

    All calls together may cost `max_usd` (None: as `[koderz.quality] max_usd` says). Answers of
    the simulator's models are measured where `is_simulated`, others where not. `on_plan` is told
    the price before anything is asked, `on_progress` how far it is.

    Raises:
        JobError: there is no main model, or the limit is none.
        AuthenticationError: the provider refuses the key.
    """

    store: SampleStore
    task: TaskKind | None = None
    since: datetime | None = None
    max_usd: Decimal | None = None
    is_simulated: bool = False
    on_plan: Callable[[MeasurePlan], None] | None = None
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> MeasureResult:
        """Measure what the limit covers, task by task in turn."""
        limit_usd = self._get_limit(router)
        route = router.route(TaskKind.QUALITY)
        if not route.models:
            raise JobError(f"nothing can be measured without a main model: {route.reason}")
        tally = MeasureTally()
        sittings = self._prepare(router, route.models[0], tally)
        chosen = choose_affordable(sittings, limit_usd)
        if self.on_plan:
            self.on_plan(_build_plan(sittings, chosen, route.models[0], limit_usd))
        bench = Bench(router, route.models[0], self.store, tally, limit_usd=limit_usd)
        step = router.settings.koderz.routing.side_concurrency
        for start in range(0, len(chosen), step):
            self._report(start, len(chosen))
            if not await bench.measure(chosen[start : start + step]):
                break
        self._report(len(chosen), len(chosen))
        return bench.build_result(len(sittings))

    def _get_limit(self, router: Router) -> Decimal:
        limit = router.settings.koderz.quality.max_usd if self.max_usd is None else self.max_usd
        if not (limit.is_finite() and limit >= 0):
            raise JobError(f"a limit of ${limit} is none: give 0 or more")
        return limit

    def _prepare(self, router: Router, main: ModelInfo, tally: MeasureTally) -> list[Sitting]:
        """What can be measured, each task and model in turn, the newest of each first."""
        queues: dict[tuple[TaskKind, str], list[Sitting]] = defaultdict(list)
        for stored in self.store.load(task=self.task, since=self.since):
            kept = stored.kept
            if kept.is_simulated != self.is_simulated or kept.model == main.name:
                continue
            sitting = build_sitting(router, main, stored)
            if sitting is None:
                tally.unreadable += 1
                self.store.drop(stored.id)
            else:
                queues[kept.task, kept.model].append(sitting)
        turns = chain.from_iterable(zip_longest(*queues.values()))
        return [sitting for sitting in turns if sitting is not None]

    def _report(self, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress("measuring", done, total)


class Bench:
    """Where answers are measured, a few at a time, and written down."""

    def __init__(
        self,
        router: Router,
        main: ModelInfo,
        store: SampleStore,
        tally: MeasureTally,
        *,
        limit_usd: Decimal,
    ) -> None:
        self._router, self._main, self._store, self._tally = router, main, store, tally
        self._job_id, self._limit_usd = uuid4().hex, limit_usd
        self._attempts: list[Attempt] = []

    async def measure(self, sittings: Sequence[Sitting]) -> bool:
        """Measure these; False where nothing more can be asked."""
        again = await self._ask(sittings, _repeat, _get_check)
        may_go_on = True
        for sitting, answer in zip(sittings, again, strict=True):
            if answer.value is None:
                may_go_on &= self._note_failure(sitting.stored, answer)
            elif sitting.yardstick and sitting.yardstick.compare:
                agreement = sitting.yardstick.compare(sitting.value, answer.value)
                self._write(sitting, agreement, sitting.yardstick.measure)
        prose = [
            (sitting, answer.value)
            for sitting, answer in zip(sittings, again, strict=True)
            if answer.value is not None and not sitting.compare
        ]
        return may_go_on and await self._judge(prose)

    async def _judge(self, prose: Sequence[tuple[Sitting, str]]) -> bool:
        """Have prose compared in both orders."""
        orders = [(s.stored.kept.request, s.stored.kept.answer, main) for s, main in prose]
        swapped = [(request, main, small) for request, small, main in orders]
        build = lambda order: build_judge_request(*order)  # noqa: E731 - one line, used twice.
        firsts = await self._ask(orders, build, lambda _: VERDICT_CHECK)
        seconds = await self._ask(swapped, build, lambda _: VERDICT_CHECK)
        may_go_on = True
        for (sitting, _), first, second in zip(prose, firsts, seconds, strict=True):
            if first.value is None or second.value is None:
                failed = first if first.value is None else second
                may_go_on &= self._note_failure(sitting.stored, failed)
            else:
                self._write(sitting, score_verdicts(first.value, second.value), "judged")
        return may_go_on

    async def _ask(
        self, parts: Sequence[Any], build_request: Callable[[Any], Request], get_check: Any
    ) -> tuple[PartAnswer[Any, Any], ...]:
        asker = Asker[Any, Any](
            self._router,
            TaskKind.QUALITY,
            build_request=build_request,
            build_check=get_check,
            job_id=self._job_id,
            limit_usd=self._limit_usd,
        )
        answers = await asker.ask_all(parts, lambda: None)
        self._attempts += [attempt for answer in answers for attempt in answer.attempts]
        return answers

    def _note_failure(self, stored: StoredAnswer, answer: PartAnswer[Any, Any]) -> bool:
        """Whether it was the answer that failed, and not the money or the way there."""
        self._tally.failures[answer.failure] += 1
        if not any(attempt.outcome is Outcome.REJECTED for attempt in answer.attempts):
            return bool(answer.attempts)
        self._tally.unusable += 1
        if stored.refusals + 1 >= MOST_REFUSALS:
            self._store.drop(stored.id)
            self._tally.dropped += 1
        else:
            self._store.count_refusal(stored.id)
        return True

    def _write(self, sitting: Sitting, agreement: Agreement | None, measure: Measure) -> None:
        kept = sitting.stored.kept
        if not self._store.drop(sitting.stored.id):
            self._tally.dropped += 1  # Another process measured it in the meantime.
        elif agreement is None:
            self._tally.equal += 1
        else:
            self._router.record_score(
                ScoreRecord(
                    at=datetime.now(UTC),
                    job_id=self._job_id,
                    task=kept.task,
                    model=kept.model,
                    reference=self._main.name,
                    measure=measure,
                    agreed=agreement.agreed,
                    units=agreement.units,
                    is_simulated=kept.is_simulated
                    or any(attempt.is_simulated for attempt in self._attempts),
                )
            )
            self._tally.measured[kept.task] += 1

    def build_result(self, found: int) -> MeasureResult:
        """What came of all of it."""
        tally = self._tally
        done = tally.measured.total() + tally.equal + tally.dropped
        return MeasureResult(
            main=self._main.name,
            measured=dict(tally.measured),
            unusable=tally.unusable,
            unreadable=tally.unreadable,
            equal=tally.equal,
            left=found - done,
            calls=len(self._attempts),
            cost_usd=sum_costs(self._attempts),
            notes=tuple(f"{n:,} not measured: {why}" for why, n in tally.failures.most_common(3)),
            simulated=any(attempt.is_simulated for attempt in self._attempts),
        )


def _repeat(sitting: Sitting) -> Request:
    return msgspec.structs.replace(sitting.stored.kept.request, top_logprobs=0)


def _get_check(sitting: Sitting) -> Any:
    return sitting.yardstick.check if sitting.yardstick else check_text


def _build_plan(
    sittings: Sequence[Sitting], chosen: Sequence[Sitting], main: ModelInfo, limit_usd: Decimal
) -> MeasurePlan:
    costs = [sitting.cost_usd for sitting in chosen]
    known = [cost for cost in costs if cost is not None]
    return MeasurePlan(
        kept=len(sittings),
        asked=len(chosen),
        calls=sum(sitting.calls for sitting in chosen),
        main=main.name,
        cost_usd=sum(known, Decimal(0)) if len(known) == len(costs) else None,
        limit_usd=limit_usd,
    )
