"""Done by when, held against the textbook's patients; and the front of cost and gain."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.analysis.fronts import Place, find_dominators
from koderz.analysis.survival import estimate_done

# Freireich et al. 1963, weeks of remission under 6-MP; the second list left before it ended.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
LEFT = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

PLACES = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.builds(Place, st.integers(0, 9).map(Decimal), st.integers(0, 9).map(lambda n: n / 9)),
    max_size=8,
)


def test_done_by_when_is_the_textbooks_survival() -> None:
    watched = [(week, True) for week in RELAPSED] + [(week, False) for week in LEFT]
    points = {point.time: point for point in estimate_done(watched)}
    lasting = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for week, share in lasting.items():
        assert 1 - points[week].share == pytest.approx(share, abs=0.001)
    assert [points[week].at_risk for week in (6, 7, 10, 23, 35)] == [21, 17, 15, 6, 1]


def test_without_anyone_leaving_it_is_the_plain_share() -> None:
    points = estimate_done([(1, True), (2, True), (3, False), (3, True)])
    assert [point.share for point in points] == pytest.approx([0.25, 0.5, 0.75])


def test_what_was_never_watched_does_not_count() -> None:
    assert estimate_done([(0, False)]) == ()
    assert estimate_done([]) == ()


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())), st.randoms())
def test_more_is_done_with_time_and_order_does_not_matter(
    watched: list[tuple[int, bool]], order: random.Random
) -> None:
    points = estimate_done(watched)
    shares = [point.share for point in points]
    assert shares == sorted(shares)
    assert all(0.0 <= share <= 1.0 for share in shares)
    order.shuffle(watched)
    assert estimate_done(watched) == points


def test_who_costs_more_and_gains_less_is_beaten() -> None:
    places = {
        "dear": Place(Decimal(3), 0.5),
        "good": Place(Decimal(2), 0.9),
        "cheap": Place(Decimal(1), 0.5),
        "twin": Place(Decimal(1), 0.5),
    }
    assert find_dominators(places) == {
        "cheap": (),
        "twin": (),
        "good": (),
        "dear": ("cheap", "twin", "good"),
    }


@given(PLACES)
def test_the_front_beats_all_others_and_none_of_its_own(places: dict[str, Place]) -> None:
    found = find_dominators(places)
    front = {name for name, by in found.items() if not by}
    assert bool(front) == bool(places)
    for name, by in found.items():
        assert name not in by
        assert not by or front & set(by)
