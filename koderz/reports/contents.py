"""What a report shows as text, in its order: the same for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from koderz.reports import detail_tables as details
from koderz.reports import main_tables as mains
from koderz.reports.tables import Table
from koderz.reports.values import RunReport
from koderz.reports.words import count


def get_title(report: RunReport) -> str:
    """The report's heading."""
    return f"Report of {report.subject.command} {report.subject.run}"


def list_facts(report: RunReport) -> Iterator[str]:
    """What the run was, what of it is special, and what could have been seen."""
    subject = report.subject
    strategies = (
        "1 strategy" if len(report.strategies) == 1 else f"{len(report.strategies)} strategies"
    )
    yield (
        f"{subject.dataset}, {count(subject.problems, 'problem')}, {strategies}, "
        f"{count(subject.samples, 'sample')} of each, {subject.at:%Y-%m-%d %H:%M} UTC"
    )
    yield from report.remarks
    if report.power:
        yield report.power


def list_tables(report: RunReport) -> list[Table]:
    """Every table that this report has something for."""
    tables = [
        mains.build_solved(report),
        mains.build_costs(report),
        mains.build_against(report),
        mains.build_others(report),
        details.build_tiers(report),
        details.build_tokens(report),
        details.build_endings(report),
        details.build_solving(report),
        details.build_gains(report),
    ]
    return [table for table in tables if table.rows]
