"""The one path: route, breaker, budget, client, check, ledger.

Only here do these meet. A call's own repeats (same model, passing faults) are its client's;
going on to the next model is done here. An attempt is in the ledger before its answer is
returned, and an answer that was paid for and rejected is billed to the model that gave it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from uuid import uuid4

import msgspec

from koderz.config.settings import Settings
from koderz.errors import (
    AuthenticationError,
    ConfigError,
    ContextLengthError,
    KoderzError,
    ProviderError,
    RequestRejectedError,
)
from koderz.ledger.records import Attempt, JobRecord
from koderz.ledger.scores import CalibrationRecord, ScoreRecord
from koderz.ledger.store import Ledger
from koderz.models.inventory import Inventory
from koderz.models.prices import Price, PriceBook
from koderz.routing.attempts import (
    Call,
    build_attempt,
    build_unanswered_attempt,
    estimate_cost_usd,
)
from koderz.routing.breaker import Breakers
from koderz.routing.budget import Budget, Reservation
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.routing.commitments import Commitments
from koderz.routing.questions import ClientSource, Question, Trail
from koderz.routing.requests import ask_again, fill_limits, fit_to_model
from koderz.routing.routes import Route, is_side_work, resolve_route
from koderz.routing.sampling import BuildFacts, Sampler
from koderz.types import Completion, ModelInfo, Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.batches import Batches

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Answer(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """An accepted answer: its `value`, the completion it came in, and all it took to get it."""

    value: T
    completion: Completion
    route: Route
    attempts: tuple[Attempt, ...]

    @property
    def cost_usd(self) -> Decimal | None:
        """What all attempts cost together; None where a price is unknown."""
        return sum_costs(self.attempts)


class Job(Protocol[T_co]):
    """A piece of work that a router performs."""

    async def run(self, router: Router) -> T_co:
        """Do the work over this router."""


class Router:
    """Sends work to the cheapest model that can do it; made by `koderz.compose.open_router`."""

    def __init__(
        self,
        *,
        settings: Settings,
        factory: ClientSource,
        prices: PriceBook,
        ledger: Ledger,
        inventory: Inventory | None,
        sampler: Sampler | None = None,
    ) -> None:
        self.settings, self.inventory = settings, inventory
        self.run_id = uuid4().hex
        self._factory, self._prices, self._ledger = factory, prices, ledger
        self._sampler = sampler
        limits = settings.koderz.routing
        self._budget = Budget(settings.koderz.budget, Commitments(ledger, self.run_id))
        self._breakers = Breakers(limits.breaker_failures, limits.breaker_cooldown_s)
        self._simulated: set[str] = set()
        self._side_slots = asyncio.Semaphore(limits.side_concurrency)
        self._main_slots = asyncio.Semaphore(limits.main_concurrency)

    def route(self, task: TaskKind) -> Route:
        """Which models a task goes to here and now, and why."""
        return resolve_route(self.settings, task, self.inventory)

    def price(self, model: ModelInfo) -> Price:
        """What a model costs."""
        return self._prices.get_price(model)

    @cached_property
    def batches(self) -> Batches:
        """Asking many questions at once at a provider's batch endpoint, for half the price.

        Raises ConfigError where the clients are of a kind that has none.
        """
        from koderz.routing.batch_values import BatchSource
        from koderz.routing.batches import Batches

        if not isinstance(self._factory, BatchSource):
            raise ConfigError("these models are asked one by one: leave the batch out")
        return Batches(
            settings=self.settings,
            clients=self._factory,
            prices=self._prices,
            ledger=self._ledger,
            budget=self._budget,
            run_id=self.run_id,
        )

    def record_job(self, job: JobRecord) -> None:
        """Keep what a finished job saved."""
        self._ledger.record_job(job)

    def record_score(self, score: ScoreRecord) -> None:
        """Keep what an answer scored."""
        self._ledger.record_score(score)

    def record_calibration(self, calibration: CalibrationRecord) -> None:
        """Keep a threshold that was chosen, and what it rests on."""
        self._ledger.record_calibration(calibration)

    def load_attempts(self, job_id: str) -> tuple[Attempt, ...]:
        """The attempts that the ledger has of a job, also those of an earlier process."""
        return self._ledger.load_attempts(job_id)

    async def perform(self, job: Job[T]) -> T:
        """Do a job: `await router.perform(ReadFile("build.log", "why did it fail?"))`."""
        return await job.run(self)

    async def ask(
        self,
        request: Request,
        task: TaskKind,
        check: Check[T],
        *,
        job_id: str = "",
        tries_per_model: int = 1,
        deadline_s: float | None = None,
        limit_usd: Decimal | None = None,
        models: Sequence[str] = (),
        build_facts: BuildFacts | None = None,
    ) -> Answer[T]:
        """The first answer that `check` accepts, from the cheapest model that gives one.

        The models of the task's route are asked in order, each up to `tries_per_model` times
        where its answer is rejected (the reason goes with the repeat). All attempts are billed to
        `job_id`, which may cost `limit_usd` at the most. `models` name the route instead, as in
        `resolve_route`. `build_facts` gives what the check was built of, for an answer that is
        kept to be measured later. Raises AllRoutesFailedError, BudgetExceededError, or at once
        AuthenticationError and RequestRejectedError, which no other model would mend.
        """
        route = resolve_route(self.settings, task, self.inventory, models=models)
        question = Question(
            request=fill_limits(request, route),
            check=check,
            route=route,
            job_id=job_id or uuid4().hex,
            tries_per_model=tries_per_model,
            limit_usd=limit_usd,
            build_facts=build_facts,
        )
        trail = Trail()
        longest_s = deadline_s or self.settings.koderz.routing.deadline_s
        try:
            async with asyncio.timeout(longest_s):
                return await self._ask_each(question, trail)
        except TimeoutError:
            raise trail.build_error(f"the deadline of {longest_s:g} s passed") from None
        except KoderzError as error:
            error.attempts = tuple(trail.attempts)
            raise

    async def _ask_each(self, question: Question[T], trail: Trail) -> Answer[T]:
        for model in question.route.models:
            answer = await self._ask_model(question, model, trail)
            if answer is not None:
                return answer
        raise trail.build_error(*([] if question.route.models else [question.route.reason]))

    async def _ask_model(
        self, question: Question[T], model: ModelInfo, trail: Trail
    ) -> Answer[T] | None:
        """The model's accepted answer, or None with the reason on the trail."""
        if model.context_tokens and model.context_tokens <= trail.too_small_tokens:
            trail.reasons.append(f"{model.name}: its context is no larger")
            return None
        request = fit_to_model(question.request, model, task=question.route.task)
        try:
            for _ in range(question.tries_per_model):
                completion, verdict = await self._attempt(question, model, request, trail)
                if isinstance(verdict, Accepted):
                    self._offer(question, model, completion)
                    return Answer(
                        value=verdict.value,
                        completion=completion,
                        route=question.route,
                        attempts=tuple(trail.attempts),
                    )
                trail.reasons.append(f"{model.name}: rejected, {verdict.reason}")
                request = ask_again(request, completion, verdict)
        except ContextLengthError as error:
            trail.too_small_tokens = max(trail.too_small_tokens, model.context_tokens or 0)
            trail.reasons.append(str(error))
        except (AuthenticationError, RequestRejectedError):
            raise
        except ProviderError as error:
            trail.reasons.append(str(error))
        except ConfigError as error:
            trail.config_error = trail.config_error or error
            trail.reasons.append(f"{model.name}: {error}")
        return None

    def _offer(self, question: Question[T], model: ModelInfo, completion: Completion) -> None:
        if self._sampler is not None:
            self._sampler.offer(
                question.request,
                completion,
                task=question.route.task,
                model=model,
                build_facts=question.build_facts,
            )

    async def _attempt(
        self, question: Question[T], model: ModelInfo, request: Request, trail: Trail
    ) -> tuple[Completion, Accepted[T] | Rejected]:
        """One call, judged and recorded, whatever comes of it."""
        call = Call(
            request=request,
            model=model,
            price=self.price(model),
            route=question.route,
            run_id=self.run_id,
            job_id=question.job_id,
        )
        slots = self._side_slots if is_side_work(question.route.task) else self._main_slots
        async with slots:
            with (
                self._breakers.watch(model.name),
                self._budget.reserve(
                    lambda: estimate_cost_usd(call),
                    job_id=call.job_id,
                    tier=model.tier,
                    job_limit_usd=question.limit_usd,
                ) as reservation,
            ):
                at = datetime.now(UTC)
                completion = await self._complete(call, trail, reservation, at)
                try:
                    verdict = question.check(completion)
                except Exception as error:
                    # A check that breaks is our fault; what it was to judge was paid all the same.
                    broken = Rejected(f"the check broke: {type(error).__name__}")
                    self._keep(build_attempt(call, completion, broken, at=at), trail, reservation)
                    raise
                self._keep(build_attempt(call, completion, verdict, at=at), trail, reservation)
                return completion, verdict

    async def _complete(
        self, call: Call, trail: Trail, reservation: Reservation, at: datetime
    ) -> Completion:
        """The client's answer; a call without one is recorded as failed or cancelled."""
        started = time.perf_counter()
        try:
            return await self._factory.get_client(call.model.name).complete(call.request)
        except (ProviderError, asyncio.CancelledError) as error:
            latency_s = time.perf_counter() - started
            attempt = build_unanswered_attempt(
                call,
                error,
                latency_s=latency_s,
                at=at,
                is_simulated=self._is_simulated(call.model, error),
            )
            self._keep(attempt, trail, reservation)
            raise

    def _is_simulated(self, model: ModelInfo, error: BaseException) -> bool:
        """Whether a simulator failed, or was left waiting: what it answered before tells."""
        is_said = isinstance(error, ProviderError) and error.is_simulated
        return is_said or model.provider in self._simulated

    def _keep(self, attempt: Attempt, trail: Trail, reservation: Reservation) -> None:
        """Settle first: what was paid counts against the budget even if the ledger is full."""
        reservation.settle(attempt.cost_usd)
        trail.attempts.append(attempt)
        if attempt.is_simulated:
            self._simulated.add(attempt.provider)
        self._ledger.record(attempt)


def sum_costs(attempts: Iterable[Attempt]) -> Decimal | None:
    """What attempts cost together, USD; None where one of them is unknown."""
    costs = [attempt.cost_usd for attempt in attempts]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
