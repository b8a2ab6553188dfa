"""Who gets the next server, and servers that are started together."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import CaseTests, Program, encode_values, open_sandbox
from koderz.sandbox.forkserver import ForkServerSandbox
from koderz.sandbox.pool import FIRST, Places, list_processors
from koderz.sandbox.worker import HostLaunch

URGENCIES = (0.0, 2.5, 0.0, FIRST, 2.5)


async def queue(places: Places, urgencies: tuple[float, ...], order: list[int]) -> None:
    """Have all of them wait for a place, one after the other."""

    async def wait(number: int, urgency: float) -> None:
        async with places.place(urgency):
            order.append(number)

    await asyncio.gather(*(wait(*each) for each in enumerate(urgencies)))


async def test_the_most_urgent_is_next_and_equals_keep_their_order() -> None:
    places, order = Places(1), list[int]()
    async with places.place(0.0):
        waiting = asyncio.create_task(queue(places, URGENCIES, order))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await waiting
    assert order == [3, 1, 4, 0, 2]


async def test_whoever_stops_waiting_takes_no_place() -> None:
    places, order = Places(1), list[int]()
    async with places.place(0.0):
        impatient = asyncio.create_task(queue(places, (FIRST,), order))
        waiting = asyncio.create_task(queue(places, (0.0,), order))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await waiting
    assert len(order) == 1


async def test_whoever_stops_waiting_as_the_turn_comes_passes_it_on() -> None:
    places, order = Places(1), list[int]()
    first = asyncio.create_task(queue(places, (FIRST,), []))
    async with places.place(0.0):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second = asyncio.create_task(queue(places, (0.0,), order))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(5):
        await second
    assert order == [0]


async def test_servers_that_cannot_isolate_are_all_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sandbox = ForkServerSandbox(
        lambda use_arrays: HostLaunch(use_arrays=use_arrays, layers=()), 2, is_isolated=True
    )
    with pytest.raises(SandboxUnavailableError):
        await sandbox.open(is_eager=True)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a folder of the test's own.


async def test_as_many_servers_as_processors_keep_to_one_each() -> None:
    own = os.sched_getaffinity(0)
    source = "import os\ndef f(_): return sorted(os.sched_getaffinity(0))"
    tests = CaseTests(entry_point="f", inputs=encode_values([[0]]), expected=encode_values([0]))
    program, used = Program(source=source, tests=tests), set[str]()
    async with open_sandbox("none", workers=len(own), is_eager=True) as sandbox:
        for verdict in await asyncio.gather(*(sandbox.judge(program) for _ in own)):
            assert verdict.failure is not None
            used.add(verdict.failure.actual)
    assert used == {f"[{processor}]" for processor in own}
    assert os.sched_getaffinity(0) == own


async def test_fewer_servers_go_where_the_system_puts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert list_processors(2) == []
    assert sorted(list_processors(3)) == [0, 1, 2]
    assert sorted(list_processors(4)) == [0, 0, 1, 2]
    monkeypatch.delattr(os, "sched_getaffinity")
    assert list_processors(3) == []
