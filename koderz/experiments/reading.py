"""Experiments as they are kept, read back with what they cost at today's prices and settings."""

from __future__ import annotations

from collections.abc import Iterator

from koderz.analysis.costs import Control
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
    store: ExperimentStore, row: RunRow, settings: Settings
) -> Iterator[ExperimentResult]:
    """Every experiment of a run that has a step, without what controls cost."""
    document = parse_document(row)
    for key, history in store.load_histories(row.run):
        yield _build(document, key, history, settings)


def load_result(
    store: ExperimentStore, name: str, settings: Settings, *, baseline_model: str = ""
) -> tuple[ExperimentResult, History]:
    """An experiment by its id, or by the name of its run where that has but one, with its steps.

    Raises ConfigError where there is none.
    """
    keys = find_keys(store, name)
    if len(keys) > 1:
        raise ConfigError(
            f"{name} has {len(keys)} experiments: name one, such as {keys[0].id} "
            f"(`koderz results {keys[0].run}` lists them)"
        )
    (key,) = keys
    history = store.load_history(key)
    control = load_control(store, key.problem, is_simulated=was_simulated(history), without=key)
    document = parse_document(store.load_run(key.run))
    result = _build(
        document, key, history, settings, baseline_model=baseline_model, control=control
    )
    return result, history


def find_keys(store: ExperimentStore, name: str) -> tuple[Key, ...]:
    """The experiment of that id, or all of the run of that name; ConfigError where there is none.

    A run may be named by a beginning that no other has.
    """
    run, _, rest = name.partition("_")
    keys = store.load_keys(store.load_run(run).run)
    named = tuple(key for key in keys if key.id == name)
    found = named or (() if rest else keys)
    if not found:
        raise ConfigError(f"no experiment {name!r} has a step (`koderz results` lists them)")
    return found


def _build(
    document: RunDocument,
    key: Key,
    history: History,
    settings: Settings,
    *,
    baseline_model: str = "",
    control: Control | None = None,
) -> ExperimentResult:
    plan = document.plans[key.strategy]
    cost = analyze_cost(
        plan,
        history,
        settings=settings,
        price=PriceBook(settings.koderz.prices).get_price,
        baseline_model=baseline_model or document.baseline_model,
        control=control,
    )
    return build_result(key, plan, history, cost, reason="" if history.verdict else STOPPED)
