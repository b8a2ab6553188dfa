"""Observations put together by problem: what is counted of each problem weighs the same."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import fmean

from koderz.analysis.bootstrap import Interval
from koderz.analysis.costs import TierCost
from koderz.reports.observations import Observation
from koderz.reports.values import Figure, Money
from koderz.types import Tier

ZERO = Decimal(0)

ByProblem = Mapping[str, Sequence[Observation]]


def group_by_problem(observations: Iterable[Observation]) -> ByProblem:
    """The observations of each problem, problems and samples in order."""
    grouped: dict[str, list[Observation]] = defaultdict(list)
    for each in sorted(observations, key=lambda each: (each.problem, each.sample)):
        grouped[each.problem].append(each)
    return grouped


def list_means(problems: ByProblem, measure: Callable[[Observation], float]) -> list[float]:
    """The mean of a measure over each problem's samples, one a problem."""
    return [fmean(measure(each) for each in samples) for samples in problems.values()]


def get_mean_usd(problems: ByProblem, measure: Callable[[Observation], Decimal]) -> Decimal:
    """The mean over problems of each problem's mean, exact to 28 digits."""
    means = (sum(map(measure, each), ZERO) / len(each) for each in problems.values())
    return sum(means, ZERO) / len(problems)


def get_known_usd(observation: Observation) -> Decimal:
    """What an experiment cost as far as it is known."""
    return observation.cost.cost_usd


def get_known_cost(observation: Observation) -> float:
    """The same for statistics."""
    return float(observation.cost.cost_usd)


def is_at_least(problems: ByProblem) -> bool:
    """Whether they cost more than is known, because a price is not."""
    return any(each.cost.unknown_calls for samples in problems.values() for each in samples)


def get_tier_usd(problems: ByProblem, tier: Tier) -> Decimal:
    """What a tier cost a problem as far as it is known; 0 of no problems."""

    def measure(observation: Observation) -> Decimal:
        part = get_tier(observation, tier)
        return part.sum.cost_usd if part else ZERO

    return get_mean_usd(problems, measure) if problems else ZERO


def get_tier(observation: Observation, tier: Tier) -> TierCost | None:
    """What an experiment's calls of a tier took; None where it has none."""
    return next((each for each in observation.tiers if each.tier is tier), None)


def count(names: Iterable[str]) -> dict[str, int]:
    """How often each name is there, the most frequent first."""
    counted = Counter(names)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def build_figure(value: float, interval: Interval | None) -> Figure:
    """A figure with its interval, if there is one."""
    if interval is None:
        return Figure(value=value)
    return Figure(value=value, low=_keep_finite(interval.low), high=_keep_finite(interval.high))


def build_money(
    usd: Decimal, interval: Interval | None = None, *, is_at_least: bool = False
) -> Money:
    """Money with its interval, if there is one; what is known in part has none."""
    if interval is None or is_at_least:
        return Money(usd=usd, is_at_least=is_at_least)
    return Money(usd=usd, low_usd=to_usd(interval.low), high_usd=to_usd(interval.high))


def to_usd(amount: float) -> Decimal | None:
    """Statistics' money as money, to ten digits; None for what is infinite."""
    return Decimal(f"{amount:.10g}") if math.isfinite(amount) else None


def _keep_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
