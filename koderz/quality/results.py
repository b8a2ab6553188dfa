"""What measuring is going to take, and what came of it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec

from koderz.types import TaskKind


class MeasurePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked of `main`: told before it is.

    Of `kept` answers `asked` are to be measured in this run, with `calls` calls that cost about
    `cost_usd` (None: the price is unknown) and may cost `limit_usd` at most.
    """

    kept: int
    asked: int
    calls: int
    main: str
    cost_usd: Decimal | None
    limit_usd: Decimal


class MeasureResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run measured: answers by task, those that could not be, and what it cost.

    `unusable` counts answers to which the main model's could not be used, `unreadable` kept ones of
    another version, `equal` those with nothing to compare; `left` those that stay for the next run.
    `notes` say in words why something was left.
    """

    main: str
    measured: dict[TaskKind, int]
    unusable: int
    unreadable: int
    equal: int
    left: int
    calls: int
    cost_usd: Decimal | None
    notes: tuple[str, ...]
    simulated: bool


class MeasureTally:
    """Counts what comes of answers as they are measured."""

    def __init__(self) -> None:
        self.measured: Counter[TaskKind] = Counter()
        self.failures: Counter[str] = Counter()
        self.unusable = self.unreadable = self.equal = self.dropped = 0
