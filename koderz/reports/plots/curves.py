"""Solved over iterations: a step curve a strategy, each with its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import build, extend
from koderz.reports.plots.pictures import (
    COLOURS,
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
from koderz.reports.plots.placing import LINE_PX, fit_text, spread
from koderz.reports.plots.scales import Axis, build_axis, build_count_axis, format_share

_LEFT: Final = 46.0
_TOP: Final = 30.0

Place: TypeAlias = tuple[float, float]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The share from this number of iterations on, with its interval."""

    at: int
    share: float
    low: float
    high: float


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's steps, the earliest first."""

    index: int
    name: str
    title: str
    steps: tuple[Step, ...]


def draw_curves(frame: Frame, curves: Sequence[Curve], width: int) -> Element:
    """The plot for this width in pixels; a curve goes on thin where no more was tried."""
    height = max(400.0 if width == WIDE else 360.0, _TOP + 60.0 + LINE_PX * len(curves))
    names = 170.0 if width == WIDE else 118.0
    last = max(curve.steps[-1].at for curve in curves)
    across = build_count_axis(last, start=_LEFT, end=width - names)
    up = build_axis(1.0, start=height - 48.0, end=_TOP)
    return build_picture(
        frame,
        width,
        height,
        build_axis_beside(up, left=_LEFT, right=across.end, label="solved", form=format_share),
        build_axis_below(
            across, top=_TOP, bottom=up.start, width=width, label="iterations", form="{:.0f}".format
        ),
        *(_draw_band(curve, across, up) for curve in curves),
        *(_draw_line(curve, across, up) for curve in curves),
        *_draw_names(curves, across, up, width - across.end),
    )


def _draw_band(curve: Curve, across: Axis, up: Axis) -> Element:
    lows = [(step.at, step.low) for step in curve.steps]
    highs = [(step.at, step.high) for step in curve.steps]
    edge = [*_list_corners(highs, across, up), *reversed(_list_corners(lows, across, up))]
    return build_path(edge, f"band {get_colour(curve.index)}", closes=True)


def _draw_line(curve: Curve, across: Axis, up: Axis) -> Element:
    corners = _list_corners([(step.at, step.share) for step in curve.steps], across, up)
    colour = get_colour(curve.index)
    x, y = corners[-1]
    group = build("g", build("title", curve.title))
    if x < across.end:
        group.append(build_line(x, y, across.end, y, f"onward {colour}"))
    if len(corners) > 1:
        return extend(group, [build_path(corners, f"curve {colour}")])
    # One try is a point, not a course: it gets a bar instead of a band, beside those of others.
    x += (curve.index % COLOURS) * 2.5
    low, high = up.place(curve.steps[0].low), up.place(curve.steps[0].high)
    bar = build("g", build_line(x, low, x, high, "bar"), class_=colour)
    return extend(group, [bar, build_mark(curve.index, x, y)])


def _list_corners(steps: Sequence[tuple[int, float]], across: Axis, up: Axis) -> list[Place]:
    """The corners of a step curve: flat up to the next step, then up."""
    corners: list[Place] = []
    for at, share in steps:
        x, y = across.place(at), up.place(share)
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    return corners


def _draw_names(curves: Sequence[Curve], across: Axis, up: Axis, room: float) -> list[Element]:
    """Names at the ends of the curves, moved apart where the ends are close."""
    ends = [up.place(curve.steps[-1].share) for curve in curves]
    places = spread(ends, gap=LINE_PX, low=_TOP + 4, high=up.start - 2)
    names = build("g", class_="names")
    links = build("g")
    for curve, end, place in zip(curves, ends, places, strict=True):
        x = across.end
        links.append(build_line(x, end, x + 10, place, f"link {get_colour(curve.index)}"))
        links.append(build_mark(curve.index, x + 16, place))
        names.append(build_text(fit_text(curve.name, room - 28), x + 26, place + 4.5))
    return [links, names]
