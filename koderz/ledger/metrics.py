"""What the small models did, in the five figures that people track."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from koderz.ledger.report import Window
from koderz.ledger.store import Ledger
from koderz.ledger.totals import load_usage


class SmallModelMetrics:
    """The figures of the local and the small_frontier tier as of the moment this is made.

    From an open ledger or the path of one; `since` (aware) and `run_id` narrow it down. Real calls
    and simulated ones are never added up: `is_simulated` None takes the real ones, and simulated
    ones only where there are no others; the attribute then says which were taken. Raises
    StoreError where the ledger cannot be read.

        print(SmallModelMetrics(ledger, since=yesterday).report())
    """

    def __init__(
        self,
        ledger: Ledger | str | Path,
        *,
        since: datetime | None = None,
        run_id: str | None = None,
        is_simulated: bool | None = None,
    ) -> None:
        window = Window(since=since, run_id=run_id, is_simulated=is_simulated)
        self.usage = load_usage(ledger, window)
        self.is_simulated = self.usage.is_simulated

    @property
    def calls_made(self) -> int:
        """Calls to small models, however they ended."""
        return self.usage.small.calls

    @property
    def tokens_used(self) -> int:
        """Tokens in and out of small models."""
        return self.usage.small.total_tokens

    @property
    def cost_saved(self) -> Decimal | None:
        """USD saved against the main model, net of every attempt and of reading the product.

        Negative where the small models cost more than they saved; None where there were jobs and
        no price of any is known.
        """
        return self.usage.savings.saved_usd

    @property
    def avg_latency_ms(self) -> float | None:
        """Average milliseconds to an answer; None without one."""
        latency_s = self.usage.small.avg_latency_s
        return None if latency_s is None else latency_s * 1000

    @property
    def quality_score(self) -> float | None:
        """Share (0 to 1) of answers that passed their check and were not contradicted later.

        None where nothing was checked.
        """
        return self.usage.small.quality_score

    def report(self) -> str:
        """The five figures in words, a line each, for a person."""
        saved, latency, quality = self.cost_saved, self.avg_latency_ms, self.quality_score
        unknown = self.usage.savings.unknown_jobs
        beside = f" (unknown for {unknown} of {self.usage.savings.jobs} jobs)" if unknown else ""
        lines = [
            f"calls            {self.calls_made:,}",
            f"tokens           {self.tokens_used:,}",
            f"cost saved       {'unknown' if saved is None else _format_usd(saved)}{beside}",
            f"average latency  {'none measured' if latency is None else f'{latency:,.0f} ms'}",
            f"quality          {'nothing checked' if quality is None else f'{quality:.1%}'}",
        ]
        return "\n".join(["simulated calls only", *lines] if self.is_simulated else lines)


def _format_usd(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.4f}"
