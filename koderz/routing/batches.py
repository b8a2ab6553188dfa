"""Many questions at a provider's batch endpoint: half the price, an answer within a day.

The order of things keeps a crash from paying twice. What is to go out is in the ledger before the
provider hears of it, beside the provider's newest batch until then; so one that was taken without
anybody hearing of it is among those that came after. OpenAI shows the label that a batch was
submitted with. Anthropic shows none: there a batch of as many requests that nobody here knows is
waited for, and the ids in its results tell whose it is. Only when it is not there is it sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from koderz.config.settings import Settings
from koderz.errors import ProviderError, StoreError, UnknownModelError
from koderz.ledger.store import Ledger
from koderz.ledger.submissions import Submission, SubmissionState
from koderz.locks import hold_lock
from koderz.models.batches import BatchClient, BatchResults
from koderz.models.prices import Price, PriceBook
from koderz.models.registry import get_model_info
from koderz.routing.batch_attempts import Bill, Judged
from koderz.routing.batch_search import check_patience, list_waits
from koderz.routing.batch_sending import BatchSender
from koderz.routing.batch_values import (
    BatchAsk,
    BatchSource,
    Collected,
    Judge,
    OnStatus,
    Submitted,
)
from koderz.routing.budget import Budget
from koderz.types import ModelInfo
from koderz.wire.batches import BatchOutcome, BatchStage, BatchStatus, OutcomeKind

MOST_LOST_POLLS = 30


class Batches:
    """Asks by the batch, over a router's own clients, prices, budget and ledger."""

    def __init__(
        self,
        *,
        settings: Settings,
        clients: BatchSource,
        prices: PriceBook,
        ledger: Ledger,
        budget: Budget,
        run_id: str,
    ) -> None:
        self._settings, self._clients, self._prices = settings, clients, prices
        self._ledger, self._run_id = ledger, run_id
        self._poll_s = settings.koderz.batch.poll_s
        self._sender = BatchSender(
            settings=settings.koderz, prices=prices, ledger=ledger, budget=budget, run_id=run_id
        )

    def price(self, model: ModelInfo) -> Price:
        """What a model costs in a batch."""
        return self._prices.get_batch_price(model)

    def check(self, model: ModelInfo) -> None:
        """Raise ConfigError where the model's provider has no batch endpoint, or no key is set."""
        self._clients.get_batch_client(model.name)

    @contextmanager
    def hold(self, question: str) -> Iterator[None]:
        """Let no other process ask this question meanwhile; StoreError where one does."""
        path = self._ledger.path
        taken = StoreError("another run is at the same batch: wait for it, or end it")
        with hold_lock(Path(f"{path}.{question[:16]}.lock"), taken):
            yield

    def load_open(self, question: str) -> tuple[Submission, ...]:
        """What was submitted for a question and not closed, also by an earlier process."""
        return self._ledger.submissions.load_open(question)

    def load_committed_usd(self, job_id: str, submissions: Sequence[Submission]) -> Decimal:
        """What a job has cost by the ledger, and what these submissions may still cost it."""
        costs = [attempt.cost_usd for attempt in self._ledger.load_attempts(job_id)]
        for submission in submissions:
            waiting = (each for each in submission.requests if not each.is_recorded)
            costs += [each.estimate_usd for each in waiting]
        return sum((cost for cost in costs if cost is not None), Decimal(0))

    async def submit(self, ask: BatchAsk) -> Submitted:
        """Submit as much as the budget covers, in as few batches as the provider's limits allow.

        Raises BudgetExceededError where it covers nothing, ConfigError as `check` does, and a
        ProviderError where the provider refuses it or cannot be reached.
        """
        return await self._sender.submit(self._clients.get_batch_client(ask.model.name), ask)

    async def follow(
        self, submission: Submission, on_status: OnStatus, *, is_waited_for: bool
    ) -> tuple[Submission, BatchStatus] | None:
        """The submission and its batch once that is done; None where the provider never had it.

        Raises BatchPendingError where it is under way and not `is_waited_for`, and a
        ProviderError: ModelNotFoundError where the provider knows no such batch.
        """
        client = self._clients.get_batch_client(submission.model)
        if not submission.batch_id:
            found = await self._sender.find(client, submission, is_waited_for=is_waited_for)
            if found is None:
                self.void(submission)
                return None
            submission = found
        for wait_s in list_waits(self._poll_s):
            status = await self._fetch_status(client, submission)
            on_status(submission, status)
            if status.stage is not BatchStage.WORKING:
                return submission, status
            check_patience(submission.batch_id, is_waited_for=is_waited_for)
            await asyncio.sleep(wait_s)
        raise AssertionError

    async def collect(self, submission: Submission, status: BatchStatus, judge: Judge) -> Collected:
        """The answers, judged, each recorded at the batch's rates however often it is collected."""
        client = self._clients.get_batch_client(submission.model)
        named = {submission.build_custom_id(each): each for each in submission.requests}
        results = await client.fetch_results(status, named)
        bill = self._build_bill(submission, results)
        judged = []
        for outcome in (*results.outcomes, *_fill_in(results, status)):
            request, answer = named[outcome.custom_id], outcome.completion
            verdict = judge(request, answer) if answer is not None else None
            attempt = bill.build_attempt(outcome, verdict)
            judged.append(
                Judged(request=request, outcome=outcome, attempt=attempt, verdict=verdict)
            )
        judged.sort(key=lambda each: each.request.position)
        self._record(submission, judged)
        return Collected(judged=tuple(judged), missing=len(named) - len(judged))

    def close(self, submission: Submission) -> None:
        """Be done with a submission: its answers were used."""
        self._ledger.submissions.move(submission, SubmissionState.CLOSED)

    def void(self, submission: Submission) -> None:
        """Be done with a submission of which nothing was asked."""
        self._sender.void(submission)

    async def _fetch_status(self, client: BatchClient, submission: Submission) -> BatchStatus:
        """How the batch stands; a provider that fails for a while does not end the wait."""
        lost = 0
        while True:
            try:
                return await client.fetch_status(submission.batch_id)
            except ProviderError as error:
                lost += 1
                if not error.retryable or lost > MOST_LOST_POLLS:
                    raise
            await asyncio.sleep(self._poll_s)

    def _build_bill(self, submission: Submission, results: BatchResults) -> Bill:
        model = get_model_info(submission.model, self._settings)
        if model is None:
            raise UnknownModelError(submission.model)
        return Bill(
            submission=submission,
            model=model,
            price=self._prices.get_batch_price(model, submission.at),
            run_id=self._run_id,
            ended=datetime.now(UTC),
            is_simulated=results.is_simulated,
        )

    def _record(self, submission: Submission, judged: Sequence[Judged]) -> None:
        """Settle first: what was paid counts against the budget even if the ledger is full."""
        for each in judged:
            self._sender.settle(submission, each.request.position, each.attempt.cost_usd)
        self._ledger.submissions.record(
            submission, [(each.request.position, each.attempt) for each in judged]
        )


def _fill_in(results: BatchResults, status: BatchStatus) -> Iterator[BatchOutcome]:
    """Outcomes of what an ended batch has no lines for, where nothing broke off.

    What is archived was answered and billed, but nobody can read it any more.
    """
    early = {
        BatchStage.EXPIRED: OutcomeKind.EXPIRED,
        BatchStage.CANCELLED: OutcomeKind.CANCELLED,
        BatchStage.ARCHIVED: OutcomeKind.SUCCEEDED,
    }
    if results.is_whole and status.stage in early:
        for name in results.missing:
            yield BatchOutcome(custom_id=name, kind=early[status.stage])
