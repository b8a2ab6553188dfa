"""A log with a planted failure, and routers over a simulator to read it with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from koderz import ReadResult, Router, open_router
from koderz.ledger.store import Ledger
from koderz.simulator import Fault, Simulator, open_simulator
from koderz.tokens import count_tokens

FAILED_AT = 1400
LINE_COUNT = 2000


class OpenReading(Protocol):
    """Opens a router and the simulator behind it, which injects these faults."""

    def __call__(
        self, *faults: Fault, **settings: Any
    ) -> AbstractAsyncContextManager[tuple[Router, Simulator]]:
        """`settings` are by dotted name, with two underscores for a dot."""


def write_log(path: Path, *, inserted: Sequence[str] = (), repeats: int = 1) -> None:
    """About 100 KB of a build, with an error at line 1,400 and its echo at the end.

    `inserted` lines come in front of line 701; all of it stands there `repeats` times.
    """
    lines = [
        f"[{n:5}] compiled src/part_{n * 7919 % 1000}/unit_{n}.c in 0.{n % 997} s"
        for n in range(1, LINE_COUNT + 1)
    ]
    lines[FAILED_AT - 1] = "ld: error: undefined reference to `inflate' in net/http.o"
    lines[-1] = "make: *** [Makefile:12: all] Error 2"
    lines[700:700] = inserted
    path.write_text(("\n".join(lines) + "\n") * repeats)


def write_long_line(path: Path) -> str:
    """About 200 KB of JSON in one line, one of its records an error; the text itself."""
    records = [{"ts": n, "level": "info", "msg": f"request {n} served"} for n in range(3000)]
    records[1800] = {"ts": 1800, "level": "error", "msg": "payment timed out: order 8123 lost"}
    text = json.dumps(records)
    path.write_text(text)
    return text


@asynccontextmanager
async def open_simulated(
    ledger: Path, faults: Sequence[Fault], settings: dict[str, Any]
) -> AsyncIterator[tuple[Router, Simulator]]:
    """A router whose models are simulated, main model gpt-4o, and its simulator."""
    overrides = {
        "agent.default_model": "gpt-4o",
        "koderz.http.retries": 1,
        "koderz.http.retry_wait_max_s": 0.05,
        "koderz.ledger.path": str(ledger),
    }
    overrides |= {name.replace("__", "."): value for name, value in settings.items()}
    async with (
        open_simulator(skills={"*": 1.0}, faults=faults) as simulator,
        open_router(overrides=overrides, environ=simulator.environ()) as router,
    ):
        yield router, simulator


def list_rows(ledger: Path, query: str) -> list[tuple[object, ...]]:
    """What a query gives on a ledger's file."""
    with Ledger(ledger) as opened:
        return [tuple(row) for row in opened.fetch(query)]


def check_body(result: ReadResult, log: Path) -> None:
    """Every line is the file's, the count is that of the text, and nothing is unaccounted for."""
    lines = log.read_text().splitlines()
    for span in result.spans:
        assert span.text == "\n".join(lines[span.start - 1 : span.end])
    assert result.tokens_out == count_tokens(result.render())
    shown = sum(span.end - span.start + 1 for span in result.spans)
    assert shown + sum(gap.line_count for gap in result.gaps) == len(lines)


def get_findings(result: ReadResult) -> dict[int, str]:
    """Findings by the first line that they stand at."""
    return {span.start: span.finding for span in result.spans if span.finding}
