"""Limits are exact, and a threshold keeps its promise as often as it says."""

from __future__ import annotations

from math import comb
from random import Random
from statistics import fmean

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.analysis.statistics import get_wilson_interval
from koderz.quality.bounds import (
    GRID,
    choose_threshold,
    count_needed,
    get_binomial_share,
    get_lower_limit,
    get_upper_limit,
)
from koderz.quality.intervals import estimate_mean, estimate_share


class Made(msgspec.Struct, frozen=True):
    """An example with a confidence, and whether its cheap label is worse."""

    confidence: float
    is_worse: bool = False

    def is_kept(self, threshold: float) -> bool:
        return self.confidence >= threshold

    def is_lost(self, threshold: float) -> bool:
        return self.is_worse and self.is_kept(threshold)


@given(st.integers(1, 60), st.data())
def test_a_binomial_share_is_the_sum_of_its_terms(size: int, source: st.DataObject) -> None:
    count = source.draw(st.integers(0, size))
    chance = source.draw(st.floats(0.001, 0.999))
    plain = sum(
        comb(size, each) * chance**each * (1 - chance) ** (size - each) for each in range(count + 1)
    )
    assert get_binomial_share(count, size, chance) == pytest.approx(min(plain, 1), abs=1e-9)


# R's binom.test(k, n, alternative = "less")$conf.int, two decimals of a percent.
@pytest.mark.parametrize(
    ("count", "size", "high"),
    [(0, 149, 0.0199), (0, 148, 0.0200), (5, 100, 0.1023), (1, 1, 1.0), (0, 1, 0.95)],
)
def test_the_upper_limit_is_clopper_and_pearsons(count: int, size: int, high: float) -> None:
    assert get_upper_limit(count, size) == pytest.approx(high, abs=1e-4)
    assert get_lower_limit(size - count, size) == pytest.approx(1 - high, abs=1e-4)


def test_of_no_examples_nothing_is_known() -> None:
    assert get_upper_limit(0, 0) == 1.0
    assert choose_threshold([], 0.02).value == 1.0
    assert choose_threshold([], 0.02).needed == 149


def test_a_huge_sample_is_no_trouble() -> None:
    assert get_upper_limit(1000, 100_000) == pytest.approx(0.01053, abs=1e-4)


@pytest.mark.parametrize(
    ("loss", "max_loss", "needed"), [(0.0, 0.02, 149), (0.01, 0.02, 523), (0.02, 0.02, None)]
)
def test_how_many_examples_it_takes_is_said(
    loss: float, max_loss: float, needed: int | None
) -> None:
    assert count_needed(loss, max_loss) == needed


def test_a_loss_too_near_to_the_limit_takes_more_than_anyone_has() -> None:
    assert count_needed(0.01999, 0.02) is None
    assert count_needed(0.0, 1e-9) is None


def test_too_few_examples_escalate_everything_and_say_so() -> None:
    chosen = choose_threshold([Made(1.0)] * 148, 0.02)
    assert (chosen.value, chosen.kept, chosen.needed) == (1.0, 0, 149)
    enough = choose_threshold([Made(1.0)] * 149, 0.02)
    assert (enough.value, enough.kept, enough.needed) == (0.0, 149, 0)
    assert enough.loss_high < 0.02


def test_what_is_worse_at_the_surest_escalates_everything() -> None:
    chosen = choose_threshold([Made(1.0, at % 10 == 0) for at in range(5000)], 0.02)
    assert (chosen.value, chosen.kept, chosen.needed) == (1.0, 0, None)


def test_the_lowest_threshold_that_holds_is_taken() -> None:
    sure = [Made(0.9)] * 400
    unsure = [Made(0.4, is_worse=True)] * 100
    chosen = choose_threshold([*sure, *unsure], 0.02)
    assert 0.4 < chosen.value <= 0.45
    assert (chosen.kept, chosen.lost, chosen.examples) == (400, 0, 500)


def test_the_thresholds_are_tried_in_an_order_that_no_data_change() -> None:
    assert list(GRID) == sorted(GRID, reverse=True)
    assert GRID[0] < 1
    assert GRID[-1] == 0


@pytest.mark.parametrize(("size", "slope"), [(150, 0.3), (150, 1.0), (400, 1.0)])
def test_the_promise_holds_as_often_as_it_says(size: int, slope: float) -> None:
    """Many calibrations of a world that is known: at most 5% of them lose more than promised."""
    rng, max_loss, runs = Random(size + int(10 * slope)), 0.03, 150
    # A label of confidence c is worse with chance slope * (1 - c) ** 2: known exactly.
    broken, kept = 0, []
    for _ in range(runs):
        drawn = [rng.random() for _ in range(size)]
        made = [Made(c, rng.random() < slope * (1 - c) ** 2) for c in drawn]
        threshold = choose_threshold(made, max_loss)
        # The true loss: the integral of slope * (1 - c)^2 from the threshold to 1.
        true_loss = slope * (1 - threshold.value) ** 3 / 3
        broken += true_loss > max_loss
        kept.append(threshold.kept / size)
    # 5% of 150 are 7.5; three standard deviations of that many are 8.
    assert broken <= 15
    # It is a promise, not a refusal: in the median a good share stays.
    assert fmean(kept) > 0.2


def test_choosing_the_best_looking_threshold_instead_would_break_it() -> None:
    """Why the order is fixed: the same worlds, and the lowest threshold whose loss looks fine."""
    rng, max_loss, size = Random(1), 0.03, 150
    broken, runs = 0, 60
    for _ in range(runs):
        drawn = [rng.random() for _ in range(size)]
        made = [Made(c, rng.random() < (1 - c) ** 2) for c in drawn]
        best = min(v for v in (*GRID, 1.0) if sum(m.is_lost(v) for m in made) / size <= max_loss)
        broken += (1 - best) ** 3 / 3 > max_loss
    assert broken / runs > 0.2


def test_agreement_over_answers_knows_that_they_cluster() -> None:
    apart = estimate_share([9.0, 8.0, 9.0, 10.0], [10, 10, 10, 10])
    together = estimate_share([10.0, 10.0, 10.0, 6.0], [10, 10, 10, 10])
    assert apart.value == together.value == 0.9
    assert together.high - together.low > apart.high - apart.low
    plain = get_wilson_interval(0.9, 40)
    assert (apart.low, apart.high) == pytest.approx(plain)
    one = estimate_share([36.0], [40])
    assert (one.low, one.high) == pytest.approx(plain)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=25)
def test_a_mean_lies_within_its_interval_and_never_has_no_width(values: list[float]) -> None:
    found = estimate_mean(values)
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1
    assert found.low < found.high
