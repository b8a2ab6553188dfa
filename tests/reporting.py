"""Reports for tests: on a few made-up observations, with few resamples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from made_runs import SUBJECT, make_observation

from koderz.reports.building import build_report
from koderz.reports.observations import Observation
from koderz.reports.values import Comparison, RunReport, StrategyReport


def report_on(observations: Sequence[Observation], **options: Any) -> RunReport:
    return build_report(observations, SUBJECT, **{"resamples": 300, **options})


def make_strategy(name: str, solved: Sequence[bool], **facts: Any) -> list[Observation]:
    """A strategy with one sample of each problem."""
    return [
        make_observation(name, f"made/{number}", is_solved=each, **facts)
        for number, each in enumerate(solved)
    ]


def get_strategy(report: RunReport, name: str) -> StrategyReport:
    return next(each for each in report.strategies if each.strategy == name)


def get_pair(report: RunReport) -> Comparison:
    (comparison,) = report.comparisons
    return comparison
