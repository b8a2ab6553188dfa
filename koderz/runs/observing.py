"""A run's experiments as observations, and its report: read back, with nothing asked of anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise, product

import msgspec

from koderz.config.settings import Settings
from koderz.errors import StoreError
from koderz.experiments.documents import RunDocument, parse_document
from koderz.experiments.history import History, Trial
from koderz.experiments.plans import Key, Plan
from koderz.experiments.reading import STOPPED
from koderz.experiments.results import ExperimentResult, analyze_cost, build_result
from koderz.experiments.steps import Asked
from koderz.experiments.store import ExperimentStore, RunRow
from koderz.ledger.records import Attempt
from koderz.models.prices import Price, PriceBook
from koderz.models.registry import get_tier
from koderz.reports.building import Tell, build_report
from koderz.reports.observations import Effect, Observation, Subject
from koderz.reports.values import RunReport
from koderz.types import ModelInfo, Tier

PriceOf = Callable[[ModelInfo], Price]
Reprice = Callable[[Attempt], Attempt]
"""A call as it would have been billed under other prices, or by another model."""

NOT_BEGUN = "it was never begun"


def load_report(
    store: ExperimentStore,
    row: RunRow,
    settings: Settings,
    *,
    control: str = "",
    baseline_model: str = "",
    price: PriceOf | None = None,
    reprice: Reprice | None = None,
    title: str = "",
    tell: Tell = lambda _done, _total: None,
) -> RunReport:
    """The report of a run as it stands, finished or not.

    `control` is the strategy that the others are compared with (see `build_report`), `title`
    says what is special about its figures; the rest is as in `load_observations`.
    """
    document = parse_document(row)
    observations = load_observations(
        store, row, settings, baseline_model=baseline_model, price=price, reprice=reprice
    )
    subject = Subject(
        run=row.run,
        dataset=document.dataset,
        at=row.at,
        problems=len(document.problem_ids),
        samples=document.samples,
        command=row.command,
        title=title,
    )
    names = [name or row.command for name in document.plans]
    return build_report(observations, subject, strategies=names, control=control, tell=tell)


def load_observations(
    store: ExperimentStore,
    row: RunRow,
    settings: Settings,
    *,
    baseline_model: str = "",
    price: PriceOf | None = None,
    reprice: Reprice | None = None,
) -> tuple[Observation, ...]:
    """An observation of every experiment that the run was to make, those never begun as well.

    `baseline_model` is who the frontier-only estimate reckons with, at `price` (without them: the
    run's own, else the highest tier's model in it; today's prices). `reprice` changes what each
    call cost. Raises StoreError.
    """
    document = parse_document(row)
    baseline = baseline_model or document.baseline_model or choose_baseline(document, settings)
    price = price or PriceBook(settings.koderz.prices).get_price
    observations = {}
    for key, history in store.load_histories(row.run):
        asked = reprice_history(history, reprice) if reprice else history
        plan = _get_plan(document, key)
        cost = analyze_cost(plan, asked, settings=settings, price=price, baseline_model=baseline)
        reason = "" if history.verdict else STOPPED
        result = build_result(key, plan, asked, cost, reason=reason)
        observations[key] = build_observation(result, asked)
    for key in _list_keys(row.run, document):
        if key not in observations:
            observations[key] = _build_unbegun(key, document.plans[key.strategy])
    return tuple(
        msgspec.structs.replace(each, strategy=each.strategy or row.command)
        for each in observations.values()
    )


def build_observation(result: ExperimentResult, history: History) -> Observation:
    """An experiment as a report counts it."""
    verdict, trials, report = history.verdict, history.trials, result.cost
    passed = (trial.iteration.number for trial in trials if trial.is_passed)
    started, ended = result.started_at, result.ended_at
    return Observation(
        strategy=result.key.strategy,
        problem=result.key.problem,
        sample=result.key.sample,
        plan=describe_plan(result.plan),
        is_judged=verdict is not None,
        is_solved=result.is_solved,
        is_feedback_solved=any(trial.is_passed for trial in trials),
        is_held_back=result.is_held_back,
        reason=result.reason,
        status=result.status.value if result.status else "",
        iterations=result.iterations,
        checkpoints=result.checkpoints,
        solved_after=next(passed, None),
        judged=verdict.number if verdict else None,
        effects=tuple(_list_effects(history)),
        cost=report.total,
        tiers=report.tiers,
        roles=report.roles,
        tokens=report.tokens,
        estimate_usd=report.savings.estimate_usd,
        gpu_usd=report.gpu_usd,
        baseline=report.baseline,
        baseline_prices=report.baseline_prices,
        model_s=sum(tier.model_s for tier in report.tiers),
        wall_s=(ended - started).total_seconds() if started and ended else 0.0,
        started_at=started,
        isolation=result.isolation.value if result.isolation else "",
        is_simulated=result.is_simulated,
    )


def describe_plan(plan: Plan) -> str:
    """A plan in words: "gpt-4o-mini, up to 12 attempts; reviews by gpt-4o every 5"."""
    if plan.cost_of:
        tries = f"independent attempts at the cost of {plan.cost_of}"
    else:
        most = plan.max_iterations
        tries = "one attempt" if most == 1 else f"up to {most} attempts"
    parts = [f"{plan.iteration_model}, {tries}"]
    if plan.spec_model:
        parts.append(f"spec by {plan.spec_model}")
    if plan.checkpoint_model:
        parts.append(f"reviews by {plan.checkpoint_model} every {plan.checkpoint_interval}")
    return "; ".join(parts)


def choose_baseline(
    document: RunDocument, settings: Settings, best: Mapping[Tier, ModelInfo] | None = None
) -> str:
    """The model that a run's estimates reckon with: the first of the highest tier in its plans.

    `best` are the best models within reach: of these one is taken where its tier is higher still.
    """
    names = [
        name
        for plan in document.plans.values()
        for name in (plan.checkpoint_model, plan.spec_model, plan.iteration_model)
        if name
    ]
    names += [model.name for model in (best or {}).values()]
    tiers = list(Tier)
    return max(
        names, key=lambda name: tiers.index(get_tier(name, settings) or tiers[0]), default=""
    )


def reprice_history(history: History, reprice: Reprice) -> History:
    """The same steps, with what each of their calls would have cost."""
    return History(
        tuple(
            msgspec.structs.replace(step, attempts=tuple(map(reprice, step.attempts)))
            if isinstance(step, Asked)
            else step
            for step in history.steps
        )
    )


def _list_effects(history: History) -> Iterator[Effect]:
    """What followed each checkpoint."""
    trials = history.trials
    ends = [each.after for each in history.checkpoints] + [len(trials)]
    for checkpoint, (start, end) in zip(history.checkpoints, pairwise(ends), strict=True):
        following = [each for each in trials[start:end] if each.verdict]
        yield Effect(
            number=checkpoint.number,
            after=checkpoint.after,
            is_plateau=checkpoint.is_plateau,
            before=_get_share(trials, start),
            next=following[0].share if following else None,
            best=max((each.share for each in following), default=None),
            iterations=len(following),
            is_solved=any(each.is_passed for each in following),
        )


def _get_share(trials: tuple[Trial, ...], number: int) -> float:
    return next((each.share for each in trials if each.iteration.number == number), 0.0)


def _list_keys(run: str, document: RunDocument) -> Iterator[Key]:
    """Every experiment that the run was to make."""
    samples = range(document.samples)
    for strategy, problem, sample in product(document.plans, document.problem_ids, samples):
        yield Key(run=run, strategy=strategy, problem=problem, sample=sample)


def _get_plan(document: RunDocument, key: Key) -> Plan:
    if key.strategy not in document.plans:
        raise StoreError(f"{key.id} is of a strategy that the run {key.run} does not name")
    return document.plans[key.strategy]


def _build_unbegun(key: Key, plan: Plan) -> Observation:
    return Observation(
        strategy=key.strategy,
        problem=key.problem,
        sample=key.sample,
        plan=describe_plan(plan),
        reason=NOT_BEGUN,
    )
