"""The simulated providers as one HTTP server on this machine."""

from __future__ import annotations

import errno
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web

from koderz.errors import ConfigError
from koderz.simulator.faults import Fault
from koderz.simulator.paths import list_routes
from koderz.simulator.simulator import DAY_S, Exchange, Simulator

HOST = "127.0.0.1"
SIMULATED_HEADER = "x-koderz-simulated"
MOST_BODY_BYTES = 64 << 20

_SHUTDOWN_S = 0.1


@asynccontextmanager
async def open_simulator(
    *,
    seed: int = 0,
    skills: Mapping[str, float] | None = None,
    faults: Sequence[Fault] = (),
    port: int = 0,
    latency_s: float = 0.0,
    tokens_per_s: float | None = None,
    batch_delay_s: float = 0.0,
    batch_window_s: float = DAY_S,
    clock: Callable[[], float] = time.time,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> AsyncIterator[Simulator]:
    """A running simulator on 127.0.0.1 (port 0: any free one), closed at the end.

    `skills` go by model or pattern (`{"gpt-4o-mini": 0.6, "llama*": 0.3}`), the rest by tier.
    `latency_s` is the wait before each answer, `tokens_per_s` the speed of streams (None: at
    once). Batches take `batch_delay_s` and expire after `batch_window_s`, by the `clock`. Raises
    ConfigError where a value makes no sense or the port is taken.
    """
    simulator = Simulator(
        seed=seed,
        skills=skills,
        faults=faults,
        latency_s=latency_s,
        tokens_per_s=tokens_per_s,
        batch_delay_s=batch_delay_s,
        batch_window_s=batch_window_s,
        clock=clock,
        on_exchange=on_exchange,
    )
    runner = web.AppRunner(
        build_app(simulator),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        await _listen(runner, port)
        simulator.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield simulator
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except (OSError, OverflowError) as error:
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is taken" if is_taken else f"cannot be used ({error})"
        advice = "choose another one, or 0 for any that is free"
        raise ConfigError(f"port {port} {reason}: {advice}", key="--port") from None


def build_app(simulator: Simulator) -> web.Application:
    """The server's paths: those of each format, and under `/NAME` those of its other hosts."""
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    for method, path, handle in list_routes(simulator):
        app.router.add_route(method, path, handle)
    ids = count(1)

    async def mark(_: web.Request, response: web.StreamResponse) -> None:
        response.headers[SIMULATED_HEADER] = "1"
        response.headers["request-id"] = response.headers["x-request-id"] = f"sim-req-{next(ids)}"

    app.on_response_prepare.append(mark)
    return app
