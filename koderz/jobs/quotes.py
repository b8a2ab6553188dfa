"""Holding a model's quotes against the lines they are said to come from.

A quote stands where its text is found; what is kept of it is the whole original lines that it
touches, never the model's own copy. Tried in this order, each first with the quote as it came and
then without copied line numbers:

1. character by character within the range that the model gave;
2. character by character elsewhere: close to that range, or the only place in the chunk;
3. the same with every run of white space, line ends included, taken as alike.

A quote that stands in several places, all far from its range, could mean any of them: it does not
stand. Neither does one of fewer than `MIN_QUOTE_CHARS` characters, unless it is a whole line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

MIN_QUOTE_CHARS = 3
NEARBY_LINES = 20

_LINE_NUMBER = re.compile(r"^[ \t]*\d+\|[ \t]?", re.MULTILINE)


class Place(NamedTuple):
    """Where a quote stands: lines `start` to `end` (inclusive), and characters of the chunk."""

    start: int
    end: int
    first_char: int
    stop_char: int


class QuotedLines:
    """The lines of one chunk, numbered from `first_line`, as quotes are looked up in them."""

    def __init__(self, first_line: int, lines: Sequence[str]) -> None:
        self._text = "\n".join(lines)
        self._first_line = first_line
        self._whole_lines = {line.strip() for line in lines}
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=0))[:-1]

    def locate(self, quote: str, start: int, end: int) -> Place | None:
        """Where the quote that is said to be in lines `start` to `end` stands, None if nowhere."""
        quote = quote.replace("\r\n", "\n").strip("\n")
        claimed = (min(start, end), max(start, end))
        for needle in dict.fromkeys((quote, _LINE_NUMBER.sub("", quote))):
            if self._is_telling(needle):
                for found in (self._find_exact(needle), self._find_squeezed(needle)):
                    if place := _choose(self._to_places(found), claimed):
                        return place
        return None

    def _is_telling(self, quote: str) -> bool:
        """Whether the quote says enough to be looked for."""
        length = len("".join(quote.split()))
        return length >= MIN_QUOTE_CHARS or (length > 0 and quote.strip() in self._whole_lines)

    def _find_exact(self, quote: str) -> Iterator[tuple[int, int]]:
        at = self._text.find(quote)
        while at >= 0:
            yield at, at + len(quote)
            at = self._text.find(quote, at + 1)

    def _find_squeezed(self, quote: str) -> Iterator[tuple[int, int]]:
        words = r"\s+".join(map(re.escape, quote.split()))
        for match in re.finditer(f"(?=({words}))", self._text):
            yield match.span(1)

    def _to_places(self, found: Iterator[tuple[int, int]]) -> list[Place]:
        """The places of these characters, one for each range of lines."""
        places: dict[tuple[int, int], Place] = {}
        for first, stop in found:
            lines = (self._get_line(first), self._get_line(stop - 1))
            places.setdefault(lines, Place(*lines, first, stop))
        return list(places.values())

    def _get_line(self, char: int) -> int:
        return self._first_line - 1 + bisect_right(self._starts, char)


def _choose(places: list[Place], claimed: tuple[int, int]) -> Place | None:
    """The place within the claimed range, else the nearest one close to it, else the only one."""
    inside = [place for place in places if claimed[0] <= place.start and place.end <= claimed[1]]
    if inside:
        return inside[0]
    nearest = min(places, key=lambda place: _distance(place, claimed), default=None)
    if nearest is None or len(places) == 1 or _distance(nearest, claimed) <= NEARBY_LINES:
        return nearest
    return None


def _distance(place: Place, claimed: tuple[int, int]) -> int:
    """How many lines lie from one range to the other; 0 where they touch or overlap."""
    return max(place.start - claimed[1], claimed[0] - place.end, 0)
