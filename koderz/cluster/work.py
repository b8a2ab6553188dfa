"""What is done on a worker: a call to a model, a judgement of code.

Each gives back a value, and a KoderzError as a value too: Dask would write what it was given,
prompts included, to the worker's log where a task raises.
"""

from __future__ import annotations

from typing import Literal

from distributed import Event, Worker, get_client, get_worker

from koderz.benchmarks import Problem
from koderz.cluster.stations import Order, get_station
from koderz.errors import AnswerLostError, ConfigError, KoderzError, SandboxUnavailableError
from koderz.sandbox import Verdict
from koderz.types import Completion, Request

Tests = Literal["feedback", "verdict"]


async def complete(
    order: Order, ticket: str, model: str, request: Request
) -> Completion | KoderzError:
    """The model's answer. The call is made once for a ticket, whatever becomes of its worker.

    Dask does the work of a lost worker again; where that was a call, it may have been paid for,
    and whoever asked has to know.
    """
    worker = get_worker()
    try:
        async with (await get_station(worker, order)).use() as parts:
            client = parts.factory.get_client(model)
            if not await _claim(ticket):
                return AnswerLostError("its worker was lost before the answer came", model=model)
            return await client.complete(request)
    except KoderzError as error:
        return _name_worker(error, worker)


async def judge(
    order: Order, tests: Tests, problem: Problem, code: str, timeout_s: float
) -> Verdict | KoderzError:
    """The verdict on a module; it costs nothing, so a lost one is simply made again."""
    worker = get_worker()
    try:
        async with (await get_station(worker, order)).use() as parts:
            bench = parts.jury.feedback if tests == "feedback" else parts.jury.verdict
            return await bench.judge(problem, code, timeout_s=timeout_s)
    except KoderzError as error:
        return _name_worker(error, worker)


async def probe(order: Order, models: tuple[str, ...], dask_worker: Worker) -> KoderzError | None:
    """What keeps this worker from asking these models and from running programs, if anything."""
    try:
        async with (await get_station(dask_worker, order)).use() as parts:
            for model in models:
                parts.factory.get_client(model)
    except KoderzError as error:
        return _name_worker(error, dask_worker)
    return None


def build_event(ticket: str) -> str:
    """The name of the event that says that a ticket is taken."""
    return f"koderz-{ticket}"


async def _claim(ticket: str) -> bool:
    """Whether this is the first time that the ticket's call is to be made."""
    event = Event(build_event(ticket), client=await get_client())
    if await event.is_set():
        return False
    await event.set()
    return True


def _name_worker(error: KoderzError, worker: Worker) -> KoderzError:
    """The error; where it speaks of the machine, it says of which."""
    if isinstance(error, ConfigError | SandboxUnavailableError):
        return ConfigError(f"the worker {worker.address}: {error}", key="--cluster")
    return error
