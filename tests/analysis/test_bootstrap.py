"""Resampling held against published figures, against what must always hold, and for coverage."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from koderz.analysis.bootstrap import (
    Resampler,
    _get_acceleration,
    get_bca_interval,
    get_t_quantile,
)

# Efron and Tibshirani 1993, "An Introduction to the Bootstrap", table 14.1: 26 children's test A.
SPATIAL = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6]
SPATIAL += [0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]

VALUES = st.lists(st.floats(0.001, 100), min_size=2, max_size=30)


def get_variance(values: list[float]) -> float:
    return fmean(each * each for each in values) - fmean(values) ** 2


def test_the_acceleration_is_efrons_and_tibshiranis() -> None:
    values = [float(each) for each in SPATIAL]
    without = [get_variance(values[:at] + values[at + 1 :]) for at in range(len(values))]
    assert get_variance(values) == pytest.approx(171.5, abs=0.05)
    assert _get_acceleration(without) == pytest.approx(0.061, abs=0.001)


@pytest.mark.parametrize(
    ("freedom", "quantile", "off"),
    [
        (2, 4.303, 0.04),
        (4, 2.776, 0.001),
        (9, 2.262, 0.001),
        (29, 2.045, 0.001),
        (100, 1.984, 1e-3),
    ],
)
def test_students_quantile_is_the_tables(freedom: int, quantile: float, off: float) -> None:
    assert get_t_quantile(0.975, freedom) == pytest.approx(quantile, abs=off)


@given(VALUES)
def test_an_interval_holds_its_figure_and_stays_within_the_values(values: list[float]) -> None:
    interval = Resampler(200).estimate_mean(values)
    assert interval is not None
    assert interval.value == pytest.approx(fmean(values))
    assert interval.low <= interval.value <= interval.high
    assert min(values) - 1e-9 <= interval.low
    assert interval.high <= max(values) + 1e-9


@given(VALUES, st.sampled_from([2.0, 1024.0, 0.125]))
def test_values_in_another_unit_have_the_same_interval_in_it(
    values: list[float], scale: float
) -> None:
    ours = Resampler(200).estimate_mean(values)
    theirs = Resampler(200).estimate_mean([each * scale for each in values])
    assert ours is not None
    assert theirs is not None
    assert (theirs.low, theirs.high) == pytest.approx((ours.low * scale, ours.high * scale))


@given(VALUES)
def test_the_same_seed_gives_the_same_interval(values: list[float]) -> None:
    again = [Resampler(100, seed=7).estimate_mean(values) for _ in range(2)]
    assert again[0] == again[1]


def test_what_does_not_vary_has_no_width() -> None:
    interval = Resampler(100).estimate_mean([0.25] * 12)
    assert interval is not None
    assert (interval.low, interval.high) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[], [3.0]])
def test_one_problem_has_no_interval(values: list[float]) -> None:
    resampler = Resampler(100)
    assert resampler.estimate_mean(values) is None
    assert resampler.estimate_price(values, values) is None


def test_no_resamples_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples"):
        Resampler(0)


@pytest.mark.parametrize("problems", [10, 30])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(problems: int) -> None:
    rng, resampler, rounds = random.Random(3), Resampler(300), 800
    held = 0
    for _ in range(rounds):
        # A problem's difference of two strategies with three samples each; the truth is 0.25.
        ease = [rng.uniform(-0.25, 0.25) for _ in range(problems)]
        drawn = [
            fmean((rng.random() < 0.7 + each) - (rng.random() < 0.45 + each) for _ in range(3))
            for each in ease
        ]
        interval = resampler.estimate_mean(drawn)
        assert interval is not None
        held += interval.low <= 0.25 <= interval.high
    # About 0.94 in the long run; of 800 rounds a fair count lies within three hundredths.
    assert 0.91 <= held / rounds <= 0.97


def test_a_ratio_that_may_have_nothing_below_it_has_no_upper_limit() -> None:
    interval = Resampler(500).estimate_ratio([1.0] * 10, [1.0] + [0.0] * 9)
    assert interval is not None
    assert interval.value == 10.0
    assert interval.high == math.inf
    assert Resampler(500).estimate_ratio([1.0, 1.0], [0.0, 0.0]) is None


def test_ratios_are_of_the_same_problems() -> None:
    with pytest.raises(ValueError, match="zip"):
        Resampler(10).estimate_ratio([1.0, 2.0], [1.0])


@given(VALUES)
@profile(max_examples=30)
def test_a_price_of_what_is_always_gained_is_the_costs_own(values: list[float]) -> None:
    resampler = Resampler(300)
    price = resampler.estimate_price(values, [0.5] * len(values))
    assert price is not None
    assert price.value == pytest.approx(fmean(values) / 0.5)
    assert price.low <= price.value * (1 + 1e-9)
    assert price.value <= price.high * (1 + 1e-9)


def test_a_price_of_what_may_not_be_gained_at_all_has_no_upper_limit() -> None:
    gains = [1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    price = Resampler(2000).estimate_price([0.01] * 10, gains)
    assert price is not None
    assert price.high == math.inf
    assert 0.0 < price.low < price.value == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("costs", "gains"), [([1, 1], [-1, 0]), ([-1, 0], [1, 1]), ([0, 0], [1, 1])]
)
def test_there_is_no_price_without_both_a_cost_and_a_gain(
    costs: list[float], gains: list[float]
) -> None:
    assert Resampler(50).estimate_price(costs, gains) is None


def test_an_interval_is_there_where_every_resample_gave_more() -> None:
    interval = get_bca_interval(0.0, [1.0, 2.0, 3.0], [0.0, 0.0])
    assert interval.low == 0.0
    assert interval.high <= 3.0
