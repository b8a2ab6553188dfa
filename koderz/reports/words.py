"""Figures in words: short, with their intervals, and "unknown" where they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from koderz.analysis.statistics import Estimate
from koderz.reports.values import Figure, Money

NOTHING: Final = "-"
UNKNOWN: Final = "unknown"
STATUSES: Final = {
    "failed": "wrong answer",
    "timeout": "timed out",
    "memory": "out of memory",
    "syntax_error": "syntax error",
    "no_code": "no code",
    "unjudged": "stopped",
    "absent": "not begun",
}


def tell_share(share: float | None) -> str:
    """A share in percent: "43%", "7.5%"; a dash where there is none."""
    return NOTHING if share is None else f"{share * 100:.3g}%" if share < 1 else "100%"


def tell_estimate(estimate: Estimate | None) -> str:
    """A share with its interval: "43% [31 to 56]"."""
    if estimate is None:
        return NOTHING
    return f"{estimate.value * 100:.0f}% [{estimate.low * 100:.0f} to {estimate.high * 100:.0f}]"


def tell_change(change: Figure, *, has_interval: bool = True) -> str:
    """A difference of shares in percentage points: "+12 [+3 to +20]"."""
    told = _tell_points(change.value)
    if change.low is None or change.high is None or not has_interval:
        return told
    return f"{told} [{_tell_points(change.low)} to {_tell_points(change.high)}]"


def tell_usd(usd: Decimal | None) -> str:
    """Money to three figures, cents at least: "$0.00123", "$1.50", "unknown"."""
    if usd is None:
        return UNKNOWN
    sign, usd = ("-" if usd < 0 else ""), abs(usd)
    if not usd:
        return "$0"
    places = min(max(2, 2 - usd.adjusted()), 9)
    return f"{sign}${usd:,.{places}f}"


def tell_money(money: Money | None, *, has_interval: bool = True) -> str:
    """Money with its interval: "$0.0123 [$0.0101 to $0.0150]", "at least $0.02"."""
    if money is None:
        return NOTHING
    if money.is_at_least:
        return f"at least {tell_usd(money.usd)}" if money.usd else UNKNOWN
    if money.low_usd is None or not has_interval or money.low_usd == money.high_usd == money.usd:
        return tell_usd(money.usd)
    high = "no limit" if money.high_usd is None else tell_usd(money.high_usd)
    return f"{tell_usd(money.usd)} [{tell_usd(money.low_usd)} to {high}]"


def tell_seconds(seconds: float | None) -> str:
    """A time: "3.2 s", "4 min", "2.5 h"; a dash where there is none."""
    if seconds is None:
        return NOTHING
    if seconds < 100:  # noqa: PLR2004 - two figures of seconds.
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def tell_p(p: float) -> str:
    """A p: "0.03", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"  # noqa: PLR2004 - finer says no more.


def name_status(status: str) -> str:
    """What a status is called on the page."""
    return STATUSES.get(status, status.replace("_", " "))


def count(number: int, noun: str) -> str:
    """A number of things: "1 problem", "1,200 problems"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _tell_points(share: float) -> str:
    points = round(share * 100)
    return f"+{points}" if points > 0 else str(points)
