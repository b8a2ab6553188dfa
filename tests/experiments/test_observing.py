"""Experiments read back as observations: what came of each, and those that nothing came of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from made_steps import DOCUMENT, LONG, ROW, SUPERVISED, conclude, iterate, keep, keep_some
from trials import CHEAP, DEAR, PASSED

from koderz.config.settings import Settings
from koderz.errors import StoreError
from koderz.experiments.documents import RunDocument, build_run_row
from koderz.experiments.history import History
from koderz.experiments.plans import Key, Plan, plan_zero_shot
from koderz.experiments.store import ExperimentStore, RunRow
from koderz.ledger.records import Attempt
from koderz.models.prices import Price
from koderz.reports.observations import Observation
from koderz.runs.observing import (
    NOT_BEGUN,
    choose_baseline,
    describe_plan,
    load_observations,
    load_report,
)
from koderz.sandbox import Isolation
from koderz.types import ModelInfo, Rates, Tier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return keep_some(tmp_path)


def observe(path: Path, **options: object) -> dict[tuple[str, str], Observation]:
    with ExperimentStore(path) as store:
        found = load_observations(store, store.load_run("run-1"), Settings(), **options)  # type: ignore[arg-type]  # whatever a test is about.
    return {(each.strategy, each.problem): each for each in found}


def test_a_finished_experiment_is_observed_whole(path: Path) -> None:
    found = observe(path)["supervised", "starter/0"]
    assert (found.ending, found.status, found.isolation) == ("solved", "passed", "separate")
    assert (found.iterations, found.checkpoints, found.solved_after, found.judged) == (5, 2, 5, 5)
    assert found.cost_usd == Decimal("0.025")
    assert {part.tier: part.sum.calls for part in found.tiers if part.sum.calls} == {
        Tier.FRONTIER: 2,
        Tier.SMALL_FRONTIER: 5,
    }
    assert found.model_s == pytest.approx(3.5)
    assert found.wall_s == pytest.approx(59)
    assert found.plan == f"{CHEAP}, up to 6 attempts; reviews by {DEAR} every 2"


def test_what_followed_each_review_is_observed(path: Path) -> None:
    first, second = observe(path)["supervised", "starter/0"].effects
    assert (first.before, first.next, first.best) == (0.0, 0.5, 0.5)
    assert (first.after, first.iterations, first.is_solved, first.is_plateau) == (
        2,
        2,
        False,
        False,
    )
    assert (second.before, second.next, second.best) == (0.0, 1.0, 1.0)
    assert (second.after, second.iterations, second.is_solved, second.is_plateau) == (
        4,
        1,
        True,
        True,
    )


def test_a_review_that_nothing_followed_has_no_effect(path: Path) -> None:
    (effect,) = observe(path)["supervised", "starter/1"].effects
    assert (effect.next, effect.best, effect.iterations) == (None, None, 0)


def test_passing_the_feedback_is_not_solving(path: Path) -> None:
    found = observe(path)["cheap", "starter/0"]
    assert (found.is_feedback_solved, found.is_solved, found.ending) == (True, False, "unsolved")


def test_every_experiment_that_was_asked_for_is_there(path: Path) -> None:
    found = observe(path)
    assert len(found) == 4
    assert (found["supervised", "starter/1"].ending) == "stopped"
    waiting = found["cheap", "starter/1"]
    assert (waiting.ending, waiting.reason) == ("not begun", NOT_BEGUN)
    assert waiting.cost_usd == 0


def test_one_baseline_prices_every_strategy(path: Path) -> None:
    assert {each.baseline for each in observe(path).values() if each.cost.calls} == {DEAR}
    other = observe(path, baseline_model=CHEAP)["supervised", "starter/0"]
    assert other.baseline == CHEAP
    assert choose_baseline(DOCUMENT, Settings()) == DEAR


def test_other_prices_change_the_estimate_and_repricing_what_was_paid(path: Path) -> None:
    def price(_: ModelInfo) -> Price:
        rates = Rates(input=Decimal(1000), output=Decimal(1000))
        return Price(rates=rates, as_of="2026-01-01", source="a test")

    def reprice(attempt: Attempt) -> Attempt:
        return msgspec.structs.replace(attempt, cost_usd=Decimal(1), tier=Tier.LOCAL)

    found = observe(path, price=price, reprice=reprice)["supervised", "starter/0"]
    assert (found.estimate_usd, found.cost_usd) == (Decimal(7), Decimal(7))
    assert [part.tier for part in found.tiers if part.sum.calls] == [Tier.LOCAL]


def test_a_run_of_one_experiment_has_a_report_too(path: Path) -> None:
    document = RunDocument(dataset="starter", problem_ids=("starter/0",), plans={"": SUPERVISED})
    row: RunRow = build_run_row("alone", "run", document)
    with ExperimentStore(path) as store:
        store.keep_run(row)
        for index, step in enumerate(LONG):
            store.keep_step(Key(run="alone", problem="starter/0"), index, step)
        report = load_report(store, row, Settings(), title="a title")
    assert [each.strategy for each in report.strategies] == ["run"]
    assert (report.subject.title, report.comparisons) == ("a title", ())


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (plan_zero_shot(SUPERVISED), f"{CHEAP}, one attempt"),
        (
            msgspec.structs.replace(SUPERVISED, checkpoint_model="", spec_model=DEAR),
            f"{CHEAP}, up to 6 attempts; spec by {DEAR}",
        ),
        (
            msgspec.structs.replace(plan_zero_shot(SUPERVISED), cost_of="supervised"),
            f"{CHEAP}, independent attempts at the cost of supervised",
        ),
    ],
)
def test_a_plan_is_said_in_words(plan: Plan, said: str) -> None:
    assert describe_plan(plan) == said


def test_programs_that_nothing_kept_apart_stamp_the_report(path: Path) -> None:
    alone = msgspec.structs.replace(PASSED, isolation=Isolation.NONE)
    with ExperimentStore(path) as store:
        keep(store, "cheap", "starter/1", [*iterate(1, alone), conclude(1, alone)])
        report = load_report(store, store.load_run("run-1"), Settings())
    assert any(stamp.startswith("NOT ISOLATED: ") for stamp in report.stamps)


def test_an_unfinished_history_is_an_observation_at_every_step(tmp_path: Path) -> None:
    for length in range(len(LONG) + 1):
        with ExperimentStore(tmp_path / f"{length}.sqlite") as store:
            store.keep_run(ROW)
            keep(store, "supervised", "starter/0", LONG[:length])
            report = load_report(store, ROW, Settings())
        made = next(each for each in report.strategies if each.strategy == "supervised")
        assert (made.experiments, made.judged) == (2, int(length == len(LONG)))
        assert made.cost.calls == len(History(tuple(LONG[:length])).attempts)


def test_a_strategy_that_the_run_does_not_name_is_an_error(path: Path) -> None:
    with ExperimentStore(path) as store:
        keep(store, "other", "starter/0", LONG[:1])
    with pytest.raises(StoreError, match="does not name"):
        observe(path)
