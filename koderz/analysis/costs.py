"""The figures of a cost analysis. Money is USD; None is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from koderz.types import TaskKind, Tier, Usage

_CLASSES: Final = (
    *("input_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("output_tokens", "reasoning_tokens"),
)


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and what they cost as far as it is known: at least that, with `unknown_calls`."""

    calls: int
    cost_usd: Decimal
    unknown_calls: int = 0


class TierCost(msgspec.Struct, frozen=True, kw_only=True):
    """A tier's share; `model_s` adds up the calls, `wall_s` counts what ran at once only once."""

    tier: Tier
    sum: Sum
    model_s: float
    wall_s: float


class RoleCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one role of an experiment took."""

    role: TaskKind
    sum: Sum


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What solving it with frontier models alone was measured to cost, on average of `samples`.

    `solved` of the samples solved the problem; `models` names who was asked.
    """

    cost_usd: Decimal | None
    samples: int
    solved: int
    models: tuple[str, ...]


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """Money saved (below 0: lost) and its share of the whole, by an estimate and by a control."""

    estimate_usd: Decimal | None
    saved_usd: Decimal | None
    saved_share: float | None
    control_usd: Decimal | None = None
    saved_against_control_usd: Decimal | None = None
    saved_against_control_share: float | None = None


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every figure of a cost analysis.

    `tiers` are all three, the most expensive first. `baseline` is the model whose prices the
    estimate reckons with, "" without one. `gpu_usd` is what the local time costs at
    `gpu_hour_usd`, where that is set; it is not in `total`.
    """

    total: Sum
    tiers: tuple[TierCost, ...]
    roles: tuple[RoleCost, ...]
    tokens: Usage
    savings: Savings
    baseline: str = ""
    baseline_prices: str = ""
    control: Control | None = None
    gpu_hour_usd: Decimal | None = None
    gpu_usd: Decimal | None = None
    is_simulated: bool = False


def add_sums(sums: Iterable[Sum]) -> Sum:
    """Several sums as one."""
    parts = list(sums)
    return Sum(
        calls=sum(part.calls for part in parts),
        cost_usd=sum((part.cost_usd for part in parts), Decimal(0)),
        unknown_calls=sum(part.unknown_calls for part in parts),
    )


def add_usage(usages: Iterable[Usage]) -> Usage:
    """The tokens of several calls, by class; estimated where a part of them is."""
    parts = list(usages)
    sums = {name: sum(getattr(part, name) for part in parts) for name in _CLASSES}
    return msgspec.structs.replace(
        Usage(**sums), is_estimated=any(part.is_estimated for part in parts)
    )
