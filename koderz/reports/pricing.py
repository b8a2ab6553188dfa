"""What the difference between two strategies costs, or saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import sub
from statistics import fmean

import msgspec

from koderz.analysis.bootstrap import Interval, Resampler
from koderz.reports.grouping import (
    ByProblem,
    build_figure,
    build_money,
    get_known_cost,
    get_known_usd,
    get_mean_usd,
    get_tier_usd,
    is_at_least,
    list_means,
    to_usd,
)
from koderz.reports.values import BreakEven, Figure, Money
from koderz.types import Tier

UNKNOWN_PRICE = "a price is unknown"
NOT_BETTER = "solved no more"
FREE_GAIN = "cost no more"


class Pair(msgspec.Struct, frozen=True):
    """The experiments of two strategies, the same problems and samples of both."""

    ours: ByProblem
    theirs: ByProblem

    @property
    def size(self) -> int:
        """How many experiments of each there are."""
        return sum(map(len, self.ours.values()))


class PairCosts(msgspec.Struct, frozen=True, kw_only=True):
    """What both cost a problem and what follows from it; these are fields of a Comparison."""

    cost_per_problem_usd: Decimal | None = None
    control_cost_per_problem_usd: Decimal | None = None
    cost_difference: Money | None = None
    saved_usd: Money | None = None
    saved_share: Figure | None = None
    per_extra_solved: Money | None = None
    per_extra_reason: str = UNKNOWN_PRICE
    break_even: tuple[BreakEven, ...] = ()


def list_gains(pair: Pair) -> list[float]:
    """The differences of the shares solved, one a problem."""
    solved = [
        list_means(side, lambda each: float(each.is_solved)) for side in (pair.ours, pair.theirs)
    ]
    return list(map(sub, *solved))


def compare_costs(pair: Pair, gains: Sequence[float], resampler: Resampler) -> PairCosts:
    """What both cost a problem and what the difference of the shares solved costs."""
    if is_at_least(pair.ours) or is_at_least(pair.theirs):
        return PairCosts()
    ours, theirs = (get_mean_usd(side, get_known_usd) for side in (pair.ours, pair.theirs))
    control = list_means(pair.theirs, get_known_cost)
    extra = list(map(sub, list_means(pair.ours, get_known_cost), control))
    interval = resampler.estimate_mean(extra)
    share = _negate(resampler.estimate_ratio(extra, control))
    per_extra, reason = _price_gain(ours - theirs, extra, gains, resampler)
    return PairCosts(
        cost_per_problem_usd=ours,
        control_cost_per_problem_usd=theirs,
        cost_difference=build_money(ours - theirs, interval),
        saved_usd=build_money(theirs - ours, _negate(interval)),
        saved_share=build_figure(float((theirs - ours) / theirs), share) if theirs else None,
        per_extra_solved=per_extra,
        per_extra_reason=reason,
        break_even=tuple(_list_break_even(pair)),
    )


def _price_gain(
    extra_usd: Decimal, extra: Sequence[float], gains: Sequence[float], resampler: Resampler
) -> tuple[Money | None, str]:
    """What a further solved problem costs, or why that cannot be said."""
    gain = fmean(gains)
    usd = to_usd(float(extra_usd) / gain) if gain > 0 else None
    if usd is None:
        return None, NOT_BETTER
    if extra_usd <= 0:
        return None, FREE_GAIN
    return build_money(usd, resampler.estimate_price(extra, gains)), ""


def _list_break_even(pair: Pair) -> Iterator[BreakEven]:
    """The factor on each tier's prices at which both cost the same, where there is one."""
    ours, theirs = (
        {tier: get_tier_usd(side, tier) for tier in Tier} for side in (pair.ours, pair.theirs)
    )
    excess = {tier: ours[tier] - theirs[tier] for tier in Tier}
    for tier in reversed(Tier):
        others = sum((excess[each] for each in Tier if each is not tier), Decimal(0))
        if excess[tier] and others / excess[tier] < 0:
            yield BreakEven(tier=tier, factor=float(-others / excess[tier]))


def _negate(interval: Interval | None) -> Interval | None:
    return Interval(-interval.value, -interval.high, -interval.low) if interval else None
