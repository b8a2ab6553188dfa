"""What a request of a provider's batch cost and how it ended, as the ledger's row: pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from koderz.ledger.records import Attempt, Outcome
from koderz.ledger.submissions import Submission, SubmittedRequest
from koderz.models.prices import Price
from koderz.routing.checks import Accepted, Rejected
from koderz.types import Completion, ModelInfo, Usage
from koderz.wire.batches import BatchOutcome, OutcomeKind
from koderz.wire.faults import build_error

T = TypeVar("T")

SOURCE = "provider batch"
"""What such an attempt has in the place of its route's source."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A request with what became of it, its attempt, and its answer's verdict where it has one."""

    request: SubmittedRequest
    outcome: BatchOutcome
    attempt: Attempt
    verdict: Accepted[object] | Rejected | None


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What the attempts of one submission have in common."""

    submission: Submission
    model: ModelInfo
    price: Price
    run_id: str
    ended: datetime
    is_simulated: bool

    def build_attempt(
        self, outcome: BatchOutcome, verdict: Accepted[object] | Rejected | None
    ) -> Attempt:
        """The row of one request, at the batch's rates.

        Providers bill what succeeded and nothing else. An answer that cannot be read, or comes
        without its usage, was billed all the same: its cost is unknown.
        """
        completion = outcome.completion
        usage = completion.usage if completion else Usage()
        return Attempt(
            at=self.submission.at,
            run_id=self.run_id,
            job_id=self.submission.job_id,
            task=self.submission.task,
            tier=self.model.tier,
            provider=self.model.provider,
            model=self.model.name,
            answered_by=completion.model if completion else "",
            usage=usage,
            rates=self.price.rates_for(usage),
            rates_as_of=self.price.as_of,
            cost_usd=self._reckon(outcome, completion),
            latency_s=max(0.0, (self.ended - self.submission.at).total_seconds()),
            outcome=_name_outcome(outcome, verdict),
            reason=_say_why(outcome, verdict),
            route_source=SOURCE,
            request_id=completion.request_id if completion else "",
            is_simulated=self.is_simulated,
            batch_id=self.submission.batch_id,
        )

    def _reckon(self, outcome: BatchOutcome, completion: Completion | None) -> Decimal | None:
        if outcome.kind is not OutcomeKind.SUCCEEDED:
            return Decimal(0)
        if completion is None or completion.usage.is_estimated:
            return None
        return self.price.cost_usd(completion.usage)


def _name_outcome(outcome: BatchOutcome, verdict: Accepted[object] | Rejected | None) -> Outcome:
    if verdict is not None:
        return Outcome.REJECTED if isinstance(verdict, Rejected) else Outcome.ACCEPTED
    return Outcome.CANCELLED if outcome.kind is OutcomeKind.CANCELLED else Outcome.FAILED


def _say_why(outcome: BatchOutcome, verdict: Accepted[object] | Rejected | None) -> str:
    """The reason, which quotes no words of the provider's: they may repeat the prompt."""
    if verdict is not None:
        return verdict.reason if isinstance(verdict, Rejected) else ""
    match outcome.kind:
        case OutcomeKind.EXPIRED:
            return "the batch expired before its turn"
        case OutcomeKind.CANCELLED:
            return "the batch was cancelled before its turn"
        case OutcomeKind.ERRORED:
            return type(build_error(outcome.error)).__name__
        case _:
            return "MalformedResponseError"
