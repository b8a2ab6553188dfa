"""What plots are drawn with: axes, and words that do not lie on one another."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.reports.html_markup import render
from koderz.reports.plots.pictures import NARROW, WIDE, Frame
from koderz.reports.plots.placing import (
    LINE_PX,
    Anchor,
    Box,
    fit_text,
    measure_text,
    place_labels,
    spread,
)
from koderz.reports.plots.points import Point, draw_points
from koderz.reports.plots.scales import (
    Axis,
    build_axis,
    build_count_axis,
    build_log_axis,
    format_tick_usd,
)

FRAME = Frame(name="costs", title="Cost", description="Cost against solved")
AMOUNTS = st.floats(1e-9, 1e6)


def assert_readable(axis: Axis) -> None:
    places = [axis.place(tick) for tick in axis.ticks]
    assert 2 <= len(places) <= 12
    assert all(before < after for before, after in pairwise(places))
    assert all(axis.start <= place <= axis.end for place in places)


@given(AMOUNTS)
def test_a_linear_axis_reaches_its_highest_figure(high: float) -> None:
    axis = build_axis(high, start=10, end=300)
    assert_readable(axis)
    assert axis.place(0) == 10
    assert axis.high >= high * (1 - 1e-6)


@given(AMOUNTS, st.floats(1, 1e9))
def test_a_logarithmic_axis_holds_its_figures(low: float, ratio: float) -> None:
    axis = build_log_axis(low, low * ratio, start=10, end=300)
    assert_readable(axis)
    assert axis.low <= low * (1 + 1e-6)
    assert axis.high >= low * ratio * (1 - 1e-6)


@given(st.integers(0, 100_000))
def test_an_axis_of_counts_is_marked_at_whole_numbers(high: int) -> None:
    axis = build_count_axis(high, start=0, end=100)
    assert_readable(axis)
    assert all(tick == int(tick) for tick in axis.ticks)


@pytest.mark.parametrize(
    ("usd", "told"),
    [
        (0, "$0"),
        (0.002, "$0.002"),
        (0.015, "$0.015"),
        (0.5, "$0.50"),
        (1.5, "$1.50"),
        (2e4, "$20,000"),
    ],
)
def test_money_on_an_axis_is_short(usd: float, told: str) -> None:
    assert format_tick_usd(usd) == told


@given(st.lists(st.floats(0, 400), max_size=12))
def test_spread_places_keep_their_order_and_distance(wanted: list[float]) -> None:
    places = spread(wanted, gap=LINE_PX, low=0, high=400)
    ordered = sorted(range(len(wanted)), key=wanted.__getitem__)
    for before, after in pairwise(ordered):
        assert places[after] - places[before] >= LINE_PX - 1e-6
    assert all(-1e-6 <= place <= 400 + 1e-6 for place in places)


@given(st.text(), st.floats(20, 300))
def test_a_fitted_text_is_no_wider_than_its_room(text: str, width: float) -> None:
    assert measure_text(fit_text(text, width)) <= width


def test_a_fitted_text_keeps_both_ends() -> None:
    assert re.fullmatch(r"qwen.*….*-4", fit_text("qwen-coder-reviewed-every-4", 120))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(10, 590), st.floats(10, 290)), min_size=1, max_size=8))
def test_labels_lie_within_the_plot_and_on_nothing(places: list[tuple[float, float]]) -> None:
    within = Box(0, 0, 600, 300)
    marks = [Box(x - 6, y - 6, 12, 12) for x, y in places]
    labels = place_labels(
        [Anchor(x, y, 110) for x, y in places], within=within, marks=marks, lines=marks
    )
    for index, label in enumerate(labels):
        assert within.holds(label)
        assert not any(label.meets(other) for other in [*labels[index + 1 :], *marks])


def make_point(index: int, cost: float | None) -> Point:
    return Point(
        index=index,
        name=f"strategy {index}",
        title="",
        cost=cost,
        solved=0.5,
        solved_low=0.4,
        solved_high=0.6,
        is_on_front=cost is not None,
    )


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("costs", "shown", "not_shown"),
    [
        ((0.01, 0.02), ["cost per problem, USD<"], ["logarithmic", "unknown"]),
        ((0.01, 0.3), ["USD (logarithmic)"], ["unknown", "$0<"]),
        ((0.0, 0.01, 0.3), ["USD (logarithmic)", "$0<"], ["unknown"]),
        ((0.0, 0.0), ["$0<"], ["logarithmic", "unknown"]),
        ((None, 0.01), ["unknown"], ["logarithmic"]),
        ((None,), ["unknown"], ["$0<"]),
    ],
)
def test_costs_far_apart_free_and_unknown_have_their_places(
    costs: tuple[float | None, ...], shown: list[str], not_shown: list[str], width: int
) -> None:
    points = [make_point(index, cost) for index, cost in enumerate(costs)]
    picture = render(draw_points(FRAME, points, width))
    assert picture.count('class="mark') == len(costs)
    for text in shown:
        assert text in picture
    for text in not_shown:
        assert text not in picture
    assert ('class="front"' in picture) is any(cost is not None for cost in costs)
