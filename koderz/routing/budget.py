"""The budget: what a call may cost is set aside before it is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from koderz.config.settings import BudgetSettings
from koderz.errors import (
    AnswerLostError,
    BudgetExceededError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
)
from koderz.types import Tier

MOST_JOBS: Final = 10_000
"""How many jobs' costs are remembered; beyond, the job that was quiet longest is forgotten."""

_ZERO: Final = Decimal(0)
_MAYBE_BILLED: Final = (ProviderTimeoutError, MalformedResponseError, AnswerLostError)
_STATE_PRICES: Final = (
    'its price is unknown, so it cannot be kept within a limit: state it in [koderz.prices."MODEL"]'
)


class Account(Protocol):
    """The part of a ledger that a budget reads."""

    def spent_usd(self, since: datetime) -> Decimal:
        """What has been spent since then, by all processes that share the account."""


def get_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Budget:
    """Keeps calls within limits in USD per run, day (UTC) and job; for one event loop.

    The run's and each job's costs are kept here; the day's come from the account, read again for
    every call. What is set aside counts as spent until it is settled, so that calls under way at
    once pass a limit by no more than what they cost above what was set aside for them. Calls of
    other processes count once they are in the account. Calls to the local tier and calls that
    cost nothing are never refused. Simulated calls count, so that limits can be tried out.
    """

    def __init__(
        self,
        limits: BudgetSettings,
        account: Account,
        clock: Callable[[], datetime] = get_now,
    ) -> None:
        self._limits, self._account, self._clock = limits, account, clock
        self._run_usd = self._open_usd = _ZERO
        self._jobs: dict[str, Decimal] = {}
        self._unbilled: tuple[date, Decimal] = (date.min, _ZERO)

    def reserve(
        self,
        estimate: Callable[[], Decimal | None],
        *,
        job_id: str,
        tier: Tier | None = None,
        job_limit_usd: Decimal | None = None,
    ) -> Reservation:
        """Set aside what a call may cost at the most; use it as a context around the call.

        `estimate` is only asked where a limit is set; `job_limit_usd` is the job's own, beside
        that of the settings. Raises BudgetExceededError where the call could pass a limit, and
        where a limit is set and the price is unknown (None): what cannot be reckoned cannot be
        kept within a limit.
        """
        limits = [] if tier is Tier.LOCAL else self._list_limits(job_id, job_limit_usd)
        amount_usd = estimate() if limits else _ZERO
        for limit in limits:
            if amount_usd is None or amount_usd > max(limit.left_usd, _ZERO):
                raise BudgetExceededError(
                    limit.scope,
                    spent_usd=limit.spent_usd,
                    limit_usd=limit.limit_usd,
                    advice=_STATE_PRICES if amount_usd is None else limit.advice,
                )
        self._open_usd += amount_usd or _ZERO
        self._add_to_job(job_id, amount_usd or _ZERO)
        return Reservation(self, job_id, amount_usd or _ZERO)

    def settle(self, reservation: Reservation, actual_usd: Decimal | None) -> None:
        """Put what a call cost in the place of what was set aside for it.

        None is unknown: what was set aside stays spent.
        """
        reserved_usd = reservation.amount_usd
        self._open_usd -= reserved_usd
        self._run_usd += reserved_usd if actual_usd is None else actual_usd
        if actual_usd is None:
            # The account has no figure for this one: the day keeps it here.
            today = self._clock().date()
            self._unbilled = (today, self._get_unbilled_usd(today) + reserved_usd)
        else:
            self._add_to_job(reservation.job_id, actual_usd - reserved_usd)

    def _list_limits(self, job_id: str, job_limit_usd: Decimal | None) -> list[_Limit]:
        settings, job_usd = self._limits, self._jobs.get(job_id, _ZERO)
        limits = []
        if settings.run_usd is not None:
            limits.append(_Limit("run", settings.run_usd, self._run_usd + self._open_usd))
        if settings.day_usd is not None:
            limits.append(_Limit("day", settings.day_usd, self._load_day_usd()))
        if settings.task_usd is not None:
            limits.append(_Limit("task", settings.task_usd, job_usd))
        if job_limit_usd is not None:
            limits.append(_Limit("job", job_limit_usd, job_usd, "raise the job's own limit"))
        return limits

    def _load_day_usd(self) -> Decimal:
        now = self._clock()
        midnight = datetime.combine(now.date(), datetime.min.time(), tzinfo=UTC)
        recorded_usd = self._account.spent_usd(midnight)
        return recorded_usd + self._get_unbilled_usd(now.date()) + self._open_usd

    def _get_unbilled_usd(self, today: date) -> Decimal:
        day, amount_usd = self._unbilled
        return amount_usd if day == today else _ZERO

    def _add_to_job(self, job_id: str, amount_usd: Decimal) -> None:
        self._jobs[job_id] = max(self._jobs.pop(job_id, _ZERO) + amount_usd, _ZERO)
        if len(self._jobs) > MOST_JOBS:
            del self._jobs[next(iter(self._jobs))]


class _Limit(NamedTuple):
    scope: str
    limit_usd: Decimal
    spent_usd: Decimal
    advice: str = ""

    @property
    def left_usd(self) -> Decimal:
        return self.limit_usd - self.spent_usd


class Reservation:
    """What is set aside for one call; at the end of its context it is settled, come what may.

    A call that ends unsettled cost nothing where the provider refused it or was not reached, and
    all that was set aside where it may have been billed: cancelled, timed out, broken off.
    """

    def __init__(self, budget: Budget, job_id: str, amount_usd: Decimal) -> None:
        self.job_id, self.amount_usd = job_id, amount_usd
        self.is_settled = False
        self._budget = budget

    def settle(self, actual_usd: Decimal | None) -> None:
        """Count what the call cost (None: unknown, so all that was set aside); only once."""
        if not self.is_settled:
            self.is_settled = True
            self._budget.settle(self, actual_usd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_free = isinstance(error, ProviderError) and not isinstance(error, _MAYBE_BILLED)
        self.settle(_ZERO if is_free else None)
