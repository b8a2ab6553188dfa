"""How a strategy's experiments went on: solved after how many iterations, helped by reviews."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from koderz.analysis.bootstrap import Resampler
from koderz.analysis.survival import estimate_done
from koderz.reports.grouping import ByProblem, build_figure, group_by_problem, list_means
from koderz.reports.observations import Effect, Observation
from koderz.reports.values import CheckpointGain, SolvedAfter


def follow_solving(observations: Sequence[Observation]) -> tuple[SolvedAfter, ...]:
    """The share solved by each number of iterations.

    Stopped experiments count until then; those that came to an end without passing count on, for
    what ends them (used-up attempts, a used-up allowance) is no chance.
    """
    longest = max((each.iterations for each in observations), default=0)
    curve = estimate_done(_watch(each, longest) for each in observations)
    judged = group_by_problem(each for each in observations if each.is_judged)
    return tuple(
        SolvedAfter(
            iterations=point.time,
            at_risk=point.at_risk,
            feedback=point.share,
            solved=fmean(list_solved(judged, point.time)) if judged else 0.0,
        )
        for point in curve
    )


def list_solved(judged: ByProblem, iterations: int) -> list[float]:
    """The share of each problem's samples that a program of so many iterations or fewer solved."""
    return list_means(
        judged,
        lambda each: float(each.is_solved and (each.judged or each.iterations) <= iterations),
    )


def _watch(observation: Observation, longest: int) -> tuple[int, bool]:
    """Until which iteration an experiment was watched, and whether it passed then."""
    if observation.solved_after is not None:
        return observation.solved_after, True
    return longest if observation.is_judged else observation.iterations, False


def list_gains(
    observations: Sequence[Observation], resampler: Resampler
) -> tuple[CheckpointGain, ...]:
    """What followed the first checkpoints, the second ones, and so on."""
    followed = [
        (each.problem, effect)
        for each in observations
        for effect in each.effects
        if effect.next is not None
    ]
    numbers = sorted({effect.number for _, effect in followed})
    return tuple(
        _build_gain(
            number,
            [(name, effect) for name, effect in followed if effect.number == number],
            resampler,
        )
        for number in numbers
    )


def _build_gain(
    number: int, followed: Sequence[tuple[str, Effect]], resampler: Resampler
) -> CheckpointGain:
    effects = [effect for _, effect in followed]
    changes: dict[str, list[float]] = {}
    for problem, effect in followed:
        changes.setdefault(problem, []).append(_get(effect.next) - effect.before)
    totals = [sum(each) for each in changes.values()]
    sizes = [float(len(each)) for each in changes.values()]
    return CheckpointGain(
        number=number,
        reviews=len(effects),
        plateaus=sum(effect.is_plateau for effect in effects),
        before=fmean(effect.before for effect in effects),
        next=fmean(_get(effect.next) for effect in effects),
        best=fmean(_get(effect.best) for effect in effects),
        change=build_figure(sum(totals) / sum(sizes), resampler.estimate_ratio(totals, sizes)),
        solved=sum(effect.is_solved for effect in effects),
    )


def _get(share: float | None) -> float:
    return share or 0.0
