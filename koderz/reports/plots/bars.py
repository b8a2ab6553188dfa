"""Stacked bars: one a strategy, in parts of one whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import build, extend
from koderz.reports.plots.pictures import (
    Frame,
    Key,
    build_axis_below,
    build_keys,
    build_picture,
    build_text,
)
from koderz.reports.plots.placing import fit_text, measure_text
from koderz.reports.plots.scales import Axis

_BAR_PX: Final = 18.0
_ROW_PX: Final = 50.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a bar: the stylesheet's class of its kind, how much, and that in words."""

    kind: str
    amount: float
    title: str


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's bar; `total` is what is written at its end."""

    name: str
    parts: tuple[Part, ...]
    total: str


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Bars with one axis: `label` says what it measures, `build_axis` makes it for a width."""

    bars: tuple[Bar, ...]
    keys: tuple[Key, ...]
    label: str
    build_axis: Callable[..., Axis]
    form: Callable[[float], str]


def draw_stack(frame: Frame, stack: Stack, width: int) -> Element:
    """The plot for this width in pixels: each bar under its strategy's name."""
    legend, top = build_keys(stack.keys, width)
    bottom = top + _ROW_PX * len(stack.bars)
    longest = max(sum(part.amount for part in bar.parts) for bar in stack.bars)
    axis = stack.build_axis(longest, start=2.0, end=width - 24.0)
    return build_picture(
        frame,
        width,
        bottom + 46,
        legend,
        build_axis_below(
            axis, top=top, bottom=bottom, width=width, label=stack.label, form=stack.form
        ),
        *(_draw_bar(bar, axis, top + _ROW_PX * row, width) for row, bar in enumerate(stack.bars)),
    )


def _draw_bar(bar: Bar, axis: Axis, top: float, width: int) -> Element:
    total = measure_text(bar.total)
    name = fit_text(bar.name, width - total - 32)
    group = extend(
        build("g"),
        [
            build_text(name, axis.start, top + 18.5, class_="over"),
            build_text(bar.total, width - 2, top + 18.5, class_="over", end="end"),
        ],
    )
    amount = 0.0
    for part in bar.parts:
        if part.amount > 0:
            start, end = axis.place(amount), axis.place(amount + part.amount)
            group.append(_draw_part(part, start, end, top + 26))
        amount += part.amount
    return group


def _draw_part(part: Part, start: float, end: float, top: float) -> Element:
    place = {"x": start, "y": top, "width": max(end - start, 1.0), "height": _BAR_PX}
    return build("rect", build("title", part.title), class_=f"area {part.kind}", **place)
