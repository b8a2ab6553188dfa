"""Dask clusters on this machine, and experiments on them with simulated models."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from distributed import LocalCluster
from trials import load_starter

from koderz.cluster.opening import open_cluster
from koderz.cluster.performing import build_cluster_performing
from koderz.config.loading import LoadedSettings, load_settings
from koderz.experiments.history import NOTHING_DONE, History
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key, Plan
from koderz.experiments.steps import Asked, FeedbackStep, Step, VerdictStep
from koderz.experiments.store import ExperimentStore, RunRow
from koderz.ledger.store import Ledger, get_ledger_path
from koderz.memory.sqlite_memory import SqliteMemory
from koderz.runs.values import Performs
from koderz.simulator import Simulator

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MODEL, REVIEWER = "llama3.2:3b", "claude-sonnet-5-5"
PLAN = Plan(
    iteration_model=MODEL,
    spec_model=REVIEWER,
    checkpoint_model=REVIEWER,
    max_iterations=8,
    checkpoint_interval=3,
    seed=0,
)


@asynccontextmanager
async def open_local_cluster(**environ: str) -> AsyncIterator[LocalCluster]:
    """Two workers, each a process with two threads; `environ` is added to theirs."""
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        dashboard_address="127.0.0.1:0",
        asynchronous=True,
        env=environ,
    )
    async with cluster:
        yield cluster


@contextmanager
def start_dask(folder: Path, **environ: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and two workers as people start them: the address, and the scheduler.

    `environ` is added to the workers' environment.
    """
    file = folder / "scheduler.json"
    usual = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    with (
        _start_dask("scheduler", "--port", "0", *usual) as scheduler,
        _start_dask("worker", "--nworkers", "2", "--nthreads", "2", *usual, **environ),
    ):
        while not file.exists() or not file.read_text():
            assert scheduler.poll() is None, "the scheduler did not start"
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], scheduler


@contextmanager
def _start_dask(*words: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | environ,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def load(folder: Path, **overrides: object) -> LoadedSettings:
    """Settings with a ledger of their own."""
    paths = {"koderz.ledger.path": str(folder / "ledger.sqlite")}
    return load_settings(environ={}, overrides=paths | overrides)


@asynccontextmanager
async def open_performing(
    address: str, loaded: LoadedSettings, simulator: Simulator, folder: Path
) -> AsyncIterator[Performs]:
    """Performing on the cluster at an address, with the simulator's models."""
    settings = loaded.settings
    async with open_cluster(
        address, settings, models=(MODEL, REVIEWER), simulator=simulator.environ()
    ) as cluster:
        with (
            Ledger(get_ledger_path(settings)) as ledger,
            SqliteMemory(folder / "memory.sqlite") as memory,
        ):
            yield build_cluster_performing(cluster, settings, ledger, memory)


async def run_starters(perform: Performs, folder: Path, count: int) -> dict[str, History]:
    """That many starter problems, four at once, and the steps that were kept of each."""
    slots = asyncio.Semaphore(4)

    async def run_one(number: int) -> None:
        problem = load_starter(number)
        key = Key(run="run", strategy="s", problem=problem.task_id)
        async with slots:
            experiment = Experiment(key=key, problem=problem, plan=PLAN)
            await perform(experiment, NOTHING_DONE, lambda history: keep(key, history))

    async def keep(key: Key, history: History) -> None:
        store.keep_step(key, len(history.steps) - 1, history.steps[-1])

    with ExperimentStore(folder / "experiments.sqlite") as store:
        store.keep_run(RunRow(run="run", at=datetime.now(UTC), command="benchmark", document={}))
        ends = await asyncio.gather(*map(run_one, range(count)), return_exceptions=True)
        if errors := [end for end in ends if isinstance(end, Exception)]:
            raise ExceptionGroup("experiments failed", errors)
        return {key.problem: history for key, history in store.load_histories("run")}


def strip(history: History) -> list[Step]:
    """The steps without times, costs and calls, which differ from run to run."""
    return [_strip(msgspec.structs.replace(step, at=LONG_AGO)) for step in history.steps]


def _strip(step: Step) -> Step:
    if isinstance(step, Asked):
        return msgspec.structs.replace(step, attempts=())
    if isinstance(step, FeedbackStep | VerdictStep):
        verdict = msgspec.structs.replace(step.verdict, cpu_s=0.0, wall_s=0.0)
        return msgspec.structs.replace(step, verdict=verdict)
    return step


@dataclass
class Killer:
    """Kills the worker of a call that nobody answers, while the other one works on."""

    cluster: LocalCluster
    simulator: Simulator
    killed: str = ""

    async def run(self) -> None:
        """Wait for a call that stays while others come and go; then end its worker for good."""
        first_seen: dict[str, int] = {}
        while not self.killed:
            await asyncio.sleep(0.02)
            done = sum(1 for exchange in self.simulator.requests if exchange.status)
            assert self.cluster.scheduler is not None
            for worker in list(self.cluster.scheduler.workers.values()):
                for task in worker.processing:
                    if not str(task.key).startswith("koderz-complete"):
                        continue
                    if done - first_seen.setdefault(str(task.key), done) > 8:
                        self._kill(worker.address)
                        return

    def _kill(self, address: str) -> None:
        self.killed = address
        nannies = self.cluster.workers.values()
        pid = next(nanny.pid for nanny in nannies if nanny.worker_address == address)
        os.kill(pid, signal.SIGKILL)
