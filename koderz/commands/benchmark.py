"""`koderz benchmark`: strategies compared on problems, each as often as is wanted."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from koderz.commands.options import (
    BaselineOption,
    CheckpointIntervalOption,
    ConfigOption,
    JsonOption,
    MaxIterationsOption,
    NoCotOption,
    ProblemsOption,
    SandboxKind,
    SandboxOption,
    TemperatureOption,
    TimeoutOption,
)
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.runs.strategies import Strategy


class Comparison(StrEnum):
    """Which strategies are compared where no file names any."""

    COMPARATIVE = "comparative"
    ITERATIVE = "iterative"
    ZERO_SHOT = "zero-shot"


def benchmark(
    strategies: Annotated[
        Path | None,
        typer.Argument(help="A TOML file with a table [strategy.NAME] each (without: see --mode)."),
    ] = None,
    *,
    dataset: Annotated[
        str, typer.Option(help="The problems' set (without: the one that --problem-id points at).")
    ] = "",
    problems: ProblemsOption = None,
    problem_id: Annotated[
        list[str] | None, typer.Option(help="A problem; may be given several times.")
    ] = None,
    start: Annotated[int | None, typer.Option(help="The first problem's place, from 0.")] = None,
    end: Annotated[int | None, typer.Option(help="The place to end before (without: all).")] = None,
    samples: Annotated[
        int | None, typer.Option(help="How often each tries each problem (1).")
    ] = None,
    mode: Annotated[
        Comparison | None,
        typer.Option(
            help="comparative: cheap zero-shot, supervised, a frontier control, and as many cheap "
            "samples as the supervision cost; iterative or zero-shot: that alone.",
            show_default="comparative",
        ),
    ] = None,
    local_model: Annotated[str, typer.Option(help="The cheap model; of any tier.")] = "",
    spec_model: Annotated[
        str, typer.Option("--frontier-spec-model", help="The model that writes specs.")
    ] = "",
    checkpoint_model: Annotated[
        str,
        typer.Option("--frontier-checkpoint-model", help="The model that reviews; the control."),
    ] = "",
    max_iterations: MaxIterationsOption = None,
    checkpoint_interval: CheckpointIntervalOption = None,
    no_cot: NoCotOption = False,
    seed: Annotated[
        int | None, typer.Option(help="The first sample's seed, then one more.")
    ] = None,
    temperature: TemperatureOption = None,
    timeout: TimeoutOption = None,
    baseline_model: BaselineOption = "",
    sandbox: SandboxOption = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that the whole run may cost.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option(help="How many experiments, and so calls, are under way at once.")
    ] = 8,
    cluster: Annotated[
        str | None, typer.Option(metavar="URL", help="A Dask scheduler whose workers do the work.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was broken off.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Begin without asking, whatever it may cost.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the report: .html, .csv, .json or .md.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare strategies: each tries each problem, and a report says what was solved at what cost.

    Every step is kept before the next begins, so that a run that was broken off goes on where it
    was. Before anything is paid for, everything is checked and the expected cost is printed.

    Examples:

        koderz benchmark --end 5

        koderz benchmark --dataset humaneval+ --samples 3 --max-cost 5 --out report.html

        koderz benchmark strategies.toml --end 20 --concurrency 32

        koderz benchmark --resume 20260131-1a2b3c4d
    """
    from koderz import compose
    from koderz.commands.benchmark_work import COMMAND, Work
    from koderz.commands.run_reports import check_out
    from koderz.commands.run_work import load_run_document, refuse_with_resume
    from koderz.runs.drafts import Draft
    from koderz.runs.strategies import NamedModels

    if not 1 <= concurrency <= 1024:  # noqa: PLR2004 - the range of [koderz.routing] main_concurrency.
        raise ConfigError("has to be from 1 to 1024", key="--concurrency")
    check_out(out)
    loaded = compose.load(config)
    limit_usd = _read_limit(max_cost)
    work = Work(
        loaded, concurrency=concurrency, cluster=cluster, out=out, is_agreed=yes, as_json=as_json
    )
    common = {
        "max_iterations": max_iterations,
        "checkpoint_interval": checkpoint_interval,
        "seed": seed,
        "temperature": temperature,
        "timeout": timeout,
        "no_cot": no_cot or None,
    }
    chosen = {
        "mode": mode,
        "dataset": dataset,
        "problems": problems,
        "problem_id": problem_id,
        "start": start,
        "end": end,
        "samples": samples,
        "local_model": local_model,
        "frontier_spec_model": spec_model,
        "frontier_checkpoint_model": checkpoint_model,
        "baseline_model": baseline_model,
        "sandbox": sandbox,
    }
    if resume is not None:
        refuse_with_resume({"STRATEGIES": strategies, **chosen, **common})
        run, document = load_run_document(resume, COMMAND, loaded)
        if limit_usd is not None:
            document = msgspec.structs.replace(document, max_cost_usd=limit_usd)
        work.go_on(run, document)
        return
    draft = Draft(
        strategies=_choose_strategies(strategies, mode, _name_fields(common)),
        models=NamedModels(iteration=local_model, spec=spec_model, checkpoint=checkpoint_model),
        dataset=dataset,
        problems_file=problems,
        problem_ids=tuple(problem_id or ()),
        start=start,
        end=end,
        samples=1 if samples is None else samples,
        sandbox=(sandbox or SandboxKind.AUTO).value,
        baseline_model=baseline_model,
        max_cost_usd=limit_usd,
    )
    work.begin(draft)


def _read_limit(max_cost: float | None) -> Decimal | None:
    limit_usd = None if max_cost is None else Decimal(str(max_cost))
    if limit_usd is not None and not (limit_usd.is_finite() and limit_usd >= 0):
        raise ConfigError("is no amount", key="--max-cost")
    return limit_usd


def _name_fields(common: dict[str, Any]) -> dict[str, Any]:
    """What was given for all strategies, under the names of a strategy's fields."""
    fields = {name: value for name, value in common.items() if value is not None}
    if fields.pop("no_cot", None):
        fields["use_reasoning"] = False
    if "timeout" in fields:
        fields["timeout_s"] = fields.pop("timeout")
    return fields


def _choose_strategies(
    file: Path | None, mode: Comparison | None, common: dict[str, Any]
) -> dict[str, Strategy]:
    from koderz.runs.strategies import PRESETS, build_strategy, list_unread
    from koderz.runs.strategy_files import load_strategies

    if file and mode:
        raise ConfigError(f"{file} has its own: leave it out", key="--mode")
    if file:
        strategies = load_strategies(file, common)
    elif mode in {None, Comparison.COMPARATIVE}:
        strategies = {name: build_strategy(name, {}, common) for name in PRESETS}
    else:
        strategies = {str(mode): build_strategy(str(mode), {"mode": str(mode)}, common)}
    if unread := list_unread(strategies.values(), common):
        option = f"--{unread[0].replace('_', '-')}"
        raise ConfigError("means nothing to any of the strategies: leave it out", key=option)
    return strategies
