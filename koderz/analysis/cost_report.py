"""A cost analysis in words: pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from koderz.analysis.costs import CostReport, Sum
from koderz.types import Tier

TITLES: Final = {
    Tier.FRONTIER: "Full Frontier",
    Tier.SMALL_FRONTIER: "Small Frontier",
    Tier.LOCAL: "Local",
}


def format_cost_report(report: CostReport) -> str:
    """The report as lines of text."""
    return "\n".join([*_list_totals(report), *_list_remarks(report), "", *_list_details(report)])


def format_usd(amount: Decimal | None) -> str:
    """Money: "$0.0123", "-$0.0123", "unknown"."""
    if amount is None:
        return "unknown"
    return f"-${-amount:.4f}" if amount < 0 else f"${amount:.4f}"


def format_sum(total: Sum) -> str:
    """A sum's money: "at least $0.0123" where a price is unknown."""
    return f"{'at least ' if total.unknown_calls else ''}{format_usd(total.cost_usd)}"


def _list_totals(report: CostReport) -> Iterator[str]:
    yield "Cost Analysis:"
    yield f"  Actual Total: {format_sum(report.total)}"
    for tier in report.tiers:
        calls = _count(tier.sum.calls, "call")
        yield f"    - {TITLES[tier.tier]}: {format_sum(tier.sum)} ({calls})"
    local = sum(tier.sum.calls for tier in report.tiers if tier.tier is Tier.LOCAL)
    api = report.total.calls - local
    yield f"    ({_count(api, 'API call')}, {_count(local, 'local call')})"
    yield ""
    savings = report.savings
    yield f"  Frontier-Only Estimate: {format_usd(savings.estimate_usd)}"
    yield f"  Savings: {_format_saved(savings.saved_usd, savings.saved_share)}"


def _list_remarks(report: CostReport) -> Iterator[str]:
    if report.baseline:
        yield (
            f"  (an estimate: the same tokens at the prices of {report.baseline}, "
            f"{report.baseline_prices})"
        )
    if report.total.unknown_calls:
        yield f"  (the price of {_count(report.total.unknown_calls, 'call')} is unknown)"
    if control := report.control:
        runs = f"{_count(control.samples, 'run')}, {control.solved} solved"
        savings = report.savings
        saved = _format_saved(
            savings.saved_against_control_usd, savings.saved_against_control_share
        )
        yield f"  Frontier-Only Measured: {format_usd(control.cost_usd)} ({runs})"
        yield f"  Savings Against It: {saved}"
        yield f"  (measured with {', '.join(control.models)})"
    if report.is_simulated:
        yield "  (SIMULATED: models of the simulator answered, and nothing was paid)"


def _list_details(report: CostReport) -> Iterator[str]:
    tokens = report.tokens
    yield "Tokens:" if not tokens.is_estimated else "Tokens (some are estimated):"
    yield f"  input       {tokens.input_tokens:>10,}"
    yield f"  cache read  {tokens.cache_read_tokens:>10,}"
    yield f"  cache write {tokens.cache_write_tokens:>10,}"
    thoughts = f"{tokens.reasoning_tokens:,} of them thoughts"
    yield f"  output      {tokens.output_tokens:>10,} ({thoughts})"
    yield ""
    yield "Cost by role:"
    for role in report.roles:
        calls = _count(role.sum.calls, "call")
        yield f"  {role.role.value:<11} {format_sum(role.sum)} ({calls})"
    yield ""
    yield "Time by tier:"
    for tier in report.tiers:
        if tier.sum.calls:
            title = TITLES[tier.tier]
            yield f"  {title:<14} {tier.wall_s:.1f} s wall, {tier.model_s:.1f} s of models"
    if report.gpu_usd is not None:
        rate = f"{format_usd(report.gpu_hour_usd)} per GPU-hour"
        yield f"  local time costs {format_usd(report.gpu_usd)} at {rate}, beside the total"


def _format_saved(amount: Decimal | None, share: float | None) -> str:
    return format_usd(amount) if share is None else f"{format_usd(amount)} ({share:.1%})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
