"""Shares and pass@k with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist, fmean
from typing import Final

import msgspec

CONFIDENCE: Final = 0.95
INTERVAL_METHOD: Final = (
    "95% Wilson score interval over problems, at the effective sample size that the variance "
    "between problems leaves"
)


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its interval, all from 0 to 1, and how many problems it rests on."""

    value: float
    low: float
    high: float
    problems: int


class Tally(msgspec.Struct, frozen=True):
    """How many samples of one problem there are, and how many of them passed."""

    samples: int
    passed: int


def get_pass_at_k(samples: int, passed: int, k: int) -> float:
    """The chance that at least one of `k` samples passes, drawn of `samples` with `passed` good.

    The unbiased estimator of Chen et al. 2021, "Evaluating Large Language Models Trained on
    Code": 1 - C(n-c, k) / C(n, k). ValueError where there are fewer than `k` samples.
    """
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(f"no pass@{k} of {samples} samples, {passed} of them passed")
    if samples - passed < k:
        return 1.0
    missed = math.prod(1.0 - k / each for each in range(samples - passed + 1, samples + 1))
    return 1.0 - missed


def estimate_pass_at_k(tallies: Iterable[Tally], k: int) -> Estimate | None:
    """pass@k over problems, each weighing the same; None where one has fewer than `k` samples."""
    counted = list(tallies)
    if not counted or min(tally.samples for tally in counted) < k:
        return None
    shares = [get_pass_at_k(tally.samples, tally.passed, k) for tally in counted]
    return estimate_mean(shares, observations=sum(tally.samples for tally in counted))


def estimate_mean(shares: Sequence[float], *, observations: int) -> Estimate:
    """The mean of shares (one a problem) with its interval.

    The interval is Wilson's at the effective sample size of Korn and Graubard 1998: so many
    independent yes-or-no problems would vary as much. It is at least the number of problems less
    one and at most `observations`, and as many as problems where they do not vary at all.
    """
    mean = min(max(fmean(shares), 0.0), 1.0)
    size = float(len(shares))
    if 0.0 < mean < 1.0 and size > 1:
        variance = sum((share - mean) ** 2 for share in shares) / (size - 1)
        limit = max(float(observations), size)
        size = min(mean * (1.0 - mean) * size / variance, limit) if variance else limit
    low, high = get_wilson_interval(mean, size)
    return Estimate(value=mean, low=low, high=high, problems=len(shares))


def get_wilson_interval(
    share: float, size: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Wilson's score interval for a share of `size` independent observations.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". It stays
    within 0 and 1, and has a width where the share is 0 or 1.
    """
    if not 0.0 <= share <= 1.0 or size <= 0:
        raise ValueError(f"no interval for a share of {share} of {size}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    scale = 1.0 + z * z / size
    middle = (share + z * z / (2 * size)) / scale
    reach = z / scale * math.sqrt(share * (1.0 - share) / size + z * z / (4 * size * size))
    low, high = max(middle - reach, 0.0), min(middle + reach, 1.0)
    return min(low, share), max(high, share)
