"""What a report is made of: one value an experiment, whatever became of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from koderz.analysis.costs import RoleCost, Sum, TierCost
from koderz.types import Usage

Ending = Literal["solved", "unsolved", "stopped", "not begun"]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What followed a checkpoint: shares of the feedback tests passed, from 0 to 1.

    `number` counts an experiment's checkpoints from 1; `after` is the iteration it came after.
    `before` is that iteration's share, `next` the first iteration's after it and `best` the
    highest until the next checkpoint or the end (None: no iteration followed). `is_solved` says
    that one of these `iterations` passed every feedback test.
    """

    number: int
    after: int
    is_plateau: bool
    before: float
    next: float | None = None
    best: float | None = None
    iterations: int = 0
    is_solved: bool = False


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment of a run: what came of it, what it took and what it cost.

    `plan` says in words how it was tried. `is_judged` experiments have a verdict; the others were
    stopped or never begun, for `reason`, and count as neither solved nor unsolved. `is_solved` is
    by the tests that were held back (`is_held_back`; else by the feedback's own),
    `is_feedback_solved` by those that the models learned from. `status` is the verdict's.
    `solved_after` is the first iteration that passed the feedback tests, `judged` the one that
    the verdict is on (None: there is none). `cost`, `tiers` and `roles` are what it cost, as far
    as prices are known; `tiers` holds all three or, where nothing was asked, none.
    `estimate_usd` is what the same tokens would have cost at the prices of `baseline`;
    `gpu_usd` is what its local time costs, beside `cost`, where an hour has a price.
    `model_s` adds up the calls, `wall_s` is from the first call to the last step, pauses
    included. `isolation` is what its programs were kept apart by, "" where none was run.
    """

    strategy: str
    problem: str
    sample: int = 0
    plan: str = ""
    is_judged: bool = False
    is_solved: bool = False
    is_feedback_solved: bool = False
    is_held_back: bool = False
    reason: str = ""
    status: str = ""
    iterations: int = 0
    checkpoints: int = 0
    solved_after: int | None = None
    judged: int | None = None
    effects: tuple[Effect, ...] = ()
    cost: Sum = Sum(calls=0, cost_usd=Decimal(0))
    tiers: tuple[TierCost, ...] = ()
    roles: tuple[RoleCost, ...] = ()
    tokens: Usage = Usage()
    estimate_usd: Decimal | None = None
    gpu_usd: Decimal | None = None
    baseline: str = ""
    baseline_prices: str = ""
    model_s: float = 0.0
    wall_s: float = 0.0
    started_at: datetime | None = None
    isolation: str = ""
    is_simulated: bool = False

    @property
    def cost_usd(self) -> Decimal | None:
        """What it cost; None where a price is unknown."""
        return None if self.cost.unknown_calls else self.cost.cost_usd

    @property
    def ending(self) -> Ending:
        """How it stands."""
        if self.is_judged:
            return "solved" if self.is_solved else "unsolved"
        return "stopped" if self.cost.calls or self.iterations else "not begun"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What the observations were made of: the run, its dataset, and how much was asked for.

    `problems` and `samples` are as asked for. `title` says what is special about these figures
    ("repriced ..."), "" for a run as it was.
    """

    run: str
    dataset: str
    at: datetime
    problems: int
    samples: int = 1
    command: str = "benchmark"
    title: str = ""
