"""Anthropic's Message Batches, simulated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from aiohttp import web

from koderz.simulator.batch_desk import BatchDesk, Handle
from koderz.simulator.batch_runs import BatchRun
from koderz.simulator.validation import refuse
from koderz.wire import FormatError
from koderz.wire.anthropic import batches
from koderz.wire.batches import BatchLine, OutcomeKind
from koderz.wire.codec import encode_json

JSONL = "application/x-jsonl"


class AnthropicDesk(BatchDesk):
    """What Anthropic answers on the paths of its batches."""

    def list_routes(self) -> Iterator[tuple[str, str, Handle]]:
        """Method, path and what answers there."""
        one = f"{batches.PATH}/{{batch}}"
        yield "POST", batches.PATH, self.answer("submit", self._submit)
        yield "GET", batches.PATH, self.answer("list", self._list)
        yield "GET", one, self.answer("poll", self._tell)
        yield "GET", f"{one}/results", self.answer("results", self._tell_results, JSONL)
        yield "POST", f"{one}/cancel", self.answer("cancel", self._cancel)
        yield "DELETE", one, self.answer("delete", self._delete)

    def _submit(self, http: web.Request, body: bytes) -> bytes:
        try:
            lines = batches.decode_batch(body)
        except FormatError as error:
            raise self.malformed(error) from None
        self._check(lines, len(body))
        run = self.open_run(f"msgbatch_sim{next(self.ids):08d}", lines)
        return encode_json(self._describe(http, run, is_new=True))

    def _check(self, lines: Sequence[BatchLine], size_bytes: int) -> None:
        if not lines:
            raise self.malformed("requests: at least one request is required")
        if len(lines) > batches.LIMITS.requests or size_bytes > batches.LIMITS.size_bytes:
            raise refuse(self.host, "too_large")
        name, times = Counter(line.custom_id for line in lines).most_common(1)[0]
        if times > 1:
            raise self.malformed(f"requests: custom_id {name} stands {times} times")
        strange = next((x for x in lines if not re.match(batches.CUSTOM_ID, x.custom_id)), None)
        if strange is not None:
            raise self.malformed(f"custom_id: should match {batches.CUSTOM_ID}")

    def _tell(self, http: web.Request, _: bytes) -> bytes:
        return encode_json(self._describe(http, self.get_run(http)))

    def _list(self, http: web.Request, _: bytes) -> bytes:
        runs, has_more = self.list_newest(http, http.query.get("after_id", ""))
        rows = [self._describe(http, run) for run in runs]
        ends = {"first_id": rows[0].id, "last_id": rows[-1].id} if rows else {}
        return encode_json(batches.BatchList(data=rows, has_more=has_more, **ends))

    def _tell_results(self, http: web.Request, _: bytes) -> bytes:
        run = self.get_run(http)
        if run.outcomes is None:
            raise self.malformed("results: the batch has not ended")
        return b"".join(map(batches.encode_outcome, run.outcomes))

    def _cancel(self, http: web.Request, _: bytes) -> bytes:
        run = self.get_run(http)
        if run.outcomes is not None:
            raise self.malformed("the batch has ended and cannot be cancelled")
        run.cancelled_s = self.now_s
        return encode_json(self._describe(http, run, is_new=True))

    def _delete(self, http: web.Request, _: bytes) -> bytes:
        run = self.get_run(http)
        if run.outcomes is None:
            raise self.malformed("a batch is deleted once it has ended: cancel it first")
        del self.runs[run.id]
        return encode_json({"id": run.id, "type": "message_batch_deleted"})

    def _describe(
        self, http: web.Request, run: BatchRun, *, is_new: bool = False
    ) -> batches.MessageBatch:
        is_over = run.is_over(self.now_s) and not is_new
        if is_over:
            run.finish(self.simulator, self.now_s)
        cancelled = None if run.cancelled_s is None else _write_time(run.cancelled_s)
        status = "ended" if is_over else "canceling" if cancelled else "in_progress"
        return batches.MessageBatch(
            id=run.id,
            processing_status=status,
            request_counts=_count(run, is_over=is_over),
            created_at=_write_time(run.created_s),
            expires_at=_write_time(run.expires_s),
            ended_at=_write_time(run.ends_s) if is_over else None,
            cancel_initiated_at=cancelled,
            results_url=f"{http.url.origin()}{batches.PATH}/{run.id}/results" if is_over else None,
        )


def _count(run: BatchRun, *, is_over: bool) -> batches.RequestCounts:
    """The counts as they are told: nothing but "processing" until the whole has ended."""
    if not is_over:
        return batches.RequestCounts(processing=len(run.lines))
    return batches.RequestCounts(
        succeeded=run.count(OutcomeKind.SUCCEEDED),
        errored=run.count(OutcomeKind.ERRORED),
        canceled=run.count(OutcomeKind.CANCELLED),
        expired=run.count(OutcomeKind.EXPIRED),
    )


def _write_time(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat().replace("+00:00", "Z")
