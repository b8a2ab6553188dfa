"""The budget: what is refused before it is made, and that nothing set aside is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledger_rows import NOON, build_attempt

from koderz.config.settings import BudgetSettings
from koderz.errors import (
    AuthenticationError,
    BudgetExceededError,
    MalformedResponseError,
    ProviderTimeoutError,
    ServerError,
    StoreError,
)
from koderz.ledger.store import Ledger
from koderz.routing.budget import MOST_JOBS, Budget, Reservation
from koderz.types import Tier

CENT = Decimal("0.01")


class Account:
    """An account whose spending of the day a test sets."""

    def __init__(self) -> None:
        self.spent: dict[datetime, Decimal] = {}

    def spent_usd(self, since: datetime) -> Decimal:
        return sum((cost for at, cost in self.spent.items() if at >= since), Decimal(0))


def build_budget(account: Any = None, **limits: Decimal) -> Budget:
    return Budget(BudgetSettings(**limits), account or Account(), lambda: NOON)


def reserve(budget: Budget, amount: Decimal | None, **fields: Any) -> Reservation:
    return budget.reserve(lambda: amount, **({"job_id": "job"} | fields))


def spend(budget: Budget, amount: Decimal, **fields: Any) -> None:
    with reserve(budget, amount, **fields) as reservation:
        reservation.settle(amount)


@pytest.mark.parametrize(("scope", "field"), [("run", "run_usd"), ("task", "task_usd")])
def test_a_call_that_could_pass_a_limit_is_refused_before_it_is_made(
    scope: str, field: str
) -> None:
    budget = build_budget(**{field: 3 * CENT})
    spend(budget, 2 * CENT)
    spend(budget, CENT)
    with pytest.raises(BudgetExceededError) as caught:
        reserve(budget, CENT)
    assert caught.value.scope == scope
    assert caught.value.spent_usd == 3 * CENT
    assert caught.value.limit_usd == 3 * CENT
    assert f"raise [koderz.budget] {field}" in str(caught.value)


def test_another_job_has_its_own_limit() -> None:
    budget = build_budget(task_usd=CENT)
    spend(budget, CENT, job_id="one")
    spend(budget, CENT, job_id="two")
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT, job_id="one")


def test_a_job_may_bring_a_limit_of_its_own() -> None:
    budget = build_budget()
    spend(budget, CENT, job_limit_usd=CENT)
    with pytest.raises(BudgetExceededError, match="the job budget of .*raise the job's own limit"):
        reserve(budget, CENT, job_limit_usd=CENT)
    spend(budget, CENT)


def test_a_budget_of_nothing_refuses_whatever_costs_something() -> None:
    budget = build_budget(run_usd=Decimal(0))
    spend(budget, Decimal(0))
    with pytest.raises(BudgetExceededError):
        reserve(budget, Decimal("0.000000000001"))


def test_the_local_tier_and_free_calls_are_never_refused() -> None:
    budget = build_budget(run_usd=CENT)
    reserve(budget, CENT).settle(5 * CENT)
    spend(budget, Decimal(0))
    reserve(budget, None, tier=Tier.LOCAL).settle(Decimal(0))
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT, tier=Tier.SMALL_FRONTIER)


def test_an_unknown_price_is_refused_where_a_limit_is_set_and_says_what_to_do() -> None:
    with pytest.raises(BudgetExceededError, match=r"price is unknown.*\[koderz\.prices"):
        reserve(build_budget(day_usd=Decimal(1000)), None)
    reserve(build_budget(), None).settle(None)


def test_without_limits_nothing_is_estimated() -> None:
    def refuse() -> Decimal:
        raise AssertionError("nobody needs to know")

    build_budget().reserve(refuse, job_id="job").settle(CENT)


def test_calls_under_way_count_with_what_was_set_aside() -> None:
    budget = build_budget(run_usd=2 * CENT)
    first, _second = reserve(budget, CENT), reserve(budget, CENT)
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT)
    first.settle(Decimal(0))
    reserve(budget, CENT)


async def test_concurrent_calls_cannot_overspend() -> None:
    budget, paid = build_budget(run_usd=10 * CENT), []

    async def ask(number: int) -> None:
        with reserve(budget, 3 * CENT, job_id=f"job-{number}") as reservation:
            await asyncio.sleep(0)
            paid.append(2 * CENT)
            reservation.settle(2 * CENT)

    endings = await asyncio.gather(*(ask(number) for number in range(50)), return_exceptions=True)
    refused = [ending for ending in endings if isinstance(ending, BudgetExceededError)]
    assert len(paid) + len(refused) == 50
    assert sum(paid) <= 10 * CENT


def test_a_reservation_is_settled_once() -> None:
    budget = build_budget(run_usd=2 * CENT)
    with reserve(budget, CENT) as reservation:
        reservation.settle(CENT)
        reservation.settle(CENT)
    spend(budget, CENT)
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT)


@pytest.mark.parametrize(
    ("error", "is_free"),
    [
        (ServerError("overloaded"), True),
        (AuthenticationError("no"), True),
        (ProviderTimeoutError("silence"), False),
        (MalformedResponseError("cut"), False),
        (asyncio.CancelledError(), False),
        (StoreError("the answer was paid for, its row not kept"), False),
    ],
)
def test_a_call_that_ends_unsettled_counts_where_it_may_have_been_billed(
    error: BaseException, *, is_free: bool
) -> None:
    budget = build_budget(run_usd=CENT, day_usd=CENT, task_usd=CENT)
    with pytest.raises(type(error)), reserve(budget, CENT):
        raise error
    if is_free:
        spend(budget, CENT)
    else:
        with pytest.raises(BudgetExceededError):
            reserve(budget, CENT)


def test_an_unknown_cost_counts_with_what_was_set_aside() -> None:
    for field in ("run_usd", "day_usd", "task_usd"):
        budget = build_budget(**{field: CENT})
        reserve(budget, CENT).settle(None)
        with pytest.raises(BudgetExceededError):
            reserve(budget, CENT)


def test_the_day_is_that_of_all_processes_and_read_again_each_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ours, Ledger(path) as theirs:
        budget = build_budget(ours, day_usd=3 * CENT)
        theirs.record(build_attempt(at=NOON - timedelta(days=1), cost_usd=100 * CENT))
        theirs.record(build_attempt(at=NOON, cost_usd=2 * CENT))
        reservation = reserve(budget, CENT)
        with pytest.raises(BudgetExceededError) as caught:
            reserve(budget, CENT)
        assert (caught.value.scope, caught.value.spent_usd) == ("day", 3 * CENT)
        reservation.settle(Decimal(0))
        theirs.record(build_attempt(at=NOON, cost_usd=CENT))
        with pytest.raises(BudgetExceededError):
            reserve(budget, CENT)


def test_a_new_day_begins_at_midnight_utc() -> None:
    now = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    account = Account()
    budget = Budget(BudgetSettings(day_usd=CENT), account, lambda: now)
    account.spent[now] = CENT
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT)
    now += timedelta(minutes=1)
    reserve(budget, CENT).settle(None)
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT)
    now += timedelta(days=1)
    reserve(budget, CENT).settle(CENT)


def test_many_jobs_do_not_fill_the_memory() -> None:
    budget = build_budget(task_usd=CENT)
    for number in range(MOST_JOBS + 100):
        spend(budget, CENT, job_id=str(number))
    assert len(budget._jobs) == MOST_JOBS
    with pytest.raises(BudgetExceededError):
        reserve(budget, CENT, job_id=str(MOST_JOBS))


AMOUNTS = st.decimals(min_value=0, max_value=4, places=3)
LIMITS = {"run_usd": Decimal(10), "day_usd": Decimal(8), "task_usd": Decimal(5)}


class BudgetMachine(RuleBasedStateMachine):
    """Calls under way at once, in any order; nobody pays more than was set aside for it."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()
        self.budget = build_budget(self.account, **LIMITS)
        self.open: list[Reservation] = []
        self.paid: dict[str, Decimal] = {}

    @rule(amount=AMOUNTS, job_id=st.sampled_from("abc"))
    def reserve(self, amount: Decimal, job_id: str) -> None:
        reserved = sum((one.amount_usd for one in self.open), Decimal(0))
        in_job = sum((one.amount_usd for one in self.open if one.job_id == job_id), Decimal(0))
        total = sum(self.paid.values()) + reserved + amount
        fits = (
            total <= LIMITS["run_usd"]
            and total <= LIMITS["day_usd"]
            and self.paid.get(job_id, Decimal(0)) + in_job + amount <= LIMITS["task_usd"]
        )
        if fits or not amount:
            self.open.append(reserve(self.budget, amount, job_id=job_id))
        else:
            with pytest.raises(BudgetExceededError):
                reserve(self.budget, amount, job_id=job_id)

    @precondition(lambda self: self.open)
    @rule(choose=st.data(), share=st.sampled_from(["0", "0.5", "1"]))
    def settle(self, choose: st.DataObject, share: str) -> None:
        reservation = choose.draw(st.sampled_from(self.open))
        self.finish(reservation, reservation.amount_usd * Decimal(share), reservation.settle)

    @precondition(lambda self: self.open)
    @rule(choose=st.data())
    def fail(self, choose: st.DataObject) -> None:
        def refuse(_: Decimal) -> None:
            with pytest.raises(ServerError), reservation:
                raise ServerError("overloaded")

        reservation = choose.draw(st.sampled_from(self.open))
        self.finish(reservation, Decimal(0), refuse)

    def finish(
        self, reservation: Reservation, cost: Decimal, end: Callable[[Decimal], None]
    ) -> None:
        end(cost)
        self.open.remove(reservation)
        self.paid[reservation.job_id] = self.paid.get(reservation.job_id, Decimal(0)) + cost
        self.account.spent[NOON] = sum(self.paid.values(), Decimal(0))

    @invariant()
    def nothing_spent_or_set_aside_passes_a_limit(self) -> None:
        reserved = sum((one.amount_usd for one in self.open), Decimal(0))
        assert sum(self.paid.values()) + reserved <= min(LIMITS["run_usd"], LIMITS["day_usd"])
        assert all(cost <= LIMITS["task_usd"] for cost in self.paid.values())


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
