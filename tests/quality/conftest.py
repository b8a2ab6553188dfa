"""Routers over a simulator that keep every small model's answer, and where they keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from keeping import OpenKeeping
from reading import open_simulated

from koderz import Router
from koderz.config.settings import QualitySettings
from koderz.ledger.store import Ledger
from koderz.quality.samples import SampleStore
from koderz.simulator import Fault, Simulator


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where the routers of a test keep their account."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def kept_path(tmp_path: Path) -> Path:
    """Where the routers of a test keep answers."""
    return tmp_path / "answers.sqlite"


@pytest.fixture
def store(kept_path: Path) -> SampleStore:
    return SampleStore(kept_path, QualitySettings())


@pytest.fixture
def open_ledger(ledger: Path) -> Callable[[], Ledger]:
    return lambda: Ledger(ledger)


@pytest.fixture
def open_keeping(ledger: Path, kept_path: Path) -> OpenKeeping:
    """Opens a router that keeps every answer; models have the skills that are given by name."""

    @asynccontextmanager
    async def open_it(
        *faults: Fault, small: float = 1.0, main: float = 1.0, **settings: Any
    ) -> AsyncIterator[tuple[Router, Simulator]]:
        wanted = {"koderz.quality.share": 1.0, "koderz.quality.path": str(kept_path), **settings}
        async with open_simulated(ledger, faults, wanted) as (router, simulator):
            simulator._skills.update({"gpt-4o-mini": small, "gpt-4o": main})
            yield router, simulator

    return open_it
