"""How scores are shown: agreement with the main model, with its interval and n, and drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from koderz.commands import console

if TYPE_CHECKING:
    from rich.table import Table

    from koderz.quality.drift import Drift
    from koderz.quality.scores import QualityReport, Score

UNITS = {
    "labels": "labels",
    "types": "commits' types",
    "evidence": "F1 of what is quoted, answers",
    "must-keep": "things kept",
    "judged": "judged as good or better, answers",
}


def print_scores(report: QualityReport) -> None:
    """Print the scores as a table, and drift below it."""
    output = console.get_output()
    if report.scores:
        output.print(build_table(report.scores))
    for drift in report.drifts:
        for line in list_drift_lines(drift):
            output.print(line, markup=False, soft_wrap=True)


def build_table(scores: Sequence[Score]) -> Table:
    """A row a task, model and measure."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("task", "model", "agreement with the main model (95%)", "of"):
        table.add_column(name, overflow="fold")
    for score in scores:
        table.add_row(score.task.value, escape(score.model), *map(escape, describe_score(score)))
    return table


def describe_score(score: Score) -> tuple[str, str]:
    """A score in words, and what it is of."""
    if score.value is None or score.low is None or score.high is None or score.measure is None:
        return "not measured", f"{score.accepted:,} accepted answers"
    figure = f"{score.value:.1%} ({score.low:.1%} to {score.high:.1%}) with {score.reference}"
    return figure, f"n={score.n:,} {UNITS[score.measure]}, in {score.answers:,} answers"


def list_drift_lines(drift: Drift) -> Iterator[str]:
    """What has drifted, and what to do."""
    yield f"DRIFT  {drift.sentence}"
    yield f"       {drift.next}"
