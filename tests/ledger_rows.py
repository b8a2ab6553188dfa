"""Records for tests: ordinary ones, with what a test is about put in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from koderz.ledger.records import Attempt, JobRecord, Outcome
from koderz.types import Rates, TaskKind, Tier, Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def build_attempt(**fields: Any) -> Attempt:
    """An accepted answer of a small model for a tenth of a cent."""
    ordinary: dict[str, Any] = {
        "at": NOON,
        "run_id": "run",
        "job_id": "job",
        "task": TaskKind.LARGE_READ,
        "tier": Tier.SMALL_FRONTIER,
        "provider": "openai",
        "model": "gpt-4o-mini",
        "answered_by": "gpt-4o-mini-2024-07-18",
        "usage": Usage(input_tokens=900, output_tokens=100),
        "rates": Rates(input=Decimal("0.15"), output=Decimal("0.60")),
        "rates_as_of": "2026-01-01",
        "cost_usd": Decimal("0.001"),
        "latency_s": 0.5,
        "outcome": Outcome.ACCEPTED,
        "route_source": "automatic sibling",
        "request_id": "req-1",
    }
    return Attempt(**(ordinary | fields))


def build_job(**fields: Any) -> JobRecord:
    """A large read that would have cost the main model three cents."""
    ordinary: dict[str, Any] = {
        "at": NOON,
        "run_id": "run",
        "job_id": "job",
        "task": TaskKind.LARGE_READ,
        "engine": "model",
        "tokens_in": 10_000,
        "tokens_out": 500,
        "baseline_usd": Decimal("0.03"),
        "digest_usd": Decimal("0.0015"),
        "baseline": "claude-sonnet-4-5 reading the whole file",
    }
    return JobRecord(**(ordinary | fields))
