"""What a worker keeps open: opened when it is used, closed when nobody does."""

from __future__ import annotations

import asyncio
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from koderz.cluster.stations import Order, Station, Versions, get_versions
from koderz.config.settings import Settings
from koderz.errors import ConfigError

WORKER: Any = SimpleNamespace(address="tcp://made-up:1")


def build_station(**order: Any) -> Station:
    """A station as it comes out of the mail."""
    usual: dict[str, Any] = {
        "name": "a run",
        "settings": Settings(),
        "sandbox": "none",
        "versions": get_versions(),
    }
    station: Station = pickle.loads(pickle.dumps(Station(Order(**(usual | order)))))
    station.setup(WORKER)
    return station


async def test_all_users_share_what_is_open_until_nobody_needs_it() -> None:
    station = build_station(idle_s=0.0)
    async with station.use() as first, station.use() as second:
        assert first is second
        await asyncio.sleep(0.01)
        async with station.use() as third:
            assert third is first
    for _ in range(1000):
        await asyncio.sleep(0.01 if station.is_open else 0)
    assert not station.is_open
    async with station.use() as later:
        assert later is not first
    await station.teardown(WORKER)
    assert not station.is_open


async def test_a_worker_with_other_versions_does_nothing() -> None:
    station = build_station(versions=Versions("9.9", get_versions().python))
    with pytest.raises(ConfigError, match="it has Koderz"):
        async with station.use():
            pass
    await station.teardown(WORKER)
