"""The report of a run out of its observations: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

from koderz.analysis.bootstrap import RESAMPLES, Resampler
from koderz.analysis.fronts import Place, find_dominators
from koderz.reports.comparing import adjust, compare
from koderz.reports.controls import choose_control
from koderz.reports.observations import Observation, Subject
from koderz.reports.remarks import list_methods, list_remarks, list_stamps, say_power
from koderz.reports.strategies import build_strategy
from koderz.reports.values import Comparison, Domination, RunReport, StrategyReport

Tell: TypeAlias = Callable[[int, int], None]
"""Told how many of how many parts of a report are built."""


def build_report(
    observations: Sequence[Observation],
    subject: Subject,
    *,
    strategies: Sequence[str] = (),
    control: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
    tell: Tell = lambda _done, _total: None,
) -> RunReport:
    """The report; the same for the same observations in any order, and the same `seed`.

    `strategies` is their order (those it does not name follow by name). `control` is whom the
    others are compared with; "" takes the frontier model's single attempt, else the first.
    Raises ConfigError where there is no such strategy.
    """
    by_strategy = _group(observations, strategies)
    control = choose_control(by_strategy, control)
    pairs = _list_pairs(list(by_strategy), control)
    resampler, parts = Resampler(resamples, seed), len(by_strategy) + len(pairs)
    built = []
    for name, chosen in by_strategy.items():
        built.append(build_strategy(name, chosen, resampler))
        tell(len(built), parts)
    compared: list[Comparison | None] = []
    for ours, theirs in pairs:
        compared.append(compare(by_strategy[ours], by_strategy[theirs], resampler))
        tell(len(built) + len(compared), parts)
    made = [each for each in compared if each]
    against = [each for each in made if each.control == control]
    others = [each for each in made if each.control != control]
    ordered = tuple(each for chosen in by_strategy.values() for each in chosen)
    dominators = _find_dominators(built)
    return RunReport(
        subject=subject,
        is_simulated=any(each.is_simulated for each in ordered),
        stamps=list_stamps(ordered),
        strategies=tuple(built),
        control=control if len(built) > 1 else "",
        comparisons=adjust(against),
        others=adjust(others, against),
        front=tuple(name for name, by in dominators.items() if not by),
        dominated=tuple(Domination(strategy=name, by=by) for name, by in dominators.items() if by),
        unplaced=tuple(name for name in by_strategy if name not in dominators),
        power=say_power(against),
        remarks=list_remarks(subject, ordered, built),
        methods=list_methods(resamples, seed),
        resamples=resamples,
        seed=seed,
        observations=ordered,
    )


def _group(
    observations: Sequence[Observation], strategies: Sequence[str]
) -> Mapping[str, Sequence[Observation]]:
    """Each strategy's observations, in order."""
    found = {each.strategy for each in observations}
    names = [*dict.fromkeys(strategies), *sorted(found.difference(strategies))]
    ordered = sorted(observations, key=lambda each: (each.problem, each.sample))
    return {name: [each for each in ordered if each.strategy == name] for name in names}


def _list_pairs(names: Sequence[str], control: str) -> list[tuple[str, str]]:
    """Every pair once: those with the control, then the others, a later one against an earlier."""
    rest = [name for name in names if name != control]
    others = ((later, earlier) for earlier, later in combinations(rest, 2))
    return [*((name, control) for name in rest), *others]


def _find_dominators(strategies: Sequence[StrategyReport]) -> dict[str, tuple[str, ...]]:
    return find_dominators(dict(_list_places(strategies)))


def _list_places(strategies: Sequence[StrategyReport]) -> Iterator[tuple[str, Place]]:
    """Where the strategies stand that have a place: something was judged, every price is known."""
    for each in strategies:
        cost, share = each.cost_per_problem, each.solved_share
        if cost and share and not cost.is_at_least:
            yield each.strategy, Place(cost.usd, share.value)
