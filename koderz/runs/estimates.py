"""What a run may cost, before anything is asked: a range, and an estimate at both ends. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from koderz.benchmarks import Problem
from koderz.experiments.plans import Plan
from koderz.models.prices import Price
from koderz.models.usage import count_prompt_tokens
from koderz.prompts.experiments import IterationRecord, build_review_request, build_spec_request
from koderz.prompts.iteration import Task, build_iteration_request
from koderz.types import Usage

TEXT_TOKENS: Final = 400
"""What a specification, a program or a review is taken to have: in prompts, and as an answer."""

GetPrice = Callable[[str], Price]
"""The price of a model by its name."""


class CostRange(msgspec.Struct, frozen=True, kw_only=True):
    """What experiments may cost, USD; None where a price is unknown.

    `low_usd`: each is solved at once, with short answers. `high_usd`: each uses up its iterations
    and reviews, with answers as long as they may be.
    """

    experiments: int = 0
    low_usd: Decimal | None = Decimal(0)
    high_usd: Decimal | None = Decimal(0)

    def add(self, other: CostRange) -> CostRange:
        """Both together."""
        return CostRange(
            experiments=self.experiments + other.experiments,
            low_usd=_add(self.low_usd, other.low_usd),
            high_usd=_add(self.high_usd, other.high_usd),
        )


def estimate_run(
    plans: Mapping[str, Plan], problems: Iterable[Problem], samples: int, price: GetPrice
) -> dict[str, CostRange]:
    """The range of each strategy, over all problems and samples."""
    prompts = [_count_prompts(problem) for problem in problems]
    return {
        name: _estimate_strategy(plans, plan, prompts, samples, price)
        for name, plan in plans.items()
    }


class _Prompts(msgspec.Struct, frozen=True):
    """The tokens of a problem's prompts, with nothing in them but the problem."""

    spec: int
    iteration: int
    review: int


def _count_prompts(problem: Problem) -> _Prompts:
    task = Task(problem=problem.prompt, entry_point=problem.entry_point)
    nothing = [IterationRecord(number=1, code="")]
    return _Prompts(
        count_prompt_tokens(build_spec_request(problem.prompt)),
        count_prompt_tokens(build_iteration_request(task)),
        count_prompt_tokens(build_review_request(nothing, problem=problem.prompt)),
    )


def _estimate_strategy(
    plans: Mapping[str, Plan],
    plan: Plan,
    prompts: Iterable[_Prompts],
    samples: int,
    price: GetPrice,
) -> CostRange:
    total = CostRange()
    for each in prompts:
        low_usd = _estimate_low(plan, each, price)
        # What goes by another's cost passes it by one attempt at the most.
        most = plans[plan.cost_of] if plan.cost_of else plan
        high_usd = _estimate_high(most, each, price)
        total = total.add(CostRange(experiments=1, low_usd=low_usd, high_usd=high_usd))
    return CostRange(
        experiments=total.experiments * samples,
        low_usd=_multiply(total.low_usd, samples),
        high_usd=_multiply(total.high_usd, samples),
    )


def _estimate_low(plan: Plan, prompts: _Prompts, price: GetPrice) -> Decimal | None:
    length = min(TEXT_TOKENS, plan.answer_tokens)
    spec_tokens = TEXT_TOKENS if plan.spec_model else 0
    spec_usd = _price(price, plan.spec_model, prompts.spec, length)
    first_usd = _price(price, plan.iteration_model, prompts.iteration + spec_tokens, length)
    return _add(spec_usd, first_usd)


def _estimate_high(plan: Plan, prompts: _Prompts, price: GetPrice) -> Decimal | None:
    length, done = plan.answer_tokens, plan.max_iterations
    # Each attempt after the first sees the one before, the specification and a review.
    others = (
        0 if done == 1 else TEXT_TOKENS * (1 + bool(plan.spec_model) + bool(plan.checkpoint_model))
    )
    attempt_usd = _price(price, plan.iteration_model, prompts.iteration + others, length)
    reviews = (done - 1) // plan.checkpoint_interval if plan.checkpoint_model else 0
    seen = prompts.review + plan.checkpoint_interval * TEXT_TOKENS
    review_usd = _price(price, plan.checkpoint_model, seen, length)
    total = _add(_multiply(attempt_usd, done), _multiply(review_usd, reviews))
    return _add(total, _price(price, plan.spec_model, prompts.spec, length))


def _price(price: GetPrice, model: str, prompt: int, answer: int) -> Decimal | None:
    if not model:
        return Decimal(0)
    return price(model).cost_usd(Usage(input_tokens=prompt, output_tokens=answer))


def _add(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _multiply(amount: Decimal | None, times: int) -> Decimal | None:
    return None if amount is None else amount * times
