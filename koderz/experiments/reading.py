"""Experiments as they are kept, read back with what they cost at today's prices and settings."""

from __future__ import annotations

from collections.abc import Iterator

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.experiments.controls import load_control
from koderz.experiments.documents import RunDocument, parse_document
from koderz.experiments.history import History
from koderz.experiments.plans import Key
from koderz.experiments.results import (
    ExperimentResult,
    analyze_cost,
    build_result,
    was_simulated,
)
from koderz.experiments.store import ExperimentStore, RunRow
from koderz.models.prices import PriceBook

STOPPED = "it was broken off"


def load_results(
    store: ExperimentStore, row: RunRow, settings: Settings, *, baseline_model: str = ""
) -> Iterator[tuple[ExperimentResult, History]]:
    """Every experiment of a run that has a step, with its steps."""
    document = parse_document(row)
    for key, history in store.load_histories(row.run):
        result = _build(store, document, key, history, settings, baseline_model=baseline_model)
        yield result, history


def load_result(
    store: ExperimentStore, name: str, settings: Settings, *, baseline_model: str = ""
) -> tuple[ExperimentResult, History]:
    """An experiment by its id, or by the name of its run where that has but one.

    Raises ConfigError where there is none.
    """
    run, _, _ = name.partition("_")
    row = store.load_run(run)
    found = list(load_results(store, row, settings, baseline_model=baseline_model))
    named = [each for each in found if each[0].id == name] or (found if run == name else [])
    if len(named) == 1:
        return named[0]
    if not named:
        raise ConfigError(f"no experiment {name!r} has a step (`koderz results` lists them)")
    raise ConfigError(
        f"{name} has {len(named)} experiments: name one, such as {named[0][0].id} "
        f"(`koderz results {name}` lists them)"
    )


def _build(
    store: ExperimentStore,
    document: RunDocument,
    key: Key,
    history: History,
    settings: Settings,
    *,
    baseline_model: str,
) -> ExperimentResult:
    plan = document.plans[key.strategy]
    control = load_control(store, key.problem, is_simulated=was_simulated(history), without=key)
    cost = analyze_cost(
        plan,
        history,
        settings=settings,
        price=PriceBook(settings.koderz.prices).get_price,
        baseline_model=baseline_model or document.baseline_model,
        control=control,
    )
    return build_result(key, plan, history, cost, reason="" if history.verdict else STOPPED)
