"""`koderz analyze`: one experiment step by step, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from koderz.commands import console
from koderz.commands.experiment_report import build_document, print_result
from koderz.commands.options import BaselineOption, ConfigOption, JsonOption


def analyze(
    experiment: Annotated[
        str, typer.Argument(help="The experiment's id, or its run's (of many: lists them).")
    ],
    *,
    show_code: Annotated[
        bool, typer.Option("--show-code", help="Print the code that was judged, too.")
    ] = False,
    baseline_model: BaselineOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an experiment's steps, its result and its cost analysis.

    Examples:

        koderz analyze 20260131-1a2b3c4d

        koderz analyze 20260131-1a2b3c4d --show-code --baseline-model gpt-4o
    """
    from koderz import compose
    from koderz.commands.run_view import build_table
    from koderz.experiments.reading import find_keys, load_result
    from koderz.experiments.store import ExperimentStore, get_store_path
    from koderz.models.registry import get_known_model

    settings = compose.load(config).settings
    if baseline_model:
        get_known_model(baseline_model, settings)
    with ExperimentStore(get_store_path(settings)) as store:
        keys = find_keys(store, experiment)
        if len(keys) > 1:
            _list_many(keys[0].run, config=config, as_json=as_json)
            return
        result, history = load_result(store, experiment, settings, baseline_model=baseline_model)
    if as_json:
        console.print_json({**build_document(result), "steps": history.steps})
        return
    console.get_output().print(build_table(history, most_rows=None))
    print_result(result, show_code=show_code)


def _list_many(run: str, *, config: Path | None, as_json: bool) -> None:
    """List a run's experiments, and say which commands take them apart."""
    from koderz.commands.results import results

    results(run, config=config, limit=1, as_json=as_json)
    line = f"`koderz analyze ID` takes one apart, `koderz report {run}` compares strategies"
    console.get_notes().print(line, markup=False, soft_wrap=True)
