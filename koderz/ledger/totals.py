"""The figures of a report, summed up from the ledger in one consistent state of it."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from koderz.ledger import queries
from koderz.ledger.report import EVERYTHING, Group, Savings, SmallCalls, UsageReport, Window
from koderz.ledger.rows import decode_pusd, encode_time
from koderz.ledger.store import Ledger

_BEGINNING: Final = -(2**62)
_END: Final = 2**62

_Values: TypeAlias = dict[str, Any]


def load_usage(source: Ledger | str | Path, window: Window = EVERYTHING) -> UsageReport:
    """The figures of an open ledger, or of the file at a path (none there: an empty report).

    Raises StoreError where the ledger cannot be read.
    """
    if isinstance(source, Ledger):
        with source.snapshot():
            return _load_usage(source, window)
    if not Path(source).exists():
        return UsageReport(since=window.since, until=window.until)
    with Ledger(source) as ledger:
        return load_usage(ledger, window)


def _load_usage(ledger: Ledger, window: Window) -> UsageReport:
    values: _Values = {
        "since": _BEGINNING if window.since is None else encode_time(window.since),
        "until": _END if window.until is None else encode_time(window.until),
        "run_id": window.run_id,
    }
    (kinds,) = ledger.fetch(queries.KINDS, values)
    values["is_simulated"] = is_simulated = _choose_kind(window, kinds)
    tiers = _load_groups(ledger, "tier", values)
    calls = sum(tier.calls for tier in tiers)
    total_tokens = sum(tier.total_tokens for tier in tiers)
    (asked,) = ledger.fetch(queries.ASKED_JOBS, values)
    return UsageReport(
        since=window.since,
        until=window.until,
        is_simulated=is_simulated,
        real_calls=kinds["real_calls"],
        simulated_calls=kinds["simulated_calls"],
        calls=calls,
        total_tokens=total_tokens,
        cost_usd=_sum_known([tier.cost_usd for tier in tiers]),
        unknown_cost_calls=sum(tier.unknown_cost_calls for tier in tiers),
        small=_load_small(ledger, values, calls, total_tokens),
        savings=_load_savings(ledger, values),
        asked_jobs=asked["jobs"],
        success_rate=_share(asked["answered"], asked["jobs"]),
        escalation_rate=_share(asked["escalated"], asked["jobs"]),
        tiers=tiers,
        tasks=_load_groups(ledger, "task", values),
        models=_load_groups(ledger, "model", values),
    )


def _choose_kind(window: Window, kinds: sqlite3.Row) -> bool:
    if window.is_simulated is not None:
        return window.is_simulated
    has_real = kinds["real_calls"] or kinds["real_jobs"]
    has_simulated = kinds["simulated_calls"] or kinds["simulated_jobs"]
    return bool(has_simulated and not has_real)


def _load_groups(ledger: Ledger, by: queries.GroupBy, values: _Values) -> tuple[Group, ...]:
    slow = ledger.fetch(queries.SLOW[by], values)
    p95 = {row["name"]: row["p95_latency_s"] for row in slow}
    rows = ledger.fetch(queries.GROUPS[by], values)
    return tuple(_build_group(dict(row), p95.get(row["name"])) for row in rows)


def _build_group(figures: dict[str, Any], p95_latency_s: float | None) -> Group:
    classes = ("input", "cache_read", "cache_write", "output")
    return Group(
        total_tokens=sum(figures[f"{name}_tokens"] for name in classes),
        cost_usd=decode_pusd(figures.pop("cost_pusd")),
        p95_latency_s=p95_latency_s,
        check_pass_rate=_share(figures["accepted"], figures["accepted"] + figures["rejected"]),
        **figures,
    )


def _load_small(ledger: Ledger, values: _Values, calls: int, total_tokens: int) -> SmallCalls:
    (row,) = ledger.fetch(queries.SMALL, values)
    return SmallCalls(
        calls=row["calls"],
        total_tokens=row["total_tokens"],
        calls_share=_share(row["calls"], calls),
        tokens_share=_share(row["total_tokens"], total_tokens),
        avg_latency_s=row["avg_latency_s"],
        quality_score=_share(row["held"], row["checked"]),
    )


def _load_savings(ledger: Ledger, values: _Values) -> Savings:
    (row,) = ledger.fetch(queries.SAVINGS, values)
    (unrecorded,) = ledger.fetch(queries.UNRECORDED, values)
    if not row["jobs"]:
        return Savings(unrecorded_usd=decode_pusd(unrecorded["cost_pusd"]) or Decimal(0))
    return Savings(
        jobs=row["jobs"],
        jobs_without_model=row["jobs_without_model"],
        unknown_jobs=row["unknown_jobs"],
        baseline_usd=decode_pusd(row["baseline_pusd"]),
        cost_usd=decode_pusd(row["cost_pusd"]),
        digest_usd=decode_pusd(row["digest_pusd"]),
        saved_usd=decode_pusd(row["saved_pusd"]),
        unrecorded_usd=decode_pusd(unrecorded["cost_pusd"]) or Decimal(0),
        baselines=tuple(row["baseline"] for row in ledger.fetch(queries.BASELINES, values)),
    )


def _sum_known(amounts: list[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where there are amounts and none is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known or not amounts else None


def _share(part: int | None, whole: int) -> float | None:
    return (part or 0) / whole if whole else None
