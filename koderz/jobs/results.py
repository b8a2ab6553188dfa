"""What every job gives beside its product: who did it, what it took, what it cost and saved."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from koderz.ledger.records import Attempt, JobRecord, Outcome
from koderz.types import TaskKind, Tier

JobEngine = Literal["extractive", "model", "mixed", "passthrough"]

SIMULATED = " (simulated)"
"""What follows the name of a model that the simulator stood in for."""


class JobAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call that was made for a job, however it ended; a cost of None is unknown."""

    model: str
    tier: Tier
    outcome: Outcome
    reason: str
    cost_usd: Decimal | None
    latency_s: float


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a result that all jobs have; `--json` has these names.

    `tokens_in` went in whole and `tokens_out` are the job's product, both counted in `vocabulary`.
    `engine` says who did it: a model, extraction without one, both ("mixed"), or nobody
    ("passthrough": the input as it is). `model` and `tier` are those of most accepted answers,
    None without one. Money is USD and None where unknown: `saved_usd` is `baseline_usd`, explained
    by `baseline`, less `cost_usd` of all attempts and `digest_usd`, the main model's price for
    reading the product. `simulated` marks all of it as made by the simulator's models.
    """

    tokens_in: int
    tokens_out: int
    vocabulary: str
    engine: JobEngine
    model: str | None
    tier: Tier | None
    route_source: str
    reason: str
    cost_usd: Decimal | None
    baseline_usd: Decimal | None
    baseline: str
    digest_usd: Decimal | None
    saved_usd: Decimal | None
    attempts: tuple[JobAttempt, ...]
    notes: tuple[str, ...]
    simulated: bool


def summarize_attempt(attempt: Attempt) -> JobAttempt:
    """An attempt as a result keeps it."""
    return JobAttempt(
        model=attempt.model,
        tier=attempt.tier,
        outcome=attempt.outcome,
        reason=attempt.reason,
        cost_usd=attempt.cost_usd,
        latency_s=attempt.latency_s,
    )


def build_job_record(result: JobResult, task: TaskKind, *, run_id: str, job_id: str) -> JobRecord:
    """The ledger's record of a finished job."""
    return JobRecord(
        at=datetime.now(UTC),
        run_id=run_id,
        job_id=job_id,
        task=task,
        engine="model" if result.engine == "mixed" else result.engine,
        tokens_in=result.tokens_in,
        tokens_out=result.tokens_out,
        baseline_usd=result.baseline_usd,
        digest_usd=result.digest_usd,
        baseline=result.baseline,
        is_simulated=result.simulated,
    )


def name_author(model: str | None, *, is_simulated: bool) -> str:
    """Who wrote the prose, as it stands above it."""
    return f"{model or 'a model'}{SIMULATED if is_simulated else ''}"


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8, whatever bytes a file's name is made of."""
    return text.encode(errors="replace").decode()
