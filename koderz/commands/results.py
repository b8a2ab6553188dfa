"""`koderz results`: the experiments that are kept, and what came of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.experiments.results import ExperimentResult

COLUMNS = ("id", "problem", "result", "iterations", "held-back tests", "cost", "")


def results(
    run: Annotated[str, typer.Argument(help="A run (without: the latest runs).")] = "",
    *,
    limit: Annotated[int, typer.Option(help="At most so many runs.")] = 20,
    config: Annotated[Path | None, typer.Option(help="A settings file to use.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List experiments, the latest run first.

    Examples:

        koderz results

        koderz results 20260131-1a2b3c4d --json
    """
    from koderz import compose
    from koderz.experiments.reading import load_results
    from koderz.experiments.store import ExperimentStore, get_store_path

    if limit < 1:
        raise ConfigError("must be at least 1", key="--limit")
    settings = compose.load(config).settings
    with ExperimentStore(get_store_path(settings)) as store:
        rows = (store.load_run(run),) if run else store.load_runs()[:limit]
        found = [result for row in rows for result, _ in load_results(store, row, settings)]
    if as_json:
        console.print_json({"experiments": [build_row(result) for result in found]})
    elif found:
        _print_table(found)
    else:
        console.get_output().print("no experiments yet: `koderz run --problem-id starter/0`")


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


def _print_table(found: list[ExperimentResult]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from koderz.analysis.cost_report import format_sum

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in COLUMNS:
        is_number = name in {"iterations", "held-back tests", "cost"}
        table.add_column(
            name, justify="right" if is_number else "left", no_wrap=name == "id", overflow="fold"
        )
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
    console.get_output().print(table)
