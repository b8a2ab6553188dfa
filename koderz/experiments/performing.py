"""Doing what comes next in an experiment: one function a kind of step.

A step is kept before the next one begins, so that an experiment that was broken off is paid for
only once: what it had is read back, and calls of a step that was never finished are found in the
ledger under that step's name and counted with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from koderz.benchmarks import Problem, extract_code
from koderz.errors import AllRoutesFailedError
from koderz.experiments.guidance import parse_review
from koderz.experiments.history import (
    DISCLOSED_BY_CHECKPOINT,
    NOTHING_DONE,
    Action,
    History,
    choose_best,
    decide,
    is_plateau,
    list_unreviewed,
)
from koderz.experiments.jury import Jury
from koderz.experiments.plans import Key, Plan
from koderz.experiments.steps import (
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
)
from koderz.ledger.records import Attempt, Outcome
from koderz.prompts.experiments import (
    OUTPUT_CHARS,
    build_review_request,
    build_spec_request,
)
from koderz.prompts.iteration import Task, build_iteration_request
from koderz.prompts.texts import cut_middle
from koderz.routing.checks import Accepted, Rejected
from koderz.routing.router import Router
from koderz.sandbox import FailedCase, Verdict
from koderz.types import Completion, FinishReason, Request, TaskKind

Keep = Callable[[History], Awaitable[None]]
"""Told of the steps so far whenever there is one more; the next begins when it is done."""
FindSpec = Callable[[Problem], Awaitable[SpecStep | None]]


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """One problem, tried once by one plan."""

    key: Key
    problem: Problem
    plan: Plan


class Reply(msgspec.Struct, frozen=True):
    """What came of asking a model: text, or why there is none, and what was called for it."""

    text: str
    attempts: tuple[Attempt, ...]
    failure: str = ""


class Performer:
    """Performs the steps of one experiment over a router and a jury.

    `find_spec` gives an earlier specification of a problem, where the plan would reuse one.
    """

    def __init__(
        self,
        experiment: Experiment,
        router: Router,
        jury: Jury,
        find_spec: FindSpec | None = None,
    ) -> None:
        self._experiment, self._plan = experiment, experiment.plan
        self._problem = experiment.problem
        self._router, self._jury, self._find_spec = router, jury, find_spec

    async def run(self, keep: Keep, history: History = NOTHING_DONE) -> History:
        """Every step from here to the verdict; each is kept before the next begins.

        Raises BudgetExceededError where the plan's limit does not cover the next call,
        AllRoutesFailedError where a model gives no answer, and JobError where the problem cannot
        be judged here; what was kept before stays good to go on from.
        """
        while (action := decide(self._plan, history)) is not Action.NOTHING:
            history = history.add(await self._perform(action, history))
            await keep(history)
        return history

    async def _perform(self, action: Action, history: History) -> Step:
        match action:
            case Action.SPEC:
                return await self._write_spec(history)
            case Action.ITERATION:
                return await self._iterate(history)
            case Action.FEEDBACK:
                return await self._give_feedback(history)
            case Action.CHECKPOINT:
                return await self._review(history)
            case _:
                return await self._conclude(history)

    async def _write_spec(self, history: History) -> SpecStep:
        if self._plan.reuse_spec and self._find_spec:
            earlier = await self._find_spec(self._problem)
            if earlier is not None:
                return earlier
        request = build_spec_request(self._problem.prompt)
        reply = await self._ask(TaskKind.SPEC, 1, request, history)
        return SpecStep(
            at=_now(),
            model=self._plan.spec_model,
            text=reply.text,
            attempts=reply.attempts,
            failure=reply.failure,
        )

    async def _iterate(self, history: History) -> IterationStep:
        number = len(history.trials) + 1
        trials, spec = history.trials, history.spec
        task = Task(
            problem=self._problem.prompt,
            entry_point=self._problem.entry_point,
            spec=spec.text if spec else "",
            notes=history.notes,
            guidance=history.guidance,
            previous=trials[-1].build_record() if trials and not self._plan.cost_of else None,
        )
        request = build_iteration_request(task, use_reasoning=self._plan.use_reasoning)
        request = msgspec.structs.replace(request, seed=self._plan.get_seed(number))
        reply = await self._ask(TaskKind.ITERATION, number, request, history)
        extraction = extract_code(reply.text, self._problem)
        return IterationStep(
            at=_now(),
            number=number,
            model=self._plan.iteration_model,
            answer=reply.text,
            code=extraction.code,
            found=extraction.found,
            attempts=reply.attempts,
            failure=reply.failure,
        )

    async def _give_feedback(self, history: History) -> FeedbackStep:
        last = history.trials[-1].iteration
        verdict = await self._jury.feedback.judge(
            self._problem, last.code, timeout_s=self._plan.timeout_s
        )
        return FeedbackStep(at=_now(), number=last.number, verdict=_tidy(verdict))

    async def _review(self, history: History) -> CheckpointStep:
        number, trials = len(history.checkpoints) + 1, history.trials
        disclosed = DISCLOSED_BY_CHECKPOINT.get(number, ())
        plateau = is_plateau(trials)
        request = build_review_request(
            [trial.build_record() for trial in list_unreviewed(history)],
            problem=self._problem.prompt,
            is_plateau=plateau,
            disclosed=disclosed,
        )
        reply = await self._ask(TaskKind.CHECKPOINT, number, request, history)
        review = parse_review(reply.text, disclosed)
        return CheckpointStep(
            at=_now(),
            number=number,
            after=len(trials),
            model=self._plan.checkpoint_model,
            is_plateau=plateau,
            answer=reply.text,
            guidance=review.text,
            notes=review.notes,
            attempts=reply.attempts,
            failure=reply.failure,
        )

    async def _conclude(self, history: History) -> VerdictStep:
        best = choose_best(history.trials)
        is_held_back = self._problem.feedback is not None
        verdict = best.verdict
        if verdict is None or is_held_back:
            verdict = await self._jury.verdict.judge(
                self._problem, best.iteration.code, timeout_s=self._plan.timeout_s
            )
        number = best.iteration.number
        return VerdictStep(
            at=_now(), number=number, verdict=_tidy(verdict), is_held_back=is_held_back
        )

    async def _ask(self, role: TaskKind, number: int, request: Request, history: History) -> Reply:
        """A model's answer; one that is empty or withheld is a result too, and says so."""
        job_id = f"{self._experiment.key.id}.{role}-{number}"
        earlier = self._router.load_attempts(job_id)
        request = msgspec.structs.replace(
            request, max_tokens=self._plan.answer_tokens, temperature=self._plan.temperature
        )
        try:
            answer = await self._router.ask(
                request,
                role,
                check_answer,
                job_id=job_id,
                limit_usd=self._get_left_usd((*history.attempts, *earlier)),
                models=(self._plan.models[role],),
            )
        except AllRoutesFailedError as error:
            made = tuple(each for each in error.attempts if isinstance(each, Attempt))
            if not made or made[-1].outcome is not Outcome.REJECTED:
                raise
            return Reply("", (*earlier, *made), made[-1].reason)
        return Reply(answer.value, (*earlier, *answer.attempts))

    def _get_left_usd(self, attempts: Iterable[Attempt]) -> Decimal | None:
        """What the plan's limit leaves for the next call; None where there is no limit."""
        if self._plan.max_cost_usd is None:
            return None
        spent = sum((attempt.cost_usd or Decimal(0) for attempt in attempts), Decimal(0))
        return max(self._plan.max_cost_usd - spent, Decimal(0))


def check_answer(completion: Completion) -> Accepted[str] | Rejected:
    """An experiment's check: is there an answer? What is wrong in it is a result, not a fault."""
    if completion.finish is FinishReason.CONTENT_FILTER:
        return Rejected("the answer was withheld by the provider's content filter")
    if not completion.text.strip():
        was_cut = completion.finish is FinishReason.LENGTH
        return Rejected("the limit of tokens was used up" if was_cut else "the answer is empty")
    return Accepted(completion.text)


def _tidy(verdict: Verdict) -> Verdict:
    """The verdict as text that can be kept, with as much of its output as prompts show."""
    failure = verdict.failure
    if failure:
        fields = msgspec.structs.asdict(failure)
        failure = FailedCase(**{name: _clean(text) for name, text in fields.items()})
    return msgspec.structs.replace(
        verdict,
        failure=failure,
        error=_clean(verdict.error),
        stdout=_clean(verdict.stdout),
        stderr=_clean(verdict.stderr),
    )


def _clean(text: str) -> str:
    # What a program raises may hold halves of characters, which no file can hold.
    return cut_middle(text, OUTPUT_CHARS).encode(errors="replace").decode()


def _now() -> datetime:
    return datetime.now(UTC)
