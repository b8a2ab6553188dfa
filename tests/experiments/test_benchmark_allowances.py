"""The same-cost control: how much it may use, and when that is used up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_rows import build_attempt
from trials import CHEAP, FAILED, PASSED

from koderz.experiments.allowances import FREE, UNKNOWN_COST, UNKNOWN_PRICE, build_allowance
from koderz.experiments.history import Action, History, decide
from koderz.experiments.plans import Plan
from koderz.experiments.steps import AllowanceStep, Bound, FeedbackStep, IterationStep
from koderz.ledger.records import Attempt
from koderz.models.prices import FREE as FREE_RATES
from koderz.models.prices import Price
from koderz.models.registry import get_model_info
from koderz.types import ModelInfo, Rates, Tier

NOW = datetime(2026, 1, 31, tzinfo=UTC)
PLAN = Plan(iteration_model=CHEAP, max_iterations=30, cost_of="supervised")
PRICE = Price(rates=Rates(input=Decimal(1), output=Decimal(1)), as_of="", source="")
NO_PRICE = Price(rates=Rates(), as_of="", source="unknown")
LOCAL_PRICE = Price(rates=FREE_RATES, as_of="", source="")


def get_model(name: str) -> ModelInfo:
    model = get_model_info(name)
    assert model
    return model


def pay(cost: str | None, tier: Tier = Tier.SMALL_FRONTIER, latency_s: float = 1.0) -> Attempt:
    cost_usd = None if cost is None else Decimal(cost)
    return msgspec.structs.replace(
        build_attempt(), cost_usd=cost_usd, tier=tier, latency_s=latency_s
    )


def try_often(allowance: AllowanceStep, *attempts: Attempt) -> History:
    """A history of failed independent attempts, one call each."""
    history = History((allowance,))
    for number, attempt in enumerate(attempts, 1):
        step = IterationStep(
            at=NOW, number=number, model=CHEAP, answer="", code="", found="", attempts=(attempt,)
        )
        history = history.add(step).add(FeedbackStep(at=NOW, number=number, verdict=FAILED))
    return history


def test_a_priced_model_is_bounded_by_what_the_other_cost() -> None:
    allowance = build_allowance(
        "supervised", [pay("0.5"), pay("0.25")], model=get_model(CHEAP), price=PRICE
    )
    assert (allowance.bound, allowance.cost_usd, allowance.calls) == (
        Bound.COST,
        Decimal("0.75"),
        2,
    )
    assert not allowance.reason


@pytest.mark.parametrize(
    ("model", "price", "paid", "reason"),
    [
        ("llama3.2:3b", LOCAL_PRICE, "0.5", FREE),
        (CHEAP, NO_PRICE, "0.5", UNKNOWN_PRICE),
        (CHEAP, PRICE, None, UNKNOWN_COST),
    ],
)
def test_where_money_says_nothing_calls_are_counted_and_it_says_why(
    model: str, price: Price, paid: str | None, reason: str
) -> None:
    allowance = build_allowance(
        "supervised", [pay("0.5"), pay(paid)], model=get_model(model), price=price
    )
    assert (allowance.bound, allowance.calls, allowance.reason) == (Bound.CALLS, 2, reason)
    assert decide(PLAN, try_often(allowance, pay("0"))) is Action.ITERATION
    assert decide(PLAN, try_often(allowance, pay("0"), pay("9"))) is Action.VERDICT


def test_local_time_counts_where_an_hour_has_a_price() -> None:
    hour = Decimal(3600)
    allowance = build_allowance(
        "supervised",
        [pay("2"), pay("0", Tier.LOCAL, 3.0)],
        model=get_model("llama3.2:3b"),
        price=LOCAL_PRICE,
        gpu_hour_usd=hour,
    )
    assert (allowance.bound, allowance.cost_usd) == (Bound.COST, Decimal(5))
    second = pay("0", Tier.LOCAL, 1.0)
    assert decide(PLAN, try_often(allowance, *[second] * 4)) is Action.ITERATION
    assert decide(PLAN, try_often(allowance, *[second] * 5)) is Action.VERDICT


def test_attempts_end_with_the_first_that_passes() -> None:
    allowance = build_allowance("s", [pay("9")], model=get_model(CHEAP), price=PRICE)
    history = try_often(allowance, pay("1"))
    passed = FeedbackStep(at=NOW, number=1, verdict=PASSED)
    assert decide(PLAN, History((*history.steps[:-1], passed))) is Action.VERDICT


@given(
    st.decimals("0.001", "10", places=3),
    st.lists(st.decimals("0.001", "1", places=3), min_size=30, max_size=30),
)
def test_the_allowance_is_passed_by_no_more_than_attempts_differ(
    allowed: Decimal, costs: list[Decimal]
) -> None:
    allowance = build_allowance("s", [pay(str(allowed))], model=get_model(CHEAP), price=PRICE)
    made: list[Decimal] = []
    while (
        decide(PLAN, try_often(allowance, *[pay(str(cost)) for cost in made])) is Action.ITERATION
    ):
        made.append(costs[len(made)])
    spent = sum(made, Decimal(0))
    assert len(made) == 1 or sum(made[:-1]) * len(made) <= allowed * (len(made) - 1)
    assert len(made) == PLAN.max_iterations or spent + spent / len(made) > allowed
