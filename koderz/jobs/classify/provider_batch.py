"""A model's part in labelling at its provider's batch endpoint: half the price, within a day.

It stands in for `classify_asking.Labeller`: same prompts, same check. What differs is how often is
asked, as nobody sits and waits: a text without a label goes into the next batch, up to three of the
same model and then of the main one; a request that the provider refuses comes back in halves.

What was submitted is in the ledger, each text by its digest. So whoever asks for the same labels
of the same model again goes on with what is out, whatever items the file has by now: no text is
submitted a second time while an answer to it is to come.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import msgspec

from koderz.errors import (
    BatchPendingError,
    BudgetExceededError,
    JobError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
)
from koderz.jobs.classify.asking import Asked, OnLabels, build_request
from koderz.jobs.classify.batch_news import NewsKind, ProviderBatch, build_news
from koderz.jobs.classify.batch_texts import Open, judge_request, list_digests, name_parts
from koderz.jobs.classify.packing import Batch, pack
from koderz.ledger.submissions import Submission
from koderz.models.prices import Price
from koderz.routing.batch_values import BatchAsk, BatchRequest, Collected
from koderz.routing.router import sum_costs
from koderz.routing.routes import Route
from koderz.types import ModelInfo
from koderz.wire.batches import BatchStage, BatchStatus

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_TRIES = 3

OnProgress = Callable[[str, int, int], None]


class BatchLabeller:
    """Asks for labels for one job by the batch; use it as a context, which this run has alone.

    Its job is that of an earlier run which it goes on with. Leaving it without an error closes
    what was submitted.

    Raises:
        ConfigError: the provider of a model of the route has no batch endpoint.
        StoreError: another run is at the same labels.
        BatchPendingError: a batch is under way and is not to be waited for.
        JobError: a batch was refused, or is unknown to the provider.
        ProviderError: the provider cannot be reached, or refuses the key.
    """

    def __init__(
        self,
        router: Router,
        route: Route,
        labels: Sequence[str],
        *,
        limit_usd: Decimal | None,
        batch: int | None,
        options: ProviderBatch,
        on_progress: OnProgress | None,
    ) -> None:
        self._batches, self._route, self._labels = router.batches, route, labels
        self._limit_usd, self._most, self._options = limit_usd, batch, options
        self._on_progress = on_progress
        self._stack = ExitStack()
        self._told: set[str] = set()
        self._collected: dict[str, Submission] = {}
        self.job_id = uuid4().hex

    async def __aenter__(self) -> Self:
        for model in self._route.models:
            self._batches.check(model)
        with ExitStack() as stack:
            first = self._name_question(self._route.models[0])
            stack.enter_context(self._batches.hold(first))
            self._resume()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is None:
                await self._finish()

    def _resume(self) -> None:
        """Go on with the job of what is out, within what is left of the limit."""
        open_ = self._load_all()
        self.job_id = open_[0].job_id if open_ else self.job_id
        if self._limit_usd is not None:
            committed_usd = self._batches.load_committed_usd(self.job_id, open_)
            self._limit_usd = max(Decimal(0), self._limit_usd - committed_usd)

    def price(self, model: ModelInfo) -> Price:
        """What a model costs here."""
        return self._batches.price(model)

    def list_unsent(self, texts: Iterable[str]) -> list[str]:
        """The texts that no batch which is out is about."""
        sent = {digest for each in self._load_all() for digest in list_digests(each)}
        return [text for digest, text in name_parts(texts).items() if digest not in sent]

    async def ask(
        self, texts: Sequence[str], on_labels: OnLabels, models: Sequence[str] = ()
    ) -> Asked:
        """Have all texts labelled; what one model gives no label goes to the route's next one.

        `models` are asked instead of those of the route, of which they are.
        """
        asked, left = Asked(), Open(texts)
        for model in self._route.models:
            if not models or model.name in models:
                asked = asked.join(await self._ask_model(model, left, on_labels))
        return asked.join(Asked(failures=left.list_failures()))

    async def _ask_model(self, model: ModelInfo, left: Open, on_labels: OnLabels) -> Asked:
        """Collect what is out for the model, submit what is not, until nothing is left to do."""
        asked, seen = Asked(), set[str]()
        while left.texts:
            open_ = self._batches.load_open(self._name_question(model))
            waiting = [each for each in open_ if each.id not in seen]
            tries = Counter(digest for each in open_ for digest in list_digests(each))
            under_way = {digest for each in waiting for digest in list_digests(each)}
            unsent = [name for name in left.list_askable() if name not in under_way]
            unsent = [name for name in unsent if tries[name] < MOST_TRIES]
            if unsent:
                await self._submit(model, left, unsent)
            elif waiting:
                seen.add(waiting[0].id)
                asked = asked.join(await self._collect(waiting[0], left, on_labels))
            else:
                break
        return asked

    async def _submit(self, model: ModelInfo, left: Open, names: Sequence[str]) -> None:
        """Submit the texts of these names; those that a budget does not cover are not asked."""
        packed = await asyncio.to_thread(lambda: tuple(self._pack(left, names)))
        ask = BatchAsk(
            question=self._name_question(model),
            job_id=self.job_id,
            route=self._route,
            model=model,
            requests=[self._build_request(each) for each in packed],
            limit_usd=self._limit_usd,
            is_waited_for=self._options.is_waited_for,
        )
        try:
            submitted = await self._batches.submit(ask)
        except BudgetExceededError as error:
            left.refuse(names, str(error))
            return
        sent = {digest for each in submitted.submissions for digest in list_digests(each)}
        left.refuse([name for name in names if name not in sent], str(submitted.refusal))
        for each in submitted.submissions:
            self._tell(each, "submitted")

    def _pack(self, left: Open, names: Sequence[str]) -> Iterator[Batch]:
        for most, texts in left.group(names).items():
            yield from pack(texts, self._labels, self._route, most or self._most)

    def _build_request(self, batch: Batch) -> BatchRequest:
        """A prompt; its beginning is not marked for a cache, which few of a batch would meet."""
        request = build_request(batch, self._route, self._labels)
        parts = zip(batch.codes, name_parts(batch.texts), strict=True)
        return BatchRequest(
            msgspec.structs.replace(request, system_is_stable=False),
            tuple(f"{code}:{digest}" for code, digest in parts),
        )

    async def _collect(
        self, submission: Submission, left: Open, on_labels: OnLabels, *, is_needed: bool = True
    ) -> Asked:
        if submission.batch_id:
            self._tell(submission, "found again")
        is_waited_for = is_needed and self._options.is_waited_for
        try:
            followed = await self._batches.follow(
                submission, self._report, is_waited_for=is_waited_for
            )
        except ModelNotFoundError as error:
            raise JobError(
                f"{submission.provider} knows no batch {submission.batch_id} ({error.message}): "
                "ask with the key that it was submitted with, or without --provider-batch"
            ) from None
        if followed is None:
            return Asked()
        submission, status = followed
        self._check_status(submission, status)
        collected = await self._batches.collect(
            submission, status, lambda request, answer: judge_request(request, answer, self._labels)
        )
        return self._use(submission, status, collected, left, on_labels)

    def _use(
        self,
        submission: Submission,
        status: BatchStatus,
        collected: Collected,
        left: Open,
        on_labels: OnLabels,
    ) -> Asked:
        accepted = sum(left.take(judged, on_labels) for judged in collected.judged)
        if collected.missing:
            raise MalformedResponseError(
                f"the results of the batch {status.id} break off: {collected.missing} of "
                f"{len(submission.requests)} cannot be read; the same command reads them again"
            )
        if status.stage is BatchStage.CANCELLED:
            left.refuse(list_digests(submission), f"the batch {status.id} was cancelled")
        attempts = tuple(judged.attempt for judged in collected.judged)
        if submission.id in self._collected:
            return Asked()
        self._collected[submission.id] = submission
        self._tell(submission, "collected", sum_costs(attempts))
        return Asked(prompts=accepted, attempts=attempts)

    def _check_status(self, submission: Submission, status: BatchStatus) -> None:
        if status.stage is BatchStage.FAILED:
            self._batches.void(submission)
            raise JobError(
                f"{submission.provider} refused the batch {status.id}: "
                f"{status.reason or 'it gave no reason'}; nothing was asked, "
                "and the same command submits it again"
            )

    async def _finish(self) -> None:
        """Close what was used; what nobody needed any more is recorded where it is done."""
        for submission in self._load_all():
            if submission.id not in self._collected:
                try:
                    await self._collect(submission, Open(()), _ignore, is_needed=False)
                except (BatchPendingError, JobError, ProviderError):
                    continue  # It stays open: a later run may have more luck with it.
            self._batches.close(submission)

    def _load_all(self) -> list[Submission]:
        """What is out for any model of the route, the oldest first."""
        questions = dict.fromkeys(map(self._name_question, self._route.models))
        found = [each for question in questions for each in self._batches.load_open(question)]
        return sorted(found, key=lambda each: each.at)

    def _name_question(self, model: ModelInfo) -> str:
        """What is asked, in a word: these labels of this model, on a route that begins so.

        The prompt's wording is no part of it: an answer to an older one is as good.
        """
        words = ("labels", *sorted(self._labels), self._route.models[0].name, model.name)
        return sha256("\0".join(words).encode(errors="surrogatepass")).hexdigest()

    def _tell(
        self,
        submission: Submission,
        kind: NewsKind,
        cost_usd: Decimal | None = None,
    ) -> None:
        if kind != "collected" and submission.id in self._told:
            return
        self._told.add(submission.id)
        if self._options.on_news:
            texts = len(list_digests(submission))
            self._options.on_news(build_news(submission, kind, texts, cost_usd))

    def _report(self, submission: Submission, status: BatchStatus) -> None:
        if self._on_progress:
            total = status.total or len(submission.requests)
            self._on_progress(f"batch {status.id}", status.done, total)


def _ignore(*_: object) -> None:
    """Use no label: what it was asked for has one."""
