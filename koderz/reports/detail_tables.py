"""The tables that a report goes on with: tiers, tokens, endings, and how experiments went on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from koderz.analysis.cost_report import TITLES
from koderz.reports.tables import Table, build_table
from koderz.reports.values import CheckpointGain, RunReport, StrategyReport, TierShare
from koderz.reports.words import name_status, tell_change, tell_seconds, tell_share, tell_usd

SHOWN_ITERATIONS: Final = (1, 2, 3, 5, 8, 12, 20, 30, 50)


def build_tiers(report: RunReport) -> Table:
    """What went to each tier of models."""
    columns: dict[str, Callable[[tuple[StrategyReport, TierShare]], str]] = {
        "strategy": lambda row: row[0].strategy,
        "tier": lambda row: TITLES[row[1].tier],
        "calls": lambda row: f"{row[1].sum.calls:,}",
        "of calls": lambda row: tell_share(row[1].call_share),
        "per problem": lambda row: _tell_tier_usd(row[1]),
        "of cost": lambda row: tell_share(row[1].cost_share),
        "model time": lambda row: tell_seconds(row[1].model_s),
    }
    rows = [(each, tier) for each in report.strategies for tier in each.tiers if tier.sum.calls]
    return build_table("Tiers, over judged experiments", columns, rows)


def _tell_tier_usd(tier: TierShare) -> str:
    usd = tell_usd(tier.cost_per_problem_usd)
    return f"at least {usd}" if tier.sum.unknown_calls else usd


def build_tokens(report: RunReport) -> Table:
    """Tokens by class, and time."""
    columns: dict[str, Callable[[StrategyReport], str]] = {
        "strategy": lambda each: each.strategy,
        "input": lambda each: f"{each.tokens.input_tokens:,}",
        "cache read": lambda each: f"{each.tokens.cache_read_tokens:,}",
        "cache write": lambda each: f"{each.tokens.cache_write_tokens:,}",
        "output": lambda each: f"{each.tokens.output_tokens:,}",
        "thoughts": lambda each: f"{each.tokens.reasoning_tokens:,}",
        "model time a problem": lambda each: tell_seconds(each.model_s),
        "wall time": lambda each: tell_seconds(each.wall_s),
    }
    is_estimated = any(each.tokens.is_estimated for each in report.strategies)
    notes = ["Some tokens are estimated."] if is_estimated else []
    return build_table("Tokens in all, and time a problem", columns, report.strategies, notes)


def build_endings(report: RunReport) -> Table:
    """How the experiments ended."""
    statuses = sorted({name for each in report.strategies for name in each.failures})
    columns: dict[str, Callable[[StrategyReport], str]] = {
        "strategy": lambda each: each.strategy,
        "solved": lambda each: str(each.solved),
        **{name_status(name): _make_failure_teller(name) for name in statuses},
        "stopped": lambda each: str(each.stopped),
        "not begun": lambda each: str(each.not_begun),
    }
    notes = (
        f"{each.strategy}, without a verdict: {reason} ({number})."
        for each in report.strategies
        for reason, number in each.reasons.items()
    )
    return build_table("Experiments by what became of them", columns, report.strategies, notes)


def build_solving(report: RunReport) -> Table:
    """The share solved within so many iterations."""
    longest = max((len(each.solved_after) for each in report.strategies), default=0)
    numbers = [number for number in SHOWN_ITERATIONS if number < longest] + [longest] * (
        longest > 1
    )
    rows = [each for each in report.strategies if each.solved_after and numbers]
    columns: dict[str, Callable[[StrategyReport], str]] = {
        "strategy": lambda each: each.strategy,
        **{f"{number}": _make_course_teller(number) for number in numbers},
    }
    note = (
        "By the verdict, and in brackets by the feedback tests (Kaplan-Meier: what was stopped "
        "counts until then)."
    )
    return build_table("Solved within so many iterations", columns, rows, [note])


def build_gains(report: RunReport) -> Table:
    """What followed each checkpoint."""
    columns: dict[str, Callable[[tuple[StrategyReport, CheckpointGain]], str]] = {
        "strategy": lambda row: row[0].strategy,
        "review": lambda row: str(row[1].number),
        "count": lambda row: str(row[1].reviews),
        "on a plateau": lambda row: str(row[1].plateaus),
        "tests before": lambda row: tell_share(row[1].before),
        "next": lambda row: tell_share(row[1].next),
        "best": lambda row: tell_share(row[1].best),
        "change, points": lambda row: tell_change(row[1].change),
        "solved": lambda row: str(row[1].solved),
    }
    rows = [(each, gain) for each in report.strategies for gain in each.gains]
    note = (
        "Feedback tests passed by the iteration before a checkpoint, by the next one, and by the "
        "best one until the next checkpoint. Whoever came to a checkpoint had failed until then, "
        "so a gain is no proof that the checkpoint made it."
    )
    return build_table("What followed checkpoints", columns, rows, [note])


def _make_failure_teller(status: str) -> Callable[[StrategyReport], str]:
    def tell(strategy: StrategyReport) -> str:
        return str(strategy.failures.get(status, 0))

    return tell


def _make_course_teller(iterations: int) -> Callable[[StrategyReport], str]:
    def tell(strategy: StrategyReport) -> str:
        point = strategy.solved_after[min(iterations, len(strategy.solved_after)) - 1]
        return f"{point.solved:.0%} ({point.feedback:.0%})"

    return tell
