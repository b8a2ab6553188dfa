"""Reaching a cluster, making its workers ready, and refusing one that would not do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from koderz.config.settings import Settings
from koderz.errors import ConfigError, KoderzError

if TYPE_CHECKING:
    from distributed import Client

    from koderz.cluster.driving import Cluster
    from koderz.cluster.stations import Order
    from koderz.sandbox.opening import Kind

CONNECT_S: Final = 5.0
FIRST_WORKER_S: Final = 120.0
"""How long the first worker may take: a cluster that grows with its work begins without any."""
SAY_AFTER_S: Final = 2.0
ANSWER_S: Final = 120.0
CLOSE_S: Final = 10.0
OPTION: Final = "--cluster"

Tell = Callable[[str], None]


@asynccontextmanager
async def open_cluster(
    address: str,
    settings: Settings,
    *,
    models: Sequence[str] = (),
    sandbox: Kind = "auto",
    simulator: Mapping[str, str] | None = None,
    tell: Tell = lambda _: None,
) -> AsyncIterator[Cluster]:
    """A Dask cluster whose workers are ready for work, for as long as the context lasts.

    `address` is its scheduler's, as Dask writes it (`tcp://host:8786`). The workers work under
    these settings and with the keys of their own environment: nothing of the driver's environment
    goes to them but `simulator`, the variables that point at a simulator where one answers.
    `models` and the sandbox are tried on every worker before anything is asked. `tell` is told
    what takes a while. Raises ConfigError where the cluster cannot be reached or would not do.
    """
    async with _open_client(address) as client:
        await _check_versions(client)
        await _await_worker(client, address, tell)
        # Again, for those that have come by now.
        await _check_versions(client)
        order = _build_order(settings, sandbox, simulator or {})
        async with _closing_stations(client, order):
            await _probe(client, order, tuple(dict.fromkeys(models)))
            yield _build_cluster(client, address, order, is_simulated=simulator is not None)


@asynccontextmanager
async def _open_client(address: str) -> AsyncIterator[Client]:
    client = await _connect(address)
    try:
        yield client
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            await client.close()


async def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError("needs Dask: pip install 'koderz[cluster]'", key=OPTION) from error
    client: Client | None = None
    try:
        client = Client(address, asynchronous=True, set_as_default=False, timeout=CONNECT_S)
        await client
    except (OSError, TimeoutError, ValueError, MemoryError) as error:
        # Dask takes the beginning of a web server's answer for the length of its own.
        if client is not None:
            await client.close()
        raise ConfigError(
            f"no Dask scheduler answers at {address!r}: name it as tcp://host:8786 (`dask "
            "scheduler` starts one, `dask worker ADDRESS` a worker of it)",
            key=OPTION,
        ) from error
    return client


async def _check_versions(client: Client) -> None:
    """Raise where the scheduler or a worker has another Koderz or Python than we have."""
    from koderz.cluster.stations import Versions, check_versions, get_versions

    answer = await _await_all(client.get_versions(packages=["koderz"]))
    found = {f"the worker {name}": versions for name, versions in answer["workers"].items()}
    for where, versions in {"the scheduler": answer["scheduler"], **found}.items():
        packages = versions["packages"]
        python = ".".join(packages["python"].split(".")[:2])
        check_versions(get_versions(), Versions(packages["koderz"] or "", python), where)


async def _await_worker(client: Client, address: str, tell: Tell) -> None:
    """Wait for a worker, having given the cluster a reason to start one."""
    from koderz.cluster.driving import await_result

    future = client.submit(abs, 1, key=f"koderz-wake-{uuid4().hex}", pure=False)
    result = await_result(future)
    try:
        if (await asyncio.wait({result}, timeout=SAY_AFTER_S))[0]:
            return
        tell(f"waiting for a worker of {address}")
        if not (await asyncio.wait({result}, timeout=FIRST_WORKER_S))[0]:
            raise ConfigError(
                f"the cluster at {address} has no worker: start one with `dask worker {address}`",
                key=OPTION,
            )
    finally:
        future.release()


def _build_order(settings: Settings, sandbox: Kind, simulator: Mapping[str, str]) -> Order:
    from koderz.cluster.stations import Order, get_versions

    return Order(
        name=f"koderz-{uuid4().hex}",
        settings=settings,
        sandbox=sandbox,
        versions=get_versions(),
        environ=dict(simulator),
    )


@asynccontextmanager
async def _closing_stations(client: Client, order: Order) -> AsyncIterator[None]:
    """Have the workers close what they opened for an order, as far as they can be reached."""
    from koderz.cluster.stations import close_station

    try:
        yield
    finally:
        if client.status == "running":
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await client.run(close_station, order.name, on_error="ignore")


async def _probe(client: Client, order: Order, models: tuple[str, ...]) -> None:
    """Raise what keeps a worker from its work."""
    from koderz.cluster.work import probe

    answers = await _await_all(client.run(probe, order, models, on_error="return"))
    for worker, error in answers.items():
        if isinstance(error, KoderzError):
            raise error
        if error is not None:
            raise ConfigError(
                f"the worker {worker} cannot do its work ({error}): is Koderz there as it is here?",
                key=OPTION,
            )


async def _await_all(asked: Any) -> Any:
    """What all workers answer; ConfigError where one is silent."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await asked
    except (OSError, TimeoutError) as error:
        raise ConfigError(
            "a worker does not answer: `dask worker` writes why to its log", key=OPTION
        ) from error


def _build_cluster(client: Client, address: str, order: Order, *, is_simulated: bool) -> Cluster:
    from koderz.cluster.driving import Cluster

    return Cluster(client, address, order, is_simulated=is_simulated)
