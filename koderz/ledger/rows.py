"""Records as the rows of a table: exact money, exact times, tidy reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeAlias

from koderz.ledger.records import Attempt, JobRecord, Outcome
from koderz.types import Rates, TaskKind, Tier, Usage

Cell: TypeAlias = str | int | float | None

REASON_LENGTH = 200
"""Most characters of a reason that are kept."""

ADD_ATTEMPT = """
INSERT INTO attempts (at_us, run_id, job_id, task, tier, provider, model, answered_by,
    input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    is_estimated, input_rate_pusd, cache_read_rate_pusd, cache_write_rate_pusd, output_rate_pusd,
    rates_as_of, cost_pusd, latency_s, first_token_s, outcome, reason, route_source, request_id,
    is_simulated, batch_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
"""A row of `encode_attempt` goes in by this."""

_RATES = ("input", "cache_read", "cache_write", "output")
_TOKEN_CLASSES = tuple(f"{name}_tokens" for name in (*_RATES, "reasoning"))
_SAME = (
    *("run_id", "job_id", "provider", "model", "answered_by", "rates_as_of", "latency_s"),
    *("first_token_s", "reason", "route_source", "request_id", "batch_id"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_QUOTED = re.compile(r'"[^"]*"|`[^`]*`|“[^”]*”|(?<!\w)\'[^\']*\'(?!\w)')
_KEY = re.compile(r"\b(?:sk|pk|gsk|xai|key|rk)[-_][\w-]{8,}|\bAIza[\w-]{8,}|(?i:bearer)\s+\S+")


def encode_pusd(amount_usd: Decimal | None) -> int | None:
    """USD as whole pico-USD (rounded half to even); unknown stays unknown."""
    if amount_usd is None:
        return None
    return int(amount_usd.scaleb(12).to_integral_value(ROUND_HALF_EVEN))


def decode_pusd(amount_pusd: int | None) -> Decimal | None:
    """Pico-USD as USD without rounding; unknown stays unknown."""
    return None if amount_pusd is None else Decimal(amount_pusd).scaleb(-12).normalize() + 0


def encode_time(moment: datetime) -> int:
    """Microseconds since 1970 UTC; ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time of the ledger has a zone: {moment.isoformat()} has none")
    return (moment - _EPOCH) // _MICROSECOND


def decode_time(at_us: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970."""
    return _EPOCH + at_us * _MICROSECOND


def tidy_reason(reason: str) -> str:
    """A reason in one short line, with what it quotes and anything like a key left out.

    A check's reason may quote an answer and a provider's message a prompt: the ledger keeps
    neither.
    """
    line = _KEY.sub("[key]", _QUOTED.sub('"..."', " ".join(reason.split())))
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 3] + "..."


def encode_attempt(attempt: Attempt) -> tuple[Cell, ...]:
    """The row of an attempt, in the order of the table's columns after its id."""
    usage, rates = attempt.usage, attempt.rates
    return (
        encode_time(attempt.at),
        attempt.run_id,
        attempt.job_id,
        attempt.task.value,
        attempt.tier.value,
        attempt.provider,
        attempt.model,
        attempt.answered_by,
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.is_estimated,
        encode_pusd(rates.input),
        encode_pusd(rates.cache_read),
        encode_pusd(rates.cache_write),
        encode_pusd(rates.output),
        attempt.rates_as_of,
        encode_pusd(attempt.cost_usd),
        attempt.latency_s,
        attempt.first_token_s,
        attempt.outcome.value,
        tidy_reason(attempt.reason),
        attempt.route_source,
        attempt.request_id,
        attempt.is_simulated,
        attempt.batch_id,
    )


def decode_attempt(row: Mapping[str, Any]) -> Attempt:
    """The attempt that a row holds, by the names of the table's columns."""
    return Attempt(
        at=decode_time(row["at_us"]),
        task=TaskKind(row["task"]),
        tier=Tier(row["tier"]),
        usage=Usage(
            is_estimated=bool(row["is_estimated"]),
            **{name: row[name] for name in _TOKEN_CLASSES},
        ),
        rates=Rates(**{name: decode_pusd(row[f"{name}_rate_pusd"]) for name in _RATES}),
        cost_usd=decode_pusd(row["cost_pusd"]),
        outcome=Outcome(row["outcome"]),
        is_simulated=bool(row["is_simulated"]),
        **{name: row[name] for name in _SAME},
    )


def encode_job(job: JobRecord) -> tuple[Cell, ...]:
    """The row of a job, in the order of the table's columns."""
    return (
        job.job_id,
        encode_time(job.at),
        job.run_id,
        job.task.value,
        job.engine,
        job.tokens_in,
        job.tokens_out,
        encode_pusd(job.baseline_usd),
        encode_pusd(job.digest_usd),
        job.baseline,
        job.is_simulated,
    )
