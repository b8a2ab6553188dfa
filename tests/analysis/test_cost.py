"""The cost analysis: its form to the letter, and its sums over any attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.analysis.cost import CostAnalyzer
from koderz.analysis.costs import Control
from koderz.ledger.records import Attempt, Outcome
from koderz.models.prices import Price
from koderz.models.registry import get_model_info
from koderz.types import Rates, TaskKind, Tier, Usage

NOW = datetime(2026, 1, 31, tzinfo=UTC)
PRICE = Price(
    rates=Rates(input=Decimal(10), output=Decimal(40)), as_of="2026-01-31", source="configuration"
)
BASELINE = get_model_info("gpt-4o")
PAGE = """\
Cost Analysis:
  Actual Total: $0.0123
    - Full Frontier: $0.0050 (1 call)
    - Small Frontier: $0.0073 (9 calls)
    - Local: $0.0000 (0 calls)
    (10 API calls, 0 local calls)

  Frontier-Only Estimate: $0.1368
  Savings: $0.1245 (91.0%)
  (an estimate: the same tokens at the prices of gpt-4o, configuration, as of 2026-01-31)

Tokens:
  input           11,680
  cache read           0
  cache write          0
  output             500 (90 of them thoughts)

Cost by role:
  checkpoint  $0.0050 (1 call)
  iteration   $0.0073 (9 calls)

Time by tier:
  Full Frontier  2.0 s wall, 2.0 s of models
  Small Frontier 10.0 s wall, 18.0 s of models"""


def attempt(tier: Tier = Tier.FRONTIER, cost_usd: str | None = "0.005", **changes: Any) -> Attempt:
    usage = Usage(input_tokens=1168, output_tokens=50, reasoning_tokens=9)
    made = Attempt(
        at=NOW,
        run_id="run",
        job_id="job",
        task=TaskKind.CHECKPOINT,
        tier=tier,
        provider="openai",
        model="m",
        usage=usage,
        cost_usd=None if cost_usd is None else Decimal(cost_usd),
        latency_s=2.0,
        outcome=Outcome.ACCEPTED,
    )
    return msgspec.structs.replace(made, **changes)


def small(number: int) -> Attempt:
    """Nine of them cost $0.0073; each begins a second after the one before."""
    cost_usd = "0.0009" if number else "0.0001"
    usage = Usage(input_tokens=1168, output_tokens=50, reasoning_tokens=9)
    return attempt(
        Tier.SMALL_FRONTIER,
        cost_usd,
        task=TaskKind.ITERATION,
        at=NOW + timedelta(seconds=number),
        usage=usage,
    )


def analyze(*attempts: Attempt, **options: Any) -> CostAnalyzer:
    analyzer = CostAnalyzer(**{"baseline": BASELINE, "price": PRICE, **options})
    for each in attempts:
        analyzer.add_cost(each)
    return analyzer


def test_the_analysis_has_the_form_that_was_agreed_on() -> None:
    assert analyze(attempt(), *map(small, range(9))).format_analysis() == PAGE


def test_an_unknown_price_makes_a_total_a_least() -> None:
    analyzer = analyze(attempt(), attempt(cost_usd=None, task=TaskKind.SPEC))
    page = analyzer.format_analysis()
    assert "Actual Total: at least $0.0050" in page
    assert "- Full Frontier: at least $0.0050 (2 calls)" in page
    assert "Savings: unknown" in page
    assert "the price of 1 call is unknown" in page
    assert "spec        at least $0.0000 (1 call)" in page


def test_without_prices_of_the_baseline_the_estimate_is_unknown() -> None:
    unknown = Price(rates=Rates(), as_of="2026-01-31", source="unknown")
    page = analyze(attempt(), price=unknown).format_analysis()
    assert "Frontier-Only Estimate: unknown\n  Savings: unknown" in page


def test_a_loss_is_a_loss() -> None:
    page = analyze(attempt(cost_usd="1")).format_analysis()
    assert "Savings: -$0.9863 (-7209.9%)" in page


def test_a_measured_control_stands_beside_the_estimate() -> None:
    control = Control(cost_usd=Decimal("0.0100"), samples=4, solved=3, models=("gpt-4o",))
    page = analyze(attempt(), control=control).format_analysis()
    assert "Frontier-Only Measured: $0.0100 (4 runs, 3 solved)" in page
    assert "Savings Against It: $0.0050 (50.0%)" in page
    assert "Frontier-Only Estimate" in page


def test_local_time_is_money_where_an_hour_has_a_price() -> None:
    local = attempt(Tier.LOCAL, "0", latency_s=1800.0)
    assert "GPU-hour" not in analyze(local).format_analysis()
    page = analyze(local, gpu_hour_usd=Decimal("0.80")).format_analysis()
    assert "local time costs $0.4000 at $0.8000 per GPU-hour" in page
    assert "Actual Total: $0.0000" in page
    assert "(0 API calls, 1 local call)" in page


def test_simulated_calls_are_stamped_and_estimated_tokens_said_to_be() -> None:
    estimated = Usage(input_tokens=5, is_estimated=True)
    page = analyze(attempt(is_simulated=True, usage=estimated)).format_analysis()
    assert "SIMULATED" in page
    assert "Tokens (some are estimated):" in page


def test_no_attempt_at_all_costs_nothing() -> None:
    page = CostAnalyzer().format_analysis()
    assert "Actual Total: $0.0000" in page
    assert "Frontier-Only Estimate: unknown" in page


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Tier)),
            st.none() | st.integers(0, 10**9),
            st.integers(0, 100),
            st.integers(0, 50),
        ),
        max_size=20,
    )
)
def test_tiers_and_roles_add_up_to_the_total(rows: list[tuple[Tier, int | None, int, int]]) -> None:
    attempts = [
        attempt(
            tier,
            None if cost is None else str(Decimal(cost).scaleb(-9)),
            at=NOW + timedelta(seconds=start),
            latency_s=float(length),
        )
        for tier, cost, start, length in rows
    ]
    analyzer = analyze(*attempts)
    report = analyzer.build_report()
    known = [Decimal(cost).scaleb(-9) for _, cost, _, _ in rows if cost is not None]
    for parts in ([tier.sum for tier in report.tiers], [role.sum for role in report.roles]):
        assert sum(part.calls for part in parts) == report.total.calls == len(rows)
        assert sum(part.cost_usd for part in parts) == report.total.cost_usd == sum(known)
    for tier in analyzer.total_cost_by_tier().values():
        assert tier.wall_s <= tier.model_s + 1e-6
        assert tier.wall_s <= 150


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([(0, 2), (1, 2)], 3.0), ([(0, 10), (2, 3)], 10.0), ([(5, 1), (0, 1)], 2.0)],
)
def test_what_ran_at_once_is_one_time_on_the_wall(
    spans: list[tuple[int, int]], expected: float
) -> None:
    calls = [
        attempt(at=NOW + timedelta(seconds=start), latency_s=float(length))
        for start, length in spans
    ]
    assert analyze(*calls).total_cost_by_tier()[Tier.FRONTIER].wall_s == expected
