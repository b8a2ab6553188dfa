"""The same-cost control: how much independent attempts may use, and when it is used up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from koderz.experiments.steps import AllowanceStep, Bound
from koderz.ledger.records import Attempt
from koderz.models.prices import Price
from koderz.types import ModelInfo, Tier, Usage

SECONDS_PER_HOUR = 3600
FREE = "the model is free, so that no cost bounds it"
UNKNOWN_PRICE = "the model's price is unknown"
UNKNOWN_COST = "what the other strategy cost is not known whole"

_ONE_OF_EACH = Usage(input_tokens=1, output_tokens=1)


def build_allowance(
    cost_of: str,
    attempts: Iterable[Attempt],
    *,
    model: ModelInfo,
    price: Price,
    gpu_hour_usd: Decimal | None = None,
) -> AllowanceStep:
    """What the attempts of the strategy `cost_of` used, as an allowance for `model`.

    Where money says nothing, because the model is free or a price is unknown, as many calls are
    allowed as were made.
    """
    made = tuple(attempts)
    cost_usd = reckon_cost(made, gpu_hour_usd)
    reason = say_why_calls(model, price, gpu_hour_usd)
    if not reason and cost_usd is None:
        reason = UNKNOWN_COST
    return AllowanceStep(
        at=datetime.now(UTC),
        cost_of=cost_of,
        bound=Bound.CALLS if reason else Bound.COST,
        cost_usd=cost_usd,
        calls=len(made),
        gpu_hour_usd=gpu_hour_usd,
        reason=reason,
    )


def say_why_calls(model: ModelInfo, price: Price, gpu_hour_usd: Decimal | None) -> str:
    """Why no cost bounds attempts of a model, "" where one does."""
    if model.tier is Tier.LOCAL and gpu_hour_usd:
        return ""
    cost_usd = price.cost_usd(_ONE_OF_EACH)
    if cost_usd is None:
        return UNKNOWN_PRICE
    return "" if cost_usd else FREE


def is_used_up(allowance: AllowanceStep, attempts: Iterable[Attempt], trials: int) -> bool:
    """Whether another attempt, as dear as those made were on average, would pass the allowance."""
    made = tuple(attempts)
    cost_usd = reckon_cost(made, allowance.gpu_hour_usd)
    if allowance.bound is Bound.CALLS or allowance.cost_usd is None or cost_usd is None:
        return trials >= allowance.calls
    return cost_usd + cost_usd / trials > allowance.cost_usd


def reckon_cost(attempts: Iterable[Attempt], gpu_hour_usd: Decimal | None) -> Decimal | None:
    """What attempts cost, local time included where an hour has a price; None where unknown."""
    total = Decimal(0)
    for attempt in attempts:
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
        if gpu_hour_usd and attempt.tier is Tier.LOCAL:
            total += gpu_hour_usd * Decimal(str(attempt.latency_s)) / SECONDS_PER_HOUR
    return total
