"""The control: what a problem was measured to cost where frontier models did all of the work."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from koderz.analysis.costs import Control
from koderz.experiments.history import History
from koderz.experiments.plans import Key
from koderz.experiments.results import was_simulated
from koderz.experiments.store import ExperimentStore
from koderz.types import Tier


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What frontier models alone were measured to cost on a problem; None was never measured."""

    problem: str
    real: Control | None
    simulated: Control | None


def load_baseline(store: ExperimentStore, problem: str) -> Baseline:
    """A problem's controls, real and simulated ones apart."""
    found = [history for _, history in store.load_problem(problem)]
    return Baseline(
        problem=problem,
        real=build_control(found, is_simulated=False),
        simulated=build_control(found, is_simulated=True),
    )


def load_control(
    store: ExperimentStore, problem: str, *, is_simulated: bool, without: Key | None = None
) -> Control | None:
    """The control of a problem, None where nobody has measured one.

    The experiment `without` is left out: it is no control of itself. Simulated experiments are
    measured by simulated ones alone, and real ones by real ones.
    """
    found = (history for key, history in store.load_problem(problem) if key != without)
    return build_control(found, is_simulated=is_simulated)


def build_control(histories: Iterable[History], *, is_simulated: bool) -> Control | None:
    """The control out of those experiments that were judged and asked nobody but the frontier."""
    chosen = [each for each in histories if _is_control(each, is_simulated=is_simulated)]
    if not chosen:
        return None
    costs = [attempt.cost_usd for history in chosen for attempt in history.attempts]
    known = [cost for cost in costs if cost is not None]
    is_known = len(known) == len(costs)
    return Control(
        cost_usd=sum(known, Decimal(0)) / len(chosen) if is_known else None,
        samples=len(chosen),
        solved=sum(1 for each in chosen if each.verdict and each.verdict.verdict.is_passed),
        models=tuple(sorted({a.model for history in chosen for a in history.attempts})),
    )


def _is_control(history: History, *, is_simulated: bool) -> bool:
    if history.verdict is None or not history.attempts:
        return False
    has_frontier_alone = all(each.tier is Tier.FRONTIER for each in history.attempts)
    return has_frontier_alone and was_simulated(history) is is_simulated
