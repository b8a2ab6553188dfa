"""Servers that are shared by whoever has programs to run, and who is next."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import os
from collections.abc import AsyncIterator

from koderz.errors import SandboxUnavailableError
from koderz.sandbox.base import build_layers, check_layers
from koderz.sandbox.worker import Launch, Worker, start_worker

FIRST = math.inf
"""The urgency of what others wait for."""


class Places:
    """So many places; whoever is most urgent has the next, and among equals whoever came first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @contextlib.asynccontextmanager
    async def place(self, urgency: float) -> AsyncIterator[None]:
        """A place for as long as the context lasts."""
        await self._take(urgency)
        try:
            yield
        finally:
            self._give()

    async def _take(self, urgency: float) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-urgency, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Pool:
    """Servers of one kind, at most `size`, started when they are first needed."""

    def __init__(self, launch: Launch, size: int, *, needs_layers: bool) -> None:
        self._launch, self._size, self._needs_layers = launch, size, needs_layers
        self._free: list[Worker] = []
        self._all: set[Worker] = set()
        self._places = Places(size)
        self._processors = list_processors(size)

    async def start(self, *, is_eager: bool) -> None:
        """Start the first server, or all of them at once."""
        count = self._size if is_eager else 1
        starts = [self._start() for _ in range(count)]
        for worker in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(worker, BaseException):
                raise worker
            self._free.append(worker)

    @contextlib.asynccontextmanager
    async def worker(self, urgency: float) -> AsyncIterator[Worker]:
        """A server for one run; one that was interrupted, or closed, is not used again."""
        async with self._places.place(urgency):
            worker = self._free.pop() if self._free else await self._start()
            try:
                yield worker
            except BaseException:
                self._drop(worker)
                raise
            if worker.is_closed:
                self._drop(worker)
            else:
                self._free.append(worker)

    async def _start(self) -> Worker:
        processor = self._processors.pop() if self._processors else None
        try:
            worker, hello = await start_worker(self._launch, processor)
        except BaseException:
            self._give_back(processor)
            raise
        self._all.add(worker)
        try:
            if self._needs_layers:
                check_layers(build_layers(hello.layers))
            _check_server(hello.threads, can_read_python=hello.can_read_python)
        except SandboxUnavailableError:
            self._drop(worker)
            raise
        return worker

    def _drop(self, worker: Worker) -> None:
        self._all.discard(worker)
        worker.close()
        self._give_back(worker.processor)

    def _give_back(self, processor: int | None) -> None:
        if processor is not None:
            self._processors.append(processor)

    def close(self) -> None:
        """End all of them."""
        for worker in self._all:
            worker.kill()
        for worker in self._all:
            worker.close()
        self._all.clear()
        self._free.clear()


def list_processors(servers: int) -> list[int]:
    """A processor for each server; none where they are fewer than there are processors.

    Candidate and tests take turns hundreds of times a second. On one processor that costs a third
    less than where each turn wakes another. Few servers are left to the system, though: several
    processes, each with one server, must not meet on the first processor.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    processors = sorted(os.sched_getaffinity(0))
    if servers < len(processors):
        return []
    return [processors[number % len(processors)] for number in reversed(range(servers))]


def _check_server(threads: int, *, can_read_python: bool) -> None:
    if threads > 1:
        raise SandboxUnavailableError(
            "a package that is loaded for programs starts threads, which a forking server must not"
            " have: uninstall it, or run programs that need it with --sandbox docker"
        )
    if not can_read_python:
        raise SandboxUnavailableError(
            "the user `nobody` cannot read this Python installation: run as an ordinary user, or"
            " install Python where everybody can read it"
        )


class Gate:
    """Lets many through together, or one alone."""

    def __init__(self) -> None:
        self._inside = 0
        self._change = asyncio.Condition()
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def among_others(self) -> AsyncIterator[None]:
        """Wait for whoever is alone, then go."""
        async with self._turn:
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            async with self._change:
                self._change.notify_all()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Let nobody else in, and go when all others are out."""
        async with self._turn:
            async with self._change:
                await self._change.wait_for(lambda: self._inside == 0)
            yield
