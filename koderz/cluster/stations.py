"""What a worker keeps ready for a run: clients, a sandbox and a jury of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from distributed import Worker, WorkerPlugin

from koderz._version import __version__
from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.experiments.jury import Jury, open_jury
from koderz.models.factory import ModelFactory
from koderz.sandbox import open_sandbox
from koderz.sandbox.opening import Kind

REACH_S = 5.0


class Versions(msgspec.Struct, frozen=True):
    """What driver and workers have to share: Koderz's version, and Python's first two numbers."""

    koderz: str
    python: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told: the driver's settings and versions, and how programs are kept apart.

    `name` is the run's on this cluster; with every piece of work comes its order, so that workers
    may join at any time. `environ` stands over the worker's own environment. It is empty, so that
    keys are the worker's own, unless the simulator answers. After `idle_s` without work everything
    is closed.
    """

    name: str
    settings: Settings
    sandbox: Kind
    versions: Versions
    environ: Mapping[str, str] = {}
    idle_s: float = 300.0


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What is open on a worker."""

    factory: ModelFactory
    jury: Jury


async def get_station(worker: Worker, order: Order) -> Station:
    """The worker's station for this order, made where there is none yet."""
    if order.name not in worker.plugins:
        await worker.plugin_add(Station(order), name=order.name)
    station = worker.plugins[order.name]
    if not isinstance(station, Station):
        raise TypeError(f"{order.name} is no station")
    return station


async def close_station(name: str, dask_worker: Worker) -> None:
    """Close a worker's station, if it has one of that name."""
    if name in dask_worker.plugins:
        await dask_worker.plugin_remove(name=name)


def get_versions() -> Versions:
    """Those of this process."""
    return Versions(__version__, f"{sys.version_info.major}.{sys.version_info.minor}")


class Station(WorkerPlugin):
    """Opens a worker's parts when they are first used; all tasks of the run share them.

    A run whose driver was killed tells nobody: what has not been used for a while is closed, and
    opened again where there is work after all.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._parts: Parts | None = None

    def setup(self, worker: Worker) -> None:
        """Begin without anything open."""
        del worker
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._closing: asyncio.TimerHandle | None = None
        self._users = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def teardown(self, worker: Worker) -> None:
        """Close what is open; Dask calls this when the worker ends."""
        del worker
        if self._closing:
            self._closing.cancel()
        await self._close()

    @property
    def is_open(self) -> bool:
        """Whether anything is open."""
        return self._parts is not None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Parts]:
        """The parts, opened where they are not; raises KoderzError where they cannot be."""
        self._users += 1
        if self._closing:
            self._closing.cancel()
        try:
            async with self._opening:
                if self._parts is None:
                    self._parts = await self._open()
            yield self._parts
        finally:
            self._users -= 1
            if not self._users:
                loop = asyncio.get_running_loop()
                self._closing = loop.call_later(self._order.idle_s, self._close_soon)

    async def _open(self) -> Parts:
        order = self._order
        check_versions(order.versions, get_versions(), "it")
        await self._check_reach()
        async with AsyncExitStack() as stack:
            environ = {**os.environ, **order.environ}
            factory = ModelFactory(settings=order.settings, environ=environ)
            await stack.enter_async_context(factory)
            sandbox = await stack.enter_async_context(open_sandbox(order.sandbox))
            jury = await stack.enter_async_context(open_jury(sandbox))
            self._stack = stack.pop_all()
        return Parts(factory=factory, jury=jury)

    async def _check_reach(self) -> None:
        """Raise where the simulator, which answers on the driver's machine alone, is not there."""
        url = next((each for each in self._order.environ.values() if "://" in each), "")
        if not url:
            return
        address = urlsplit(url)
        try:
            async with asyncio.timeout(REACH_S):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
        except (OSError, TimeoutError) as error:
            raise ConfigError(
                f"it cannot reach the simulator at {address.netloc}, which answers on the driver's "
                "machine alone: use workers of that machine, or models that workers reach"
            ) from error
        writer.close()

    def _close_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._close())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        async with self._opening:
            if not self._users:
                self._parts = None
                await self._stack.aclose()


def check_versions(driver: Versions, other: Versions, where: str) -> None:
    """Raise ConfigError where another machine has other versions than the driver."""
    for name, ours, theirs in (
        ("Koderz", driver.koderz, other.koderz),
        ("Python", driver.python, other.python),
    ):
        if ours != theirs:
            has = f"has {name} {theirs}" if theirs else f"has no {name}"
            raise ConfigError(f"{where} {has}, and the driver {ours}: install the same there")
