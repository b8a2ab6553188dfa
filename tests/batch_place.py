"""Runs of one labelling job by the batch, against a simulated provider, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from batch_bills import HAIKU, MINI, fetch_bill
from clocks import Clock
from reading import list_rows

from koderz import Router, open_router
from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult, Decision, Item
from koderz.jobs.classify.batch_news import BatchNews, ProviderBatch
from koderz.simulator import Fault, Simulator, open_simulator

LABELS = ("refund", "travel", "food")
MAINS = {HAIKU: "claude-sonnet-4-5", MINI: "gpt-4o"}
BOTH = pytest.mark.parametrize("small", [HAIKU, MINI])


@dataclass
class Place:
    """A simulated provider, a ledger, and what was decided and heard so far, over many runs."""

    simulator: Simulator
    ledger: Path
    small: str
    clock: Clock
    settings: dict[str, Any] = field(default_factory=dict)
    decided: dict[str, Decision] = field(default_factory=dict)
    news: list[BatchNews] = field(default_factory=list)

    @asynccontextmanager
    async def open_router(self) -> AsyncIterator[Router]:
        overrides = {
            "agent.default_model": MAINS[self.small],
            "koderz.ledger.path": str(self.ledger),
            "koderz.http.retries": 2,
            "koderz.http.retry_wait_max_s": 0.01,
            "koderz.batch.poll_s": 0.01,
        }
        environ = self.simulator.environ()
        async with open_router(overrides=overrides | self.settings, environ=environ) as router:
            yield router

    async def run(
        self, items: Iterable[Item], *, is_waited_for: bool = True, **fields: Any
    ) -> ClassifyResult:
        """One run of the same command: what was decided before is kept."""
        job = ClassifyBatch(
            tuple(items),
            LABELS,
            done=tuple(self.decided.values()),
            provider_batch=ProviderBatch(is_waited_for=is_waited_for, on_news=self.news.append),
            on_decided=self._keep,
        )
        async with self.open_router() as router:
            return await router.perform(msgspec.structs.replace(job, **fields))

    def _keep(self, decisions: Iterable[Decision]) -> None:
        self.decided |= {each.id: each for each in decisions}

    def list_labels(self) -> dict[str, str | None]:
        return {name: each.label for name, each in self.decided.items()}

    async def check_account(self) -> None:
        """The ledger says what the provider's bill says, to the last digit."""
        ((total,),) = list_rows(self.ledger, "SELECT sum(cost_pusd) FROM attempts")
        bill = await fetch_bill(self.simulator)
        assert Decimal(str(total)).scaleb(-12) == bill
        assert bill > 0


@asynccontextmanager
async def open_place(
    tmp_path: Path,
    small: str,
    *faults: Fault,
    settings: dict[str, Any] | None = None,
    skill: float = 1.0,
    **options: Any,
) -> AsyncIterator[Place]:
    clock = Clock(1_800_000_000.0)
    async with open_simulator(
        skills={"*": skill}, faults=faults, clock=clock, **options
    ) as simulator:
        yield Place(simulator, tmp_path / "ledger.sqlite", small, clock, settings or {})


def make_items(count: int) -> list[Item]:
    return [Item(f"i{at}", f"no {at} wants {LABELS[at % 3]}") for at in range(count)]


def right(items: Iterable[Item]) -> dict[str, str | None]:
    return {item.id: item.text.split()[-1] for item in items}


async def count_batches(place: Place) -> int:
    """How many batches the provider has."""
    async with place.open_router() as router:
        page = await router.batches._clients.get_batch_client(place.small).fetch_page()
    return len(page.batches)
