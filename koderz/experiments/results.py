"""What came of an experiment, as one value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from koderz.analysis.cost import CostAnalyzer
from koderz.analysis.costs import Control, CostReport
from koderz.config.settings import Settings
from koderz.experiments.history import History, choose_best
from koderz.experiments.plans import Key, Plan
from koderz.models.prices import Price
from koderz.models.registry import get_model_info
from koderz.sandbox import Isolation, Status
from koderz.types import ModelInfo


class Ending(StrEnum):
    """How an experiment stands: judged, or stopped before it was."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    STOPPED = "stopped"


class ExperimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment's outcome; feedback and verdict stand beside each other.

    `iterations` were made, `solved_by` is the number of the one judged; `feedback_passed` and
    `feedback_total` are its feedback tests, `verdict_passed` and `verdict_total` those held back
    (the same ones where `is_held_back` is False). `isolation` is what the program was kept apart
    by. `reason` says why it was stopped. Money is in `cost`.
    """

    id: str
    key: Key
    plan: Plan
    ending: Ending
    reason: str = ""
    iterations: int
    checkpoints: int
    judged: int = 0
    status: Status | None = None
    feedback_passed: int = 0
    feedback_total: int = 0
    verdict_passed: int = 0
    verdict_total: int = 0
    is_held_back: bool = False
    isolation: Isolation | None = None
    code: str = ""
    spec_model: str = ""
    spec_reused_from: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cost: CostReport
    is_simulated: bool = False

    @property
    def is_solved(self) -> bool:
        """Whether the tests that were held back held."""
        return self.ending is Ending.SOLVED

    @property
    def cost_usd(self) -> Decimal | None:
        """What it cost; None where a price is unknown."""
        return None if self.cost.total.unknown_calls else self.cost.total.cost_usd


def build_result(
    key: Key, plan: Plan, history: History, cost: CostReport, *, reason: str = ""
) -> ExperimentResult:
    """The result of the steps so far; without a verdict it is stopped, for that reason."""
    verdict, trials = history.verdict, history.trials
    best = choose_best(trials) if trials else None
    feedback = best.verdict if best else None
    facts: dict[str, Any] = {}
    if verdict:
        facts = {
            "judged": verdict.number,
            "status": verdict.verdict.status,
            "verdict_passed": verdict.verdict.tests_passed,
            "verdict_total": verdict.verdict.tests_total,
            "is_held_back": verdict.is_held_back,
            "isolation": verdict.verdict.isolation,
        }
    elif feedback:
        facts = {"isolation": feedback.isolation}
    return ExperimentResult(
        id=key.id,
        key=key,
        plan=plan,
        ending=_get_ending(history),
        reason=reason,
        iterations=len(trials),
        checkpoints=len(history.checkpoints),
        feedback_passed=feedback.tests_passed if feedback else 0,
        feedback_total=feedback.tests_total if feedback else 0,
        code=best.iteration.code if best else "",
        spec_model=history.spec.model if history.spec else "",
        spec_reused_from=history.spec.reused_from if history.spec else "",
        started_at=_get_start(history),
        ended_at=history.steps[-1].at if history.steps else None,
        cost=cost,
        is_simulated=was_simulated(history),
        **facts,
    )


def analyze_cost(
    plan: Plan,
    history: History,
    *,
    settings: Settings,
    price: Callable[[ModelInfo], Price],
    baseline_model: str = "",
    control: Control | None = None,
) -> CostReport:
    """What the steps cost, against the baseline model's prices.

    Without a `baseline_model` the plan's checkpoint model is reckoned with, else its spec model,
    else its iteration model. One that these settings do not know leaves the estimate unknown.
    """
    name = baseline_model or plan.checkpoint_model or plan.spec_model or plan.iteration_model
    model = get_model_info(name, settings)
    analyzer = CostAnalyzer(
        baseline=model,
        price=price(model) if model else None,
        control=control,
        gpu_hour_usd=settings.koderz.experiments.gpu_hour_usd,
    )
    for attempt in history.attempts:
        analyzer.add_cost(attempt)
    return analyzer.build_report()


def was_simulated(history: History) -> bool:
    """Whether a simulated model had a part in it."""
    from_elsewhere = history.spec is not None and history.spec.is_simulated
    return from_elsewhere or any(attempt.is_simulated for attempt in history.attempts)


def _get_ending(history: History) -> Ending:
    if history.verdict is None:
        return Ending.STOPPED
    return Ending.SOLVED if history.verdict.verdict.is_passed else Ending.UNSOLVED


def _get_start(history: History) -> datetime | None:
    times = [attempt.at for attempt in history.attempts]
    return min(times, default=history.steps[0].at if history.steps else None)
