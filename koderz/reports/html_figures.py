"""A report's plots: its figures in the words of each plot, drawn for a desk and for a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from koderz.analysis.cost_report import TITLES
from koderz.analysis.statistics import Estimate, estimate_mean
from koderz.reports.courses import list_solved
from koderz.reports.grouping import group_by_problem
from koderz.reports.html_problems import list_problems
from koderz.reports.observations import Observation
from koderz.reports.plots.bars import Bar, Part, Stack, draw_stack
from koderz.reports.plots.curves import Curve, Step, draw_curves
from koderz.reports.plots.gains import Gain, Gains, draw_gains
from koderz.reports.plots.pictures import NARROW, WIDE, Frame, Key
from koderz.reports.plots.points import Point, draw_points
from koderz.reports.plots.scales import build_axis, build_count_axis, format_tick_usd
from koderz.reports.plots.strips import Cell, Strip, draw_strips
from koderz.reports.values import CheckpointGain, Money, RunReport, StrategyReport
from koderz.reports.words import (
    count,
    name_status,
    tell_change,
    tell_estimate,
    tell_money,
    tell_usd,
)
from koderz.sandbox.verdicts import Status

STAMP: Final = "SIMULATED"
SHOWN_CHECKPOINTS: Final = 6

Content = TypeVar("Content")


def draw_costs(report: RunReport) -> list[Element]:
    """Cost against solved; none where nothing was judged."""
    points = [
        _build_point(index, each, report)
        for index, each in enumerate(report.strategies)
        if each.solved_share and each.cost_per_problem
    ]
    front = ", ".join(report.front) or "nobody"
    told = ". ".join(point.title for point in points)
    about = f"{told}. On the front: {front}."
    return _draw(
        report, "costs", "Cost against solved", about=about, draw=draw_points, content=points
    )


def draw_tiers(report: RunReport) -> list[Element]:
    """What each tier costs a problem; none where nothing was paid."""
    bars = tuple(_build_tier_bar(each) for each in report.strategies if each.cost_per_problem)
    tiers = {part.kind for bar in bars for part in bar.parts if part.amount > 0}
    if not tiers:
        return []
    stack = Stack(
        bars=bars,
        keys=tuple(Key(tier.value, title) for tier, title in TITLES.items() if tier.value in tiers),
        label="known cost per problem, USD",
        build_axis=partial(build_axis, ticks=4),
        form=format_tick_usd,
    )
    about = _describe_bars(bars)
    return _draw(
        report, "tiers", "Cost per problem by tier", about=about, draw=draw_stack, content=stack
    )


def draw_solving(report: RunReport) -> list[Element]:
    """Solved over iterations; none where nobody was to try twice."""
    curves = [
        Curve(
            index=index,
            name=each.strategy,
            title=f"{each.strategy}: {tell_estimate(each.solved_share)} solved",
            steps=tuple(_build_step(at, share) for at, share in steps),
        )
        for index, each in enumerate(report.strategies)
        if (steps := list_solving(report, each.strategy))
    ]
    if max((curve.steps[-1].at for curve in curves), default=0) < 2:  # noqa: PLR2004 - no course.
        return []
    about = "; ".join(curve.title for curve in curves)
    return _draw(
        report, "solving", "Solved over iterations", about=about, draw=draw_curves, content=curves
    )


def draw_checkpoints(report: RunReport) -> list[Element]:
    """What checkpoints added; none without checkpoints."""
    strategies = [
        Gains(
            index=index,
            name=each.strategy,
            gains=tuple(_build_gain(gain) for gain in each.gains[:SHOWN_CHECKPOINTS]),
        )
        for index, each in enumerate(report.strategies)
        if each.gains
    ]
    about = "; ".join(
        f"{strategy.name}, {gain.title}" for strategy in strategies for gain in strategy.gains
    )
    return _draw(
        report,
        "checkpoints",
        "What checkpoints added",
        about=about,
        draw=draw_gains,
        content=strategies,
    )


def draw_failures(report: RunReport) -> list[Element]:
    """Experiments that were not solved, by status; none where all were."""
    bars = tuple(_build_failure_bar(each) for each in report.strategies)
    kinds = {part.kind: part.title.rpartition(":")[0] for bar in bars for part in bar.parts}
    if not kinds:
        return []
    stack = Stack(
        bars=bars,
        keys=tuple(Key(kind, name) for kind, name in kinds.items()),
        label="experiments",
        build_axis=build_count_axis,
        form="{:.0f}".format,
    )
    return _draw(
        report,
        "failures",
        "What was not solved, by status",
        about=_describe_bars(bars),
        draw=draw_stack,
        content=stack,
    )


def draw_problems(report: RunReport) -> list[Element]:
    """A cell for each problem and strategy."""
    problems = list_problems(report)
    strips = [
        Strip(
            index=index,
            name=each.strategy,
            cells=tuple(
                _build_cell(name, each.strategy, observations) for name, observations in problems
            ),
        )
        for index, each in enumerate(report.strategies)
        if problems
    ]
    solved = (
        f"{strip.name}: {count(sum(cell.solved for cell in strip.cells), 'sample')} solved"
        for strip in strips
    )
    about = f"{count(len(problems), 'problem')} in the order of their names. {'; '.join(solved)}."
    return _draw(report, "problems", "Every problem", about=about, draw=draw_strips, content=strips)


def list_solving(report: RunReport, strategy: str) -> list[tuple[int, Estimate]]:
    """The share of judged experiments solved within so many iterations, where it changes."""
    judged = [each for each in report.observations if each.strategy == strategy and each.is_judged]
    solved = {each.judged or each.iterations for each in judged if each.is_solved}
    ends = {1, max((each.iterations for each in judged), default=0)}
    numbers = sorted(number for number in solved | ends if number)
    problems = group_by_problem(judged)
    return [
        (number, estimate_mean(list_solved(problems, number), observations=len(judged)))
        for number in numbers
        if judged
    ]


def _draw(
    report: RunReport,
    name: str,
    title: str,
    *,
    about: str,
    draw: Callable[[Frame, Content, int], Element],
    content: Content,
) -> list[Element]:
    """The plot in both widths; none where there is nothing to draw."""
    if not content:
        return []
    stamp = STAMP if report.is_simulated else ""
    described = f"{about} (simulated)" if stamp else about
    frame = Frame(name=name, title=title, description=described, stamp=stamp)
    return [draw(frame, content, width) for width in (WIDE, NARROW)]


def _build_point(index: int, strategy: StrategyReport, report: RunReport) -> Point:
    share, money = strategy.solved_share, strategy.cost_per_problem
    if share is None or money is None:
        raise ValueError(f"{strategy.strategy} has no place: nothing of it was judged")
    told = f"{tell_estimate(share)} solved for {tell_money(money)} per problem"
    return Point(
        index=index,
        name=strategy.strategy,
        title=f"{strategy.strategy}: {told}",
        cost=None if money.is_at_least else float(money.usd),
        cost_low=_get_limit(money, "low_usd"),
        cost_high=_get_limit(money, "high_usd"),
        solved=share.value,
        solved_low=share.low,
        solved_high=share.high,
        is_on_front=strategy.strategy in report.front,
    )


def _get_limit(money: Money, name: str) -> float | None:
    limit = getattr(money, name)
    return None if limit is None or money.is_at_least else float(limit)


def _build_tier_bar(strategy: StrategyReport) -> Bar:
    parts = tuple(
        Part(
            kind=tier.tier.value,
            amount=float(tier.cost_per_problem_usd),
            title=f"{TITLES[tier.tier]}: {tell_usd(tier.cost_per_problem_usd)} per problem",
        )
        for tier in strategy.tiers
    )
    total = tell_money(strategy.cost_per_problem, has_interval=False)
    return Bar(name=strategy.strategy, parts=parts, total=total)


def _build_step(at: int, share: Estimate) -> Step:
    return Step(at=at, share=share.value, low=share.low, high=share.high)


def _build_gain(gain: CheckpointGain) -> Gain:
    told = tell_change(gain.change)
    return Gain(
        number=gain.number,
        change=told,
        short=tell_change(gain.change, has_interval=False),
        title=f"checkpoint {gain.number} ({count(gain.reviews, 'review')}): {told}",
        before=gain.before,
        after=gain.next,
        best=gain.best,
    )


def _build_failure_bar(strategy: StrategyReport) -> Bar:
    amounts = {
        **strategy.failures,
        "unjudged": strategy.stopped,
        "absent": strategy.not_begun,
    }
    parts = tuple(
        Part(kind=_get_kind(kind), amount=amount, title=f"{name_status(kind)}: {amount}")
        for kind, amount in amounts.items()
        if amount
    )
    total = f"{sum(amounts.values())} of {strategy.experiments}"
    return Bar(name=strategy.strategy, parts=parts, total=total)


def _get_kind(status: str) -> str:
    """The stylesheet's class of a status."""
    return status if status in {*Status, "unjudged", "absent"} else "other"


def _describe_bars(bars: Iterable[Bar]) -> str:
    told = []
    for bar in bars:
        parts = ", ".join(part.title for part in bar.parts if part.amount)
        told.append(f"{bar.name}: {bar.total}{f' ({parts})' if parts else ''}")
    return "; ".join(told)


def _build_cell(problem: str, strategy: str, observations: Sequence[Observation]) -> Cell:
    mine = [each for each in observations if each.strategy == strategy]
    solved = sum(each.is_solved for each in mine)
    unjudged = sum(not each.is_judged for each in mine)
    left_out = f", {unjudged} without a verdict" if unjudged else ""
    return Cell(
        title=f"{problem}: {solved} of {len(mine)} solved{left_out}",
        samples=len(mine),
        solved=solved,
        unjudged=unjudged,
    )
