"""What is said between those who ask by the batch and those who submit, wait and collect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

import msgspec

from koderz.errors import BudgetExceededError
from koderz.ledger.submissions import Submission, SubmittedRequest
from koderz.models.batches import BatchClient
from koderz.routing.batch_attempts import Judged
from koderz.routing.checks import Accepted, Rejected
from koderz.routing.routes import Route
from koderz.types import Completion, ModelInfo, Request
from koderz.wire.batches import BatchStatus

Judge = Callable[[SubmittedRequest, Completion], "Accepted[object] | Rejected"]
OnStatus = Callable[[Submission, BatchStatus], None]


@runtime_checkable
class BatchSource(Protocol):
    """Gives the client of a model's batch endpoint, as `ModelFactory` does."""

    def get_batch_client(self, model: str, /) -> BatchClient:
        """The client; raises ConfigError where the model's provider has no such endpoint."""


class BatchRequest(msgspec.Struct, frozen=True):
    """A request of a batch, and names for what it asks about, which are all that is kept of it."""

    request: Request
    parts: tuple[str, ...]


class BatchAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be submitted: `question` names it, for a later process to find it again.

    All of it is billed to `job_id`, which may cost `limit_usd` at the most. `is_waited_for` says
    what to do where nobody knows whether the provider took it and only its end will tell.
    """

    question: str
    job_id: str
    route: Route
    model: ModelInfo
    requests: Sequence[BatchRequest]
    limit_usd: Decimal | None = None
    is_waited_for: bool = True


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What went out; where a budget did not cover all of it, its error."""

    submissions: tuple[Submission, ...]
    refusal: BudgetExceededError | None = None


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: `missing` are requests whose result could not be read, this time."""

    judged: tuple[Judged, ...]
    missing: int = 0
