"""Labels for many short texts: each with what decided it, and the receipt of it all.

    async with open_router() as router:
        result = await router.perform(ClassifyBatch(items, ("bug", "question"), examples))

Near duplicates are labelled once. What the examples teach is tried first (`koderz.extract.labels`):
a label that they make sure of is taken. The rest go to the small model, many a prompt; where its
label is doubtful, because the examples' linear model says otherwise or hardly knows, or because its
own log-probabilities say so (`koderz.jobs.classify.doubts`), the main model is asked. With no model
the linear model's label is taken where it is likely right, else none.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from decimal import Decimal
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from koderz.errors import JobError
from koderz.extract.labels.items import Example, Item
from koderz.extract.labels.judge import Guess, Judge, build_judge
from koderz.extract.labels.sets import check_labels, say_strange
from koderz.jobs.classify.asking import Asked, Labeller
from koderz.jobs.classify.batch_news import ProviderBatch
from koderz.jobs.classify.doubts import get_confidence, is_doubtful, is_sure
from koderz.jobs.classify.reports import Judgement, build_plan, build_result
from koderz.jobs.classify.results import EXAMPLE, LINEAR, ClassifyResult, Decision, Plan
from koderz.jobs.classify.tally import OnDecided, Tally
from koderz.jobs.results import build_job_record, name_author
from koderz.ledger.records import Attempt
from koderz.routing.routes import Route
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.jobs.classify.provider_batch import BatchLabeller
    from koderz.routing.router import Router

__all__ = ["ClassifyBatch", "ClassifyResult", "Decision", "Example", "Item", "Plan"]

DEFAULT_CONFIDENCE = 0.7
REPORT_EVERY = 256


class ClassifyBatch(msgspec.Struct, frozen=True):
    """A job: one of `labels` for each of `items`, which have ids of their own.

    `examples` are texts with their labels. `done` are decisions of an earlier run, which are kept.
    `batch` is the most texts of one prompt (None: as many as fit), `max_usd` the most that the
    calls may cost (None: no limit but the budget). Without `use_model` nothing is asked; then a
    label that is less likely right than `min_confidence` (0 to 1) is not given. `on_plan` is told
    the price before anything is asked, `on_decided` of decisions as they are made, `on_progress`
    what is being done ("labelling", "asking"), how much is done, and out of how much; all of them
    may be called from another thread. With a `provider_batch` models are asked at their provider's
    batch endpoint, see `koderz.jobs.classify.provider_batch`, which says what that raises on top.

    Raises:
        JobError: no items or labels, an id or a label twice, a limit out of range.
        AuthenticationError: the provider refuses the key.
    """

    items: Sequence[Item]
    labels: Sequence[str]
    examples: Sequence[Example] = ()
    done: Sequence[Decision] = ()
    batch: int | None = None
    max_usd: Decimal | None = None
    min_confidence: float = DEFAULT_CONFIDENCE
    use_model: bool = True
    provider_batch: ProviderBatch | None = None
    on_plan: Callable[[Plan], None] | None = None
    on_decided: OnDecided | None = None
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> ClassifyResult:
        """Label the items, and record what that saved."""
        self._check()
        route = router.route(TaskKind.CLASSIFICATION)
        judge = await asyncio.to_thread(build_judge, self.examples)
        tally = Tally(self.items, self.done, self.on_decided)
        guesses = await self._guess_all(judge, tally)
        reason = "no model was wanted" if not self.use_model else ""
        reason = reason or ("" if route.models else route.reason)
        if reason and self.provider_batch:
            raise JobError(f"no model can be asked by the batch: {reason}")
        sure_above = router.settings.koderz.classify.sure_above
        self._take_guesses(tally, judge, guesses, is_alone=bool(reason), sure_above=sure_above)
        if not reason and not guesses.keys() & tally.list_open():
            reason = "the examples, or an earlier run, decide every item"
            await self._settle(router, route)
        if reason:
            judgement = Judgement.without_model(reason)
        else:
            judgement = await self._ask_models(router, route, judge, tally, guesses)
        result = await asyncio.to_thread(
            build_result,
            router,
            route,
            self.items,
            labels=tuple(self.labels),
            tally=tally,
            judge=judge,
            judgement=judgement,
        )
        record = build_job_record(
            result,
            TaskKind.CLASSIFICATION,
            run_id=router.run_id,
            job_id=judgement.job_id or uuid4().hex,
        )
        router.record_job(record)
        return result

    def _check(self) -> None:
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        if self.batch is not None and self.batch < 1:
            raise JobError(f"a prompt of {self.batch} items asks for nothing: give 1 or more")
        if not 0 <= self.min_confidence <= 1:
            raise JobError(f"a confidence of {self.min_confidence:g} is none: give 0 to 1")
        check_labels(self.labels)
        if self.provider_batch and not self.use_model:
            raise JobError("a provider's batch asks a model: choose one of the two")
        if not self.items:
            raise JobError("there is nothing to label")
        known, counts = frozenset(self.labels), Counter(item.id for item in self.items)
        twice, count = counts.most_common(1)[0]
        if count > 1:
            raise JobError(f"the id {twice!r} is that of {count} items: ids stand once")
        given = [each.label for each in self.examples] + [each.label for each in self.done]
        if unknown := next((label for label in given if label and label not in known), None):
            raise JobError(say_strange(unknown, self.labels))
        if strange := next((each for each in self.done if each.id not in counts), None):
            raise JobError(f"{strange.id!r} is done and is none of the items: is it another run's?")

    async def _guess_all(self, judge: Judge, tally: Tally) -> dict[str, Guess | None]:
        """What the examples say of each text that has no label yet."""
        is_left = Event()

        def guess_all() -> dict[str, Guess | None]:
            tally.adopt()
            texts, guesses = tally.list_open(), dict[str, Guess | None]()
            for done, text in enumerate(texts):
                if not done % REPORT_EVERY:
                    if is_left.is_set():
                        raise InterruptedError
                    self._report("labelling", done, len(texts))
                guesses[text] = judge.guess(text)
            return guesses

        try:
            return await asyncio.to_thread(guess_all)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: it ends at its next report.
            is_left.set()
            raise

    def _take_guesses(
        self,
        tally: Tally,
        judge: Judge,
        guesses: Mapping[str, Guess | None],
        *,
        is_alone: bool,
        sure_above: float,
    ) -> None:
        """Decide what needs no model, or what can be decided without one."""
        for text, guess in guesses.items():
            if guess is None:
                continue
            if is_sure(guess, judge, sure_above) or (
                is_alone and guess.confidence >= self.min_confidence
            ):
                by = EXAMPLE if guess.is_known else LINEAR
                tally.decide(text, guess.label, _round(guess.confidence), by)

    async def _ask_models(
        self,
        router: Router,
        route: Route,
        judge: Judge,
        tally: Tally,
        guesses: Mapping[str, Guess | None],
    ) -> Judgement:
        async with self._open_labeller(router, route) as labeller:
            texts = [text for text in tally.list_open() if text in guesses]
            await self._tell_plan(labeller, route, texts, tally)
            return await self._ask(
                labeller, router, route, judge=judge, tally=tally, guesses=guesses, texts=texts
            )

    def _open_labeller(
        self, router: Router, route: Route
    ) -> AbstractAsyncContextManager[Labeller | BatchLabeller]:
        if self.provider_batch is None:
            labeller = Labeller(
                router,
                route,
                self.labels,
                job_id=uuid4().hex,
                limit_usd=self.max_usd,
                batch=self.batch,
            )
            return nullcontext(labeller)
        from koderz.jobs.classify.provider_batch import BatchLabeller

        return BatchLabeller(
            router,
            route,
            self.labels,
            limit_usd=self.max_usd,
            batch=self.batch,
            options=self.provider_batch,
            on_progress=self.on_progress,
        )

    async def _settle(self, router: Router, route: Route) -> None:
        """Have what a batch of an earlier run cost recorded, though nothing is left to ask."""
        if self.provider_batch:
            async with self._open_labeller(router, route):
                pass

    async def _tell_plan(
        self, labeller: Labeller | BatchLabeller, route: Route, texts: Sequence[str], tally: Tally
    ) -> None:
        unsent = labeller.list_unsent(texts)
        plan = await asyncio.to_thread(
            build_plan,
            labeller.price(route.models[0]),
            route,
            unsent,
            self.labels,
            tally=tally,
            batch=self.batch,
            is_batch=self.provider_batch is not None,
        )
        if self.on_plan and unsent:
            self.on_plan(plan)

    async def _ask(
        self,
        labeller: Labeller | BatchLabeller,
        router: Router,
        route: Route,
        *,
        judge: Judge,
        tally: Tally,
        guesses: Mapping[str, Guess | None],
        texts: Sequence[str],
    ) -> Judgement:
        doubtful: dict[str, tuple[str, str]] = {}
        main = route.main.name if route.main and route.main in route.models else ""
        can_escalate = main not in {"", route.models[0].name}

        below = router.settings.koderz.classify.escalate_below

        def take(
            labels: Mapping[str, str], attempt: Attempt, certainties: Mapping[str, float]
        ) -> None:
            model = name_author(attempt.model, is_simulated=attempt.is_simulated)
            may_escalate = can_escalate and attempt.model != main
            for text, label in labels.items():
                sureness = get_confidence(guesses[text], label, judge, certainties.get(text))
                if may_escalate and is_doubtful(sureness, below):
                    doubtful[text] = (label, model)
                else:
                    tally.decide(text, label, _confirm(guesses[text], label), model)
            self._report("asking", tally.decided + len(doubtful), len(self.items))

        self._report("asking", tally.decided, len(self.items))
        asked = await labeller.ask(texts, take)
        doubts = list(doubtful)
        escalated = await labeller.ask(doubts, take, models=(main,)) if doubts else Asked()
        for text in doubtful.keys() & tally.list_open():
            # The main model did not answer: what it was asked about keeps its label.
            tally.decide(text, doubtful[text][0], None, doubtful[text][1])
        left = {text: guesses[text] for text in tally.list_open() if text in guesses}
        self._take_guesses(tally, judge, left, is_alone=True, sure_above=1.0)
        return Judgement.of(
            asked, escalated, route, job_id=labeller.job_id, escalated=len(doubtful)
        )

    def _report(self, what: str, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(what, done, total)


def _confirm(guess: Guess | None, label: str) -> float | None:
    """The linear model's confidence where it gives the same label: nothing else is measured."""
    return _round(guess.confidence) if guess and guess.label == label else None


def _round(confidence: float) -> float:
    return round(confidence, 3)
