"""A strip a strategy with a cell a problem: solved, unsolved, not judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import build, extend
from koderz.reports.plots.pictures import (
    WIDE,
    Frame,
    Key,
    build_keys,
    build_mark,
    build_picture,
    build_text,
)
from koderz.reports.plots.placing import fit_text

_NAME_PX: Final = 22.0
_LARGEST_PX: Final = 26.0
_SMALLEST_PX: Final = 10.0
_GAP_PX: Final = 2.0

KEYS: Final = (
    Key("solved", "solved"),
    Key("unsolved", "unsolved"),
    Key("unjudged", "stopped or not begun"),
)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A problem's samples: how many there are, solved ones and ones without a verdict."""

    title: str
    samples: int
    solved: int
    unjudged: int


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's cells, one for each problem in the order of the run."""

    index: int
    name: str
    cells: tuple[Cell, ...]


def draw_strips(frame: Frame, strips: Sequence[Strip], width: int) -> Element:
    """The plot for this width in pixels: a cell fills from below with the samples solved."""
    pitch, columns = _choose_pitch(max(len(strip.cells) for strip in strips), width)
    tall = max(pitch, 14.0)
    legend, top = build_keys(KEYS, width)
    group = build("g")
    for strip in strips:
        extend(group, _draw_name(strip, top, width))
        top += _NAME_PX
        for start in range(0, len(strip.cells), columns):
            for column, cell in enumerate(strip.cells[start : start + columns]):
                group.append(_draw_cell(cell, column * pitch, top, pitch - _GAP_PX, tall - _GAP_PX))
            top += tall + (2.0 if width == WIDE else 1.0)
        top += 8
    return build_picture(frame, width, top, legend, group)


def _choose_pitch(cells: int, width: int) -> tuple[float, int]:
    """The width of a cell with its gap, and how many stand in a line."""
    lines = 1
    while width * lines / cells < _SMALLEST_PX:
        lines += 1
    columns = -(-cells // lines)
    return min(width / columns, _LARGEST_PX), columns


def _draw_name(strip: Strip, top: float, width: int) -> list[Element]:
    name = fit_text(strip.name, width - 20)
    return [build_mark(strip.index, 6, top + 10), build_text(name, 18, top + 14.5)]


def _draw_cell(cell: Cell, x: float, y: float, width: float, height: float) -> Element:
    """From below: solved, then unsolved, and at the top what was not judged."""
    unit = height / cell.samples if cell.samples else 0.0
    solved, unjudged = cell.solved * unit, cell.unjudged * unit
    ground = "unsolved" if cell.unjudged < cell.samples else "unjudged"
    parts = [(y, height, ground)]
    if unjudged and ground == "unsolved":
        parts.append((y, unjudged, "unjudged"))
    if solved:
        parts.append((y + height - solved, solved, "solved"))
    return extend(
        build("g", build("title", cell.title)),
        [
            build("rect", x=x, y=top, width=width, height=tall, class_=kind)
            for top, tall, kind in parts
        ],
    )
