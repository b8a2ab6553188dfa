"""Submitting: within the budget, written down first, and never twice without a look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import msgspec

from koderz.config.settings import KoderzSettings
from koderz.errors import BudgetExceededError, ProviderError, SubmissionDoubtError
from koderz.ledger.store import Ledger
from koderz.ledger.submissions import Submission, SubmissionState, SubmittedRequest
from koderz.models.batches import BatchClient
from koderz.models.prices import PriceBook
from koderz.routing.attempts import Call, estimate_cost_usd
from koderz.routing.batch_search import find_batch
from koderz.routing.batch_values import BatchAsk, BatchRequest, Submitted
from koderz.routing.budget import Budget, Reservation
from koderz.routing.requests import fill_limits, fit_to_model
from koderz.wire.batches import BatchLine, BatchStatus, split_lines


class _Ready(msgspec.Struct, frozen=True):
    """A request that is within the budget, as it goes out."""

    line: BatchLine
    parts: tuple[str, ...]
    estimate_usd: Decimal | None
    reservation: Reservation


class BatchSender:
    """Submits for one run, and knows what is set aside for what is out."""

    def __init__(
        self,
        *,
        settings: KoderzSettings,
        prices: PriceBook,
        ledger: Ledger,
        budget: Budget,
        run_id: str,
    ) -> None:
        self._settings, self._prices, self._ledger = settings, prices, ledger
        self._budget, self._run_id = budget, run_id
        self._reserved: dict[tuple[str, int], Reservation] = {}

    async def submit(self, client: BatchClient, ask: BatchAsk) -> Submitted:
        """Submit as much as the budget covers; see `Batches.submit`."""
        ready, refusal = self._reserve(client, ask)
        if refusal and not ready:
            raise refusal
        submissions = []
        for group in split_lines([each.line for each in ready], client.batch_wire.LIMITS):
            part, ready = ready[: len(group)], ready[len(group) :]
            submissions.append(await self._submit(client, ask, part))
        return Submitted(submissions=tuple(submissions), refusal=refusal)

    async def find(
        self, client: BatchClient, submission: Submission, *, is_waited_for: bool
    ) -> Submission | None:
        """A submission that nobody heard of, with its batch; None where the provider has none."""
        found = await find_batch(
            client,
            submission,
            self._ledger.submissions.load_batch_ids(submission.provider),
            poll_s=self._settings.batch.poll_s,
            is_waited_for=is_waited_for,
        )
        return self._keep_batch(submission, found) if found else None

    def settle(self, submission: Submission, position: int, cost_usd: Decimal | None) -> None:
        """Put what a request cost in the place of what was set aside for it."""
        if reservation := self._reserved.pop((submission.id, position), None):
            reservation.settle(cost_usd)

    def void(self, submission: Submission) -> None:
        """Be done with a submission of which nothing was asked."""
        self._ledger.submissions.move(submission, SubmissionState.VOID)
        for request in submission.requests:
            self.settle(submission, request.position, Decimal(0))

    def _reserve(
        self, client: BatchClient, ask: BatchAsk
    ) -> tuple[list[_Ready], BudgetExceededError | None]:
        """What the budget covers, and the error that the first one beyond it meets."""
        ready: list[_Ready] = []
        for each in ask.requests:
            call = self._build_call(ask, each)
            estimate_usd = estimate_cost_usd(call)
            line = client.encode(call.request, "")
            try:
                reservation = self._budget.reserve(
                    # Asked at once, before the loop goes on.
                    lambda: estimate_usd,  # noqa: B023 - as said.
                    job_id=ask.job_id,
                    tier=ask.model.tier,
                    job_limit_usd=ask.limit_usd,
                )
            except BudgetExceededError as error:
                return ready, error
            ready.append(_Ready(line, each.parts, estimate_usd, reservation))
        return ready, None

    def _build_call(self, ask: BatchAsk, each: BatchRequest) -> Call:
        request = fill_limits(each.request, ask.route)
        return Call(
            request=fit_to_model(request, ask.model, task=ask.route.task),
            model=ask.model,
            price=self._prices.get_batch_price(ask.model),
            route=ask.route,
            run_id=self._run_id,
            job_id=ask.job_id,
        )

    async def _submit(
        self, client: BatchClient, ask: BatchAsk, ready: Sequence[_Ready]
    ) -> Submission:
        newest = (await client.fetch_page(limit=1)).batches
        submission = Submission(
            id=f"kz{uuid4().hex[:24]}",
            at=datetime.now(UTC),
            question=ask.question,
            run_id=self._run_id,
            job_id=ask.job_id,
            task=ask.route.task,
            provider=ask.model.provider,
            model=ask.model.name,
            newest_before=newest[0].id if newest else "",
            requests=tuple(
                SubmittedRequest(position=at, parts=each.parts, estimate_usd=each.estimate_usd)
                for at, each in enumerate(ready)
            ),
        )
        lines = []
        for request, each in zip(submission.requests, ready, strict=True):
            self._reserved[submission.id, request.position] = each.reservation
            lines.append(BatchLine(submission.build_custom_id(request), each.line.body))
        self._ledger.submissions.intend(submission)
        return await self._send(client, submission, lines, is_waited_for=ask.is_waited_for)

    async def _send(
        self,
        client: BatchClient,
        submission: Submission,
        lines: Sequence[BatchLine],
        *,
        is_waited_for: bool,
    ) -> Submission:
        """The submission as the provider has it; sent again only where a look finds nothing."""
        tries = 0
        while True:
            tries += 1
            try:
                status = await client.submit(lines, tag=submission.id)
            except SubmissionDoubtError:
                found = await self.find(client, submission, is_waited_for=is_waited_for)
                if found is not None:
                    return found
                if tries > self._settings.http.retries:
                    self.void(submission)
                    raise
            except ProviderError:
                self.void(submission)
                raise
            else:
                return self._keep_batch(submission, status)

    def _keep_batch(self, submission: Submission, status: BatchStatus) -> Submission:
        return self._ledger.submissions.move(
            submission, SubmissionState.SUBMITTED, batch_id=status.id
        )
