"""What a comparison comes to, in a sentence."""

from __future__ import annotations

from typing import Final

from koderz.reports.values import Comparison, Money
from koderz.reports.words import count, tell_p, tell_usd

POINTS: Final = 100


def say_verdict(comparison: Comparison) -> str:
    """What differs for sure, what may not, and what it costs.

    "supervised solves 21 points more than cheap (p 0.004) and costs $0.0061 more a problem."
    """
    return f"{comparison.strategy} {_say_solved(comparison)} {_say_cost(comparison)}."


def _say_solved(comparison: Comparison) -> str:
    difference, p = comparison.difference, f"p {tell_p(comparison.adjusted_p)}"
    points = round(difference.value * POINTS)
    said = f"solves as much as {comparison.control}"
    if points:
        more = "more" if points > 0 else "fewer"
        said = f"solves {count(abs(points), 'point')} {more} than {comparison.control}"
    if comparison.is_different:
        return f"{said} ({p})"
    if difference.low is not None and difference.high is not None:
        p = f"{p}; {difference.low * POINTS:+.0f} to {difference.high * POINTS:+.0f}"
    return f"{said}, which may be chance ({p}),"


def _say_cost(comparison: Comparison) -> str:
    money = comparison.cost_difference
    if money is None:
        return "and which costs more is not known, because a price is not"
    if not money.usd:
        return "and costs the same"
    usd = f"{tell_usd(abs(money.usd))} {'more' if money.usd > 0 else 'less'} a problem"
    if _may_be_nothing(money):
        return f"and costs {usd}, which may be chance"
    share = comparison.saved_share
    saved = f" ({share.value:.0%} saved)" if share and share.value > 0 else ""
    return f"and costs {usd}{saved}"


def _may_be_nothing(money: Money) -> bool:
    if money.low_usd is None or money.high_usd is None:
        return True
    return money.low_usd <= 0 <= money.high_usd
