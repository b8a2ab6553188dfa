"""A run for tests, made up but the same every time: four strategies, 30 problems, 2 samples."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from koderz.analysis.costs import RoleCost, Sum, TierCost
from koderz.reports.observations import Effect, Observation, Subject
from koderz.types import TaskKind, Tier, Usage

PROBLEMS, SAMPLES = 30, 2
ZERO = Decimal(0)
FAILURES = ("failed", "failed", "timeout", "crashed", "syntax_error")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
SUBJECT = Subject(run="20260131-1a2b3c4d", dataset="starter", at=AT, problems=30, samples=2)
PRICES = {Tier.LOCAL: "0", Tier.SMALL_FRONTIER: "0.0004", Tier.FRONTIER: "0.0070"}


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a strategy does: chance to solve in one go, who iterates, how often, reviewed or not."""

    plan: str
    skill: float
    tier: Tier
    most: int
    reviewed_every: int = 0


RECIPES = {
    "cheap": Recipe(plan="gpt-4o-mini, one attempt", skill=0.45, tier=Tier.SMALL_FRONTIER, most=1),
    "supervised": Recipe(
        plan="gpt-4o-mini, up to 12 attempts; gpt-4o reviews every 4",
        skill=0.3,
        tier=Tier.SMALL_FRONTIER,
        most=12,
        reviewed_every=4,
    ),
    "frontier": Recipe(plan="gpt-4o, one attempt", skill=0.7, tier=Tier.FRONTIER, most=1),
    "local": Recipe(plan="llama3.2:3b, up to 6 attempts", skill=0.15, tier=Tier.LOCAL, most=6),
}


def make_observation(strategy: str = "cheap", problem: str = "made/0", **facts: Any) -> Observation:
    """A judged experiment with one call at $0.01; `facts` say what is different about it.

    `cost_usd` and `tier` set the one call's; `cost_usd=None` is a price that nobody knows.
    """
    tier = facts.pop("tier", Tier.SMALL_FRONTIER)
    amount = facts.pop("cost_usd", Decimal("0.01"))
    cost = Sum(calls=1, cost_usd=amount or Decimal(0), unknown_calls=int(amount is None))
    is_solved = facts.get("is_solved", False)
    usual: dict[str, Any] = {
        "is_judged": True,
        "is_feedback_solved": is_solved,
        "is_held_back": True,
        "status": "passed" if is_solved else "failed",
        "iterations": 1,
        "solved_after": 1 if is_solved else None,
        "judged": 1,
        "cost": cost,
        "tiers": make_tiers({tier: cost}, model_s=2.0),
        "roles": (RoleCost(role=TaskKind.ITERATION, sum=cost),),
        "tokens": Usage(input_tokens=900, output_tokens=300, reasoning_tokens=40),
        "model_s": 2.0,
        "wall_s": 2.5,
        "started_at": AT,
        "isolation": "separate",
    }
    return Observation(strategy=strategy, problem=problem, **{**usual, **facts})


def make_tiers(sums: dict[Tier, Sum], *, model_s: float) -> tuple[TierCost, ...]:
    """All three tiers, the most expensive first."""
    return tuple(
        TierCost(
            tier=tier,
            sum=sums.get(tier, Sum(calls=0, cost_usd=Decimal(0))),
            model_s=model_s if tier in sums else 0.0,
            wall_s=model_s if tier in sums else 0.0,
        )
        for tier in reversed(Tier)
    )


def make_run(*, is_simulated: bool = True) -> tuple[Observation, ...]:
    """The whole run; the last experiment of "local" was stopped."""
    rng = random.Random(20260131)
    ease = [rng.uniform(-0.25, 0.25) for _ in range(PROBLEMS)]
    made = [
        _try(recipe, ease[problem], rng, strategy=strategy, problem=problem, sample=sample)
        for strategy, recipe in RECIPES.items()
        for problem in range(PROBLEMS)
        for sample in range(SAMPLES)
    ]
    made[-1] = msgspec.structs.replace(
        made[-1], is_judged=False, is_solved=False, status="", judged=None, reason="broken off"
    )
    return tuple(msgspec.structs.replace(each, is_simulated=is_simulated) for each in made)


def _try(recipe: Recipe, ease: float, rng: random.Random, **key: Any) -> Observation:
    """One experiment: attempts until one passes, reviews between them, then the verdict."""
    effects: list[Effect] = []
    share, number = 0.0, 0
    while share < 1.0 and number < recipe.most:
        number += 1
        is_passed = rng.random() < recipe.skill + ease + 0.1 * len(effects)
        share = 1.0 if is_passed else min(rng.random() * 0.5 + share * 0.5, 0.9)
        effects = _follow(effects, share, number)
        if recipe.reviewed_every and number % recipe.reviewed_every == 0 and not is_passed:
            effects.append(
                Effect(
                    number=len(effects) + 1,
                    after=number,
                    is_plateau=rng.random() < 0.3,
                    before=share,
                )
            )
    is_feedback_solved = share == 1.0
    is_solved = is_feedback_solved and rng.random() < 0.9
    facts: dict[str, Any] = {
        "plan": recipe.plan,
        "is_solved": is_solved,
        "is_feedback_solved": is_feedback_solved,
        "status": "passed" if is_solved else rng.choice(FAILURES),
        "iterations": number,
        "checkpoints": len(effects),
        "solved_after": number if is_feedback_solved else None,
        "judged": number,
        "effects": tuple(effects),
        "started_at": AT + timedelta(seconds=key["problem"]),
    }
    key["problem"] = f"starter/{key['problem']}"
    return make_observation(**key, **facts, **_reckon(recipe, number, len(effects), rng))


def _follow(effects: list[Effect], share: float, number: int) -> list[Effect]:
    """The reviews so far, the last of them with the iteration that came after it."""
    if not effects:
        return effects
    last = effects[-1]
    last = msgspec.structs.replace(
        last,
        next=share if last.next is None else last.next,
        best=max(share, last.best or 0.0),
        iterations=number - last.after,
        is_solved=share == 1.0,
    )
    return [*effects[:-1], last]


def _reckon(recipe: Recipe, iterations: int, reviews: int, rng: random.Random) -> dict[str, Any]:
    """What so many calls cost and took."""
    sums = {recipe.tier: _price(recipe.tier, iterations, rng)}
    roles = [RoleCost(role=TaskKind.ITERATION, sum=sums[recipe.tier])]
    if reviews:
        sums[Tier.FRONTIER] = _price(Tier.FRONTIER, reviews, rng)
        roles.append(RoleCost(role=TaskKind.CHECKPOINT, sum=sums[Tier.FRONTIER]))
    calls = iterations + reviews
    return {
        "cost": Sum(calls=calls, cost_usd=sum((each.cost_usd for each in sums.values()), ZERO)),
        "tiers": make_tiers(sums, model_s=1.5 * calls),
        "roles": tuple(roles),
        "tokens": Usage(
            input_tokens=700 * calls,
            cache_read_tokens=100 * calls,
            output_tokens=260 * calls,
            reasoning_tokens=30 * calls,
        ),
        "estimate_usd": Decimal("0.0070") * calls,
        "baseline": "gpt-4o",
        "baseline_prices": "made up, as of 2026-01-31",
        "model_s": 1.5 * calls,
        "wall_s": 1.7 * calls,
    }


def _price(tier: Tier, calls: int, rng: random.Random) -> Sum:
    costs = (Decimal(PRICES[tier]) * rng.randint(60, 180) / 100 for _ in range(calls))
    return Sum(calls=calls, cost_usd=sum(costs, ZERO))
