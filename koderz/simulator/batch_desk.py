"""What the simulated batch endpoints share: faults on the way, refusals, and the runs themselves.

Faults are planned for a step of the protocol by the model's name `batch-STEP`, with STEP one of
upload, submit, poll, list, results and cancel: `Fault("server_error", "batch-poll", times=3)`. A
`cut_stream` of batch-submit takes the batch and breaks off the answer; `malformed_json` of
batch-results ends the file in the middle of a line. Faults for a model itself meet its requests
within the batch, where `silence` means that one is never dealt with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

from aiohttp import web

from koderz.errors import ConfigError
from koderz.simulator.batch_runs import REFUSING, BatchRun
from koderz.simulator.faults import Fault
from koderz.simulator.hosts import Host
from koderz.simulator.recent import Recent
from koderz.simulator.refusals import Refusal, RefusedError
from koderz.simulator.sending import build_refusal, hang_up, send_half
from koderz.simulator.simulator import Exchange, Simulator
from koderz.simulator.validation import check_headers, refuse
from koderz.wire import get_wire
from koderz.wire.batches import BatchLine

Work = Callable[[web.Request, bytes], "bytes | Awaitable[bytes]"]
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

MOST_RUNS = 1_000
FAULT_HEADER = "x-koderz-fault"
NOT_FOUND = 404


class BatchDesk:
    """The batches of one provider."""

    def __init__(self, simulator: Simulator, host: Host) -> None:
        self.simulator, self.host = simulator, host
        self.runs: Recent[str, BatchRun] = Recent(MOST_RUNS)
        self.ids = count(1)

    @property
    def now_s(self) -> float:
        """The time, in seconds since 1970."""
        return self.simulator.clock()

    def open_run(self, name: str, lines: Sequence[BatchLine]) -> BatchRun:
        """A batch that begins now."""
        run = BatchRun(
            id=name,
            host=self.host,
            lines=tuple(lines),
            created_s=self.now_s,
            delay_s=self.simulator.batch_delay_s,
            window_s=self.simulator.batch_window_s,
        )
        self.runs[run.id] = run
        return run

    def get_run(self, http: web.Request) -> BatchRun:
        """The batch that the path names, finished where it is over; refused where there is none."""
        run = self.runs.get(http.match_info["batch"])
        if run is None:
            raise self.not_found(f"No batch found with id '{http.match_info['batch']}'.")
        if run.is_over(self.now_s) and not run.problems:
            run.finish(self.simulator, self.now_s)
        return run

    def not_found(self, message: str) -> RefusedError:
        """The provider's 404."""
        kind = refuse(self.host, "unknown_path", path="").kind
        return RefusedError(Refusal(NOT_FOUND, kind, "{message}"), {"message": message})

    def malformed(self, reason: object) -> RefusedError:
        """The provider's 400."""
        return refuse(self.host, "malformed", reason=reason)

    def list_newest(self, http: web.Request, after: str) -> tuple[list[BatchRun], bool]:
        """A page of batches, the newest first, and whether there are more behind it."""
        newest = list(reversed(self.runs.values()))
        names = [run.id for run in newest]
        start = names.index(after) + 1 if after in names else 0
        try:
            limit = int(http.query.get("limit", "20"))
        except ValueError:
            raise self.malformed("limit: a number is expected") from None
        return newest[start : start + limit], len(newest) > start + limit

    def answer(self, step: str, work: Work, content_type: str = "application/json") -> Handle:
        """What answers on a path: the work, with the faults that are planned for its step."""

        async def handle(http: web.Request) -> web.StreamResponse:
            fault = None
            try:
                check_headers(self.host, http.headers, http.query)
                fault = self._take_fault(step, http)
                if fault is not None and fault.kind == "silence":
                    return await self._keep_silent(http, fault)
                await asyncio.sleep(self.simulator.latency_s)
                self._refuse_by_fault(fault)
                made = work(http, await self._read(http))
                body = made if isinstance(made, bytes) else await made
            except RefusedError as refused:
                self._record(http, refused.status, fault)
                return build_refusal(get_wire(self.host.provider.wire), refused)
            self._record(http, 200, fault)
            return await _send(http, body, content_type, fault)

        return handle

    async def _read(self, http: web.Request) -> bytes:
        if http.content_type.startswith("multipart/"):
            return b""
        try:
            return await http.read()
        except web.HTTPRequestEntityTooLarge:
            raise refuse(self.host, "too_large") from None

    def _take_fault(self, step: str, http: web.Request) -> Fault | None:
        try:
            return self.simulator.take_fault(f"batch-{step}", http.headers.get(FAULT_HEADER, ""))
        except ConfigError as error:
            raise self.malformed(error) from None

    def _refuse_by_fault(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind in REFUSING:
            refused = refuse(self.host, fault.kind, model="batches")  # type: ignore[arg-type] # checked above
            refused.retry_after_s = fault.wait_s
            raise refused

    async def _keep_silent(self, http: web.Request, fault: Fault) -> web.StreamResponse:
        self._record(http, 0, fault)
        with suppress(TimeoutError):
            async with asyncio.timeout(fault.wait_s):
                await asyncio.Event().wait()
        return hang_up(http, web.Response())

    def _record(self, http: web.Request, status: int, fault: Fault | None) -> None:
        self.simulator.record(
            Exchange(
                provider=self.host.provider.id,
                path=http.path,
                status=status,
                fault=fault.kind if fault else None,
            )
        )


async def _send(
    http: web.Request, body: bytes, content_type: str, fault: Fault | None
) -> web.StreamResponse:
    match fault.kind if fault else None:
        case "cut_stream":
            return await send_half(http, body)
        case "malformed_json":
            body = body[: len(body) * 2 // 3]
    return web.Response(body=body, content_type=content_type)
