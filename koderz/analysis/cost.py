"""What an experiment cost, by tier, role, tokens and time, and what the same would have cost else.

analyzer = CostAnalyzer(baseline=get_model_info("gpt-4o"), price=router.price(model))
for attempt in attempts:
    analyzer.add_cost(attempt)
print(analyzer.format_analysis())
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from koderz.analysis.cost_report import format_cost_report
from koderz.analysis.costs import (
    Control,
    CostReport,
    RoleCost,
    Savings,
    Sum,
    TierCost,
    add_usage,
)
from koderz.ledger.records import Attempt
from koderz.models.prices import Price
from koderz.types import ModelInfo, Tier

_HOUR_S: Final = 3600


class CostAnalyzer:
    """Adds up attempts, as they stand in the ledger, whatever became of them.

    `baseline` and `price` are the model that the frontier-only estimate reckons with, and what it
    costs: the same tokens are priced again as if that model had been asked everything. `control`
    is what a frontier model was measured to cost for the same. `gpu_hour_usd` puts local time
    into money.
    """

    def __init__(
        self,
        *,
        baseline: ModelInfo | None = None,
        price: Price | None = None,
        control: Control | None = None,
        gpu_hour_usd: Decimal | None = None,
    ) -> None:
        self._baseline, self._price, self._control = baseline, price, control
        self._gpu_hour_usd = gpu_hour_usd
        self._attempts: list[Attempt] = []

    def add_cost(self, attempt: Attempt) -> None:
        """Count one attempt."""
        self._attempts.append(attempt)

    def total_cost_by_tier(self) -> dict[Tier, TierCost]:
        """What each tier cost, the most expensive first; all three are there."""
        return {
            tier: _sum_tier(tier, [each for each in self._attempts if each.tier is tier])
            for tier in reversed(Tier)
        }

    def calculate_savings(self) -> Savings:
        """What was saved against the estimate, and against the control where there is one.

        None is unknown: without a baseline, and where a price is unknown.
        """
        actual = _sum_costs(self._attempts)
        known = None if actual.unknown_calls else actual.cost_usd
        estimate = self._estimate_usd()
        control = self._control.cost_usd if self._control else None
        return Savings(
            estimate_usd=estimate,
            saved_usd=_subtract(estimate, known),
            saved_share=_share(_subtract(estimate, known), estimate),
            control_usd=control,
            saved_against_control_usd=_subtract(control, known),
            saved_against_control_share=_share(_subtract(control, known), control),
        )

    def build_report(self) -> CostReport:
        """Every figure, as one value."""
        roles = dict.fromkeys(attempt.task for attempt in self._attempts)
        local_s = sum(each.latency_s for each in self._attempts if each.tier is Tier.LOCAL)
        gpu_hour_usd = self._gpu_hour_usd
        return CostReport(
            total=_sum_costs(self._attempts),
            tiers=tuple(self.total_cost_by_tier().values()),
            roles=tuple(
                RoleCost(role=role, sum=_sum_costs(e for e in self._attempts if e.task is role))
                for role in roles
            ),
            tokens=add_usage(each.usage for each in self._attempts),
            savings=self.calculate_savings(),
            baseline=self._baseline.name if self._baseline else "",
            baseline_prices=f"{self._price.source}, as of {self._price.as_of}"
            if self._price
            else "",
            control=self._control,
            gpu_hour_usd=gpu_hour_usd,
            gpu_usd=None if gpu_hour_usd is None else gpu_hour_usd * Decimal(local_s) / _HOUR_S,
            is_simulated=any(attempt.is_simulated for attempt in self._attempts),
        )

    def format_analysis(self) -> str:
        """The figures for a person, as lines of text."""
        return format_cost_report(self.build_report())

    def _estimate_usd(self) -> Decimal | None:
        if self._price is None:
            return None
        costs = [self._price.cost_usd(attempt.usage) for attempt in self._attempts]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _sum_costs(attempts: Iterable[Attempt]) -> Sum:
    costs = [attempt.cost_usd for attempt in attempts]
    known = [cost for cost in costs if cost is not None]
    return Sum(
        calls=len(costs),
        cost_usd=sum(known, Decimal(0)),
        unknown_calls=len(costs) - len(known),
    )


def _sum_tier(tier: Tier, attempts: list[Attempt]) -> TierCost:
    return TierCost(
        tier=tier,
        sum=_sum_costs(attempts),
        model_s=sum(attempt.latency_s for attempt in attempts),
        wall_s=_measure_wall_s(attempts),
    )


def _measure_wall_s(attempts: Iterable[Attempt]) -> float:
    """The time in which at least one of the calls was under way."""
    spans = sorted((each.at, each.at + timedelta(seconds=each.latency_s)) for each in attempts)
    total, end = timedelta(), None
    for start, stop in spans:
        begin = start if end is None else max(start, end)
        total += max(stop - begin, timedelta())
        end = stop if end is None else max(stop, end)
    return total.total_seconds()


def _subtract(whole: Decimal | None, part: Decimal | None) -> Decimal | None:
    return None if whole is None or part is None else whole - part


def _share(part: Decimal | None, whole: Decimal | None) -> float | None:
    return float(part / whole) if part is not None and whole else None
