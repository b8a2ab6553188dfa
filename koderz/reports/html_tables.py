"""Tables as HTML: each scrolls in a frame of its own where the window is too narrow for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from koderz.reports.html_markup import build
from koderz.reports.plots.pictures import build_mark
from koderz.reports.tables import Table

_LONG: Final = 18


def render_table(table: Table, strategies: Sequence[str]) -> Element:
    """The table; each strategy's name bears the mark that it has in the plots."""
    marks = {name: index for index, name in enumerate(strategies)}
    head = build("tr", *(_build_head(each, marks) for each in table.columns))
    body = build("tbody", *(_build_row(row, marks) for row in table.rows))
    whole = build("table", build("thead", head), body)
    frame = {"class_": "scroll", "tabindex": "0", "role": "region"}
    return build("div", whole, aria_label=table.title, **frame)


def _build_head(name: str, marks: Mapping[str, int]) -> Element:
    return build("th", _build_key(name, marks), name, scope="col")


def _build_row(row: Sequence[str], marks: Mapping[str, int]) -> Element:
    first, *others = row
    head = build("th", _build_key(first, marks), first, scope="row")
    return build("tr", head, *(_build_cell(each) for each in others))


def _build_key(name: str, marks: Mapping[str, int]) -> Element | None:
    if name not in marks:
        return None
    box = {"viewBox": "-8 -8 16 16"}
    return build("svg", build_mark(marks[name], 0, 0), class_="key", aria_hidden="true", **box)


def _build_cell(text: str) -> Element:
    """A cell; what is in brackets at its end stands below the figure."""
    figure, bracket, rest = text.partition(" [")
    if not bracket or not rest.endswith("]"):
        return build("td", text, class_="words" if len(text) > _LONG else None)
    return build("td", figure, build("small", rest[:-1]))
