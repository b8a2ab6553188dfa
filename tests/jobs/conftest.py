"""Logs to read, and routers to read them over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from reading import OpenReading, open_simulated, write_log

from koderz import Router, open_router
from koderz.simulator import Fault, Simulator


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of about 100 KB with a planted failure."""
    path = tmp_path / "build.log"
    write_log(path)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where the routers of a test keep their account."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def open_reading(ledger: Path) -> OpenReading:
    """Opens a router whose models are simulated."""

    def open_it(
        *faults: Fault, **settings: Any
    ) -> AbstractAsyncContextManager[tuple[Router, Simulator]]:
        return open_simulated(ledger, faults, settings)

    return open_it


@pytest.fixture
async def keyless(ledger: Path) -> AsyncIterator[Router]:
    """A router with no key and no server within reach."""
    overrides = {"koderz.ledger.path": str(ledger)}
    nowhere = {"OLLAMA_HOST": "http://127.0.0.1:9"}
    async with open_router(overrides=overrides, environ=nowhere) as router:
        yield router
