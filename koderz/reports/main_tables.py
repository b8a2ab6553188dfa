"""The tables that a report begins with: solved, cost, and the strategies against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from koderz.analysis.cost_report import TITLES, format_sum
from koderz.reports.tables import Table, build_table
from koderz.reports.values import Comparison, Figure, RunReport, StrategyReport
from koderz.reports.words import (
    NOTHING,
    tell_change,
    tell_estimate,
    tell_money,
    tell_p,
    tell_share,
    tell_usd,
)


def list_front_notes(report: RunReport) -> Iterator[str]:
    """Who is on the front of cost and solved problems, and who is beaten by whom."""
    if report.front:
        yield f"On the front of cost and solved problems: {', '.join(report.front)}."
    for each in report.dominated:
        yield f"{each.strategy} is beaten by {', '.join(each.by)}."
    if report.unplaced:
        yield f"Without a place there: {', '.join(report.unplaced)}."


def build_solved(report: RunReport) -> Table:
    """How much each strategy solved."""
    sizes = sorted({each.k for one in report.strategies for each in one.pass_at_k if each.k > 1})
    columns: dict[str, Callable[[StrategyReport], str]] = {
        "strategy": lambda each: each.strategy,
        "solved": lambda each: tell_estimate(each.solved_share),
        "passed its feedback": lambda each: tell_estimate(each.feedback_share),
        **{f"pass@{k}": _make_pass_teller(k) for k in sizes},
        "judged": lambda each: f"{each.judged} of {each.experiments}",
        "iterations": lambda each: _tell_number(each.iterations),
        "reviews": lambda each: NOTHING if each.checkpoints is None else f"{each.checkpoints:.1f}",
    }
    plans = (f"{each.strategy}: {each.plan}" for each in report.strategies if each.plan)
    return build_table("Solved", columns, report.strategies, plans)


def build_costs(report: RunReport) -> Table:
    """What each strategy cost."""
    columns: dict[str, Callable[[StrategyReport], str]] = {
        "strategy": lambda each: each.strategy,
        "per problem": lambda each: tell_money(each.cost_per_problem),
        "per solved problem": _tell_per_solved,
        "spent in all": lambda each: format_sum(each.cost),
        "frontier estimate": lambda each: (
            tell_usd(each.savings.estimate_usd) if each.savings else NOTHING
        ),
        "saved of it": lambda each: tell_share(each.savings.saved_share if each.savings else None),
    }
    return build_table("Cost", columns, report.strategies, _list_cost_notes(report))


def _list_cost_notes(report: RunReport) -> Iterator[str]:
    savings = next((each.savings for each in report.strategies if each.savings), None)
    if savings:
        yield (
            f"The estimate prices the same tokens as if {savings.baseline} had been asked "
            f"({savings.prices}): no measurement."
        )
    for each in report.strategies:
        if each.unjudged_cost.cost_usd or each.unjudged_cost.unknown_calls:
            spent = format_sum(each.unjudged_cost)
            yield f"{each.strategy}: {spent} of it went to experiments without a verdict."
        if each.gpu_per_problem_usd:
            usd = tell_usd(each.gpu_per_problem_usd)
            yield f"{each.strategy}: local time costs {usd} a problem beside that."
    yield from list_front_notes(report)


def _tell_per_solved(strategy: StrategyReport) -> str:
    if strategy.judged and not strategy.solved:
        return "none solved"
    return tell_money(strategy.cost_per_solved)


def build_against(report: RunReport) -> Table:
    """Every other strategy against the control."""
    title = f"Against {report.control}"
    return _build_pairs(title, "strategy", lambda each: each.strategy, report.comparisons)


def build_others(report: RunReport) -> Table:
    """The other pairs."""
    return _build_pairs(
        "The other pairs",
        "pair",
        lambda each: f"{each.strategy} against {each.control}",
        report.others,
    )


def _build_pairs(
    title: str,
    name: str,
    tell_name: Callable[[Comparison], str],
    comparisons: Sequence[Comparison],
) -> Table:
    columns: dict[str, Callable[[Comparison], str]] = {
        name: tell_name,
        "solved, points": lambda each: tell_change(each.difference),
        "won:lost": lambda each: f"{each.better}:{each.worse}",
        "p (Holm)": lambda each: tell_p(each.adjusted_p),
        "saved a problem": lambda each: tell_money(each.saved_usd, has_interval=False),
        "saved of its cost": lambda each: _tell_part(each.saved_share),
        "per extra solved": lambda each: (
            tell_money(each.per_extra_solved) if each.per_extra_solved else each.per_extra_reason
        ),
    }
    notes = [each.verdict for each in comparisons]
    return build_table(title, columns, comparisons, [*notes, *_list_pair_notes(comparisons)])


def _list_pair_notes(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for each in comparisons:
        if each.break_even:
            factors = " or ".join(
                f"{even.factor:.3g} times the prices of {TITLES[even.tier]}"
                for even in each.break_even
            )
            yield f"{each.strategy} and {each.control} would cost the same at {factors}."
        if each.unpaired:
            yield (
                f"{each.strategy} and {each.control} were compared on {each.pairs} pairs of "
                f"experiments; {each.unpaired} without a partner were left out."
            )


def _make_pass_teller(k: int) -> Callable[[StrategyReport], str]:
    def tell(strategy: StrategyReport) -> str:
        return tell_estimate(next((at.share for at in strategy.pass_at_k if at.k == k), None))

    return tell


def _tell_number(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.value:.1f}"


def _tell_part(figure: Figure | None) -> str:
    """A share of what the control cost, with its interval; as dear several times over: in times."""
    if figure is None:
        return NOTHING
    if figure.value < -1:
        return f"{1 - figure.value:.3g} times as dear"
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return f"{figure.value:.0%}"
    return f"{figure.value:.0%} [{figure.low:.0%} to {figure.high:.0%}]"
