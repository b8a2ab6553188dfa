"""Agreement with its 95% interval, from a score an answer."""

from __future__ import annotations

from collections.abc import Sequence

from koderz.analysis.bootstrap import Interval, Resampler
from koderz.analysis.statistics import get_wilson_interval

LEAST_RESAMPLED = 10
"""Of fewer answers a resample says too little: then Wilson's interval stands in, which is wider."""


def estimate_share(agreed: Sequence[float], units: Sequence[int]) -> Interval:
    """The share of units that agree, over answers with several each: Wilson's interval.

    What stands in one answer is not independent. So the interval is taken at the effective number
    of units, as many independent ones as would vary as much (a ratio over clusters, as in Korn and
    Graubard 1998); at all of them where one answer, or no disagreement, tells of no variance.
    """
    total = sum(units)
    share = sum(agreed) / total
    size, count = float(total), len(units)
    if count > 1 and 0.0 < share < 1.0:
        squares = sum((a - share * u) ** 2 for a, u in zip(agreed, units, strict=True))
        variance = squares * count / (count - 1) / total**2
        if variance > 0:
            size = min(size, max(share * (1.0 - share) / variance, 1.0))
    return Interval(share, *get_wilson_interval(share, size))


def estimate_mean(values: Sequence[float]) -> Interval:
    """The mean of numbers from 0 to 1, one an answer: a bootstrap interval.

    Where there are few, or they are all alike, Wilson's for as many yes-or-no answers stands in:
    nothing between 0 and 1 varies more than those do.
    """
    if len(values) >= LEAST_RESAMPLED and len(set(values)) > 1:
        found = Resampler().estimate_mean(values)
        if found is not None:
            return Interval(found.value, max(found.low, 0.0), min(found.high, 1.0))
    mean = sum(values) / len(values)
    return Interval(mean, *get_wilson_interval(mean, len(values)))
