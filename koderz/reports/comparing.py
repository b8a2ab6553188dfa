"""Two strategies against each other, on the problems and samples that both have a verdict on."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import msgspec

from koderz.analysis.bootstrap import Resampler
from koderz.analysis.paired import (
    adjust_holm,
    bound_equal_differences,
    get_detectable_difference,
    get_mcnemar_p,
    get_sign_flip_p,
)
from koderz.reports.grouping import build_figure, group_by_problem, list_means
from koderz.reports.observations import Observation
from koderz.reports.pricing import Pair, compare_costs, list_gains
from koderz.reports.values import Comparison, Figure
from koderz.reports.verdicts import say_verdict

MCNEMAR = "McNemar, exact"
SIGN_FLIP = "sign-flip permutation over problems, exact"


def compare(
    ours: Sequence[Observation], theirs: Sequence[Observation], resampler: Resampler
) -> Comparison | None:
    """A strategy's observations against a control's; None where both have a verdict on nothing.

    It says no verdict yet: `adjust` does, when it knows how many comparisons there are.
    """
    pair = _pair(ours, theirs)
    if not pair.ours:
        return None
    gains = list_gains(pair)
    test, p = _test(pair)
    costs = compare_costs(pair, gains, resampler)
    return Comparison(
        strategy=ours[0].strategy,
        control=theirs[0].strategy,
        problems=len(pair.ours),
        pairs=pair.size,
        unpaired=len(ours) + len(theirs) - 2 * pair.size,
        solved_share=fmean(list_means(pair.ours, lambda each: float(each.is_solved))),
        control_share=fmean(list_means(pair.theirs, lambda each: float(each.is_solved))),
        difference=_estimate_difference(gains, resampler),
        better=sum(gain > 0 for gain in gains),
        worse=sum(gain < 0 for gain in gains),
        test=test,
        p=p,
        adjusted_p=p,
        family=1,
        detectable=get_detectable_difference(gains),
        **{name: getattr(costs, name) for name in costs.__struct_fields__},
        verdict="",
    )


def adjust(
    comparisons: Sequence[Comparison], others: Sequence[Comparison] = ()
) -> tuple[Comparison, ...]:
    """The comparisons with p adjusted over them and the `others`, and with their verdicts."""
    family = [*comparisons, *others]
    adjusted = adjust_holm([each.p for each in family])
    replaced = (
        msgspec.structs.replace(each, adjusted_p=p, family=len(family))
        for each, p in zip(comparisons, adjusted, strict=False)
    )
    return tuple(msgspec.structs.replace(each, verdict=say_verdict(each)) for each in replaced)


def _pair(ours: Sequence[Observation], theirs: Sequence[Observation]) -> Pair:
    """What both have a verdict on."""
    ours, theirs = ([each for each in side if each.is_judged] for side in (ours, theirs))
    both = set(map(_get_key, ours)) & set(map(_get_key, theirs))
    return Pair(
        group_by_problem(each for each in ours if _get_key(each) in both),
        group_by_problem(each for each in theirs if _get_key(each) in both),
    )


def _get_key(observation: Observation) -> tuple[str, int]:
    return observation.problem, observation.sample


def _test(pair: Pair) -> tuple[str, float]:
    """The test that suits the samples, and its p."""
    differences = [
        sum(each.is_solved for each in ours) - sum(each.is_solved for each in theirs)
        for ours, theirs in zip(pair.ours.values(), pair.theirs.values(), strict=True)
    ]
    if pair.size == len(pair.ours):
        return MCNEMAR, get_mcnemar_p(differences.count(1), differences.count(-1))
    return SIGN_FLIP, get_sign_flip_p(differences)


def _estimate_difference(gains: Sequence[float], resampler: Resampler) -> Figure:
    if len(set(gains)) == 1:
        low, high = bound_equal_differences(gains[0], len(gains))
        return Figure(value=gains[0], low=low, high=high)
    return build_figure(fmean(gains), resampler.estimate_mean(gains))
