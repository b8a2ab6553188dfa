"""What `koderz benchmark` does once its options are read: look, say, ask, run, report."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import typer

from koderz.commands import console
from koderz.commands.benchmark_preflight import (
    Preflight,
    list_models,
    look,
    look_again,
    print_preflight,
)
from koderz.commands.benchmark_view import open_view
from koderz.commands.benchmark_words import list_endings
from koderz.commands.progress import ProgressLine
from koderz.commands.run_reports import publish_report
from koderz.commands.run_view import choose_output
from koderz.commands.run_work import SIMULATED_END, SIMULATED_START, open_environ
from koderz.errors import KoderzError

if TYPE_CHECKING:
    from rich.console import Console

    from koderz.config.loading import LoadedSettings
    from koderz.experiments.documents import RunDocument
    from koderz.memory.notes import Memory
    from koderz.runs.drafts import Draft
    from koderz.runs.values import Performs, RunOutcome
    from koderz.sandbox.opening import Kind

COMMAND = "benchmark"


class Work:
    """One run of many experiments, new or gone on with.

    `is_agreed`: begin without asking, whatever it may cost.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        concurrency: int,
        cluster: str | None = None,
        out: Path | None = None,
        is_agreed: bool = False,
        as_json: bool = False,
    ) -> None:
        self._loaded, self._concurrency, self._cluster = loaded, concurrency, cluster
        self._out, self._is_agreed, self._as_json = out, is_agreed, as_json
        self._is_kept = False

    def begin(self, draft: Draft) -> None:
        """Make a run of a draft, and perform it."""
        from koderz.experiments.documents import build_run_id

        seen = look(draft, self._loaded, self._warn, is_elsewhere=self._cluster is not None)
        self._perform(build_run_id(), console.run(seen))

    def go_on(self, run: str, document: RunDocument) -> None:
        """Perform what is not done yet of a run."""
        seen = look_again(run, document, self._loaded, is_elsewhere=self._cluster is not None)
        self._perform(run, console.run(seen))

    def _perform(self, run: str, preflight: Preflight) -> None:
        for warning in self._loaded.warnings:
            self._warn(warning)
        document = preflight.document
        if document.is_simulated:
            self._say(SIMULATED_START)
        print_preflight(run, preflight, self._get_output())
        self._ask(preflight)
        try:
            outcome = console.run(self._run(run, preflight))
        except (KeyboardInterrupt, BrokenPipeError, KoderzError):
            self._say_how_to_resume(run)
            raise
        if outcome.judged or not outcome.failures:
            self._publish(run)
        self._say_what_is_left(run, outcome)
        if document.is_simulated:
            self._say(SIMULATED_END)
        if not outcome.is_complete:
            raise typer.Exit(1)

    def _ask(self, preflight: Preflight) -> None:
        """Have a person who watches agree to what no limit bounds."""
        is_watched = sys.stdin.isatty() and sys.stderr.isatty()
        is_bounded = preflight.document.max_cost_usd is not None
        if preflight.may_cost and is_watched and not self._is_agreed and not is_bounded:
            typer.confirm("Begin?", default=True, abort=True, err=True)

    async def _run(self, run: str, preflight: Preflight) -> RunOutcome:
        from koderz.compose import open_runner
        from koderz.experiments.documents import build_run_row
        from koderz.runs.drafts import list_experiments
        from koderz.runs.purses import Purse

        document = preflight.document
        problems = {problem.task_id: problem for problem in preflight.problems}
        experiments = list_experiments(run, document, problems)
        purse = Purse(
            document.max_cost_usd,
            spent_usd=preflight.spent_usd,
            expected_usd={
                name: (cost.low_usd or Decimal(0)) / max(cost.experiments, 1)
                for name, cost in preflight.ranges.items()
            },
            cost_of={name: plan.cost_of for name, plan in document.plans.items() if plan.cost_of},
        )
        with open_view(choose_output(as_json=self._as_json)) as view:
            async with (
                self._open_bounded(preflight) as loaded,
                open_runner(
                    loaded,
                    run,
                    partial(self._open_performing, document, loaded),
                    concurrency=self._concurrency,
                    purse=purse,
                    baseline_model=document.baseline_model,
                    on_turn=view.show,
                    warn=self._warn,
                ) as runner,
            ):
                runner.store.keep_run(build_run_row(run, COMMAND, document))
                self._is_kept = True
                view.begin(runner.load(experiments))
                return await runner.run()

    @asynccontextmanager
    async def _open_bounded(self, preflight: Preflight) -> AsyncIterator[LoadedSettings]:
        """The settings under which it runs, with the simulator behind them where it answers."""
        async with open_environ(preflight.document, self._loaded) as loaded:
            yield bound_settings(loaded, self._concurrency, preflight.left_usd)

    @asynccontextmanager
    async def _open_performing(
        self, document: RunDocument, loaded: LoadedSettings, memory: Memory
    ) -> AsyncIterator[Performs]:
        """Who performs the experiments: this process, or a cluster's workers."""
        from koderz.compose import open_performing
        from koderz.ledger.store import Ledger, get_ledger_path

        sandbox = cast("Kind", document.sandbox)
        if self._cluster is None:
            async with open_performing(loaded, memory, sandbox=sandbox) as performs:
                yield performs
            return
        from koderz.cluster.opening import open_cluster
        from koderz.cluster.performing import build_cluster_performing

        known = self._loaded.environ.items()
        simulator = dict(loaded.environ.items() - known) if document.is_simulated else None
        with Ledger(get_ledger_path(loaded.settings)) as ledger:
            async with open_cluster(
                self._cluster,
                loaded.settings,
                models=list_models(document),
                sandbox=sandbox,
                simulator=simulator,
                tell=self._warn,
            ) as cluster:
                yield build_cluster_performing(cluster, loaded.settings, ledger, memory)

    def _publish(self, run: str) -> None:
        """Print and write the report of the run as it stands."""
        from koderz.experiments.store import ExperimentStore, get_store_path
        from koderz.runs.observing import load_report

        settings = self._loaded.settings
        with ExperimentStore(get_store_path(settings)) as store, ProgressLine() as line:
            report = load_report(
                store,
                store.load_run(run),
                settings,
                tell=lambda done, total: line.update("resampling", done, total),
            )
        publish_report(report, out=self._out, as_json=self._as_json)

    def _say_what_is_left(self, run: str, outcome: RunOutcome) -> None:
        for line in list_endings(outcome):
            self._warn(line)
        if not outcome.is_complete:
            self._say_how_to_resume(run, " --max-cost USD" if outcome.stopped else "")

    def _get_output(self) -> Console:
        return console.get_notes() if self._as_json else console.get_output()

    def _say(self, line: str) -> None:
        self._get_output().print(line, markup=False, soft_wrap=True)

    def _warn(self, line: str) -> None:
        console.get_notes().print(f"koderz: {line}", markup=False, soft_wrap=True)

    def _say_how_to_resume(self, run: str, options: str = "") -> None:
        if self._is_kept:
            self._warn(f"go on with it: koderz benchmark --resume {run}{options}")


def bound_settings(
    loaded: LoadedSettings, concurrency: int, left_usd: Decimal | None = None
) -> LoadedSettings:
    """The settings with room for so many calls at once, and with what is left of a limit."""
    own = loaded.settings.koderz
    limits = [limit for limit in (own.budget.run_usd, left_usd) if limit is not None]
    replace = msgspec.structs.replace
    most = max(own.routing.main_concurrency, concurrency)
    ours = replace(
        own,
        routing=replace(own.routing, main_concurrency=most),
        budget=replace(own.budget, run_usd=min(limits, default=None)),
    )
    return replace(loaded, settings=replace(loaded.settings, koderz=ours))
