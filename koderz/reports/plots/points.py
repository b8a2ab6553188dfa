"""Cost against solved: a point a strategy with its intervals, and the front drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import build, extend
from koderz.reports.plots.pictures import (
    WIDE,
    Frame,
    build_axis_below,
    build_axis_beside,
    build_line,
    build_mark,
    build_path,
    build_picture,
    build_text,
    get_colour,
)
from koderz.reports.plots.placing import LINE_PX, Anchor, Box, fit_text, measure_text, place_labels
from koderz.reports.plots.scales import (
    LOG_FROM,
    Axis,
    build_axis,
    build_log_axis,
    format_share,
    format_tick_usd,
)

Place: TypeAlias = tuple[float, float]

_LEFT: Final = 46.0
_TOP: Final = 30.0
_RIGHT: Final = 14.0
_STRIP_PX: Final = 58.0
_GAP_PX: Final = 34.0
_HEADROOM: Final = 1.03


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's place; a cost of None is unknown, and a limit of None is not drawn."""

    index: int
    name: str
    title: str
    cost: float | None
    cost_low: float | None = None
    cost_high: float | None = None
    solved: float
    solved_low: float
    solved_high: float
    is_on_front: bool = False


class _Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where costs and shares stand; free and unknown costs have strips of their own."""

    costs: Axis | None
    shares: Axis
    free_x: float | None
    unknown_x: float | None
    width: float

    @property
    def end(self) -> float:
        """The right edge of what is drawn."""
        return self.width - _RIGHT

    def place(self, cost: float | None) -> float:
        """The pixel of a cost."""
        if cost is None:
            return self.unknown_x or self.end
        if cost <= 0 and self.free_x is not None:
            return self.free_x
        return self.costs.place(cost) if self.costs else _LEFT


def draw_points(frame: Frame, points: Sequence[Point], width: int) -> Element:
    """The plot for this width in pixels."""
    height = max(420.0 if width == WIDE else 380.0, _TOP + 2 * LINE_PX * len(points))
    ground = _build_ground(points, width, height)
    return build_picture(
        frame,
        width,
        height,
        _draw_axes(ground),
        _draw_front(ground, points),
        *(_draw_bars(ground, point) for point in points),
        *_draw_labels(ground, points),
        *(_draw_mark(ground, point) for point in points),
    )


def _build_ground(points: Sequence[Point], width: int, height: float) -> _Ground:
    known = [point.cost for point in points if point.cost is not None]
    paid = [cost for cost in known if cost > 0]
    is_log = bool(paid) and max(paid) >= LOG_FROM * min(paid)
    left, right = _LEFT, width - _RIGHT
    free_x = unknown_x = None
    if (is_log or not paid) and len(paid) < len(known):
        free_x, left = left + _STRIP_PX / 2, left + _STRIP_PX + _GAP_PX
    if len(known) < len(points):
        unknown_x, right = right - _STRIP_PX / 2, right - _STRIP_PX - _GAP_PX
    highs = [point.cost_high for point in points if point.cost_high is not None]
    costs = None
    if is_log:
        lows = [point.cost_low for point in points if point.cost_low and point.cost]
        # An interval that reaches far down says so by running into the axis.
        low = max(min([*paid, *lows]), min(paid) / 10)
        costs = build_log_axis(low, max([*paid, *highs]), start=left, end=right)
    elif paid:
        costs = build_axis(_HEADROOM * max([*paid, *highs]), start=left, end=right)
    shares = build_axis(1.0, start=height - 48.0, end=_TOP)
    return _Ground(costs=costs, shares=shares, free_x=free_x, unknown_x=unknown_x, width=width)


def _draw_axes(ground: _Ground) -> Element:
    shares, bottom, middle = ground.shares, ground.shares.start, (_LEFT + ground.end) / 2
    axes = build(
        "g",
        build_axis_beside(shares, left=_LEFT, right=ground.end, label="solved", form=format_share),
    )
    for x, text in ((ground.free_x, "$0"), (ground.unknown_x, "unknown")):
        if x is not None:
            place = {"x": x - _STRIP_PX / 2, "y": _TOP, "width": _STRIP_PX, "height": bottom - _TOP}
            strip = build("rect", class_="strip", **place)
            words = build_text(text, x, bottom + 17, class_="tick", end="middle")
            extend(axes, [strip, words])
    if costs := ground.costs:
        label = f"cost per problem, USD{' (logarithmic)' if costs.is_log else ''}"
        ends = {"top": _TOP, "bottom": bottom, "width": ground.width}
        axes.append(build_axis_below(costs, label=label, form=format_tick_usd, **ends))
    else:
        label = "cost per problem, USD"
        axes.append(build_text(label, middle, bottom + 37, class_="label", end="middle"))
    return axes


def _draw_front(ground: _Ground, points: Sequence[Point]) -> Element | None:
    way = _list_front(ground, points)
    return build_path(way, "front") if way else None


def _list_front(ground: _Ground, points: Sequence[Point]) -> list[Place]:
    """Steps from each point of the front to the next: what the money between buys is no more."""
    front = sorted(
        (point for point in points if point.is_on_front and point.cost is not None),
        key=lambda point: (point.cost or 0.0, point.solved),
    )
    way: list[Place] = []
    for point in front:
        x, y = ground.place(point.cost), ground.shares.place(point.solved)
        way += [(x, way[-1][1]), (x, y)] if way else [(x, y)]
    return [*way, (ground.costs.end if ground.costs else ground.end, way[-1][1])] if way else []


def _thicken(ends: tuple[Place, Place]) -> Box:
    """A straight line across or down as a thin box."""
    (x1, y1), (x2, y2) = ends
    return Box(min(x1, x2) - 1, min(y1, y2) - 1, abs(x2 - x1) + 2, abs(y2 - y1) + 2)


def _draw_bars(ground: _Ground, point: Point) -> Element:
    x, y = ground.place(point.cost), ground.shares.place(point.solved)
    group = build("g", class_=get_colour(point.index))
    for box in _list_bars(ground, point):
        across = box.width > box.height
        ends = (box.x, y, box.x + box.width, y) if across else (x, box.y, x, box.y + box.height)
        group.append(build_line(*ends, "bar"))
    return group


def _list_bars(ground: _Ground, point: Point) -> list[Box]:
    """The intervals as thin boxes: up and down, and across where the cost has limits."""
    x, y = ground.place(point.cost), ground.shares.place(point.solved)
    high, low = ground.shares.place(point.solved_high), ground.shares.place(point.solved_low)
    bars = [Box(x - 1, high, 2, max(low - high, 3))]
    if point.cost is not None and point.cost_low is not None and point.cost_high is not None:
        start, end = (ground.place(max(each, 1e-12)) for each in (point.cost_low, point.cost_high))
        if end - start > 2:  # noqa: PLR2004 - narrower is no interval to be seen.
            bars.append(Box(start, y - 1, end - start, 2))
    return bars


def _draw_labels(ground: _Ground, points: Sequence[Point]) -> list[Element]:
    """Names beside their points, with a thin line to those that had to move away."""
    within = Box(_LEFT + 2, _TOP, ground.end - _LEFT - 2, ground.shares.start - _TOP - 2)
    names = [fit_text(point.name, within.width * 0.42) for point in points]
    places = [(ground.place(point.cost), ground.shares.place(point.solved)) for point in points]
    boxes = place_labels(
        [Anchor(x, y, measure_text(name)) for (x, y), name in zip(places, names, strict=True)],
        within=within,
        marks=[Box(x - 6, y - 6, 12, 12) for x, y in places],
        lines=[
            *(bar for point in points for bar in _list_bars(ground, point)),
            *map(_thicken, pairwise(_list_front(ground, points))),
        ],
    )
    group = build("g", class_="names")
    leaders = build("g")
    for (x, y), name, box in zip(places, names, boxes, strict=True):
        near_x = min(max(x, box.x), box.x + box.width)
        near_y = min(max(y, box.y), box.y + box.height)
        if abs(near_x - x) + abs(near_y - y) > 20:  # noqa: PLR2004 - nearer needs no line.
            leaders.append(build_line(x, y, near_x, near_y, "leader"))
        group.append(_write_name(name, box, x))
    return [leaders, group]


def _write_name(name: str, box: Box, x: float) -> Element:
    """The name in its box, at the side that is nearer to its point."""
    baseline = box.y + 13
    if box.x + box.width <= x:
        return build_text(name, box.x + box.width, baseline, end="end")
    if box.x >= x:
        return build_text(name, box.x, baseline)
    return build_text(name, box.x + box.width / 2, baseline, end="middle")


def _draw_mark(ground: _Ground, point: Point) -> Element:
    x, y = ground.place(point.cost), ground.shares.place(point.solved)
    return build_mark(point.index, x, y, point.title)
