"""What the ledger keeps: one record an attempt, one a job, and never a prompt, answer or key."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from koderz.types import Rates, TaskKind, Tier, Usage

Engine = Literal["model", "extractive", "passthrough"]


class Outcome(StrEnum):
    """How an attempt ended.

    accepted: an answer that passed its check; rejected: an answer that did not, paid for all the
    same; failed: no answer; cancelled: nobody waited for it any more.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call to one model, however it ended.

    `at` is when it began (aware); `model` is the one asked and `answered_by` the one that says it
    answered; `rates` are the prices used, in USD per million tokens, as of the ISO date
    `rates_as_of`. `cost_usd` is None where a price, or what a broken call was billed, is unknown.
    `first_token_s` is None where the answer was not streamed. All attempts of a job share its
    `job_id`, all jobs of a process its `run_id`. `batch_id` is the provider's batch that the call
    was a part of, "" for a call of its own. `reason` says why it was not accepted, in words
    that hold no part of the prompt or the answer.
    """

    at: datetime
    run_id: str
    job_id: str
    task: TaskKind
    tier: Tier
    provider: str
    model: str
    answered_by: str = ""
    usage: Usage = Usage()
    rates: Rates = Rates()
    rates_as_of: str = ""
    cost_usd: Decimal | None
    latency_s: float
    first_token_s: float | None = None
    outcome: Outcome
    reason: str = ""
    route_source: str = ""
    request_id: str = ""
    is_simulated: bool = False
    batch_id: str = ""


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a job saved the main model from; one a job, written when the job is done.

    `tokens_in` went in whole and `tokens_out` came out as the job's product. `baseline_usd` is
    what the main model would have charged for the former and `digest_usd` what it charges for
    reading the latter; None is unknown. `baseline` says in words what was reckoned with. `engine`
    is who did it: a model, the extractive path with no model, or nobody (passed through).
    """

    at: datetime
    run_id: str
    job_id: str
    task: TaskKind
    engine: Engine
    tokens_in: int
    tokens_out: int
    baseline_usd: Decimal | None
    digest_usd: Decimal | None
    baseline: str
    is_simulated: bool = False
