"""The experiments that are still to be done, and which of them can begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

import msgspec

from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key


class Queue:
    """Experiments in order; one that goes by the cost of another waits until that one is judged.

    `judged` are those that need not be done any more.
    """

    def __init__(self, experiments: Iterable[Experiment], judged: Iterable[Key] = ()) -> None:
        self._judged = set(judged)
        self._waiting = [each for each in experiments if each.key not in self._judged]

    def take(self, put_off: Collection[str] = ()) -> Experiment | None:
        """The first that can begin; None where there is none of a strategy that is not put off."""
        for at, experiment in enumerate(self._waiting):
            other = get_measured(experiment)
            is_ready = other is None or other in self._judged
            if is_ready and experiment.key.strategy not in put_off:
                return self._waiting.pop(at)
        return None

    def put_back(self, experiment: Experiment) -> None:
        """Let an experiment be the next one again."""
        self._waiting.insert(0, experiment)

    def mark_judged(self, key: Key) -> None:
        """Let those begin that wait for this one."""
        self._judged.add(key)

    def drop(self, strategy: str) -> None:
        """Begin no more experiments of a strategy."""
        self._waiting = [each for each in self._waiting if each.key.strategy != strategy]

    def count_waiting(self) -> dict[str, int]:
        """How many experiments wait, by strategy."""
        return dict(Counter(each.key.strategy for each in self._waiting))


def get_measured(experiment: Experiment) -> Key | None:
    """The experiment by whose cost this one goes, None where it goes by none's."""
    cost_of = experiment.plan.cost_of
    return msgspec.structs.replace(experiment.key, strategy=cost_of) if cost_of else None


def order_experiments(experiments: Iterable[Experiment]) -> list[Experiment]:
    """Experiments problem by problem, in each the longest first: others may wait for those.

    A run that is broken off has then done with about the same problems in every strategy.
    """
    listed = list(experiments)
    places = {key: at for at, key in enumerate(dict.fromkeys(_get_place(each) for each in listed))}
    return sorted(
        listed,
        key=lambda each: (places[_get_place(each)], bool(each.plan.cost_of), -_count_most(each)),
    )


def _get_place(experiment: Experiment) -> tuple[str, int]:
    return (experiment.key.problem, experiment.key.sample)


def _count_most(experiment: Experiment) -> int:
    return experiment.plan.max_iterations
