"""`koderz report`: what a run came to, with nothing asked of any model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine
from koderz.commands.run_reports import check_out, publish_report
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.experiments.store import ExperimentStore, RunRow

BUILDING = "resampling"


def report(
    run: Annotated[
        str, typer.Argument(help="The run, or a beginning that no other has (without: the latest).")
    ] = "",
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write it to a file too: .html, .csv, .json or .md.")
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            help="The strategy to compare with (without: the frontier's one shot, or the first)."
        ),
    ] = "",
    baseline_model: Annotated[
        str,
        typer.Option(help="Whose prices the estimate takes (without: the dearest tier's in it)."),
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the strategies of a run: solved, cost, and whether a difference may be chance.

    A run that was broken off is reported as far as it got, and says so.

    Examples:

        koderz report

        koderz report 20260131-1a2b3c4d --out report.html --baseline frontier
    """
    from koderz import compose
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.models.registry import get_known_model
    from koderz.runs.observing import load_report

    check_out(out)
    settings = compose.load(config).settings
    if baseline_model:
        get_known_model(baseline_model, settings)
    with ExperimentStore(get_store_path(settings)) as store, ProgressLine() as line:
        built = load_report(
            store,
            store.load_run(run) if run else _load_latest(store),
            settings,
            control=baseline,
            baseline_model=baseline_model,
            tell=lambda done, total: line.update(BUILDING, done, total),
        )
    publish_report(built, out=out, as_json=as_json)


def _load_latest(store: ExperimentStore) -> RunRow:
    rows = store.load_runs()
    if not rows:
        raise ConfigError("there is no run yet: `koderz benchmark --end 5` makes one")
    return rows[0]
