"""A run that is killed again and again pays for no finished step twice, to the picodollar."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest
from killable import FOLDER, open_context, start_command

from koderz.experiments.history import History
from koderz.experiments.plans import Key
from koderz.experiments.steps import Asked, get_kind
from koderz.experiments.store import ExperimentStore
from koderz.ledger.store import Ledger

KILLS = 20
PROBLEMS, STRATEGIES, CONCURRENCY = 5, 4, 4
ARGUMENTS = ["benchmark", "--end", str(PROBLEMS), "--seed", "3", "--max-iterations", "8"]
ARGUMENTS += ["--local-model", "gpt-4o-mini", "--frontier-spec-model", "claude-sonnet-5-5"]
ARGUMENTS += ["--frontier-checkpoint-model", "claude-sonnet-5-5"]
LONGEST_S = 60.0


class Provider:
    """A simulator in a process of its own, which counts what it answered."""

    def __init__(self, environ: dict[str, str], notes: Path) -> None:
        self.environ, self._notes = environ, notes

    def count_answers(self) -> int:
        """How many answers of models it gave."""
        return len(re.findall(r": 200 task=", self._notes.read_text()))


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    notes = tmp_path / "provider.log"
    command = [sys.executable, "-m", "koderz", "simulate", "--port", "0", "--json"]
    command += ["--skill", "gpt-4o-mini=0.35", "--skill", "claude-sonnet-5-5=0.8"]
    with (
        notes.open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout
            lines: list[str] = []
            while not lines or lines[-1] != "}\n":
                lines.append(process.stdout.readline())
            yield Provider(json.loads("".join(lines))["environ"], notes)
        finally:
            process.send_signal(signal.SIGINT)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {name: tmp_path / f"{name}.sqlite" for name in ("ledger", "experiments", "memory")}


def load_steps(path: Path) -> dict[Key, History]:
    with ExperimentStore(path) as store:
        return {
            key: history
            for row in store.load_runs()
            for key, history in store.load_histories(row.run)
        }


def count_calls(path: Path) -> Counter[str]:
    """How many attempts each job has in the ledger."""
    with Ledger(path) as ledger:
        rows = ledger.fetch("SELECT job_id, count(*) FROM attempts GROUP BY job_id")
    return Counter({row[0]: row[1] for row in rows})


def list_asked(histories: dict[Key, History]) -> dict[str, int]:
    """The jobs of finished steps that asked a model, with how many attempts each has."""
    return {
        f"{key.id}.{get_kind(step)}-{getattr(step, 'number', 1)}": len(step.attempts)
        for key, history in histories.items()
        for step in history.steps
        if isinstance(step, Asked)
    }


def wait_for_steps(process: BaseProcess, path: Path, wanted: int) -> bool:
    """Wait until so many steps are kept; False where the process ended before."""
    give_up_at = time.monotonic() + LONGEST_S
    while process.is_alive() and not path.exists():
        time.sleep(0.005)
    with ExperimentStore(path) as store:
        while process.is_alive() and time.monotonic() < give_up_at:
            ((count,),) = store._database.fetch("SELECT count(*) FROM steps")
            if count >= wanted:
                return True
            time.sleep(0.002)
    assert not process.is_alive(), "it hangs"
    return False


def test_twenty_kills_cost_no_finished_step_twice(
    provider: Provider, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    random = Random(4)
    environ = {**os.environ, **provider.environ, "OLLAMA_HOST": "127.0.0.1:9"}
    environ |= {f"KODERZ_{name.upper()}_PATH": str(path) for name, path in files.items()}
    context, log = open_context(), tmp_path / "run.log"
    arguments, done, killed = ARGUMENTS, 0, 0
    finished: dict[str, int] = {}
    while True:
        process = start_command(
            context, [*arguments, "--concurrency", str(CONCURRENCY)], environ, log
        )
        is_under_way = wait_for_steps(process, files["experiments"], done + random.randrange(1, 9))
        if not is_under_way or killed == KILLS:
            process.join(LONGEST_S)
            break
        time.sleep(random.random() * 0.02)
        process.kill()
        process.join()
        killed += 1
        histories = load_steps(files["experiments"])
        calls = count_calls(files["ledger"])
        for job, attempts in list_asked(histories).items():
            assert calls[job] == attempts
            assert finished.setdefault(job, attempts) == attempts, "it was asked again"
        done = sum(len(history.steps) for history in histories.values())
        with ExperimentStore(files["experiments"]) as store:
            arguments = ["benchmark", "--resume", store.load_runs()[0].run]
    assert process.exitcode == 0, log.read_text()
    assert killed == KILLS, "it was done too soon: give it more to do"

    histories = load_steps(files["experiments"])
    assert len(histories) == PROBLEMS * STRATEGIES
    assert all(history.verdict for history in histories.values())
    asked, calls = list_asked(histories), count_calls(files["ledger"])
    assert asked == dict(calls), "every call is a step's, and every step's calls are there"
    assert all(asked[job] == attempts for job, attempts in finished.items())
    costs = [each.cost_usd for history in histories.values() for each in history.attempts]
    with Ledger(files["ledger"]) as ledger:
        ((total,),) = ledger.fetch("SELECT sum(cost_pusd) FROM attempts")
    assert sum((cost for cost in costs if cost is not None), Decimal(0)) == Decimal(total).scaleb(
        -12
    )
    lost = provider.count_answers() - calls.total()
    assert 0 <= lost <= KILLS * CONCURRENCY, "beyond the ledger are those under way at a kill alone"
