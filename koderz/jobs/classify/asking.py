"""A model's part in labelling: texts many a prompt, what is missing asked about again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import msgspec

from koderz.errors import RequestRejectedError, RoutingError
from koderz.jobs.asking import TRIES_PER_MODEL, run_together
from koderz.jobs.classify.checks import build_labels_check
from koderz.jobs.classify.likelihoods import TOP_LOGPROBS, find_certainties
from koderz.jobs.classify.packing import Batch, pack
from koderz.ledger.records import Attempt
from koderz.models.prices import Price
from koderz.prompts.classify import build_labels_request
from koderz.routing.routes import Route
from koderz.types import ModelInfo, Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_ROUNDS = 3

OnLabels = Callable[[Mapping[str, str], Attempt, Mapping[str, float]], None]
"""Told of each accepted answer: labels by text, the attempt that gave them, and how sure the model
was of them by its own log-probabilities, also by text (of those of which it says so)."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking: how many prompts were answered, all attempts, and what failed."""

    prompts: int = 0
    attempts: tuple[Attempt, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()

    def join(self, other: Asked) -> Asked:
        """Both together."""
        failures = Counter(dict(self.failures)) + Counter(dict(other.failures))
        return Asked(
            prompts=self.prompts + other.prompts,
            attempts=(*self.attempts, *other.attempts),
            failures=tuple(failures.most_common()),
        )


class Labeller:
    """Asks a router for labels for one job, which may cost `limit_usd` at most.

    `task` is what its calls are in the ledger.
    """

    def __init__(
        self,
        router: Router,
        route: Route,
        labels: Sequence[str],
        *,
        job_id: str,
        limit_usd: Decimal | None,
        batch: int | None,
        task: TaskKind = TaskKind.CLASSIFICATION,
    ) -> None:
        self._task = task
        self._router, self._route, self._labels = router, route, labels
        self.job_id, self._limit_usd, self._most = job_id, limit_usd, batch
        # The router's deadline runs from the moment of asking: a batch asks when its turn comes.
        self._turns = asyncio.Semaphore(router.settings.koderz.routing.side_concurrency)

    def price(self, model: ModelInfo) -> Price:
        """What a model costs here."""
        return self._router.price(model)

    def list_unsent(self, texts: Sequence[str]) -> list[str]:
        """The texts that have not been asked about yet: all of them."""
        return list(texts)

    async def ask(
        self, texts: Sequence[str], on_labels: OnLabels, models: Sequence[str] = ()
    ) -> Asked:
        """Have all texts labelled; those that an accepted answer leaves out are asked again.

        `models` are asked instead of those of the route.
        """
        asked, left = Asked(), list(texts)
        for _ in range(MOST_ROUNDS):
            batches = await asyncio.to_thread(pack, left, self._labels, self._route, self._most)
            results = await run_together(self._ask(batch, on_labels, models) for batch in batches)
            for one, _ in results:
                asked = asked.join(one)
            left = [text for _, missing in results for text in missing]
            if not left:
                return asked
        failure = f"it was left out of {MOST_ROUNDS} answers"
        return asked.join(Asked(failures=((failure, len(left)),)))

    async def _ask(
        self, batch: Batch, on_labels: OnLabels, models: Sequence[str]
    ) -> tuple[Asked, list[str]]:
        """One prompt; one that a provider refuses is asked in halves, so that one text is lost."""
        try:
            async with self._turns:
                answer = await self._router.ask(
                    build_request(batch, self._route, self._labels),
                    self._task,
                    build_labels_check(batch.codes, self._labels),
                    job_id=self.job_id,
                    tries_per_model=TRIES_PER_MODEL,
                    limit_usd=self._limit_usd,
                    models=models,
                    build_facts=lambda: {"codes": batch.codes, "labels": self._labels},
                )
        except (RoutingError, RequestRejectedError) as error:
            attempts = cast("tuple[Attempt, ...]", error.attempts)
            if isinstance(error, RequestRejectedError) and len(batch.texts) > 1:
                return await self._ask_halves(batch, attempts, on_labels, models)
            failure = ((str(error), len(batch.texts)),)
            return Asked(attempts=attempts, failures=failure), []
        by_code = dict(zip(batch.codes, batch.texts, strict=True))
        labels = {by_code[code]: label for code, label in answer.value.items()}
        certainties = find_certainties(answer.completion, answer.value)
        by_text = {by_code[code]: value for code, value in certainties.items()}
        on_labels(labels, answer.attempts[-1], by_text)
        missing = [text for text in batch.texts if text not in labels]
        return Asked(prompts=1, attempts=answer.attempts), missing

    async def _ask_halves(
        self,
        batch: Batch,
        attempts: tuple[Attempt, ...],
        on_labels: OnLabels,
        models: Sequence[str],
    ) -> tuple[Asked, list[str]]:
        asked, left = Asked(attempts=attempts), list[str]()
        for half in batch.halve():
            one, missing = await self._ask(half, on_labels, models)
            asked, left = asked.join(one), left + missing
        return asked, left


def build_request(batch: Batch, route: Route, labels: Sequence[str]) -> Request:
    """The batch's prompt, its limits those that it was packed for, whoever is asked."""
    return msgspec.structs.replace(
        build_labels_request(batch.lines, labels),
        max_tokens=route.max_tokens,
        temperature=route.temperature,
        # With nobody to escalate to, nothing asks how sure a label is.
        top_logprobs=TOP_LOGPROBS if len(route.models) > 1 else 0,
    )
