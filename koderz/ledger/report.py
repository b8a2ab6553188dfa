"""What a report says: what was called, what it cost, what it saved, how good it was."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

TARGET_SHARE: Final = 0.5
"""The share of calls and tokens that the small tiers are meant to take: about half."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows count: those in [since, until) and of one run; None leaves a bound out.

    `is_simulated` None takes the real rows, and the simulated ones only where there are no others:
    the two are never added up.
    """

    since: datetime | None = None
    until: datetime | None = None
    run_id: str | None = None
    is_simulated: bool | None = None


EVERYTHING: Final = Window()
"""All rows."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one tier, task or model (`name`).

    Token classes are as in `Usage`. `cost_usd` sums what is known, so that it is "at least" that
    where `unknown_cost_calls` is not 0, and None where nothing is known. Latencies are those of
    answers (accepted and rejected), in seconds; `check_pass_rate` is the share of them accepted.
    """

    name: str
    calls: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    cancelled: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    unknown_cost_calls: int = 0
    avg_latency_s: float | None = None
    p95_latency_s: float | None = None
    check_pass_rate: float | None = None


class SmallCalls(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of the local and the small_frontier tier together.

    The shares are of all calls and of all tokens; about half is the target. `quality_score` is the
    share of answers that passed their check and were not contradicted later, None where nothing
    was checked.
    """

    calls: int = 0
    total_tokens: int = 0
    calls_share: float | None = None
    tokens_share: float | None = None
    target_share: float = TARGET_SHARE
    avg_latency_s: float | None = None
    quality_score: float | None = None


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs saved: `saved_usd` = `baseline_usd` - `cost_usd` - `digest_usd`.

    The baseline is what the main model would have charged for the same input (`baselines` says in
    words what was reckoned with, most used first); `cost_usd` is what all attempts of the jobs
    cost, failed, rejected and retried ones included; `digest_usd` is what reading the products
    costs the main model. Jobs with an unknown price (`unknown_jobs`) are in none of these, and
    None says that no job is. `unrecorded_usd` was paid for small tasks of which no job was
    recorded, such as those broken off; it stands beside the saving, not in it.
    """

    jobs: int = 0
    jobs_without_model: int = 0
    unknown_jobs: int = 0
    baseline_usd: Decimal | None = Decimal(0)
    cost_usd: Decimal | None = Decimal(0)
    digest_usd: Decimal | None = Decimal(0)
    saved_usd: Decimal | None = Decimal(0)
    unrecorded_usd: Decimal = Decimal(0)
    baselines: tuple[str, ...] = ()


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a window. Shares and rates are 0 to 1, None where there is nothing to share.

    `is_simulated` says that every figure but the first two counts is of simulated rows; else none
    is. Of the jobs that asked a model (`asked_jobs`), `success_rate` got an accepted answer and
    `escalation_rate` got one not from the first model tried.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_simulated: bool = False
    real_calls: int = 0
    simulated_calls: int = 0
    calls: int = 0
    total_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    unknown_cost_calls: int = 0
    small: SmallCalls = SmallCalls()
    savings: Savings = Savings()
    asked_jobs: int = 0
    success_rate: float | None = None
    escalation_rate: float | None = None
    tiers: tuple[Group, ...] = ()
    tasks: tuple[Group, ...] = ()
    models: tuple[Group, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report."""
        return not self.calls and not self.savings.jobs
