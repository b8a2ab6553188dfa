"""Print how often a report's bootstrap intervals hold the truth, beside plain percentiles.

Made-up strategies with a known difference in solve rate, and made-up costs with a known mean, are
drawn again and again; an interval of 95% should hold the truth 95 times in 100. The peer is the
plain percentile interval of the same resamples. No target: docs/reports.md quotes the figures.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean

from koderz.analysis.bootstrap import Resampler

ROUNDS, RESAMPLES, SAMPLES = 2000, 500, 3
SIZES = (10, 30, 60)
OURS, THEIRS, SPREAD = 0.7, 0.45, 0.25
SIGMA = 0.8

Draw = Callable[[random.Random, int], list[float]]


def main() -> None:
    cases: dict[str, tuple[Draw, float]] = {
        "difference in solve rate": (draw_differences, OURS - THEIRS),
        "skewed cost": (draw_costs, math.exp(SIGMA * SIGMA / 2)),
    }
    print(f"{'':26}problems  interval holds it  percentiles hold it")
    for name, (draw, truth) in cases.items():
        for size in SIZES:
            ours, theirs = cover(draw, truth, size)
            print(f"{name:<26}{size:>8}  {ours:>17.1%}  {theirs:>19.1%}")


def cover(draw: Draw, truth: float, size: int) -> tuple[float, float]:
    """How often our interval holds the truth, and how often percentiles do."""
    rng, resampler = random.Random(size), Resampler(RESAMPLES)
    tail = round(RESAMPLES * 0.025)
    ours = theirs = 0
    for _ in range(ROUNDS):
        values = draw(rng, size)
        interval = resampler.estimate_mean(values)
        assert interval is not None
        ours += interval.low <= truth <= interval.high
        ordered = sorted(resampler.resample_sums(values))
        theirs += ordered[tail] / size <= truth <= ordered[-1 - tail] / size
    return ours / ROUNDS, theirs / ROUNDS


def draw_differences(rng: random.Random, size: int) -> list[float]:
    """Each problem's difference of two strategies with some samples each."""
    ease = [rng.uniform(-SPREAD, SPREAD) for _ in range(size)]
    return [
        fmean((rng.random() < OURS + each) - (rng.random() < THEIRS + each) for _ in range(SAMPLES))
        for each in ease
    ]


def draw_costs(rng: random.Random, size: int) -> list[float]:
    return [rng.lognormvariate(0, SIGMA) for _ in range(size)]


if __name__ == "__main__":
    main()
