"""Anthropic's Message Batches: https://platform.claude.com/docs/en/api/messages/batches.

Requests go in one body, `{"requests": [{"custom_id", "params"}]}`; results come as JSON lines once
processing has ended, in any order. A batch carries no label of ours: only the results tell, by
their ids, whose it is. All counts but `processing` are 0 until the whole batch has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from koderz.wire.anthropic.errors import encode_error
from koderz.wire.anthropic.responses import decode_response, encode_response
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
from koderz.wire.faults import read_error

LIMITS: Final = BatchLimits(requests=100_000, size_bytes=256_000_000)
PATH: Final = "/v1/messages/batches"
CUSTOM_ID: Final = r"^[a-zA-Z0-9_-]{1,64}$"
"""What an id has to look like."""


class RequestCounts(msgspec.Struct, kw_only=True):
    """How many requests are in which state; their sum is always the batch's size."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.processing + self.done

    @property
    def done(self) -> int:
        """Those that nothing more happens to."""
        return self.succeeded + self.errored + self.canceled + self.expired


class MessageBatch(msgspec.Struct, kw_only=True):
    """A batch; times are RFC 3339."""

    id: str
    processing_status: str
    request_counts: RequestCounts
    created_at: str = ""
    expires_at: str = ""
    ended_at: str | None = None
    cancel_initiated_at: str | None = None
    archived_at: str | None = None
    results_url: str | None = None
    type: str = "message_batch"


class BatchList(msgspec.Struct, kw_only=True):
    """A page of batches."""

    data: list[MessageBatch]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None


class _Result(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: Literal["succeeded", "errored", "canceled", "expired"]
    message: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _ResultLine(msgspec.Struct, kw_only=True):
    custom_id: str
    result: _Result


class _Request(msgspec.Struct):
    custom_id: str
    params: msgspec.Raw


class _Requests(msgspec.Struct):
    requests: list[_Request]


_BATCH = msgspec.json.Decoder(MessageBatch)
_LIST = msgspec.json.Decoder(BatchList)
_LINE = msgspec.json.Decoder(_ResultLine)
_REQUESTS = msgspec.json.Decoder(_Requests)
_WORDS: Final = {
    OutcomeKind.SUCCEEDED: "succeeded",
    OutcomeKind.ERRORED: "errored",
    OutcomeKind.CANCELLED: "canceled",
    OutcomeKind.EXPIRED: "expired",
}
_KINDS: Final = {word: kind for kind, word in _WORDS.items()}


def encode_batch(lines: Sequence[BatchLine]) -> bytes:
    """The body that submits these requests."""
    return encode_json(
        _Requests([_Request(line.custom_id, msgspec.Raw(line.body)) for line in lines])
    )


def decode_batch(body: bytes) -> tuple[BatchLine, ...]:
    """The requests that a body submits; raises `FormatError`."""
    requests = decode_question(_REQUESTS, body).requests
    return tuple(BatchLine(each.custom_id, bytes(each.params)) for each in requests)


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


def encode_outcome(outcome: BatchOutcome) -> bytes:
    """One line of the results."""
    result = _Result(type=_WORDS[outcome.kind])  # type: ignore[arg-type] # the words are its own
    if outcome.completion is not None:
        result.message = msgspec.Raw(encode_response(outcome.completion))
    elif outcome.kind is OutcomeKind.ERRORED:
        said = outcome.error
        result.error = msgspec.Raw(encode_error(400, said.message, said.kind))
    return encode_json(_ResultLine(custom_id=outcome.custom_id, result=result)) + b"\n"


def decode_outcome(line: bytes) -> BatchOutcome:
    """One line of the results; raises `MalformedResponseError`."""
    read = decode_answer(_LINE, line)
    kind = _KINDS[read.result.type]
    if kind is OutcomeKind.SUCCEEDED:
        return read_completion(read.custom_id, decode_response, bytes(read.result.message))
    error = read_error(bytes(read.result.error) or b"{}")
    return BatchOutcome(custom_id=read.custom_id, kind=kind, error=error)


def _read_status(batch: MessageBatch) -> BatchStatus:
    counts = batch.request_counts
    return BatchStatus(
        id=batch.id,
        stage=_read_stage(batch),
        total=counts.total,
        done=counts.done,
        files=(batch.results_url,) if batch.results_url else (),
    )


def _read_stage(batch: MessageBatch) -> BatchStage:
    counts = batch.request_counts
    if batch.processing_status != "ended":
        return BatchStage.WORKING
    if batch.archived_at:
        return BatchStage.ARCHIVED
    if counts.canceled:
        return BatchStage.CANCELLED
    return BatchStage.EXPIRED if counts.expired else BatchStage.ENDED
