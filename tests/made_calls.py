"""Experiments in a store as if they had been performed: one attempt each, by calls of any cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger_rows import NOON, build_attempt
from trials import DEAR, PASSED

from koderz.experiments.documents import RunDocument, build_run_row
from koderz.experiments.plans import Key, Plan
from koderz.experiments.steps import FeedbackStep, IterationStep, VerdictStep
from koderz.experiments.store import ExperimentStore
from koderz.ledger.records import Attempt
from koderz.sandbox import Verdict
from koderz.types import TaskKind, Tier, Usage

RUN = "20260131-1a2b3c4d"


def build_call(model: str = DEAR, cost_usd: str | None = "0.01", **fields: Any) -> Attempt:
    """A call of an experiment: 1,000 tokens in, 100 of them from a cache, and 100 out."""
    usual: dict[str, Any] = {
        "task": TaskKind.ITERATION,
        "tier": Tier.FRONTIER if model == DEAR else Tier.SMALL_FRONTIER,
        "model": model,
        "usage": Usage(input_tokens=900, cache_read_tokens=100, output_tokens=100),
        "cost_usd": None if cost_usd is None else Decimal(cost_usd),
    }
    return build_attempt(**(usual | fields))


def keep_experiment(
    store: ExperimentStore, key: Key, calls: Sequence[Attempt], verdict: Verdict = PASSED
) -> None:
    """One attempt that took these calls, and what was thought of it."""
    made = IterationStep(
        at=NOON, number=1, model=calls[0].model, answer="a", code="c", found="f", attempts=(*calls,)
    )
    store.keep_step(key, 0, made)
    store.keep_step(key, 1, FeedbackStep(at=NOON, number=1, verdict=verdict))
    judged = VerdictStep(at=NOON, number=1, verdict=verdict, is_held_back=False)
    store.keep_step(key, 2, judged)


def keep_run(path: Path, experiments: dict[str, dict[str, Sequence[Attempt]]]) -> None:
    """A run: by strategy and problem, the calls of each experiment."""
    problems = tuple(dict.fromkeys(name for each in experiments.values() for name in each))
    plans = {
        strategy: Plan(iteration_model=next(iter(calls.values()))[0].model, max_iterations=1)
        for strategy, calls in experiments.items()
    }
    document = RunDocument(dataset="starter", problem_ids=problems, plans=plans)
    with ExperimentStore(path) as store:
        store.keep_run(build_run_row(RUN, "benchmark", document))
        for strategy, by_problem in experiments.items():
            for problem, calls in by_problem.items():
                keep_experiment(store, Key(run=RUN, strategy=strategy, problem=problem), calls)
