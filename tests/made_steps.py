"""A run in a store, made up step by step: two strategies, some of it done, some of it not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from ledger_rows import NOON, build_attempt
from trials import CHEAP, DEAR, FAILED, PASSED

from koderz.experiments.documents import RunDocument, build_run_row
from koderz.experiments.plans import Key, Plan, plan_zero_shot
from koderz.experiments.steps import (
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    Step,
    VerdictStep,
)
from koderz.experiments.store import ExperimentStore
from koderz.ledger.records import Attempt
from koderz.sandbox import Verdict
from koderz.types import TaskKind, Tier

SUPERVISED = Plan(
    iteration_model=CHEAP, checkpoint_model=DEAR, max_iterations=6, checkpoint_interval=2
)
PLANS = {"cheap": plan_zero_shot(SUPERVISED), "supervised": SUPERVISED}
DOCUMENT = RunDocument(
    dataset="starter", problem_ids=("starter/0", "starter/1"), plans=PLANS, samples=1
)
ROW = build_run_row("run-1", "benchmark", DOCUMENT)
HOPELESS = msgspec.structs.replace(FAILED, tests_passed=0)


def ask(role: TaskKind, seconds: int, **facts: object) -> tuple[Attempt, ...]:
    is_review = role is TaskKind.CHECKPOINT
    fields = {
        "model": DEAR if is_review else CHEAP,
        "tier": Tier.FRONTIER if is_review else Tier.SMALL_FRONTIER,
        "cost_usd": Decimal("0.01") if is_review else Decimal("0.001"),
    }
    at = NOON + timedelta(seconds=seconds)
    return (build_attempt(task=role, at=at, **{**fields, **facts}),)


def iterate(number: int, verdict: Verdict, **facts: object) -> list[Step]:
    attempts = ask(TaskKind.ITERATION, number, **facts)
    return [
        IterationStep(
            at=NOON, number=number, model=CHEAP, answer="", code="", found="", attempts=attempts
        ),
        FeedbackStep(at=NOON, number=number, verdict=verdict),
    ]


def review(number: int, after: int) -> CheckpointStep:
    attempts = ask(TaskKind.CHECKPOINT, after)
    return CheckpointStep(
        at=NOON,
        number=number,
        after=after,
        model=DEAR,
        is_plateau=number > 1,
        answer="",
        guidance="",
        attempts=attempts,
    )


def conclude(number: int, verdict: Verdict) -> VerdictStep:
    at = NOON + timedelta(seconds=60)
    return VerdictStep(at=at, number=number, verdict=verdict, is_held_back=True)


def keep(store: ExperimentStore, strategy: str, problem: str, steps: Sequence[Step]) -> None:
    key = Key(run=ROW.run, strategy=strategy, problem=problem)
    for index, step in enumerate(steps):
        store.keep_step(key, index, step)


# Two iterations, a review, two more, another review, and one that passes.
LONG: list[Step] = [
    *iterate(1, FAILED),
    *iterate(2, HOPELESS),
    review(1, 2),
    *iterate(3, FAILED),
    *iterate(4, HOPELESS),
    review(2, 4),
    *iterate(5, PASSED),
    conclude(5, PASSED),
]


def keep_some(folder: Path) -> Path:
    """A store in which one experiment is solved, one failed by its verdict, one was stopped."""
    path = folder / "experiments.sqlite"
    with ExperimentStore(path) as store:
        store.keep_run(ROW)
        keep(store, "supervised", "starter/0", LONG)
        keep(store, "cheap", "starter/0", [*iterate(1, PASSED), conclude(1, FAILED)])
        keep(store, "supervised", "starter/1", LONG[:5])
    return path
