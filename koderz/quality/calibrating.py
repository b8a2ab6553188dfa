"""Calibration: from labelled examples, the threshold under which labels go to the main model.

    async with open_router() as router:
        result = await router.perform(CalibrateClassify(examples, ("bug", "question")))

The cheap path is run over the examples as `ClassifyBatch` would: the examples' linear model (one
that has not seen the example in question), then the small model. What is promised of the threshold
that is chosen (`koderz.quality.bounds`) holds for items like the examples.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from koderz.errors import JobError
from koderz.extract.labels.items import Example
from koderz.extract.labels.sets import check_labels, say_strange
from koderz.quality.bounds import choose_threshold
from koderz.quality.calibrations import (
    CalibrationPlan,
    CalibrationResult,
    Models,
    Trial,
    Truth,
    add_known,
    build_record,
    build_result,
)
from koderz.quality.cases import (
    Case,
    Opinion,
    build_case,
    choose_distinct,
    form_opinions,
)
from koderz.quality.labelling import Given, LabelWork, estimate_labelling
from koderz.routing.routes import Route
from koderz.types import ModelInfo, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_LOSS = 0.5


class CalibrateClassify(msgspec.Struct, frozen=True):
    """A job: the threshold that loses at most `max_loss` (a share) with 95% confidence.

    `taught_by` are examples for the linear model alone, such as classify will be given; without
    them the examples teach one another. Without `use_linear` classify will be given none. Without
    `use_model` no model is asked at all; without `use_main` the main model is not, and is taken to
    be always right, which promises too little rather than too much. `truth` says what is right:
    the examples' labels, or whatever the main model says. All calls may cost `max_usd` (None: as
    `[koderz.quality] max_usd` says); a price over it is an error before anything is asked.

    Raises:
        JobError: no examples, a label that is none of the set, a limit out of range, a price over
            the limit, or a model that gives no labels.
        AuthenticationError: the provider refuses the key.
    """

    examples: Sequence[Example]
    labels: Sequence[str]
    max_loss: float = 0.02
    taught_by: Sequence[Example] = ()
    use_linear: bool = True
    use_model: bool = True
    use_main: bool = True
    truth: Truth = "labels"
    max_usd: Decimal | None = None
    on_plan: Callable[[CalibrationPlan], None] | None = None
    on_progress: Callable[[str, int, int], None] | None = None

    async def run(self, router: Router) -> CalibrationResult:
        """Label the examples by every way, and choose."""
        self._check()
        route = router.route(TaskKind.CLASSIFICATION)
        models = self._choose_models(route)
        examples = choose_distinct(self.examples, self.taught_by)
        if not examples:
            raise JobError("no example is left that is not known already: give others")
        work = self._plan(router, route, [example.text for example in examples], models)
        trial = Trial(
            models=models,
            texts=work.texts,
            opinions=await asyncio.to_thread(self._form_opinions, examples),
            small=await self._ask(work, models.small),
            main=await self._ask(work, models.main),
        )
        # With no small model in between, all that is chosen is when the linear model is enough.
        sure_above = router.settings.koderz.classify.sure_above if models.small else 0.0
        cases = self._build_cases(examples, trial, sure_above)
        threshold = choose_threshold(cases, self.max_loss)
        record = build_record(trial, cases, threshold, max_loss=self.max_loss, truth=self.truth)
        router.record_calibration(record)
        notes = tuple(self._list_notes(trial))
        costs = [
            given.cost_usd
            if given.attempts
            else estimate_labelling(router, route, work.texts, self.labels, model)
            for given, model in ((trial.small, models.small), (trial.main, models.reference))
        ]
        return build_result(
            trial, cases, threshold, record, costs=costs, sure_above=sure_above, notes=notes
        )

    def _check(self) -> None:
        if not 0 < self.max_loss <= MOST_LOSS:
            raise JobError(
                f"a loss of {self.max_loss * 100:g} points cannot be promised: give more than 0 "
                f"and at most {MOST_LOSS * 100:g}"
            )
        if self.max_usd is not None and not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise JobError(f"a limit of ${self.max_usd} is none: give 0 or more")
        check_labels(self.labels)
        if not self.examples:
            raise JobError("there are no examples to calibrate on")
        known = frozenset(self.labels)
        given = [example.label for example in (*self.examples, *self.taught_by)]
        if strange := next((label for label in given if label not in known), None):
            raise JobError(say_strange(strange, self.labels))

    def _choose_models(self, route: Route) -> Models:
        main = route.main if route.main in route.models else None
        first = route.models[0] if route.models else None
        small = first if self.use_model and first != main else None
        asked = main if self.use_model and self.use_main else None
        if self.truth == "main" and asked is None:
            raise JobError("no main model is asked that could say what is right: go by the labels")
        if small is None and not self.use_linear:
            raise JobError("there is nothing to calibrate without a linear and a small model")
        return Models(small, asked, main)

    def _plan(
        self, router: Router, route: Route, texts: Sequence[str], models: Models
    ) -> LabelWork:
        """The work, after its price was told; JobError where that is over the limit."""
        limit = router.settings.koderz.quality.max_usd if self.max_usd is None else self.max_usd
        asked = [model for model in (models.small, models.main) if model]
        costs = [estimate_labelling(router, route, texts, self.labels, each) for each in asked]
        cost_usd = add_known(costs)
        if self.on_plan:
            names = tuple(model.name for model in asked)
            plan = CalibrationPlan(
                examples=len(texts), models=names, cost_usd=cost_usd, limit_usd=limit
            )
            self.on_plan(plan)
        if cost_usd is not None and cost_usd > limit:
            raise JobError(
                f"labelling {len(texts):,} examples would cost about ${cost_usd:.4f}, and "
                f"${limit:f} is the limit: raise it, or do without the main model's labels"
            )
        return LabelWork(
            router=router,
            route=route,
            texts=texts,
            labels=self.labels,
            job_id=uuid4().hex,
            limit_usd=limit,
        )

    def _form_opinions(self, examples: Sequence[Example]) -> Sequence[Opinion | None]:
        if not self.use_linear:
            return [None] * len(examples)
        return form_opinions(
            examples, self.taught_by, lambda done, total: self._report("learning", done, total)
        )

    async def _ask(self, work: LabelWork, model: ModelInfo | None) -> Given:
        what = f"asking {model.name}" if model else ""
        return await work.ask(model, lambda done: self._report(what, done, len(work.texts)))

    def _build_cases(
        self, examples: Sequence[Example], trial: Trial, sure_above: float
    ) -> tuple[Case, ...]:
        small, main = trial.small, trial.main
        return tuple(
            build_case(
                self._get_truth(example, main),
                opinion,
                small=small.labels.get(example.text),
                certainty=small.certainties.get(example.text),
                main=main.labels.get(example.text),
                is_small_asked=trial.models.small is not None,
                sure_above=sure_above,
            )
            for example, opinion in zip(examples, trial.opinions, strict=True)
        )

    def _get_truth(self, example: Example, main: Given) -> str:
        """What is right; "" where the main model is to say it and did not: no label is that."""
        return main.labels.get(example.text, "") if self.truth == "main" else example.label

    def _list_notes(self, trial: Trial) -> Iterator[str]:
        """What a reader should know of what the threshold rests on, a line each."""
        models, examples = trial.models, len(trial.texts)
        if gone := len(self.examples) - examples:
            yield f"{gone:,} near duplicates, or texts known already, are left out"
        if self.use_linear and not self.taught_by:
            yield (
                "the linear model was cross-validated: what it will have learned from all examples "
                "is taken to be no worse"
            )
        if models.main is None and models.reference is not None:
            yield f"{models.reference.name} was not asked: it is taken to be always right"
        for model, given in ((models.small, trial.small), (models.main, trial.main)):
            if model and (lacking := examples - len(given.labels)):
                yield f"{model.name} left {lacking:,} examples without a label"
        if models.small and not trial.small.certainties:
            yield f"{models.small.name} gives no log-probabilities: only the linear model doubts it"

    def _report(self, what: str, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(what, done, total)
