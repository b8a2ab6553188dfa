"""The driver's end of a cluster: work goes out, and comes back or is known to be lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar
from uuid import uuid4

from distributed import Client, Event, Future, KilledWorker

from koderz.benchmarks import Problem
from koderz.cluster.stations import Order
from koderz.cluster.work import Tests, build_event, complete, judge
from koderz.errors import AnswerLostError, ClusterError, JobError, KoderzError
from koderz.sandbox import Verdict
from koderz.types import Completion, Request

T = TypeVar("T")

PATIENCE_S: Final = 60.0
"""How long a cluster may be without any worker while it has work."""
LOOK_EVERY_S: Final = 2.0


def await_result(future: Future[Any]) -> asyncio.Future[Any]:
    """What a future gives, as something to wait for; to leave it, release the future.

    It is never cancelled: clients fetch what is ready for several who wait with one request, and
    cancelling one of them would cancel all.
    """
    result: asyncio.Future[Any] = asyncio.ensure_future(future.result())
    result.add_done_callback(lambda done: done.cancelled() or done.exception())
    return result


class Cluster:
    """A cluster that works by an order; made by `open_cluster`."""

    def __init__(
        self, client: Client, address: str, order: Order, *, is_simulated: bool = False
    ) -> None:
        self._client, self.address, self._order = client, address, order
        self._is_simulated = is_simulated
        self._failure: ClusterError | None = None

    async def complete(self, model: str, request: Request) -> Completion:
        """The model's answer by way of a worker.

        Raises what the worker's client raises, and AnswerLostError where the call may have been
        made and its answer will never be known.
        """
        ticket = uuid4().hex
        try:
            completion = await self._send(complete, ticket, model, request)
        except (AnswerLostError, ClusterError, CancelledError, KilledWorker) as error:
            lost = AnswerLostError("its worker was lost before the answer came", model=model)
            lost.is_simulated = self._is_simulated
            raise lost from error
        with contextlib.suppress(OSError):
            await Event(build_event(ticket), client=self._client).clear()
        return completion

    async def judge(
        self, tests: Tests, problem: Problem, code: str, *, timeout_s: float
    ) -> Verdict:
        """The verdict of a worker's jury; raises as a jury does, and ClusterError."""
        try:
            return await self._send(judge, tests, problem, code, timeout_s)
        except KilledWorker as error:
            raise JobError(
                f"{problem.task_id} cannot be judged on this cluster: every worker that tried "
                "was lost; `dask worker` writes why to its log"
            ) from error
        except CancelledError as error:
            raise ClusterError(f"the cluster at {self.address} lost the work: {error}") from error

    def check(self) -> None:
        """Raise ClusterError where the scheduler or every worker is gone, for good or for now."""
        if self._client.status != "running":
            self._failure = ClusterError(f"the scheduler at {self.address} is lost: start it again")
        if self._failure:
            raise self._failure

    @property
    def threads(self) -> int:
        """How many things its workers do at once."""
        return int(self._client.scheduler_info()["total_threads"])

    async def _send(self, work: Callable[..., Awaitable[T | KoderzError]], *arguments: object) -> T:
        """What the work gives, on whichever worker; the errors that it gives back are raised."""
        future: Future[Any] = self._client.submit(
            work, self._order, *arguments, key=f"koderz-{work.__name__}-{uuid4().hex}", pure=False
        )
        result = await_result(future)
        try:
            await self._wait(result)
            outcome: T | KoderzError = self._take(result)
        finally:
            future.release()
        if isinstance(outcome, KoderzError):
            raise outcome
        return outcome

    def _take(self, result: asyncio.Future[Any]) -> Any:
        """What came of it; what Dask could not even begin or bring back ends the run."""
        error = result.exception()
        if error is None:
            return result.result()
        if not isinstance(error, CancelledError | KilledWorker):
            said = " ".join(str(error).split())[:300]
            self._failure = ClusterError(
                f"a worker of {self.address} cannot do its work ({type(error).__name__}: {said}): "
                "is Koderz there as it is here?"
            )
            raise self._failure from error
        raise error

    async def _wait(self, result: asyncio.Future[Any]) -> None:
        """Wait for it, as long as there is somebody to do it."""
        loop = asyncio.get_running_loop()
        last_seen = loop.time()
        while not (await asyncio.wait({result}, timeout=LOOK_EVERY_S))[0]:
            self.check()
            if self.threads:
                last_seen = loop.time()
            elif loop.time() - last_seen > PATIENCE_S:
                self._failure = ClusterError(
                    f"the cluster at {self.address} has no worker any more: start one with "
                    f"`dask worker {self.address}`"
                )
