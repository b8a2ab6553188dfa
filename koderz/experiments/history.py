"""What has been done in an experiment, and what comes next: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from koderz.experiments.allowances import is_used_up
from koderz.experiments.plans import Plan
from koderz.experiments.steps import (
    AllowanceStep,
    Asked,
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
)
from koderz.ledger.records import Attempt
from koderz.prompts.experiments import APPROACH, CRITERIA, IterationRecord
from koderz.sandbox import Verdict

PLATEAU_LENGTH = 3
"""Over how many iterations the tests passed must not have moved for it to be a plateau."""

DISCLOSED_BY_CHECKPOINT = {1: (APPROACH,), 2: (CRITERIA,)}
"""What a review adds to the specification, by its number."""

S = TypeVar("S", bound=Step)


class Action(StrEnum):
    """What an experiment does next."""

    SPEC = "spec"
    ITERATION = "iteration"
    FEEDBACK = "feedback"
    CHECKPOINT = "checkpoint"
    VERDICT = "verdict"
    NOTHING = "nothing"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """An iteration with what its feedback tests gave (None: not run yet)."""

    iteration: IterationStep
    verdict: Verdict | None

    @property
    def is_passed(self) -> bool:
        """Whether the feedback tests held."""
        return self.verdict is not None and self.verdict.is_passed

    @property
    def share(self) -> float:
        """The share of the feedback tests that held."""
        if self.verdict is None or not self.verdict.tests_total:
            return 0.0
        return self.verdict.tests_passed / self.verdict.tests_total

    def build_record(self) -> IterationRecord:
        """The attempt as prompts show it."""
        verdict = self.verdict
        if verdict is None:
            return IterationRecord(number=self.iteration.number, code=self.iteration.code)
        failure = verdict.failure
        return IterationRecord(
            number=self.iteration.number,
            code=self.iteration.code,
            call=(failure.call or failure.source) if failure else "",
            expected=failure.expected if failure else "",
            actual=failure.actual if failure else "",
            error=verdict.error or self.iteration.failure,
            stderr=verdict.stderr,
            tests_passed=verdict.tests_passed,
            tests_total=verdict.tests_total,
        )


class History(msgspec.Struct, frozen=True):
    """The steps so far, in order."""

    steps: tuple[Step, ...] = ()

    def add(self, step: Step) -> History:
        """The history with one step more."""
        return History((*self.steps, step))

    @property
    def allowance(self) -> AllowanceStep | None:
        """What an experiment of independent attempts may use."""
        return next(self._list(AllowanceStep), None)

    @property
    def spec(self) -> SpecStep | None:
        """The specification, if there is one."""
        return next(self._list(SpecStep), None)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The iterations with their feedback."""
        verdicts = {step.number: step.verdict for step in self._list(FeedbackStep)}
        return tuple(
            Trial(iteration=step, verdict=verdicts.get(step.number))
            for step in self._list(IterationStep)
        )

    @property
    def checkpoints(self) -> tuple[CheckpointStep, ...]:
        """The reviews."""
        return tuple(self._list(CheckpointStep))

    @property
    def verdict(self) -> VerdictStep | None:
        """The verdict, once it is there."""
        return next(self._list(VerdictStep), None)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every call that the steps took."""
        asked = (step for step in self.steps if isinstance(step, Asked))
        return tuple(attempt for step in asked for attempt in step.attempts)

    @property
    def guidance(self) -> str:
        """The latest review's guidance."""
        return next((step.guidance for step in reversed(self.checkpoints) if step.guidance), "")

    @property
    def notes(self) -> str:
        """What the reviews added to the specification."""
        return "\n\n".join(step.notes for step in self.checkpoints if step.notes)

    def _list(self, kind: type[S]) -> Iterator[S]:
        return (step for step in self.steps if isinstance(step, kind))


NOTHING_DONE: Final = History()


def decide(plan: Plan, history: History) -> Action:
    """What comes next; the same for the same plan and steps."""
    trials = history.trials
    if history.verdict:
        return Action.NOTHING
    if plan.spec_model and not history.spec and not trials:
        return Action.SPEC
    if not trials:
        return Action.ITERATION
    if trials[-1].verdict is None:
        return Action.FEEDBACK
    if trials[-1].is_passed or _is_over(plan, history):
        return Action.VERDICT
    return Action.CHECKPOINT if _is_review_due(plan, history) else Action.ITERATION


def _is_over(plan: Plan, history: History) -> bool:
    """Whether no further iteration may be made."""
    done, allowance = len(history.trials), history.allowance
    if done >= plan.max_iterations:
        return True
    return allowance is not None and is_used_up(allowance, history.attempts, done)


def _is_review_due(plan: Plan, history: History) -> bool:
    done = len(history.trials)
    if not plan.checkpoint_model or done % plan.checkpoint_interval:
        return False
    return all(step.after < done for step in history.checkpoints)


def list_unreviewed(history: History) -> tuple[Trial, ...]:
    """The iterations since the last review."""
    reviewed = max((step.after for step in history.checkpoints), default=0)
    return tuple(trial for trial in history.trials if trial.iteration.number > reviewed)


def is_plateau(trials: Iterable[Trial]) -> bool:
    """Whether the share of tests passed has not moved over the last three iterations."""
    last = list(trials)[-PLATEAU_LENGTH:]
    return len(last) == PLATEAU_LENGTH and len({trial.share for trial in last}) == 1


def choose_best(trials: Iterable[Trial]) -> Trial:
    """The attempt to be judged: of those with most feedback tests passed, the latest."""
    return max(trials, key=lambda trial: (trial.is_passed, trial.share, trial.iteration.number))
