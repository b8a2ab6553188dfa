"""How fast a model answers here: tokens a second, and time to the first token."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from statistics import median
from uuid import uuid4

import msgspec

from koderz.prompts.texts import load_prompt
from koderz.routing.checks import Accepted, Rejected
from koderz.routing.router import Answer, Router, sum_costs
from koderz.types import Completion, Message, Request, TaskKind, Tier

DEFAULT_RUNS = 3
DEFAULT_MAX_TOKENS = 128


class SpeedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: seconds to its first token and to its last, and how many tokens it has.

    `tokens_per_s` counts those that came after the first; None where nothing can be told.
    """

    first_token_s: float | None
    latency_s: float
    prompt_tokens: int
    output_tokens: int
    tokens_per_s: float | None


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """A model's speed: the runs, their medians, and the first call, which may load the model."""

    model: str
    provider: str
    tier: Tier
    warm_up_s: float
    tokens_per_s: float | None
    first_token_s: float | None
    cost_usd: Decimal | None
    simulated: bool
    runs: tuple[SpeedRun, ...]


class MeasureSpeed:
    """The job: one call to warm up, then `runs` calls one after the other, each of them recorded.

    Raises what `Router.ask` raises where the model does not answer.
    """

    def __init__(
        self,
        model: str,
        *,
        runs: int = DEFAULT_RUNS,
        max_tokens: int = DEFAULT_MAX_TOKENS,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.model, self.runs, self.max_tokens = model, runs, max_tokens
        self._on_progress = on_progress

    async def run(self, router: Router) -> Speed:
        """Measure over this router."""
        job_id = uuid4().hex
        answers = []
        for number in range(self.runs + 1):
            if self._on_progress:
                self._on_progress(self.model, number, self.runs + 1)
            answers.append(await self._ask(router, number, job_id))
        return build_speed(self.model, answers)

    async def _ask(self, router: Router, number: int, job_id: str) -> Answer[Completion]:
        # A number in front keeps a prompt from being found in a cache, where it would cost no time.
        request = Request(
            messages=(Message.user(f"Question {number + 1}. {load_prompt('speed')}"),),
            max_tokens=self.max_tokens,
            is_stream=True,
        )
        return await router.ask(
            request, TaskKind.MAIN, check_said_something, job_id=job_id, models=(self.model,)
        )


def check_said_something(completion: Completion) -> Accepted[Completion] | Rejected:
    """Any answer will do, as long as it has tokens to be counted."""
    if not completion.usage.output_tokens:
        return Rejected("the answer has no tokens, so that its speed cannot be measured")
    return Accepted(completion)


def build_speed(model: str, answers: list[Answer[Completion]]) -> Speed:
    """What the answers say, the first of which was the warm-up."""
    warm_up, runs = answers[0].value, tuple(build_run(answer.value) for answer in answers[1:])
    attempts = [attempt for answer in answers for attempt in answer.attempts]
    return Speed(
        model=model,
        provider=warm_up.provider,
        tier=answers[0].route.models[0].tier,
        warm_up_s=warm_up.latency_s,
        tokens_per_s=_get_median([run.tokens_per_s for run in runs]),
        first_token_s=_get_median([run.first_token_s for run in runs]),
        cost_usd=sum_costs(attempts),
        simulated=any(attempt.is_simulated for attempt in attempts),
        runs=runs,
    )


def build_run(completion: Completion) -> SpeedRun:
    """What one answer says of the speed."""
    first_s, tokens = completion.first_token_s, completion.usage.output_tokens
    rest_s = 0.0 if first_s is None else completion.latency_s - first_s
    return SpeedRun(
        first_token_s=first_s,
        latency_s=completion.latency_s,
        prompt_tokens=completion.usage.prompt_tokens,
        output_tokens=tokens,
        tokens_per_s=(tokens - 1) / rest_s if tokens > 1 and rest_s > 0 else None,
    )


def _get_median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
