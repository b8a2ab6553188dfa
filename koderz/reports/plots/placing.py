"""Where a picture's words go, so that none lies on another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

TEXT_PX: Final = 13.0
LINE_PX: Final = 17.0

_NARROW: Final = frozenset("iljtfrI.,:;|!'()[]/\\ -")
_BROAD: Final = frozenset("mwMW@%#&<>=+~^…")


class Box(msgspec.Struct, frozen=True):
    """A rectangle: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        """Whether the two overlap, or are closer than `gap`."""
        return (
            self.x < other.x + other.width + gap
            and other.x < self.x + self.width + gap
            and self.y < other.y + other.height + gap
            and other.y < self.y + self.height + gap
        )

    def holds(self, other: Box) -> bool:
        """Whether the other lies wholly within this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


class Anchor(msgspec.Struct, frozen=True):
    """A point that wants a label of this width beside it."""

    x: float
    y: float
    width: float


def measure_text(text: str, size: float = TEXT_PX) -> float:
    """The width of a text in pixels, rather too much than too little whatever the font is."""
    return size * sum(_get_share(letter) for letter in text)


def fit_text(text: str, width: float, size: float = TEXT_PX) -> str:
    """The text if it fits, else its start and its end: names of a kind often differ in both."""
    if measure_text(text, size) <= width:
        return text
    kept = len(text)
    while kept > 1:
        kept -= 1
        head = (kept + 1) // 2
        short = f"{text[:head].rstrip()}…{text[len(text) - kept + head :].lstrip()}"
        if measure_text(short, size) <= width:
            return short
    return "…"


def place_labels(
    anchors: Sequence[Anchor], *, within: Box, marks: Sequence[Box], lines: Sequence[Box]
) -> list[Box]:
    """A place for each label: near its point, off all marks and labels, off lines if it can be.

    Each takes the best place that is left; where there is none, one that lies on others.
    """
    taken: list[Box] = list(marks)
    places = []
    for anchor in anchors:
        free = [
            box
            for box in _list_places(anchor, within)
            if not any(box.meets(other, 2.0) for other in taken)
        ]
        best = min(
            free or list(_list_places(anchor, within)),
            key=lambda box: _get_distance(anchor, box) + 30.0 * sum(map(box.meets, lines)),
        )
        taken.append(best)
        places.append(best)
    return places


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as they can be `gap` apart, between `low` and `high`.

    Their order is kept. Too many to fit stand evenly, closer together.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places = [0.0] * len(wanted)
    below = low - gap
    for index in order:
        below = places[index] = max(wanted[index], below + gap)
    above = high + gap
    for index in reversed(order):
        above = places[index] = min(places[index], above - gap)
    return places


def _list_places(anchor: Anchor, within: Box) -> Iterator[Box]:
    """Places for a label: beside, above and below its point, and then anywhere."""
    width = anchor.width
    for near in (9.0, 16.0, 28.0):
        for left in (anchor.x + near, anchor.x - near - width, anchor.x - width / 2):
            for top in (-LINE_PX / 2, -near - LINE_PX, near):
                box = Box(left, anchor.y + top, width, LINE_PX)
                if within.holds(box):
                    yield box
    columns = max(1, round((within.width - width) // 12))
    for row in range(int((within.height - LINE_PX) // LINE_PX) + 1):
        for column in range(columns + 1):
            left = within.x + max(0.0, within.width - width) * column / columns
            yield Box(left, within.y + row * LINE_PX, width, LINE_PX)


def _get_distance(anchor: Anchor, box: Box) -> float:
    """How far a point is from a label's edge; to its right is nearest, because it reads best."""
    across = max(box.x - anchor.x, 0.0, anchor.x - box.x - box.width)
    down = max(box.y - anchor.y, 0.0, anchor.y - box.y - box.height)
    return across + down + (0.0 if box.x > anchor.x else 4.0)


def _get_share(letter: str) -> float:
    """A letter's width as a share of the text's size."""
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return 1.1
    if letter in _NARROW:
        return 0.42
    if letter in _BROAD:
        return 1.0
    return 0.76 if letter.isupper() else 0.65
