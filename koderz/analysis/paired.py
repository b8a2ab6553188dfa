"""Tests of whether two strategies differ on the same problems, exact and with no assumptions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, stdev
from typing import Final

from koderz.analysis.statistics import CONFIDENCE, get_wilson_interval

POWER: Final = 0.8
_NORMAL: Final = NormalDist()


def get_mcnemar_p(better: int, worse: int) -> float:
    """The two-sided p of McNemar's exact test.

    `better` problems were solved by the first strategy alone and `worse` by the second alone; if
    the strategies did not differ, each of these would be a fair coin's. McNemar 1947, "Note on
    the sampling error of the difference between correlated proportions or percentages".
    """
    tosses = better + worse
    tail = sum(math.comb(tosses, heads) for heads in range(min(better, worse) + 1))
    return min(2 * tail / (1 << tosses), 1.0)


def get_sign_flip_p(differences: Sequence[int]) -> float:
    """The two-sided p of the exact sign-flip permutation test, for several samples a problem.

    `differences` are solved samples of the first strategy less those of the second, one a
    problem. If the strategies did not differ, each difference could as well have had the other
    sign; p is the share of all 2^n ways to choose the signs whose sum is as far from 0 or
    farther (Fisher 1935, "The Design of Experiments", section 21). Problems are what is
    exchanged, so samples of one problem need not be independent. With one sample a problem it is
    McNemar's exact test.
    """
    sizes = [abs(difference) for difference in differences if difference]
    observed = abs(sum(differences))
    counts, total = _count_sums(sizes), sum(sizes)
    # The place k of the counts is the sum 2k - total.
    far = sum(count for k, count in enumerate(counts) if abs(2 * k - total) >= observed)
    return far / (1 << len(sizes))


def _count_sums(sizes: Sequence[int]) -> list[int]:
    """How many subsets of `sizes` have the sum 0, 1, 2 and so on."""
    # One long number holds all counts, each in a field so wide that none overflows: adding a
    # number to itself, shifted, adds two whole rows of counts at once.
    width = len(sizes) // 8 + 1
    packed = 1
    for size in sizes:
        packed += packed << (size * width * 8)
    end = (sum(sizes) + 1) * width
    body = packed.to_bytes(end, "little")
    return [int.from_bytes(body[at : at + width], "little") for at in range(0, end, width)]


def adjust_holm(ps: Sequence[float]) -> list[float]:
    """The p of several tests, each raised so that one false alarm among all stays as rare.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(ps[place] * (len(ps) - rank), 1.0))
        adjusted[place] = highest
    return adjusted


def get_detectable_difference(differences: Sequence[float]) -> float:
    """The true difference that a test at the 5% level would have found 4 times in 5.

    `differences` are those seen, one a problem: how much they vary says how much a mean of as
    many varies. Where all are the same, they may vary as much as `get_hidden_share` allows. At
    most 1: no difference could have been found for certain.
    """
    size = len(differences)
    spread = stdev(differences) if size > 1 else 0.0
    spread = spread or math.sqrt(get_hidden_share(size))
    reach = _NORMAL.inv_cdf(0.5 + CONFIDENCE / 2) + _NORMAL.inv_cdf(POWER)
    return min(reach * spread / math.sqrt(size), 1.0)


def get_hidden_share(size: int) -> float:
    """The largest share of problems that could differ although none of so many did (Wilson)."""
    return get_wilson_interval(0.0, size)[1]


def bound_equal_differences(value: float, size: int) -> tuple[float, float]:
    """An interval for a difference that was the same on every problem, from -1 to 1.

    Resampling sees no spread there; but a share of problems that none of so many showed might
    differ as far as they can.
    """
    hidden = get_hidden_share(size)
    return value - hidden * (value + 1.0), value + hidden * (1.0 - value)
