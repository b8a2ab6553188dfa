"""Axes: from figures to places in a picture, with round figures to read them by."""

from __future__ import annotations

import math
from typing import Final

import msgspec

LOG_FROM: Final = 30.0
"""From this ratio of the largest to the smallest figure on, an axis is logarithmic."""

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_MANY_TICKS: Final = 6


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Figures from `low` to `high` on the way from the pixel `start` to the pixel `end`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def place(self, figure: float) -> float:
        """The pixel of a figure; one beyond the axis stands at its end."""
        figure = min(max(figure, self.low), self.high)
        if self.is_log:
            share = math.log(figure / self.low) / math.log(self.high / self.low)
        else:
            share = (figure - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def build_axis(high: float, *, start: float, end: float, low: float = 0.0, ticks: int = 5) -> Axis:
    """A linear axis from `low` to the first round figure that is not below `high`."""
    high = high if high > low else low + 1.0
    step = choose_step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(each * step for each in range(first, last + 1))
    return Axis(low=marks[0], high=marks[-1], start=start, end=end, ticks=marks)


def build_count_axis(high: int, *, start: float, end: float, ticks: int = 5) -> Axis:
    """A linear axis over whole numbers from 0."""
    step = max(1, round(choose_step(max(high, 1) / ticks)))
    marks = tuple(float(each) for each in range(0, max(high, 1) + 1, step))
    return Axis(low=0.0, high=float(max(high, 1)), start=start, end=end, ticks=marks)


def build_log_axis(low: float, high: float, *, start: float, end: float) -> Axis:
    """A logarithmic axis around figures above 0, marked at powers of ten or between them."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    between = (1.0, 2.0, 5.0) if last - first <= 2 else (1.0,)  # noqa: PLR2004 - else crowded.
    every = math.ceil((last - first) / _MANY_TICKS)
    decades = [10.0**power for power in range(first, last + 1, every)]
    marks = tuple(
        decade * part for decade in decades for part in between if decade * part <= 10.0**last
    )
    return Axis(low=10.0**first, high=10.0**last, start=start, end=end, ticks=marks, is_log=True)


def choose_step(least: float) -> float:
    """The smallest of 1, 2, 5 and their tenfolds that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(step for step in _STEPS if step * power >= least * (1 - 1e-9))


def format_share(share: float) -> str:
    """A share as whole percent: "40%"."""
    return f"{share * 100:.0f}%"


def format_tick_usd(usd: float) -> str:
    """Money as short as it can be told: "$0", "$0.002", "$1.50", "$20"."""
    if usd == 0:
        return "$0"
    places = max(0, -math.floor(math.log10(usd) + 1e-9))
    text = f"{usd:,.{places + 1}f}".rstrip("0").rstrip(".")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents:0<2}" if cents else f"${whole}"
