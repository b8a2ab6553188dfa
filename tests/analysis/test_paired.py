"""Paired tests held against counting every case, and against figures that others published."""

from __future__ import annotations

import itertools
import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.analysis.paired import (
    adjust_holm,
    bound_equal_differences,
    get_detectable_difference,
    get_hidden_share,
    get_mcnemar_p,
    get_sign_flip_p,
)

# Darwin's cross- and self-fertilised Zea mays, differences in eighths of an inch.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def flip_all(differences: list[int]) -> float:
    """The sign-flip p by trying every way to choose the signs."""
    ways = itertools.product((1, -1), repeat=len(differences))
    sums = [sum(map(int.__mul__, signs, differences)) for signs in ways]
    return fmean(abs(each) >= abs(sum(differences)) for each in sums)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (1, 0), (5, 1), (9, 2), (4, 4), (2, 9)])
def test_mcnemar_is_the_coins_two_tails(better: int, worse: int) -> None:
    tosses = list(itertools.product((0, 1), repeat=better + worse))
    gap = abs(better - worse)
    tails = fmean(abs(2 * sum(toss) - len(toss)) >= gap for toss in tosses)
    assert get_mcnemar_p(better, worse) == pytest.approx(tails)


def test_the_sign_flip_test_gives_fishers_figure_for_darwins_plants() -> None:
    # Fisher 1935, section 21: 863 of the 32,768 sums are 314 or more, so twice that in two tails.
    assert get_sign_flip_p(DARWIN) == 2 * 863 / 32768


@given(st.lists(st.integers(-6, 6), max_size=9))
def test_the_sign_flip_test_counts_every_way(differences: list[int]) -> None:
    assert get_sign_flip_p(differences) == pytest.approx(flip_all(differences))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_with_one_sample_a_problem_both_tests_are_one(better: int, worse: int, same: int) -> None:
    differences = [1] * better + [-1] * worse + [0] * same
    assert get_sign_flip_p(differences) == pytest.approx(get_mcnemar_p(better, worse))


@given(st.lists(st.integers(-9, 9), max_size=60), st.randoms())
def test_a_test_is_two_sided_and_knows_no_order(
    differences: list[int], order: random.Random
) -> None:
    mixed = [-each for each in differences]
    order.shuffle(mixed)
    assert get_sign_flip_p(mixed) == get_sign_flip_p(differences)


@given(st.integers(1, 400))
def test_what_never_differs_has_a_p_of_1(problems: int) -> None:
    assert get_sign_flip_p([0] * problems) == get_mcnemar_p(0, 0) == 1.0


def test_a_test_of_hundreds_of_problems_stays_exact() -> None:
    assert get_sign_flip_p([1] * 1000) == pytest.approx(2.0**-999)


def test_holm_gives_what_r_gives() -> None:
    # What p.adjust says of these five by the method "holm".
    assert adjust_holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx(
        [0.05, 0.08, 0.09, 0.09, 0.09]
    )
    # The four hypotheses of the usual textbook example.
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_raises_and_keeps_the_order(ps: list[float]) -> None:
    adjusted = adjust_holm(ps)
    assert all(p <= raised <= 1.0 for p, raised in zip(ps, adjusted, strict=True))
    for one, other in itertools.combinations(range(len(ps)), 2):
        if ps[one] < ps[other]:
            assert adjusted[one] <= adjusted[other]


def test_the_detectable_difference_is_the_textbooks() -> None:
    # 1.96 + 0.84 standard errors: with a spread of 0.5 over 100 problems, 14 points.
    differences = [0.5, -0.5] * 50
    spread = 0.5 * math.sqrt(100 / 99)
    assert get_detectable_difference(differences) == pytest.approx(2.8016 * spread / 10, abs=1e-4)


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    rng, problems, rounds = random.Random(1), 120, 400
    found = 0
    seen = rng.choices((1, 0, -1), (30, 60, 30), k=2000)
    effect = get_detectable_difference(seen[:problems])
    weights = (0.25 + effect / 2, 0.5, 0.25 - effect / 2)
    for _ in range(rounds):
        drawn = rng.choices((1, 0, -1), weights, k=problems)
        found += get_mcnemar_p(drawn.count(1), drawn.count(-1)) < 0.05
    assert 0.7 < found / rounds < 0.9


@pytest.mark.parametrize("problems", [1, 3, 30, 400])
def test_where_nothing_differed_a_difference_may_be_hidden(problems: int) -> None:
    low, high = bound_equal_differences(0.0, problems)
    assert -low == high == get_hidden_share(problems) > 0.0
    assert bound_equal_differences(1.0, problems)[1] == 1.0
    assert 0.0 < get_detectable_difference([0.0] * problems) <= 1.0
