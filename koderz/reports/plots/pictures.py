"""What every plot has: a frame with a name, axes, marks and the words beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

import msgspec

from koderz.reports.html_markup import Content, build, extend, format_number
from koderz.reports.plots.placing import LINE_PX, TEXT_PX, measure_text
from koderz.reports.plots.scales import Axis

WIDE: Final = 680
NARROW: Final = 340
"""The widths that plots are drawn for, in pixels: a desk's and a phone's."""

Form: TypeAlias = Callable[[float], str]

COLOURS: Final = 8
_STAMP_PX: Final = 106.0

# Paths around (0, 0): a mark can be told without its colour, and no pair of both comes twice soon.
_SHAPES: Final = (
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    "M-4.5,-4.5h9v9h-9z",
    "M0,-6l5.5,10h-11z",
    "M0,-6.5l6,6.5l-6,6.5l-6,-6.5z",
    "M0,6l5.5,-10h-11z",
    "M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "M-3,-5.2h6l3,5.2l-3,5.2h-6l-3,-5.2z",
    "M0,-7l2,5h5l-4,3.4l1.6,5.2l-4.6,-3.2l-4.6,3.2l1.6,-5.2l-4,-3.4h5z",
)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What a plot is called, what it shows in words, and the stamp that it has to bear."""

    name: str
    title: str
    description: str
    stamp: str = ""


class Key(msgspec.Struct, frozen=True):
    """What a kind of mark stands for: its class in the stylesheet, and words."""

    kind: str
    label: str


def build_picture(frame: Frame, width: int, height: float, *marks: Content) -> Element:
    """A plot as an SVG element that tells its name and content to a reader who cannot see it."""
    title, about = f"{frame.name}-{width}-title", f"{frame.name}-{width}-about"
    size = {"viewBox": f"0 0 {width} {format_number(height)}"}
    return build(
        "svg",
        build("title", frame.title, id=title),
        build("desc", frame.description, id=about),
        build_text(frame.stamp, width - 2, 14, class_="stamp", end="end") if frame.stamp else None,
        *marks,
        role="img",
        class_="wide" if width == WIDE else "narrow",
        aria_labelledby=f"{title} {about}",
        **size,
    )


def build_text(
    text: str, x: float, y: float, *, class_: str | None = None, end: str | None = None
) -> Element:
    """Words on a baseline; `end` is the part of them that stands at `x` (start if None)."""
    return build("text", text, x=x, y=y, class_=class_, text_anchor=end)


def build_line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    """A straight line."""
    return build("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def build_mark(index: int, x: float, y: float, title: str = "") -> Element:
    """The mark of the strategy with this number, in its colour and its shape."""
    return build(
        "path",
        build("title", title) if title else None,
        d=_SHAPES[(index + index // COLOURS) % len(_SHAPES)],
        transform=f"translate({format_number(x)},{format_number(y)})",
        class_=f"mark {get_colour(index)}",
    )


def build_path(
    points: Iterable[tuple[float, float]], class_: str, *, closes: bool = False
) -> Element:
    """A line through points, or the area inside it."""
    way = "L".join(f"{format_number(x)},{format_number(y)}" for x, y in points)
    return build("path", d=f"M{way}{'z' if closes else ''}", class_=class_)


def get_colour(index: int) -> str:
    """The stylesheet's class of the strategy with this number."""
    return f"s{index % COLOURS}"


def build_axis_below(
    axis: Axis, *, top: float, bottom: float, width: float, label: str, form: Form
) -> Element:
    """Figures under a plot of this width, a line up from each, and what they are."""
    group = build("g")
    room = 0.0
    for tick in axis.ticks:
        x, text = axis.place(tick), form(tick)
        group.append(build_line(x, top, x, bottom, "grid"))
        half = measure_text(text) / 2
        start = min(max(x - half, 0.0), width - 2 * half)
        if start >= room:
            group.append(build_text(text, start + half, bottom + 17, class_="tick", end="middle"))
            room = start + 2 * half + 6
    middle = (axis.start + axis.end) / 2
    group.append(build_text(label, middle, bottom + 37, class_="label", end="middle"))
    return group


def build_axis_beside(axis: Axis, *, left: float, right: float, label: str, form: Form) -> Element:
    """Figures to the left of a plot, a line across from each, and above them what they are."""
    group = build("g")
    for tick in axis.ticks:
        y = axis.place(tick)
        group.append(build_line(left, y, right, y, "grid"))
        group.append(build_text(form(tick), left - 7, y + 4.5, class_="tick", end="end"))
    group.append(build_text(label, 0, 14, class_="label"))
    return group


def build_keys(keys: Sequence[Key], width: float) -> tuple[Element, float]:
    """A legend beside the stamp, in as many lines as it needs, and where it ends."""
    group, x, y = build("g"), 0.0, 4.0
    for key in keys:
        wide = 18 + measure_text(key.label)
        if x > 0 and x + wide > width - _STAMP_PX:
            x, y = 0.0, y + LINE_PX + 3
        swatch = build("rect", x=x, y=y, width=12, height=12, class_=f"area {key.kind}")
        extend(group, [swatch, build_text(key.label, x + 18, y + TEXT_PX - 2)])
        x += wide + 16
    return group, y + LINE_PX + 8
