"""A simulator for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from koderz.simulator import Simulator, open_simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with open_simulator() as running:
        yield running
