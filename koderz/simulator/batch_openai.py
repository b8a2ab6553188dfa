"""OpenAI's files and batches, simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web

from koderz.simulator.batch_desk import BatchDesk, Handle
from koderz.simulator.batch_runs import BatchRun
from koderz.simulator.hosts import Host
from koderz.simulator.recent import Recent
from koderz.simulator.simulator import Simulator
from koderz.simulator.validation import refuse
from koderz.wire import FormatError
from koderz.wire.batches import BatchLine, OutcomeKind
from koderz.wire.codec import encode_json
from koderz.wire.openai import batches

JSONL = "application/octet-stream"
MOST_FILES = 1_000
_VALIDATING_SHARE, _RUNNING_SHARE = 0.1, 0.9


class Stored(msgspec.Struct):
    """A file with its content."""

    file: batches.FileObject
    content: bytes


class OpenAIDesk(BatchDesk):
    """What OpenAI answers on the paths of its files and batches."""

    def __init__(self, simulator: Simulator, host: Host) -> None:
        super().__init__(simulator, host)
        self._files: Recent[str, Stored] = Recent(MOST_FILES)

    def list_routes(self) -> Iterator[tuple[str, str, Handle]]:
        """Method, path and what answers there."""
        yield "POST", "/v1/files", self.answer("upload", self._upload)
        yield "GET", "/v1/files/{file}", self.answer("file", self._tell_file)
        yield "DELETE", "/v1/files/{file}", self.answer("file", self._delete_file)
        yield "GET", "/v1/files/{file}/content", self.answer("results", self._tell_content, JSONL)
        yield "POST", "/v1/batches", self.answer("submit", self._submit)
        yield "GET", "/v1/batches", self.answer("list", self._list)
        yield "GET", "/v1/batches/{batch}", self.answer("poll", self._tell)
        yield "POST", "/v1/batches/{batch}/cancel", self.answer("cancel", self._cancel)

    async def _upload(self, http: web.Request, _: bytes) -> bytes:
        fields: dict[str, str] = {}
        content: bytes | None = None
        try:
            async for part in await http.multipart():
                if not isinstance(part, BodyPartReader):
                    continue
                if part.name == "file":
                    fields["filename"], content = part.filename or "", bytes(await part.read())
                else:
                    fields[part.name or ""] = await part.text()
        except (AssertionError, ValueError) as error:
            raise self.malformed(error) from None
        if content is None:
            raise self.malformed("'file' is a required property")
        if fields.get("purpose") != "batch":
            raise self.malformed("'purpose' has to be 'batch' here")
        if len(content) > batches.LIMITS.size_bytes:
            raise refuse(self.host, "too_large")
        return encode_json(self._store(content, fields["filename"]))

    def _store(self, content: bytes, name: str, purpose: str = "batch") -> batches.FileObject:
        file = batches.FileObject(
            id=f"file-sim{next(self.ids):08d}",
            bytes=len(content),
            created_at=int(self.now_s),
            filename=name,
            purpose=purpose,
        )
        self._files[file.id] = Stored(file, content)
        return file

    def _get_file(self, name: str) -> Stored:
        stored = self._files.get(name)
        if stored is None:
            raise self.not_found(f"No such File object: {name}")
        return stored

    def _tell_file(self, http: web.Request, _: bytes) -> bytes:
        return encode_json(self._get_file(http.match_info["file"]).file)

    def _tell_content(self, http: web.Request, _: bytes) -> bytes:
        return self._get_file(http.match_info["file"]).content

    def _delete_file(self, http: web.Request, _: bytes) -> bytes:
        name = self._get_file(http.match_info["file"]).file.id
        del self._files[name]
        return encode_json({"id": name, "object": "file", "deleted": True})

    def _submit(self, _: web.Request, body: bytes) -> bytes:
        try:
            asked = batches.decode_batch(body)
        except FormatError as error:
            raise self.malformed(error) from None
        if asked.endpoint != batches.ENDPOINT:
            raise self.malformed(f"endpoint: {batches.ENDPOINT} is the one that is simulated")
        if asked.completion_window != batches.WINDOW:
            raise self.malformed(f"completion_window: has to be {batches.WINDOW}")
        content = self._get_file(asked.input_file_id).content
        lines, problems = _read_lines(content)
        run = self.open_run(f"batch_sim{next(self.ids):08d}", lines)
        run.metadata, run.input_file_id = asked.metadata, asked.input_file_id
        run.problems = problems
        return encode_json(self._describe(run, is_new=True))

    def _tell(self, http: web.Request, _: bytes) -> bytes:
        return encode_json(self._describe(self.get_run(http)))

    def _list(self, http: web.Request, _: bytes) -> bytes:
        runs, has_more = self.list_newest(http, http.query.get("after", ""))
        rows = [self._describe(run) for run in runs]
        ends = {"first_id": rows[0].id, "last_id": rows[-1].id} if rows else {}
        return encode_json(batches.BatchList(data=rows, has_more=has_more, **ends))

    def _cancel(self, http: web.Request, _: bytes) -> bytes:
        run = self.get_run(http)
        if run.outcomes is not None:
            raise self.malformed("Cannot cancel a batch that has ended.")
        run.cancelled_s = self.now_s
        return encode_json(self._describe(run, is_new=True))

    def _describe(self, run: BatchRun, *, is_new: bool = False) -> batches.BatchObject:
        """The batch as it is told of; `is_new` is the answer to whoever began or cancelled it."""
        batch = batches.BatchObject(
            id=run.id,
            status="validating",
            input_file_id=run.input_file_id,
            created_at=int(run.created_s),
            expires_at=int(run.expires_s),
            metadata=run.metadata,
            request_counts=batches.RequestCounts(),
        )
        if run.cancelled_s is not None:
            batch.status, batch.cancelling_at = "cancelling", int(run.cancelled_s)
        if is_new:
            return batch
        if run.problems:
            return _describe_failure(batch, run)
        if not run.is_over(self.now_s):
            return self._describe_progress(batch, run)
        return self._describe_end(batch, run)

    def _describe_progress(self, batch: batches.BatchObject, run: BatchRun) -> batches.BatchObject:
        share = (self.now_s - run.created_s) / run.delay_s
        if share >= _VALIDATING_SHARE:
            done = run.count_done(self.now_s)
            batch.status = "in_progress" if share < _RUNNING_SHARE else "finalizing"
            batch.request_counts = batches.RequestCounts(total=len(run.lines), completed=done)
        return batch

    def _describe_end(self, batch: batches.BatchObject, run: BatchRun) -> batches.BatchObject:
        outcomes = run.finish(self.simulator, self.now_s)
        done = run.count(OutcomeKind.SUCCEEDED)
        batch.request_counts = batches.RequestCounts(
            total=len(run.lines), completed=done, failed=len(run.lines) - done
        )
        kinds = {outcome.kind for outcome in outcomes}
        ended = int(run.ends_s)
        if run.cancelled_s is not None:
            batch.status, batch.cancelled_at = "cancelled", ended
        elif run.delay_s > run.window_s and OutcomeKind.EXPIRED in kinds:
            batch.status, batch.expired_at = "expired", ended
        else:
            batch.status, batch.completed_at = "completed", ended
        self._store_results(batch, run)
        return batch

    def _store_results(self, batch: batches.BatchObject, run: BatchRun) -> None:
        """Answers in one file, all else in another; each is there only where it has lines."""
        for field, wants_answers in (("output_file_id", True), ("error_file_id", False)):
            lines = [
                batches.encode_outcome(outcome, line_id=f"batch_req_{run.id}_{index}")
                for index, outcome in enumerate(run.outcomes or ())
                if (outcome.kind is OutcomeKind.SUCCEEDED) is wants_answers
            ]
            if lines:
                name = f"file-{run.id}-{field}"
                if name not in self._files:
                    file = batches.FileObject(id=name, filename=f"{name}.jsonl")
                    self._files[name] = Stored(file, b"".join(lines))
                setattr(batch, field, name)


def _describe_failure(batch: batches.BatchObject, run: BatchRun) -> batches.BatchObject:
    errors = [
        batches.BatchError(code=code, message=message, line=line)
        for code, message, line in run.problems
    ]
    batch.status, batch.failed_at = "failed", int(run.created_s)
    batch.errors = batches.BatchErrors(data=errors)
    return batch


def _read_lines(content: bytes) -> tuple[list[BatchLine], list[tuple[str, str, int | None]]]:
    """The requests of a file, and what is wrong with it."""
    lines: list[BatchLine] = []
    problems: list[tuple[str, str, int | None]] = []
    seen: dict[str, Any] = {}
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            line = batches.decode_line(raw)
        except FormatError:
            problems.append(("invalid_json_line", "This line is not parseable.", number))
            continue
        if line.url != batches.ENDPOINT or line.method != "POST":
            problems.append(("invalid_url", "The URL does not match the batch's.", number))
        if line.custom_id in seen:
            problems.append(("duplicate_custom_id", "The custom_id is not unique.", number))
        seen[line.custom_id] = number
        lines.append(BatchLine(line.custom_id, bytes(line.body)))
    if not lines and not problems:
        problems.append(("empty_file", "The batch input file is empty.", None))
    if len(lines) > batches.LIMITS.requests:
        problems.append(("too_many_tasks", "The batch has too many requests.", None))
    return lines, problems
