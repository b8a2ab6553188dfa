"""`koderz frontier-costs`: what problems were measured to cost with frontier models alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption
from koderz.commands.progress import ProgressLine

if TYPE_CHECKING:
    from koderz.analysis.costs import Control
    from koderz.config.loading import LoadedSettings
    from koderz.experiments.controls import Baseline
    from koderz.experiments.store import ExperimentStore

COLUMNS = ("problem", "cost", "samples", "solved", "models", "")


def frontier_costs(
    *,
    dataset: Annotated[
        str, typer.Option(help="Every problem of it (without: those that were ever tried).")
    ] = "",
    problem_id: Annotated[str, typer.Option(help="This problem alone.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each problem was measured to cost where frontier models did all of the work.

    It is the mean over the experiments that were judged and asked frontier models alone; simulated
    ones stand apart. Savings of other experiments are given against it.

    Examples:

        koderz frontier-costs

        koderz frontier-costs --dataset starter --json
    """
    from koderz import compose
    from koderz.experiments.store import ExperimentStore, get_store_path

    loaded = compose.load(config)
    with ExperimentStore(get_store_path(loaded.settings)) as store:
        baselines = _load_baselines(store, _list_problems(store, dataset, problem_id))
    missing = [each.problem for each in baselines if each.real is None]
    model = console.run(_find_frontier_model(loaded)) if missing else ""
    if as_json:
        listed = [build_row(each, model) for each in baselines]
        console.print_json({"problems": listed})
    elif baselines:
        _print(baselines, missing, model)
    else:
        console.get_output().print("no experiments yet: `koderz run --problem-id starter/0`")


def build_row(baseline: Baseline, model: str) -> dict[str, Any]:
    """A problem for `--json`; money is a number of USD, null where a price is unknown.

    `real` and `simulated` are null where nothing was measured; without a real one,
    `measure_with` is the command that measures one with that model.
    """
    row: dict[str, Any] = {
        "problem": baseline.problem,
        "real": baseline.real,
        "simulated": baseline.simulated,
    }
    if baseline.real is None:
        row["measure_with"] = build_command(baseline.problem, model)
    return row


def build_command(problem: str, model: str) -> str:
    """The command that measures a problem's control with a model."""
    options = ("--problem-id", problem, "--mode", "zero-shot", "--local-model", model)
    return shlex.join(["koderz", "run", *options])


def _list_problems(store: ExperimentStore, dataset: str, problem_id: str) -> list[str]:
    from koderz.benchmarks import get_benchmark
    from koderz.experiments.documents import guess_dataset, load_problem

    tried = store.load_problem_ids()
    if problem_id:
        if dataset or problem_id not in tried:
            load_problem(dataset or guess_dataset(problem_id), problem_id)
        return [problem_id]
    if dataset:
        return [problem.task_id for problem in get_benchmark(dataset).load_problems()]
    return list(tried)


def _load_baselines(store: ExperimentStore, problems: Sequence[str]) -> list[Baseline]:
    from koderz.experiments.controls import load_baseline

    baselines = []
    with ProgressLine() as progress:
        for done, problem in enumerate(problems):
            progress.update("problems", done, len(problems))
            baselines.append(load_baseline(store, problem))
    return baselines


async def _find_frontier_model(loaded: LoadedSettings) -> str:
    """The frontier model that a control would be measured with: within reach, else a usual one."""
    from koderz.compose import fetch_current_inventory
    from koderz.experiments.choices import find_best
    from koderz.models.registry import get_model_info, list_providers
    from koderz.types import Tier

    best = find_best(loaded.settings, await fetch_current_inventory(loaded))
    if Tier.FRONTIER in best:
        return best[Tier.FRONTIER].name
    usual = (get_model_info(provider.default_model) for provider in list_providers())
    return next(model.name for model in usual if model and model.tier is Tier.FRONTIER)


def _print(baselines: Sequence[Baseline], missing: Sequence[str], model: str) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for name in COLUMNS:
        is_number = name in {"cost", "samples", "solved"}
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for baseline in baselines:
        for row in _list_rows(baseline):
            table.add_row(*row)
    output = console.get_output()
    output.print(table)
    if missing:
        count = f"{len(missing)} of {len(baselines)} problems have"
        output.print()
        output.print(
            f"{count if len(baselines) > 1 else 'it has'} no real baseline; this measures "
            f"{'the first' if len(missing) > 1 else 'it'}:\n  {build_command(missing[0], model)}",
            markup=False,
            soft_wrap=True,
        )


def _list_rows(baseline: Baseline) -> Iterator[tuple[str, ...]]:
    from rich.markup import escape

    problem = escape(baseline.problem)
    if baseline.real:
        yield problem, *_describe(baseline.real), ""
    if baseline.simulated:
        yield problem, *_describe(baseline.simulated), "simulated"
    if baseline.real is None and baseline.simulated is None:
        yield problem, "none measured", "", "", "", ""


def _describe(control: Control) -> tuple[str, str, str, str]:
    from rich.markup import escape

    cost = console.format_usd(control.cost_usd)
    return cost, str(control.samples), str(control.solved), escape(", ".join(control.models))
