"""`koderz results`: the experiments that are kept, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from koderz.experiments.results import ExperimentResult
    from koderz.runs.summaries import RunSummary

COLUMNS = ("id", "problem", "result", "iterations", "held-back tests", "cost", "")
NUMBERS = {"iterations", "held-back tests", "cost", "experiments", "judged", "solved"}
WIDEST = 1000
RUN_COLUMNS = ("run", "dataset", "strategies", "experiments", "judged", "solved", "cost", "")


def results(
    run: Annotated[str, typer.Argument(help="A run (without: the latest runs).")] = "",
    *,
    limit: Annotated[int, typer.Option(help="At most so many runs.")] = 20,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List experiments, the latest run first; a run of many is one line, unless it is named.

    Examples:

        koderz results

        koderz results 20260131-1a2b3c4d --json
    """
    from koderz import compose
    from koderz.experiments.reading import load_results
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.runs.summaries import sum_run

    if limit < 1:
        raise ConfigError("must be at least 1", key="--limit")
    settings = compose.load(config).settings
    with ExperimentStore(get_store_path(settings)) as store:
        rows = (store.load_run(run),) if run else store.load_runs()[:limit]
        listed = [row for row in rows if run or row.command == "run"]
        found = [result for row in listed for result in load_results(store, row, settings)]
        runs = [sum_run(store, row, settings) for row in rows if row not in listed]
    if as_json:
        summed = [build_run_row(each) for each in runs]
        console.print_json({"experiments": [build_row(each) for each in found], "runs": summed})
        return
    output = console.get_output()
    if not found and not runs:
        output.print("no experiments yet: `koderz run --problem-id starter/0`")
    if runs:
        _print_table(build_run_table(runs), output)
        output.print(f"`koderz report {runs[0].run}` compares strategies", soft_wrap=True)
    if found:
        _print_table(build_table(found), output)


def build_run_row(summary: RunSummary) -> dict[str, Any]:
    """A run's main figures; money is a number of USD, null where it is unknown."""
    fields = {name: getattr(summary, name) for name in summary.__struct_fields__}
    spending = fields.pop("spending")
    cost_usd = None if spending.sum.unknown_calls else spending.sum.cost_usd
    return {
        **fields,
        "experiments": summary.experiments,
        "cost_usd": cost_usd,
        "is_simulated": spending.is_simulated,
    }


def build_row(result: ExperimentResult) -> dict[str, Any]:
    """A result's main figures; money is a number of USD, null where it is unknown."""
    return {
        "id": result.id,
        "run": result.key.run,
        "strategy": result.key.strategy,
        "problem": result.key.problem,
        "sample": result.key.sample,
        "ending": result.ending,
        "iterations": result.iterations,
        "checkpoints": result.checkpoints,
        "feedback_passed": result.feedback_passed,
        "feedback_total": result.feedback_total,
        "verdict_passed": result.verdict_passed,
        "verdict_total": result.verdict_total,
        "cost_usd": result.cost_usd,
        "started_at": result.started_at,
        "is_simulated": result.is_simulated,
    }


def build_run_table(runs: Sequence[RunSummary]) -> Table:
    """Runs as a table, a row each."""
    from rich.markup import escape

    from koderz.analysis.cost_report import format_sum

    table = _begin_table(RUN_COLUMNS)
    for summary in runs:
        table.add_row(
            escape(summary.run),
            escape(summary.dataset),
            escape(", ".join(summary.strategies)),
            str(summary.experiments),
            str(summary.judged),
            str(summary.solved),
            format_sum(summary.spending.sum),
            "simulated" if summary.spending.is_simulated else "",
        )
    return table


def build_table(found: Sequence[ExperimentResult]) -> Table:
    """Experiments as a table, a row each."""
    from rich.markup import escape

    from koderz.analysis.cost_report import format_sum

    table = _begin_table(COLUMNS)
    for result in found:
        table.add_row(
            escape(result.id),
            escape(result.key.problem),
            result.ending.value,
            str(result.iterations),
            f"{result.verdict_passed} of {result.verdict_total}" if result.status else "",
            format_sum(result.cost.total),
            "simulated" if result.is_simulated else "",
        )
    return table


def _print_table(table: Table, output: Console) -> None:
    """Print a table, as wide as it needs where no terminal's edge is in the way."""
    if not output.is_terminal:
        output.width = WIDEST
    output.print(table)


def _begin_table(columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in NUMBERS else "left",
            no_wrap=name in {"id", "run"},
            overflow="fold",
        )
    return table
