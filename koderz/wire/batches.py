"""A provider's batch in no provider's words: what goes in, how it stands, what comes out.

Each format that has batches offers the same names in its own `batches` module. Both give half
price for an answer within 24 hours, results in any order and an id of ours for each request:

- https://platform.claude.com/docs/en/build-with-claude/batch-processing: at most 100,000 requests
  or 256 MB; all usage at 50%; what errored, expired or was cancelled is not billed; results are
  kept for 29 days; all active models take part.
- https://platform.openai.com/docs/guides/batch: at most 50,000 requests or 200 MB in a file; 50%
  less; requests that were completed before an expiry are billed; files are kept for 30 days; most
  models take part, each model's page says whether.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from koderz.errors import MalformedResponseError
from koderz.types import Completion
from koderz.wire.faults import WireError


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one batch may hold."""

    requests: int
    size_bytes: int


class BatchLine(msgspec.Struct, frozen=True):
    """One request of a batch under an id of ours: its body is that of a call of its own."""

    custom_id: str
    body: bytes


class BatchStage(StrEnum):
    """How far a batch is.

    failed: refused whole, before anything was asked; archived: its results are no longer kept.
    """

    WORKING = "working"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ARCHIVED = "archived"


class BatchStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as its provider tells of it.

    `total` requests are in it (0 where that is not known yet) and `done` of them are dealt with.
    `files` are where its results are, `tag` is what it was labelled with, `reason` says why it
    failed.
    """

    id: str
    stage: BatchStage
    total: int = 0
    done: int = 0
    files: tuple[str, ...] = ()
    tag: str = ""
    reason: str = ""


class BatchPage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a provider's list of batches, the newest first; `after` asks for the next one."""

    batches: tuple[BatchStatus, ...]
    after: str = ""


class OutcomeKind(StrEnum):
    """What became of a request: only those that succeeded are billed."""

    SUCCEEDED = "succeeded"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class BatchOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One request's result: a completion where it succeeded and can be read, else an error."""

    custom_id: str
    kind: OutcomeKind
    completion: Completion | None = None
    error: WireError = WireError("")


class BatchWire(Protocol):
    """What the `batches` module of a format offers to a client."""

    LIMITS: BatchLimits

    def decode_status(self, body: bytes, /) -> BatchStatus:
        """How a batch stands; raises `MalformedResponseError`."""

    def decode_page(self, body: bytes, /) -> BatchPage:
        """A piece of the list of batches; raises `MalformedResponseError`."""

    def decode_outcome(self, line: bytes, /) -> BatchOutcome:
        """One line of the results; raises `MalformedResponseError`."""


def decode_outcomes(
    decode: Callable[[bytes], BatchOutcome], body: bytes
) -> tuple[tuple[BatchOutcome, ...], int]:
    """The results in a file of JSON lines, and how many of its lines cannot be read."""
    outcomes: list[BatchOutcome] = []
    broken = 0
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            outcomes.append(decode(line))
        except MalformedResponseError:
            broken += 1
    return tuple(outcomes), broken


def read_completion(
    custom_id: str, decode: Callable[[bytes], Completion], body: bytes, *, request_id: str = ""
) -> BatchOutcome:
    """The outcome of a request that succeeded; an answer that is none keeps the reason."""
    try:
        completion = decode(body)
    except MalformedResponseError as error:
        said = WireError(error.message, "malformed")
        return BatchOutcome(custom_id=custom_id, kind=OutcomeKind.SUCCEEDED, error=said)
    named = msgspec.structs.replace(completion, request_id=request_id or completion.id)
    return BatchOutcome(custom_id=custom_id, kind=OutcomeKind.SUCCEEDED, completion=named)


def split_lines(lines: Sequence[BatchLine], limits: BatchLimits) -> list[list[BatchLine]]:
    """The requests in as few batches as the limits allow, in their order."""
    batches: list[list[BatchLine]] = []
    size_bytes = 0
    for line in lines:
        cost_bytes = len(line.body) + len(line.custom_id) + LINE_BYTES
        is_full = not batches or len(batches[-1]) >= limits.requests
        if is_full or size_bytes + cost_bytes > limits.size_bytes:
            batches.append([])
            size_bytes = 0
        batches[-1].append(line)
        size_bytes += cost_bytes
    return batches


LINE_BYTES = 96
"""At most what a format writes around a request."""
