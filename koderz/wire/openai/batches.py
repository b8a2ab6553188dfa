"""OpenAI's Batch API: https://platform.openai.com/docs/api-reference/batch.

Requests are uploaded as a file of JSON lines, then submitted by that file's id. Answers come in
one file and errors in another, in any order; a line with another status than 200 may stand in
either. Metadata labels a batch, so that it can be found again in the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from koderz.wire.batches import (
    BatchLimits,
    BatchLine,
    BatchOutcome,
    BatchPage,
    BatchStage,
    BatchStatus,
    OutcomeKind,
    read_completion,
)
from koderz.wire.codec import decode_answer, decode_question, encode_json
from koderz.wire.faults import WireError, read_error
from koderz.wire.openai.errors import encode_error
from koderz.wire.openai.responses import decode_response, encode_response

LIMITS: Final = BatchLimits(requests=50_000, size_bytes=200_000_000)
ENDPOINT: Final = "/v1/chat/completions"
WINDOW: Final = "24h"
TAG_NAME: Final = "koderz"
"""Under what name a batch carries our label in its metadata."""

_OK = 200
_BOUNDARY = "koderz-batch-5f1c9d3e7a"
_STAGES: Final = {
    "completed": BatchStage.ENDED,
    "expired": BatchStage.EXPIRED,
    "cancelled": BatchStage.CANCELLED,
    "failed": BatchStage.FAILED,
}
_CODES: Final = {
    "batch_expired": OutcomeKind.EXPIRED,
    "batch_cancelled": OutcomeKind.CANCELLED,
}
_SAID: Final = {
    OutcomeKind.EXPIRED: WireError(
        "This request could not be executed before the completion window expired.",
        code="batch_expired",
    ),
    OutcomeKind.CANCELLED: WireError(
        "This request was not executed: its batch was cancelled.", code="batch_cancelled"
    ),
}


class FileObject(msgspec.Struct, kw_only=True):
    """A file at the provider; times are seconds since 1970."""

    id: str
    bytes: int = 0
    created_at: int = 0
    filename: str = ""
    purpose: str = "batch"
    status: str = "processed"
    object: str = "file"


class BatchError(msgspec.Struct, kw_only=True):
    """Why a batch was refused: a fault of a line of its file, or of the whole."""

    code: str | None = None
    message: str | None = None
    line: int | None = None
    param: str | None = None


class BatchErrors(msgspec.Struct, kw_only=True):
    """All reasons why a batch was refused."""

    data: list[BatchError] | None = None
    object: str | None = "list"


class RequestCounts(msgspec.Struct, kw_only=True):
    """How many requests there are and what became of them; the total is 0 while validating."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class BatchObject(msgspec.Struct, kw_only=True):
    """A batch; times are seconds since 1970."""

    id: str
    status: str
    input_file_id: str = ""
    endpoint: str = ENDPOINT
    completion_window: str = WINDOW
    created_at: int = 0
    in_progress_at: int | None = None
    expires_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: BatchErrors | None = None
    request_counts: RequestCounts | None = None
    metadata: dict[str, str] | None = None
    object: str = "batch"


class BatchList(msgspec.Struct, kw_only=True):
    """A page of batches."""

    data: list[BatchObject]
    has_more: bool | None = False
    first_id: str | None = None
    last_id: str | None = None
    object: str = "list"


class BatchRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What submits a file."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_expires_after: dict[str, Any] | None = None


class RequestLine(msgspec.Struct, kw_only=True):
    """A line of a file of requests."""

    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _Response(msgspec.Struct, kw_only=True):
    status_code: int
    request_id: str | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _LineError(msgspec.Struct, kw_only=True):
    code: str | None = None
    message: str | None = None


class _ResultLine(msgspec.Struct, kw_only=True):
    custom_id: str
    id: str = ""
    response: _Response | None = None
    error: _LineError | None = None


_FILE = msgspec.json.Decoder(FileObject)
_BATCH = msgspec.json.Decoder(BatchObject)
_LIST = msgspec.json.Decoder(BatchList)
_LINE = msgspec.json.Decoder(_ResultLine)
_REQUEST = msgspec.json.Decoder(BatchRequest)
_REQUEST_LINE = msgspec.json.Decoder(RequestLine)


