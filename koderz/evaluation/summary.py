"""What all samples of a run came to."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from koderz.analysis.statistics import INTERVAL_METHOD, Estimate, Tally, estimate_pass_at_k
from koderz.evaluation.results import Result

SHOWN_K: Final = (1, 10, 100)
MOST_SLOW: Final = 5


class PassAtK(msgspec.Struct, frozen=True, kw_only=True):
    """pass@k with its interval, all from 0 to 1."""

    k: int
    value: float
    low: float
    high: float
    problems: int


class SlowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem and the CPU seconds that its slowest sample took."""

    task_id: str
    cpu_s: float


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A problem whose own solution did not pass, and why."""

    task_id: str
    status: str
    reason: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in figures.

    `samples` are all, of which `resumed` were there already; `problems` have a sample that was
    run, of `dataset_problems`. `statuses` counts samples. pass@k is over problems with a verdict,
    and left out where one has fewer samples than k. `not_run` says for each problem without a
    verdict why. `references` is None where they were not checked.
    """

    dataset: str
    samples: int
    resumed: int
    passed: int
    problems: int
    dataset_problems: int
    statuses: dict[str, int]
    pass_at_k: tuple[PassAtK, ...]
    interval: str = INTERVAL_METHOD
    slowest: tuple[SlowProblem, ...] = ()
    not_run: dict[str, str] = {}
    isolation: dict[str, int] = {}
    references: tuple[Reference, ...] | None = None
    results: str = ""


class Counts:
    """Results, counted one by one: memory grows with the problems, not with the samples."""

    def __init__(self) -> None:
        self.samples = self.resumed = self.passed = 0
        self._statuses: Counter[str] = Counter()
        self._isolation: Counter[str] = Counter()
        self._tallies: dict[str, Tally] = {}
        self._cpu_s: dict[str, float] = {}
        self._not_run: dict[str, str] = {}

    def add(self, result: Result, *, is_resumed: bool = False) -> None:
        """Count a result."""
        self.samples += 1
        self.resumed += is_resumed
        self._statuses[result.status] += 1
        if not result.was_run:
            self._not_run[result.task_id] = result.reason
            return
        self.passed += result.is_passed
        self._isolation[result.isolation] += 1
        before = self._tallies.get(result.task_id, Tally(0, 0))
        passed = before.passed + result.is_passed
        self._tallies[result.task_id] = Tally(before.samples + 1, passed)
        slowest = max(result.cpu_s, self._cpu_s.get(result.task_id, 0.0))
        self._cpu_s[result.task_id] = slowest

    def build_summary(
        self,
        dataset: str,
        *,
        dataset_problems: int,
        references: tuple[Reference, ...] | None,
        results: str,
    ) -> Summary:
        """The figures of what was counted."""
        slow = sorted(self._cpu_s.items(), key=lambda item: -item[1])[:MOST_SLOW]
        return Summary(
            dataset=dataset,
            samples=self.samples,
            resumed=self.resumed,
            passed=self.passed,
            problems=len(self._tallies),
            dataset_problems=dataset_problems,
            statuses=dict(self._statuses.most_common()),
            pass_at_k=tuple(self._list_pass_at_k()),
            slowest=tuple(SlowProblem(task_id=name, cpu_s=cpu_s) for name, cpu_s in slow),
            not_run=self._not_run,
            isolation=dict(self._isolation.most_common()),
            references=references,
            results=results,
        )

    def _list_pass_at_k(self) -> list[PassAtK]:
        estimates = [(k, estimate_pass_at_k(self._tallies.values(), k)) for k in SHOWN_K]
        return [_build_pass_at_k(k, estimate) for k, estimate in estimates if estimate]


def _build_pass_at_k(k: int, estimate: Estimate) -> PassAtK:
    return PassAtK(
        k=k,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        problems=estimate.problems,
    )
