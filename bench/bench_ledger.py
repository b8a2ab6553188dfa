"""Print how many attempts a second the ledger keeps, beside bare sqlite3 doing the same.

The peer is one prepared INSERT of the same row, already in SQLite's types, and one commit each,
into the same table under the same settings: what is above it is the price of records, exact money
and clear errors. Target: at least 3,000 recorded attempts a second from one process.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from koderz.ledger import rows
from koderz.ledger.records import Attempt, Outcome
from koderz.ledger.store import Ledger
from koderz.types import Rates, TaskKind, Tier, Usage

TARGET_PER_S = 3000
ROWS = 5000
ROUNDS = 3

ATTEMPT = Attempt(
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    run_id="0" * 32,
    job_id="1" * 32,
    task=TaskKind.LARGE_READ,
    tier=Tier.SMALL_FRONTIER,
    provider="openai",
    model="gpt-4o-mini",
    answered_by="gpt-4o-mini-2024-07-18",
    usage=Usage(input_tokens=7812, cache_read_tokens=128, output_tokens=311),
    rates=Rates(input=Decimal("0.15"), cache_read=Decimal("0.075"), output=Decimal("0.60")),
    rates_as_of="2026-01-01",
    cost_usd=Decimal("0.001368"),
    latency_s=1.234,
    first_token_s=0.321,
    outcome=Outcome.REJECTED,
    reason="the quote 'x' does not stand in lines 10 to 20",
    route_source="automatic sibling",
    request_id="req_0123456789",
)


def main() -> None:
    ledger_rate = max(measure(record_with_ledger) for _ in range(ROUNDS))
    bare_rate = max(measure(record_with_sqlite) for _ in range(ROUNDS))
    verdict = "reached" if ledger_rate >= TARGET_PER_S else "missed"
    print(f"ledger        {ledger_rate:>8,.0f} attempts/s")
    print(f"bare sqlite3  {bare_rate:>8,.0f} rows/s")
    print(f"ratio         {ledger_rate / bare_rate:>8.2f} of bare sqlite3")
    print(f"target        {TARGET_PER_S:>8,} attempts/s: {verdict}")


def measure(write: Callable[[Path], float]) -> float:
    """Rows a second, in a new file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        Ledger(path).close()
        return ROWS / write(path)


def record_with_ledger(path: Path) -> float:
    with Ledger(path) as ledger:
        start = time.perf_counter()
        for _ in range(ROWS):
            ledger.record(ATTEMPT)
        return time.perf_counter() - start


def record_with_sqlite(path: Path) -> float:
    row = (None, *rows.encode_attempt(ATTEMPT))
    insert = f"INSERT INTO attempts VALUES ({', '.join('?' * len(row))})"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = NORMAL")
    start = time.perf_counter()
    for _ in range(ROWS):
        connection.execute(insert, row)
        connection.commit()
    elapsed_s = time.perf_counter() - start
    connection.close()
    return elapsed_s


if __name__ == "__main__":
    main()
