"""What `koderz run` does once its options are read: models, parts, the experiment, the words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from koderz.commands import console
from koderz.commands.experiment_report import build_document, print_result
from koderz.commands.run_view import choose_output, open_view
from koderz.errors import ConfigError, KoderzError
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.benchmarks import Problem
    from koderz.config.loading import LoadedSettings
    from koderz.experiments.choices import Choice
    from koderz.experiments.documents import RunDocument
    from koderz.experiments.plans import Plan
    from koderz.experiments.results import ExperimentResult
    from koderz.sandbox.opening import Kind

SIMULATED_START = "SIMULATED: no model is within reach, so the simulator's models answer"
SIMULATED_END = "SIMULATED: models of the simulator answered; nothing was paid, nothing measured"
UNDECIDED = "(undecided)"


class Work:
    """One run of one experiment, new or gone on with; `perform` does it and prints it."""

    def __init__(
        self,
        run: str,
        document: RunDocument,
        loaded: LoadedSettings,
        *,
        debug_dir: Path | None = None,
        as_json: bool = False,
    ) -> None:
        self._run, self._document, self._loaded = run, document, loaded
        self._debug_dir, self._as_json = debug_dir, as_json
        self._is_kept = False

    def perform(self) -> ExperimentResult:
        """Run it to its end; whatever ends it before, the way to go on is printed."""
        for warning in self._loaded.warnings:
            self._warn(warning)
        try:
            result = console.run(self._perform())
        except (KeyboardInterrupt, BrokenPipeError, KoderzError):
            self._say_how_to_resume()
            raise
        if result.reason:
            self._warn(f"stopped: {result.reason}")
            self._say_how_to_resume(" --max-cost USD")
        self._print(result)
        return result

    async def _perform(self) -> ExperimentResult:
        from koderz.experiments.documents import load_problem
        from koderz.experiments.jury import check_requirements

        document = self._document
        file = Path(document.problems_file) if document.problems_file else None
        problem = load_problem(document.dataset, document.problem_ids[0], file)
        check_requirements(problem)
        choices = await self._decide_models()
        if self._document.is_simulated:
            self._say(SIMULATED_START)
        for choice in choices:
            self._say(f"{choice.role.value}: {choice.model} ({choice.reason})")
        async with open_environ(self._document, self._loaded) as loaded:
            await check_models(loaded, self._plan.models.values())
            return await self._run_experiment(problem, loaded)

    async def _decide_models(self) -> tuple[Choice, ...]:
        """Name the models that are undecided; with none within reach, the simulator's.

        Where nobody reviews, the estimate takes the prices of the best reviewer within reach.
        """
        from koderz import compose
        from koderz.experiments.choices import choose_models

        plan, loaded = self._plan, self._loaded
        has_baseline = bool(self._document.baseline_model or plan.checkpoint_model)
        if has_baseline and UNDECIDED not in plan.models.values():
            return ()
        named = {role: model for role, model in plan.models.items() if model != UNDECIDED}
        inventory = await compose.fetch_current_inventory(loaded, with_all_servers=True)
        choices = choose_models(loaded.settings, inventory, named)
        if not choices:
            self._document = msgspec.structs.replace(self._document, is_simulated=True)
            async with open_environ(self._document, loaded) as simulated:
                inventory = await compose.fetch_current_inventory(simulated, with_all_servers=True)
                choices = choose_models(simulated.settings, inventory, named)
        if not has_baseline:
            (baseline,) = (each.model for each in choices if each.role is TaskKind.CHECKPOINT)
            self._document = msgspec.structs.replace(self._document, baseline_model=baseline)
        wanted = tuple(choice for choice in choices if choice.role in plan.models)
        models = {f"{choice.role.value}_model": choice.model for choice in wanted}
        plans = {"": msgspec.structs.replace(plan, **models)}
        self._document = msgspec.structs.replace(self._document, plans=plans)
        return wanted

    async def _run_experiment(self, problem: Problem, loaded: LoadedSettings) -> ExperimentResult:
        from koderz.compose import open_orchestrator
        from koderz.experiments.documents import build_run_row
        from koderz.experiments.performing import Experiment
        from koderz.experiments.plans import Key

        document = self._document
        experiment = Experiment(
            key=Key(run=self._run, problem=problem.task_id), problem=problem, plan=self._plan
        )
        with open_view(choose_output(as_json=self._as_json)) as view:
            async with open_orchestrator(
                loaded,
                sandbox=cast("Kind", document.sandbox),
                baseline_model=document.baseline_model,
                debug_dir=self._debug_dir,
                on_step=view.show,
                warn=self._warn,
            ) as orchestrator:
                orchestrator.store.keep_run(build_run_row(self._run, "run", document))
                self._is_kept = True
                return await orchestrator.run(experiment)

    @property
    def _plan(self) -> Plan:
        return self._document.plans[""]

    def _print(self, result: ExperimentResult) -> None:
        if self._as_json:
            console.print_json(build_document(result))
        else:
            print_result(result)
        if result.is_simulated:
            self._say(SIMULATED_END)

    def _say(self, line: str) -> None:
        output = console.get_notes() if self._as_json else console.get_output()
        output.print(line, markup=False, soft_wrap=True)

    def _warn(self, line: str) -> None:
        console.get_notes().print(f"koderz: {line}", markup=False, soft_wrap=True)

    def _say_how_to_resume(self, options: str = "") -> None:
        if self._is_kept:
            self._warn(f"go on with it: koderz run --resume {self._run}{options}")


def refuse_with_resume(options: Mapping[str, object]) -> None:
    """Raise ConfigError where an option is given that the run to be gone on with has already."""
    refuse_unread(options, "the run has its own", key="--resume")


def refuse_unread(options: Mapping[str, object], reason: str, *, key: str) -> None:
    """Raise ConfigError, with the reason, where an option is given that `key` leaves unread."""
    given = [
        name if name.isupper() else f"--{name.replace('_', '-')}"
        for name, value in options.items()
        if value is not None and value not in ("", [])
    ]
    if given:
        raise ConfigError(f"{reason}: leave out {', '.join(given)}", key=key)


def load_run_document(run: str, command: str, loaded: LoadedSettings) -> tuple[str, RunDocument]:
    """A run's name and what it was asked for; ConfigError where another command made it."""
    from koderz.experiments.documents import parse_document
    from koderz.experiments.store import ExperimentStore, get_store_path

    with ExperimentStore(get_store_path(loaded.settings)) as store:
        row = store.load_run(run)
    if row.command != command:
        advice = f"`koderz {row.command} --resume {row.run}` goes on with it"
        raise ConfigError(f"{row.run} was begun otherwise: {advice}", key="--resume")
    return row.run, parse_document(row)


@asynccontextmanager
async def open_environ(
    document: RunDocument, loaded: LoadedSettings
) -> AsyncIterator[LoadedSettings]:
    """The settings with the keys there are, or with the simulator in every provider's place."""
    if not document.is_simulated:
        yield loaded
        return
    from koderz.simulator import open_simulator

    async with open_simulator(seed=document.simulator_seed) as simulator:
        environ = {**loaded.environ, **simulator.environ()}
        yield msgspec.structs.replace(loaded, environ=environ)


async def check_models(loaded: LoadedSettings, models: Iterable[str]) -> None:
    """Raise what is wrong with a model's name or key before anything is paid for."""
    from koderz.compose import open_factory

    async with open_factory(loaded) as factory:
        for model in models:
            factory.get_client(model)
