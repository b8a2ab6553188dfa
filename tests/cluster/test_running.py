"""Experiments on a real cluster: what they give, what a lost worker costs, who holds the purse."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from distributed import LocalCluster
from made_clusters import (
    Killer,
    load,
    open_local_cluster,
    open_performing,
    run_starters,
    start_dask,
    strip,
)
from trials import PROBLEM

from koderz.cluster.opening import open_cluster
from koderz.compose import open_router
from koderz.config.settings import Settings
from koderz.errors import BudgetExceededError, ClusterError
from koderz.experiments.jury import open_jury
from koderz.experiments.steps import Step
from koderz.ledger.store import Ledger
from koderz.memory.sqlite_memory import SqliteMemory
from koderz.runs.values import build_performing
from koderz.sandbox import Verdict, open_sandbox
from koderz.simulator import Fault, open_simulator

COUNT = 10


async def run_here(folder: Path) -> dict[str, list[Step]]:
    """The experiments in this process."""
    async with (
        open_simulator(seed=1) as simulator,
        open_router(msgspec.structs.replace(load(folder), environ=simulator.environ())) as router,
        open_sandbox(workers=2) as sandbox,
        open_jury(sandbox, folder=folder / "cache") as jury,
    ):
        with SqliteMemory(folder / "memory.sqlite") as memory:
            perform = build_performing(router, jury, memory)
            histories = await run_starters(perform, folder, COUNT)
    return {problem: strip(history) for problem, history in histories.items()}


async def test_a_killed_workers_experiments_go_on_elsewhere_and_the_account_balances(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = await run_here(tmp_path_factory.mktemp("here"))
    silence = Fault("silence", model="claude-*", after=2)
    async with (
        open_local_cluster() as cluster,
        open_simulator(seed=1, faults=[silence], latency_s=0.02) as simulator,
        open_performing(cluster.scheduler_address, load(tmp_path), simulator, tmp_path) as perform,
    ):
        killer = Killer(cluster, simulator)
        histories, _ = await asyncio.gather(run_starters(perform, tmp_path, COUNT), killer.run())
        answered = sum(1 for exchange in simulator.requests if exchange.task)
    assert killer.killed
    assert {name: strip(history) for name, history in histories.items()} == expected
    attempts = [attempt for history in histories.values() for attempt in history.attempts]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        query = "SELECT outcome, reason, is_simulated, cost_pusd FROM attempts"
        rows = [tuple(row) for row in ledger.fetch(query)]
    lost = [row for row in rows if row[:2] == ("failed", "AnswerLostError")]
    assert 1 <= len(lost) <= 2, "the worker had two threads"
    assert all(is_simulated for _, _, is_simulated, _ in rows)
    assert len(rows) == len(attempts)
    assert len(rows) - len(lost) <= answered <= len(rows), "an answer may be lost with its worker"
    paid_usd = sum((attempt.cost_usd or Decimal(0) for attempt in attempts), Decimal(0))
    assert Decimal(sum(row[3] for row in rows)).scaleb(-12) == paid_usd


async def test_who_stops_waiting_takes_nobody_along() -> None:
    local = LocalCluster(
        n_workers=1,
        threads_per_worker=8,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        asynchronous=True,
    )
    async with (
        local,
        open_cluster(local.scheduler_address, Settings(), sandbox="none") as cluster,
    ):

        async def judge() -> Verdict:
            return await cluster.judge("verdict", PROBLEM, "", timeout_s=5)

        waiting = [asyncio.create_task(judge()) for _ in range(400)]
        for left in range(0, 400, 40):
            await asyncio.wait(waiting[left::2], return_when=asyncio.FIRST_COMPLETED)
            for task in waiting[left : left + 40 : 2]:
                task.cancel()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(end) for end in ends[1::2]} == {Verdict}
    assert asyncio.CancelledError in {type(end) for end in ends[::2]}


async def test_a_limit_holds_over_all_workers(tmp_path: Path) -> None:
    limit_usd = Decimal("0.07")
    loaded = load(tmp_path, **{"koderz.budget.run_usd": limit_usd})
    async with (
        open_local_cluster() as cluster,
        open_simulator(seed=1) as simulator,
        open_performing(cluster.scheduler_address, loaded, simulator, tmp_path) as perform,
    ):
        with pytest.raises(ExceptionGroup) as caught:
            await run_starters(perform, tmp_path, COUNT)
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            ((spent,),) = ledger.fetch("SELECT sum(cost_pusd) FROM attempts")
    assert {type(error) for error in caught.value.exceptions} == {BudgetExceededError}
    assert Decimal(0) < Decimal(spent).scaleb(-12) <= limit_usd


async def test_a_lost_scheduler_ends_the_run_and_says_so(tmp_path: Path) -> None:
    asked = asyncio.Event()
    silence = Fault("silence", times=None)
    with start_dask(tmp_path) as (address, scheduler):
        async with (
            open_simulator(faults=[silence], on_exchange=lambda _: asked.set()) as simulator,
            open_performing(address, load(tmp_path), simulator, tmp_path) as perform,
        ):
            running = asyncio.create_task(run_starters(perform, tmp_path, COUNT))
            await asked.wait()
            scheduler.kill()
            (error,) = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(error, ExceptionGroup)
    assert {type(each) for each in error.exceptions} == {ClusterError}
    assert "is lost" in str(error.exceptions[0])
