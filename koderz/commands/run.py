"""`koderz run`: one experiment, seen while it runs."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from koderz.commands.run_work import (
    UNDECIDED,
    Work,
    load_run_document,
    refuse_unread,
    refuse_with_resume,
)
from koderz.errors import ConfigError

if TYPE_CHECKING:
    from koderz.config.loading import LoadedSettings
    from koderz.experiments.documents import RunDocument
    from koderz.experiments.plans import Plan


DEBUG_DIR = Path("koderz-debug")


class Mode(StrEnum):
    """How often a problem is tried."""

    ITERATIVE = "iterative"
    ZERO_SHOT = "zero-shot"


def run(
    *,
    problem_id: Annotated[
        str, typer.Option(help="The problem, such as starter/0 or HumanEval/0.")
    ] = "",
    dataset: Annotated[
        str, typer.Option(help="Its dataset (without: the one that the problem's name points at).")
    ] = "",
    problems: ProblemsOption = None,
    local_model: Annotated[str, typer.Option(help="The model that iterates; of any tier.")] = "",
    spec_model: Annotated[
        str, typer.Option("--frontier-spec-model", help="The model that writes the spec.")
    ] = "",
    checkpoint_model: Annotated[
        str, typer.Option("--frontier-checkpoint-model", help="The model that reviews.")
    ] = "",
    mode: Annotated[
        Mode | None,
        typer.Option(help="Iterate, or one attempt alone.", show_default="iterative"),
    ] = None,
    max_iterations: MaxIterationsOption = None,
    checkpoint_interval: CheckpointIntervalOption = None,
    no_spec: Annotated[bool, typer.Option("--no-spec", help="Write no spec.")] = False,
    reuse_spec: Annotated[
        bool, typer.Option("--reuse-spec", help="Take an earlier spec of the problem, if any.")
    ] = False,
    no_checkpoints: Annotated[
        bool, typer.Option("--no-checkpoints", help="Ask for no reviews.")
    ] = False,
    no_cot: NoCotOption = False,
    seed: Annotated[int | None, typer.Option(help="Seed, for models that take one.")] = None,
    temperature: TemperatureOption = None,
    timeout: TimeoutOption = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that the experiment may cost.")
    ] = None,
    baseline_model: BaselineOption = "",
    sandbox: SandboxOption = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="EXP_ID", help="Go on with a run that was broken off."),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Write everything asked and answered to --debug-dir.")
    ] = False,
    debug_dir: Annotated[
        Path | None, typer.Option(help="Where --debug writes.", show_default="koderz-debug")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one experiment: a spec, attempts against tests, reviews, a verdict and what it cost.

    Models that are not named are the best within reach; with none, the simulator answers.

    Examples:

        koderz run --problem-id starter/0

        koderz run --problem-id HumanEval/0 --local-model qwen2.5-coder:7b --max-cost 0.50

        koderz run --resume 20260131-1a2b3c4d
    """
    from koderz import compose
    from koderz.experiments.plans import Plan, plan_zero_shot
    from koderz.models.registry import get_known_model

    loaded = compose.load(config)
    limit_usd = None if max_cost is None else Decimal(str(max_cost))
    of_spec = {"frontier_spec_model": spec_model, "reuse_spec": reuse_spec or None}
    of_reviews = {
        "frontier_checkpoint_model": checkpoint_model,
        "checkpoint_interval": checkpoint_interval,
    }
    if debug_dir and not debug:
        raise ConfigError("is where --debug writes: give that too", key="--debug-dir")
    if resume is not None:
        chosen = {
            "problem_id": problem_id,
            "dataset": dataset,
            "problems": problems,
            "local_model": local_model,
            **of_spec,
            **of_reviews,
            "mode": mode,
            "max_iterations": max_iterations,
            "no_spec": no_spec or None,
            "no_checkpoints": no_checkpoints or None,
            "no_cot": no_cot or None,
            "seed": seed,
            "temperature": temperature,
            "timeout": timeout,
            "baseline_model": baseline_model,
            "sandbox": sandbox,
        }
        refuse_with_resume(chosen)
        run_id, document = _load_document(resume, loaded, limit_usd)
    else:
        if mode is Mode.ZERO_SHOT:
            unread = {**of_spec, **of_reviews, "max_iterations": max_iterations}
            refuse_unread(unread, "is one attempt, without spec and reviews", key="--mode")
        if no_spec:
            refuse_unread(of_spec, "there is no spec then", key="--no-spec")
        if no_checkpoints:
            refuse_unread(of_reviews, "there are no reviews then", key="--no-checkpoints")
        plan = Plan(
            iteration_model=local_model or UNDECIDED,
            spec_model="" if no_spec else spec_model or UNDECIDED,
            checkpoint_model="" if no_checkpoints else checkpoint_model or UNDECIDED,
            max_iterations=50 if max_iterations is None else max_iterations,
            checkpoint_interval=5 if checkpoint_interval is None else checkpoint_interval,
            reuse_spec=reuse_spec,
            use_reasoning=not no_cot,
            seed=seed,
            temperature=temperature,
            timeout_s=10.0 if timeout is None else timeout,
            answer_tokens=loaded.settings.koderz.experiments.answer_tokens,
            max_cost_usd=limit_usd,
        )
        run_id, document = _build_document(
            plan_zero_shot(plan) if mode is Mode.ZERO_SHOT else plan,
            problem_id,
            dataset,
            problems,
            sandbox=sandbox or SandboxKind.AUTO,
            baseline_model=baseline_model,
        )
        if baseline_model:
            get_known_model(baseline_model, loaded.settings)
    work = Work(
        run_id,
        document,
        loaded,
        debug_dir=(debug_dir or DEBUG_DIR) if debug else None,
        as_json=as_json,
    )
    if work.perform().reason:
        raise typer.Exit(1)


def _load_document(
    run: str, loaded: LoadedSettings, limit_usd: Decimal | None
) -> tuple[str, RunDocument]:
    """A run's name and what it was asked for; a new limit takes the place of its own."""
    name, document = load_run_document(run, "run", loaded)
    if limit_usd is not None:
        plans = {
            name: msgspec.structs.replace(plan, max_cost_usd=limit_usd)
            for name, plan in document.plans.items()
        }
        document = msgspec.structs.replace(document, plans=plans)
    return name, document


def _build_document(
    plan: Plan,
    problem_id: str,
    dataset: str,
    problems: Path | None,
    *,
    sandbox: SandboxKind,
    baseline_model: str,
) -> tuple[str, RunDocument]:
    from koderz.experiments.documents import RunDocument, build_run_id, guess_dataset

    if not problem_id:
        raise ConfigError(
            "name one, such as starter/0 (`koderz list-problems` lists them)", key="--problem-id"
        )
    document = RunDocument(
        dataset=dataset or guess_dataset(problem_id),
        problem_ids=(problem_id,),
        plans={"": plan},
        problems_file=str(problems.resolve()) if problems else "",
        sandbox=sandbox.value,
        baseline_model=baseline_model,
        simulator_seed=plan.seed or 0,
    )
    return build_run_id(), document
