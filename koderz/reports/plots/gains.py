"""What checkpoints added: from the share of tests passed before to that after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import build, extend, format_number
from koderz.reports.plots.pictures import (
    WIDE,
    Frame,
    build_axis_below,
    build_line,
    build_mark,
    build_picture,
    build_text,
    get_colour,
)
from koderz.reports.plots.placing import fit_text
from koderz.reports.plots.scales import Axis, build_axis, format_share

_HEAD_PX: Final = 30.0
_ROW_PX: Final = 24.0
_TOP: Final = 26.0


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint number's mean shares; `change` is what came of it, and in short."""

    number: int
    change: str
    short: str
    title: str
    before: float
    after: float
    best: float


class Gains(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's checkpoints in their order."""

    index: int
    name: str
    gains: tuple[Gain, ...]


def draw_gains(frame: Frame, strategies: Sequence[Gains], width: int) -> Element:
    """The plot for this width in pixels: an arrow a checkpoint, under its strategy's name."""
    before, after = (110.0, 160.0) if width == WIDE else (40.0, 66.0)
    heights = [_HEAD_PX + _ROW_PX * len(each.gains) for each in strategies]
    bottom = _TOP + sum(heights) + 4
    axis = build_axis(1.0, start=before, end=width - after)
    group = build("g")
    top = _TOP
    for strategy, height in zip(strategies, heights, strict=True):
        extend(group, _draw_strategy(strategy, axis, top, width))
        top += height
    return build_picture(
        frame,
        width,
        bottom + 46,
        build_axis_below(
            axis,
            top=_TOP + _HEAD_PX - 6,
            bottom=bottom,
            width=width,
            label="feedback tests passed",
            form=format_share,
        ),
        group,
    )


def _draw_strategy(strategy: Gains, axis: Axis, top: float, width: int) -> list[Element]:
    drawn = [
        build_mark(strategy.index, 6, top + 14),
        build_text(fit_text(strategy.name, width - 20), 18, top + 18.5, class_="over"),
    ]
    colour = get_colour(strategy.index)
    for row, gain in enumerate(strategy.gains):
        y = top + _HEAD_PX + _ROW_PX * row + 8
        label = f"checkpoint {gain.number}" if width == WIDE else f"#{gain.number}"
        change = gain.change if width == WIDE else gain.short
        drawn += [
            build_text(label, axis.start - 10, y + 4.5, end="end"),
            _draw_gain(gain, axis, y, colour),
            build_text(change, width - 2, y + 4.5, end="end"),
        ]
    return drawn


def _draw_gain(gain: Gain, axis: Axis, y: float, colour: str) -> Element:
    """A dot where it was, an arrowhead where it went, and a thin line on to the best."""
    before, after, best = (axis.place(each) for each in (gain.before, gain.after, gain.best))
    back = -6 if after >= before else 6
    tip = f"M{format_number(after)},{format_number(y)}l{back},-4.5v9z"
    return build(
        "g",
        build("title", gain.title),
        build_line(after, y, best, y, "reach"),
        build_line(best, y - 5, best, y + 5, "reach"),
        build_line(before, y, after, y, "curve"),
        build("circle", cx=before, cy=y, r=4, class_="hollow"),
        build("path", d=tip, class_="mark"),
        class_=colour,
    )
