"""What a reader of a report has to know before its figures: stamps, remarks, methods, power."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from koderz.analysis.paired import POWER
from koderz.analysis.statistics import INTERVAL_METHOD
from koderz.reports.observations import Observation, Subject
from koderz.reports.values import Comparison, StrategyReport
from koderz.reports.words import count

SIMULATED: Final = (
    "SIMULATED: models of the simulator answered; nothing was paid, and nothing here says how "
    "good a real model is"
)


def list_stamps(observations: Sequence[Observation]) -> tuple[str, ...]:
    """The warnings that belong in every form of the report, the first line of all."""
    return tuple(_list_stamps(observations))


def _list_stamps(observations: Sequence[Observation]) -> Iterator[str]:
    begun = [each for each in observations if each.ending != "not begun"]
    simulated = sum(each.is_simulated for each in begun)
    if simulated == len(begun) and begun:
        yield SIMULATED
    elif simulated:
        yield (
            f"SIMULATED IN PART: models of the simulator had a part in {simulated} of "
            f"{count(len(begun), 'experiment')}: the figures mix them with real ones"
        )
    alone = sum(each.isolation == "none" for each in begun)
    if alone:
        programs = f"the programs of {count(alone, 'experiment')}"
        yield f"NOT ISOLATED: nothing kept {programs} apart from this machine"
    missing = sum(not each.is_judged for each in observations)
    if missing:
        yield (
            f"INCOMPLETE: {missing} of {count(len(observations), 'experiment')} have no verdict; "
            "shares, costs and comparisons are of those that have one"
        )


def list_remarks(
    subject: Subject, observations: Sequence[Observation], strategies: Sequence[StrategyReport]
) -> tuple[str, ...]:
    """What is special about this run's figures."""
    return tuple(_list_remarks(subject, observations, strategies))


def _list_remarks(
    subject: Subject, observations: Sequence[Observation], strategies: Sequence[StrategyReport]
) -> Iterator[str]:
    judged = [each for each in observations if each.is_judged]
    if subject.title:
        yield subject.title
    yield from (_tell_missing(each) for each in strategies if each.judged < each.experiments)
    learned = sum(not each.is_held_back for each in judged)
    if learned:
        yield (
            f"in {learned} of {count(len(judged), 'verdict')} the tests are those that models "
            "learned from: nothing was held back"
        )
    shared = sum(each.isolation == "shared" for each in judged)
    if shared:
        yield f"{count(shared, 'program')} shared a sandboxed process with the tests"
    unknown = sum(each.cost.unknown_calls for each in observations)
    if unknown:
        yield (
            f"the price of {count(unknown, 'call')} is unknown: costs are at least what is known, "
            "and nothing is said of savings ([koderz.prices] takes prices)"
        )
    if len({frozenset(_list_problems(judged, each.strategy)) for each in strategies}) > 1:
        yield "strategies were judged on different problems: their pairs alone compare like to like"


def _tell_missing(strategy: StrategyReport) -> str:
    missing = strategy.experiments - strategy.judged
    worst, best = strategy.solved_at_worst, strategy.solved_at_best
    return (
        f"{strategy.strategy}: {missing} of {count(strategy.experiments, 'experiment')} without a "
        f"verdict ({strategy.stopped} stopped, {strategy.not_begun} not begun); whatever theirs "
        f"would be, it solves between {worst:.0%} and {best:.0%}"
    )


def _list_problems(judged: Sequence[Observation], strategy: str) -> list[str]:
    return [each.problem for each in judged if each.strategy == strategy]


def say_power(comparisons: Sequence[Comparison]) -> str:
    """Which difference could have been seen, in a line; "" with nothing to compare."""
    if not comparisons:
        return ""
    worst = max(comparisons, key=lambda each: each.detectable)
    points = f"{worst.detectable * 100:.0f} points"
    return (
        f"With {count(worst.problems, 'problem')}, a true difference in solve rate of {points} or "
        f"more would have been found {POWER:.0%} of the time (5% level, one comparison); a "
        "smaller one may be there unseen."
    )


def list_methods(resamples: int, seed: int) -> dict[str, str]:
    """How each figure was made."""
    return {
        "solved": f"pass@1 by the held-back tests, problems weighing the same; {INTERVAL_METHOD}",
        "pass@k": "the unbiased estimator of Chen et al. 2021, for k up to the samples there are",
        "costs and differences": (
            "95% bootstrap intervals over problems (BCa, widened for few problems), "
            f"{resamples:,} resamples, seed {seed}"
        ),
        "p": (
            "McNemar's exact test with one sample a problem, else the exact sign-flip test over "
            "problems; two-sided; adjusted by Holm over the comparisons with the control, or, for "
            "the other pairs, over all pairs"
        ),
        "per extra solved": (
            "the difference in cost over the difference in solve rate, where both are above 0"
        ),
        "solved after": (
            "by the verdict, problems weighing the same; by the feedback tests, Kaplan-Meier over "
            "experiments: what was stopped counts until then"
        ),
        "front": "strategies that no other beats on both cost per problem and share solved",
        "estimate": "the same tokens at the baseline model's prices: no measurement",
    }
