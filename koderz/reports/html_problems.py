"""What became of each problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from koderz.reports.grouping import group_by_problem
from koderz.reports.observations import Observation
from koderz.reports.tables import Table
from koderz.reports.values import RunReport
from koderz.reports.words import NOTHING, name_status, tell_usd

_DIGITS = 12


def list_problems(report: RunReport) -> list[tuple[str, Sequence[Observation]]]:
    """The problems with their observations, numbers in the order of numbers: 2 before 10."""
    grouped = group_by_problem(report.observations)
    return sorted(grouped.items(), key=lambda item: _split_numbers(item[0]))


def build_problems(report: RunReport) -> Table:
    """Every problem: solved samples by strategy, their mean cost, and how the others ended."""
    names = [each.strategy for each in report.strategies]
    rows = tuple(
        (problem, *(_tell_problem(observations, name) for name in names))
        for problem, observations in list_problems(report)
    )
    return Table(title="Every problem", columns=("problem", *names), rows=rows)


def _tell_problem(observations: Iterable[Observation], strategy: str) -> str:
    """A problem of one strategy: "1 of 2 [$0.0012, wrong answer]"."""
    mine = [each for each in observations if each.strategy == strategy]
    if not mine:
        return NOTHING
    known = [each.cost_usd for each in mine if each.cost_usd is not None]
    cost = tell_usd(sum(known, Decimal(0)) / len(mine) if len(known) == len(mine) else None)
    endings = {
        name_status(each.status) if each.is_judged else each.ending
        for each in mine
        if not each.is_solved
    }
    solved = sum(each.is_solved for each in mine)
    return f"{solved} of {len(mine)} [{', '.join([cost, *sorted(endings)])}]"


def _split_numbers(name: str) -> list[tuple[str, str]]:
    parts = re.findall(r"(\D*)(\d*)", name)
    return [(words, number.zfill(_DIGITS)) for words, number in parts]
