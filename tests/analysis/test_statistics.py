"""pass@k and its intervals, held against counting by hand and against what must always be so."""

from __future__ import annotations

import itertools
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.analysis.statistics import (
    Tally,
    estimate_mean,
    estimate_pass_at_k,
    get_pass_at_k,
    get_wilson_interval,
)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    samples = draw(st.integers(1, 40))
    return Tally(samples, draw(st.integers(0, samples)))


@pytest.mark.parametrize(
    ("samples", "passed", "k"), [(1, 1, 1), (1, 0, 1), (5, 2, 1), (5, 2, 3), (6, 3, 4), (7, 1, 2)]
)
def test_pass_at_k_is_the_share_of_draws_with_a_good_sample(
    samples: int, passed: int, k: int
) -> None:
    draws = list(itertools.combinations([True] * passed + [False] * (samples - passed), k))
    assert get_pass_at_k(samples, passed, k) == pytest.approx(fmean(any(draw) for draw in draws))


@pytest.mark.parametrize(("samples", "passed", "k"), [(3, 1, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_pass_at_k_of_too_few_samples_is_refused(samples: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match="no pass@"):
        get_pass_at_k(samples, passed, k)


@given(tallies(), st.data())
def test_pass_at_k_grows_with_k_and_stays_a_share(tally: Tally, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, tally.samples))
    value = get_pass_at_k(tally.samples, tally.passed, k)
    assert 0.0 <= value <= 1.0
    assert value >= get_pass_at_k(tally.samples, tally.passed, 1) - 1e-12


def test_pass_at_1_is_the_mean_of_the_problems_shares() -> None:
    estimate = estimate_pass_at_k([Tally(4, 1), Tally(2, 2), Tally(1, 0)], 1)
    assert estimate is not None
    assert estimate.value == pytest.approx((0.25 + 1 + 0) / 3)
    assert estimate.problems == 3


def test_there_is_no_pass_at_k_where_a_problem_has_too_few_samples() -> None:
    assert estimate_pass_at_k([Tally(10, 1), Tally(9, 9)], 10) is None
    assert estimate_pass_at_k([], 1) is None


@given(st.lists(tallies(), min_size=1, max_size=60))
def test_an_interval_lies_around_its_value_within_0_and_1(counted: list[Tally]) -> None:
    estimate = estimate_pass_at_k(counted, 1)
    assert estimate is not None
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
    assert estimate.low < estimate.high


def test_an_interval_has_a_width_even_where_everything_passed() -> None:
    estimate = estimate_pass_at_k([Tally(1, 1)] * 164, 1)
    assert estimate is not None
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.977, abs=0.001)


def test_an_interval_of_yes_or_no_problems_is_wilsons() -> None:
    few = estimate_pass_at_k([Tally(1, 1)] * 30 + [Tally(1, 0)] * 70, 1)
    assert few is not None
    # The textbook interval for 30 of 100.
    assert (few.low, few.high) == pytest.approx((0.219, 0.396), abs=0.002)


@given(st.integers(2, 50))
def test_more_problems_of_the_same_kind_narrow_the_interval(times: int) -> None:
    kinds = [Tally(5, 1), Tally(5, 5), Tally(5, 3)]
    few, many = estimate_pass_at_k(kinds * 2, 1), estimate_pass_at_k(kinds * 2 * times, 1)
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


def test_problems_that_vary_less_than_coins_narrow_the_interval() -> None:
    steady = estimate_mean([0.5, 0.4, 0.6, 0.5], observations=40)
    coins = estimate_mean([0.0, 1.0, 0.0, 1.0], observations=40)
    assert steady.high - steady.low < coins.high - coins.low


@pytest.mark.parametrize(("share", "size"), [(1.5, 10), (-0.1, 10), (0.5, 0)])
def test_an_interval_of_nonsense_is_refused(share: float, size: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        get_wilson_interval(share, size)


@pytest.mark.parametrize(
    ("passed", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_newcombes(passed: int, of: int, low: float, high: float) -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    assert get_wilson_interval(passed / of, of) == pytest.approx((low, high), abs=5e-5)
