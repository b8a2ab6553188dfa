"""Experiments for tests: scripted models, a jury that goes by the code, or all of it simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from scripted import ScriptedClient, build_router, build_settings

from koderz import Router, open_router
from koderz.benchmarks import AssertTests, Problem, get_benchmark
from koderz.experiments.documents import load_problem
from koderz.experiments.history import History
from koderz.experiments.jury import Jury, open_jury
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key, Plan
from koderz.experiments.store import ExperimentStore
from koderz.ledger.store import Ledger
from koderz.memory.sqlite_memory import SqliteMemory
from koderz.orchestrator import ExperimentOrchestrator
from koderz.sandbox import FailedCase, Status, Verdict, open_sandbox
from koderz.simulator import Simulator, open_simulator

CHEAP, DEAR = "gpt-4o-mini", "gpt-4o"
PLAN = Plan(iteration_model=CHEAP, spec_model=DEAR, checkpoint_model=DEAR, max_iterations=12)
KEY = Key(run="run-1", problem="Adding/0")
PROBLEM = Problem(
    task_id="Adding/0",
    prompt='def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n',
    entry_point="add",
    tests=AssertTests(source="def check(candidate):\n    assert candidate(2, 2) == 4\n"),
    feedback=AssertTests(source="def check(candidate):\n    assert candidate(0, 0) == 0\n"),
)
EXPERIMENT = Experiment(key=KEY, problem=PROBLEM, plan=PLAN)

PASSED = Verdict(status=Status.PASSED, tests_passed=2, tests_total=2)
FAILED = Verdict(
    status=Status.FAILED,
    tests_passed=1,
    tests_total=2,
    failure=FailedCase(call="add(1, 2)", expected="3", actual="-1"),
    error="AssertionError",
)


def answer(body: str) -> str:
    """A model's answer with a module whose function has this body."""
    return f"Here it is.\n\n```python\ndef add(a, b):\n    {body}\n```"


WRONG, RIGHT = answer("return a - b"), answer("return a + b")


class ScriptedBench:
    """Passes the code that holds `right`, and remembers what it was asked to judge."""

    def __init__(self, right: str) -> None:
        self.right = right
        self.judged: list[str] = []

    async def judge(self, problem: Problem, code: str, *, timeout_s: float) -> Verdict:
        self.judged.append(code)
        if not code:
            return Verdict(status=Status.NO_CODE, tests_total=2)
        return PASSED if self.right in code else FAILED


class Place:
    """A folder with a ledger, a store and a memory, and scripted models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.feedback, self.verdict = ScriptedBench("a + b"), ScriptedBench("a + b")
        self.histories: list[History] = []

    @asynccontextmanager
    async def open(
        self, cheap: Sequence[Any], dear: Sequence[Any], **options: Any
    ) -> AsyncIterator[ExperimentOrchestrator]:
        """An orchestrator whose two models answer as scripted; `options` are settings too."""
        self.cheap, self.dear = ScriptedClient(*cheap), ScriptedClient(*dear)
        debug_dir = options.pop("debug_dir", None)
        settings = build_settings(**options)
        clients = {CHEAP: self.cheap, DEAR: self.dear}
        router, ledger = build_router(self.folder, clients, settings)
        jury = cast("Jury", self)
        with (
            ledger,
            ExperimentStore(self.folder / "experiments.sqlite") as store,
            SqliteMemory(self.folder / "memory.sqlite") as memory,
        ):
            self.memory = memory
            yield ExperimentOrchestrator(
                router,
                jury,
                store,
                memory,
                debug_dir=debug_dir,
                on_step=self.histories.append,
            )

    def list_costs(self) -> list[tuple[Any, ...]]:
        """The ledger's rows: job, model, pico-USD."""
        with Ledger(self.folder / "ledger.sqlite") as ledger:
            query = "SELECT job_id, model, cost_pusd FROM attempts ORDER BY id"
            return [tuple(row) for row in ledger.fetch(query)]


def load_starter(number: int) -> Problem:
    """A problem of the bundled set."""
    return load_problem("starter", f"starter/{number}")


def count_starter() -> int:
    """How many problems the bundled set has."""
    return sum(1 for _ in get_benchmark("starter").load_problems())


@asynccontextmanager
async def open_simulated_lab(
    folder: Path, *, seed: int = 0, skills: dict[str, float] | None = None
) -> AsyncIterator[tuple[ExperimentOrchestrator, Router, Simulator]]:
    """An orchestrator over simulated models and a real sandbox."""
    overrides = {"koderz.ledger.path": str(folder / "ledger.sqlite")}
    async with (
        open_simulator(seed=seed, skills=skills) as simulator,
        open_router(overrides=overrides, environ=simulator.environ()) as router,
        open_sandbox(workers=1) as sandbox,
        open_jury(sandbox, folder=folder / "cache") as jury,
    ):
        with (
            ExperimentStore(folder / "experiments.sqlite") as store,
            SqliteMemory(folder / "memory.sqlite") as memory,
        ):
            yield ExperimentOrchestrator(router, jury, store, memory), router, simulator
