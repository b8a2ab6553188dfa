"""A report's figures: what must hold for every run, and the runs that have little to report."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from made_reports import make_report
from made_runs import RECIPES, SUBJECT, make_observation, make_run, make_tiers
from reporting import get_strategy, make_strategy, report_on

from koderz.analysis.costs import Sum
from koderz.errors import ConfigError
from koderz.reports.building import build_report
from koderz.reports.contents import list_tables
from koderz.reports.html_figures import list_solving
from koderz.reports.observations import Observation
from koderz.reports.values import RunReport
from koderz.types import Tier

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def made() -> RunReport:
    return report_on(make_run(), strategies=list(RECIPES), resamples=2000)


@st.composite
def runs(draw: st.DrawFn) -> list[Observation]:
    """Up to three strategies with problems, samples and costs of their own."""
    cost = st.integers(0, 500).map(lambda each: Decimal(each).scaleb(-5))
    sample = st.tuples(st.booleans(), st.booleans(), cost, st.sampled_from(Tier))
    shape = st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 2)), sample, min_size=1
    )
    return [
        make_observation(
            strategy,
            f"made/{problem}",
            sample=number,
            is_solved=is_solved and is_judged,
            is_judged=is_judged,
            cost_usd=usd,
            tier=tier,
        )
        for (strategy, problem, number), (is_solved, is_judged, usd, tier) in draw(shape).items()
    ]


@given(runs(), st.randoms())
@profile(max_examples=40)
def test_the_order_of_observations_does_not_matter(
    observations: list[Observation], order: random.Random
) -> None:
    first = report_on(observations, resamples=50)
    order.shuffle(observations)
    assert report_on(observations, resamples=50) == first


@given(runs())
@profile(max_examples=40)
def test_a_strategy_against_its_twin_differs_in_nothing(observations: list[Observation]) -> None:
    ours = [msgspec.structs.replace(each, strategy="ours") for each in observations]
    ours = list({(each.problem, each.sample): each for each in ours if each.is_judged}.values())
    theirs = [msgspec.structs.replace(each, strategy="theirs") for each in ours]
    for pair in report_on([*ours, *theirs], resamples=50).comparisons:
        assert pair.difference.value == 0.0
        assert pair.p == pair.adjusted_p == 1.0
        assert pair.cost_difference is not None
        assert pair.cost_difference.usd == 0
        assert pair.cost_difference.low_usd in {None, Decimal(0)}
        assert "costs the same" in pair.verdict


@given(runs())
@profile(max_examples=40)
def test_doubled_prices_double_what_is_money_and_nothing_else(
    observations: list[Observation],
) -> None:
    doubled = [_double(each) for each in observations]
    ours, theirs = (report_on(each, resamples=50) for each in (observations, doubled))
    for once, twice in zip(ours.strategies, theirs.strategies, strict=True):
        assert twice.solved_share == once.solved_share
        assert twice.cost.cost_usd == 2 * once.cost.cost_usd
        for name in ("cost_per_problem", "cost_per_solved"):
            _check_doubled(getattr(once, name), getattr(twice, name))
    for one, other in zip(ours.comparisons, theirs.comparisons, strict=True):
        assert (other.p, other.difference) == (one.p, one.difference)
        assert other.break_even == one.break_even
        _check_doubled(one.cost_difference, other.cost_difference)
        _check_doubled(one.per_extra_solved, other.per_extra_solved)
    assert ours.front == theirs.front


def _double(observation: Observation) -> Observation:
    sums = {
        part.tier: Sum(calls=part.sum.calls, cost_usd=2 * part.sum.cost_usd)
        for part in observation.tiers
    }
    cost = Sum(calls=1, cost_usd=2 * observation.cost.cost_usd)
    return msgspec.structs.replace(observation, cost=cost, tiers=make_tiers(sums, model_s=2.0))


def _check_doubled(once: Any, twice: Any) -> None:
    assert (once is None) == (twice is None)
    for name in ("usd", "low_usd", "high_usd"):
        if once is not None and getattr(once, name) is not None:
            expected = 2 * float(getattr(once, name))
            assert float(getattr(twice, name)) == pytest.approx(expected, rel=1e-8, abs=1e-15)


@given(runs())
@profile(max_examples=40)
def test_every_experiment_is_counted_once(observations: list[Observation]) -> None:
    report = report_on(observations, resamples=50)
    assert len(report.observations) == len(observations)
    for each in report.strategies:
        assert each.judged + each.stopped + each.not_begun == each.experiments
        assert sum(each.statuses.values()) == each.judged
        assert sum(each.reasons.values()) == each.experiments - each.judged
        assert each.solved_at_worst <= each.solved_at_best
        if each.cost_per_problem:
            parts = sum(tier.cost_per_problem_usd for tier in each.tiers)
            assert float(parts) == pytest.approx(float(each.cost_per_problem.usd))
    assert {*report.front, *(each.strategy for each in report.dominated), *report.unplaced} == {
        each.strategy for each in report.strategies
    }


def test_the_made_run_is_compared_with_the_frontiers_one_shot(made: RunReport) -> None:
    assert made.control == "frontier"
    assert [each.strategy for each in made.strategies] == list(RECIPES)
    assert [each.strategy for each in made.comparisons] == ["cheap", "supervised", "local"]
    assert [(each.strategy, each.control) for each in made.others] == [
        ("supervised", "cheap"),
        ("local", "cheap"),
        ("local", "supervised"),
    ]
    assert {each.family for each in made.comparisons} == {3}
    assert {each.family for each in made.others} == {6}


def test_feedback_does_not_inflate_what_is_solved(made: RunReport) -> None:
    supervised = get_strategy(made, "supervised")
    assert supervised.solved_share is not None
    assert supervised.feedback_share is not None
    assert supervised.solved_share.value < supervised.feedback_share.value
    last = supervised.solved_after[-1]
    assert last.solved == pytest.approx(supervised.solved / supervised.judged)
    assert last.feedback == pytest.approx(supervised.feedback_share.value)


def test_problems_weigh_the_same_in_the_curve_too_however_many_samples_were_judged() -> None:
    one = [make_observation(problem="made/0", is_solved=True, iterations=1, judged=1)]
    tries = range(3)
    three = [
        make_observation(problem="made/1", sample=each, is_solved=False, iterations=2, judged=2)
        for each in tries
    ]
    made = make_report([*one, *three])
    (cheap,) = made.strategies
    assert cheap.solved_share is not None
    assert [each.solved for each in cheap.solved_after] == [0.5, 0.5]
    assert cheap.solved_share.value == 0.5
    assert [(at, share.value) for at, share in list_solving(made, "cheap")] == [(1, 0.5), (2, 0.5)]


def test_what_was_stopped_is_neither_solved_nor_forgotten(made: RunReport) -> None:
    local = get_strategy(made, "local")
    assert (local.experiments, local.judged, local.stopped) == (60, 59, 1)
    assert local.reasons == {"broken off": 1}
    assert local.solved_at_worst < local.solved_at_best
    assert any("local: 1 of 60" in remark for remark in made.remarks)
    assert any(stamp.startswith("INCOMPLETE: 1 of 240") for stamp in made.stamps)
    against = next(each for each in made.comparisons if each.strategy == "local")
    assert (against.pairs, against.unpaired) == (59, 2)


def test_checkpoints_are_counted_by_their_number(made: RunReport) -> None:
    first = get_strategy(made, "supervised").gains[0]
    effects = [
        effect
        for each in made.observations
        for effect in each.effects
        if effect.number == 1 and effect.next is not None
    ]
    assert (first.number, first.reviews) == (1, len(effects))
    assert first.solved == sum(effect.is_solved for effect in effects)
    assert first.change.value == pytest.approx(first.next - first.before)


def test_the_same_seed_gives_the_same_report_and_another_one_another() -> None:
    run = make_run()
    first, again, other = (report_on(run, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.strategies != other.strategies


@pytest.mark.parametrize("solved", [[True], [False], [True] * 5, [False] * 5])
def test_one_strategy_is_reported_without_a_comparison(solved: list[bool]) -> None:
    report = report_on(make_strategy("only", solved))
    (built,) = report.strategies
    assert (report.control, report.comparisons, report.power) == ("", (), "")
    assert built.solved_share is not None
    assert built.solved_share.low < built.solved_share.high
    assert (built.cost_per_solved is None) == (not any(solved))
    assert report.front == ("only",)


def test_a_run_that_was_never_begun_is_reported_as_that() -> None:
    waiting = [
        Observation(strategy=name, problem=f"made/{number}", reason="never begun")
        for name in "ab"
        for number in range(3)
    ]
    report = report_on(waiting)
    assert [each.not_begun for each in report.strategies] == [3, 3]
    assert all(each.solved_share is None for each in report.strategies)
    assert report.unplaced == ("a", "b")
    assert report.stamps[0].startswith("INCOMPLETE: 6 of 6")
    assert report_on([]).strategies == ()


def test_stamps_say_what_must_not_be_overlooked() -> None:
    real = make_strategy("a", [True, False])
    simulated = make_strategy("b", [True, True], is_simulated=True)
    alone = make_strategy("c", [True], isolation="none")
    assert report_on(simulated).stamps[0].startswith("SIMULATED: ")
    mixed = report_on([*real, *simulated, *alone])
    assert mixed.is_simulated
    assert mixed.stamps[0].startswith("SIMULATED IN PART: ")
    assert mixed.stamps[1].startswith("NOT ISOLATED: ")
    assert report_on(real).stamps == ()


def test_remarks_say_what_is_special_about_a_run() -> None:
    seen = make_strategy("a", [True, False], is_held_back=False, isolation="shared")
    report = build_report(seen, msgspec.structs.replace(SUBJECT, title="repriced"), resamples=50)
    assert report.remarks[0] == "repriced"
    assert any("in 2 of 2 verdicts" in remark for remark in report.remarks)
    assert any("2 programs shared" in remark for remark in report.remarks)


def test_money_beside_the_cost_per_problem_is_told() -> None:
    local = make_strategy("local", [True], tier=Tier.LOCAL, cost_usd=Decimal(0), gpu_usd=CENT)
    stopped = make_observation("local", "made/9", is_judged=False, reason="a limit")
    notes = " ".join(
        note for table in list_tables(report_on([*local, stopped])) for note in table.notes
    )
    assert "local: local time costs $0.0100 a problem beside that." in notes
    assert "local: $0.0100 of it went to experiments without a verdict." in notes


def test_the_control_is_as_named_or_it_says_which_there_are() -> None:
    run = make_run()
    assert report_on(run, control="cheap").control == "cheap"
    with pytest.raises(ConfigError, match="did you mean cheap"):
        report_on(run, control="cheep")


def test_a_report_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    report_on(make_run(), tell=lambda done, total: told.append((done, total)))
    assert told == [(done, 10) for done in range(1, 11)]