def encode_lines(lines: Sequence[BatchLine]) -> bytes:
    """The file of these requests: a line of JSON each."""
    return b"".join(
        encode_json(
            RequestLine(
                custom_id=line.custom_id,
                method="POST",
                url=ENDPOINT,
                body=msgspec.Raw(line.body),
            )
        )
        + b"\n"
        for line in lines
    )


def decode_line(line: bytes) -> RequestLine:
    """One line of a file of requests; raises `FormatError`."""
    return decode_question(_REQUEST_LINE, line)


def encode_upload(name: str, content: bytes) -> tuple[bytes, str]:
    """The body that uploads a file for a batch, and its content type."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={_BOUNDARY}"


def decode_file(body: bytes) -> FileObject:
    """A file as the provider tells of it; raises `MalformedResponseError`."""
    return decode_answer(_FILE, body)


def encode_batch(file_id: str, tag: str) -> bytes:
    """The body that submits an uploaded file as a batch labelled `tag`."""
    return encode_json(
        BatchRequest(
            input_file_id=file_id,
            endpoint=ENDPOINT,
            completion_window=WINDOW,
            metadata={TAG_NAME: tag},
        )
    )


def decode_batch(body: bytes) -> BatchRequest:
    """What submits a file; raises `FormatError`."""
    return decode_question(_REQUEST, body)


def decode_status(body: bytes) -> BatchStatus:
    """How a batch stands; raises `MalformedResponseError`."""
    return _read_status(decode_answer(_BATCH, body))


def decode_page(body: bytes) -> BatchPage:
    """A piece of the list of batches; raises `MalformedResponseError`."""
    page = decode_answer(_LIST, body)
    after = page.last_id or (page.data[-1].id if page.data else "")
    return BatchPage(
        batches=tuple(map(_read_status, page.data)), after=after if page.has_more else ""
    )


def encode_outcome(outcome: BatchOutcome, *, line_id: str = "") -> bytes:
    """One line of the results."""
    line = _ResultLine(custom_id=outcome.custom_id, id=line_id)
    said = _SAID.get(outcome.kind)
    if outcome.completion is not None:
        body = msgspec.Raw(encode_response(outcome.completion))
        line.response = _Response(status_code=_OK, request_id=outcome.completion.id, body=body)
    elif said is not None:
        line.error = _LineError(code=said.code, message=said.message)
    else:
        body = msgspec.Raw(encode_error(400, outcome.error.message, outcome.error.kind))
        line.response = _Response(status_code=400, request_id=line_id, body=body)
    return encode_json(line) + b"\n"


def decode_outcome(line: bytes) -> BatchOutcome:
    """One line of either file of results; raises `MalformedResponseError`."""
    read = decode_answer(_LINE, line)
    response, error = read.response, read.error
    if response is not None and response.status_code == _OK:
        return read_completion(
            read.custom_id,
            decode_response,
            bytes(response.body),
            request_id=response.request_id or "",
        )
    if response is not None:
        said = read_error(bytes(response.body))
    else:
        error = error or _LineError()
        said = WireError(error.message or "no reason was given", code=error.code or "")
    kind = _CODES.get(said.code, OutcomeKind.ERRORED)
    return BatchOutcome(custom_id=read.custom_id, kind=kind, error=said)


def _read_status(batch: BatchObject) -> BatchStatus:
    counts = batch.request_counts or RequestCounts()
    files = (batch.output_file_id, batch.error_file_id)
    return BatchStatus(
        id=batch.id,
        stage=_STAGES.get(batch.status, BatchStage.WORKING),
        total=counts.total,
        done=counts.completed + counts.failed,
        files=tuple(file for file in files if file),
        tag=_read_tag(batch.metadata),
        reason=_say_why(batch.errors),
    )


def _read_tag(metadata: Mapping[str, str] | None) -> str:
    return (metadata or {}).get(TAG_NAME, "")


def _say_why(errors: BatchErrors | None) -> str:
    found = (errors.data if errors else None) or []
    return "; ".join(
        f"line {each.line}: {each.message}" if each.line else each.message or each.code or ""
        for each in found[:3]
    )
