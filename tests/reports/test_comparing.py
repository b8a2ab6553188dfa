"""Strategies against each other: the same problems alone, the right test, no invented savings."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from made_runs import make_observation
from reporting import get_pair, get_strategy, make_strategy, report_on

from koderz.types import Tier

CENT = Decimal("0.01")


def test_one_sample_is_tested_by_mcnemar_and_several_by_sign_flips() -> None:
    ours = make_strategy("a", [True] * 9 + [False] * 2)
    theirs = make_strategy("b", [False] * 9 + [True] * 2)
    pair = get_pair(report_on([*ours, *theirs]))
    assert pair.test == "McNemar, exact"
    assert (pair.better, pair.worse) == (2, 9)
    assert pair.p == pytest.approx(0.0654296875)
    more = [msgspec.structs.replace(each, sample=1) for each in (*ours, *theirs)]
    assert "sign-flip" in get_pair(report_on([*ours, *theirs, *more])).test


def test_only_what_both_were_judged_on_is_compared() -> None:
    ours = make_strategy("a", [True, True, False])
    theirs = [*make_strategy("b", [False, True]), *make_strategy("b", [True] * 9)[8:]]
    pair = get_pair(report_on([*ours, *theirs]))
    assert (pair.problems, pair.pairs, pair.unpaired) == (2, 2, 2)
    remarks = report_on([*ours, *theirs]).remarks
    assert any("different problems" in remark for remark in remarks)


def test_strategies_with_no_problem_in_common_are_not_compared() -> None:
    report = report_on([make_observation("a", "made/0"), make_observation("b", "made/1")])
    assert report.comparisons == ()
    assert report.power == ""
    assert report.control == "a"


def test_what_a_further_solved_problem_costs() -> None:
    dear = make_strategy("dear", [True] * 8 + [False] * 2, cost_usd=3 * CENT)
    cheap = make_strategy("cheap", [True] * 4 + [False] * 6, cost_usd=CENT)
    pair = get_pair(report_on([*dear, *cheap], strategies=["cheap", "dear"]))
    assert pair.per_extra_solved is not None
    assert float(pair.per_extra_solved.usd) == pytest.approx(0.02 / 0.4)
    assert pair.cost_difference is not None
    assert pair.cost_difference.usd == 2 * CENT
    back = get_pair(report_on([*dear, *cheap], control="dear"))
    assert (back.per_extra_solved, back.per_extra_reason) == (None, "solved no more")
    assert back.saved_share is not None
    assert back.saved_share.value == pytest.approx(2 / 3)
    free = make_strategy("free", [True] * 10, cost_usd=CENT)
    assert get_pair(report_on([*free, *cheap])).per_extra_reason == "cost no more"


def test_at_the_break_even_price_both_cost_the_same() -> None:
    dear = make_strategy("dear", [True] * 4, tier=Tier.FRONTIER, cost_usd=6 * CENT)
    cheap = make_strategy("cheap", [True] * 4, cost_usd=CENT)
    pair = get_pair(report_on([*dear, *cheap]))
    factors = {each.tier: each.factor for each in pair.break_even}
    assert factors == pytest.approx({Tier.FRONTIER: 1 / 6, Tier.SMALL_FRONTIER: 6.0})


def test_an_unknown_price_is_never_a_saving() -> None:
    known = make_strategy("known", [True, False, True])
    unknown = make_strategy("unknown", [True, True, False], cost_usd=None)
    report = report_on([*known, *unknown])
    pair, built = get_pair(report), get_strategy(report, "unknown")
    assert (pair.cost_difference, pair.saved_usd, pair.saved_share) == (None, None, None)
    assert pair.per_extra_reason == "a price is unknown"
    assert built.cost_per_problem is not None
    assert built.cost_per_problem.is_at_least
    assert built.savings is None
    assert report.unplaced == ("unknown",)
    assert any("price of 3 calls is unknown" in remark for remark in report.remarks)


@pytest.mark.parametrize("outcome", [True, False])
def test_where_nothing_differs_the_interval_still_has_a_width(outcome: bool) -> None:
    ours, theirs = (make_strategy(name, [outcome] * 8) for name in "ab")
    pair = get_pair(report_on([*ours, *theirs]))
    assert pair.difference.low is not None
    assert pair.difference.low < 0.0 == pair.difference.value
    assert not pair.is_different
    assert 0.0 < pair.detectable <= 1.0
