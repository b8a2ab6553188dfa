"""A benchmark run's report as one value: everything that is shown, in whatever form.

Shares lie between 0 and 1, money is USD, times are seconds. Intervals are 95% intervals over
problems. None is unknown or undefined, and never 0.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from koderz.analysis.costs import RoleCost, Sum
from koderz.analysis.statistics import Estimate
from koderz.reports.observations import Effect, Ending, Observation, Subject
from koderz.types import Tier, Usage

__all__ = [
    "BreakEven",
    "CheckpointGain",
    "Comparison",
    "Domination",
    "Effect",
    "Ending",
    "EstimatedSavings",
    "Figure",
    "Money",
    "Observation",
    "PassAtK",
    "RunReport",
    "SolvedAfter",
    "StrategyReport",
    "Subject",
    "TierShare",
]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its interval; `low` and `high` are None where there is none to give."""

    value: float
    low: float | None = None
    high: float | None = None


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Money with its interval.

    `is_at_least`: a price is unknown, the figure is what is known and has no interval. A `low`
    without a `high` is a figure that no limit can be given for (it may be infinite).
    """

    usd: Decimal
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None
    is_at_least: bool = False


class PassAtK(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that one of `k` samples is solved."""

    k: int
    share: Estimate


class TierShare(msgspec.Struct, frozen=True, kw_only=True):
    """A tier's part in a strategy, over judged experiments.

    `cost_per_problem_usd` is of what is known; the parts of a strategy add up to its cost per
    problem. `cost_share` is None where nothing was paid or a price is unknown. `model_s` adds up
    calls, `wall_s` counts what ran at once in an experiment only once.
    """

    tier: Tier
    sum: Sum
    call_share: float
    cost_share: float | None
    cost_per_problem_usd: Decimal
    model_s: float
    wall_s: float


class EstimatedSavings(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate, not a measurement: the same tokens at the prices of `baseline`."""

    baseline: str
    prices: str
    estimate_usd: Decimal
    saved_usd: Decimal
    saved_share: float | None


class SolvedAfter(msgspec.Struct, frozen=True, kw_only=True):
    """How much was solved within so many iterations.

    `at_risk` experiments had neither passed nor been stopped before this iteration. `feedback` is
    the share that passed the feedback tests by now, by Kaplan and Meier: stopped experiments
    count until then. `solved` is the share of judged ones whose verdict is on a program of this
    or an earlier iteration and is good, problems weighing the same.
    """

    iterations: int
    at_risk: int
    feedback: float
    solved: float


class CheckpointGain(msgspec.Struct, frozen=True, kw_only=True):
    """What followed the checkpoints of one number, over those that an iteration followed.

    `reviews` of them; `before`, `next` and `best` are mean shares of feedback tests passed (see
    `Effect`), `change` is `next` less `before`. `solved` passed all feedback tests before the
    next checkpoint; `plateaus` came upon a plateau.
    """

    number: int
    reviews: int
    plateaus: int
    before: float
    next: float
    best: float
    change: Figure
    solved: int


class StrategyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's figures.

    `experiments` were asked for: `judged` of them have a verdict (`solved` a good one), `stopped`
    ones were broken off and `not_begun` ones have no step. Shares, cost, iterations and times
    are over judged experiments, each problem weighing the same; None where none was judged.
    `solved_at_worst` and `solved_at_best` count those that were not judged as unsolved and as
    solved.

    `cost` is everything that was spent, `unjudged_cost` the part spent on experiments without a
    verdict; `tokens` and `roles` are of everything too. `cost_per_problem` is one try at a
    problem; `cost_per_solved` is that over the share solved, None where nothing was.
    `gpu_per_problem_usd` is what local time costs beside that, where an hour has a price.
    `statuses` counts verdicts, "passed" included; `reasons` why experiments were not judged.
    """

    strategy: str
    plan: str
    experiments: int
    judged: int
    solved: int
    stopped: int
    not_begun: int
    problems: int
    solved_share: Estimate | None
    feedback_share: Estimate | None
    solved_at_worst: float
    solved_at_best: float
    pass_at_k: tuple[PassAtK, ...]
    cost: Sum
    unjudged_cost: Sum
    cost_per_problem: Money | None
    cost_per_solved: Money | None
    gpu_per_problem_usd: Decimal | None
    savings: EstimatedSavings | None
    tokens: Usage
    iterations: Figure | None
    checkpoints: float | None
    model_s: float | None
    wall_s: float | None
    tiers: tuple[TierShare, ...]
    roles: tuple[RoleCost, ...]
    statuses: dict[str, int]
    reasons: dict[str, int]
    solved_after: tuple[SolvedAfter, ...]
    gains: tuple[CheckpointGain, ...]
    is_simulated: bool

    @property
    def failures(self) -> dict[str, int]:
        """The verdicts that were not good, by status, the most frequent first."""
        return {name: count for name, count in self.statuses.items() if name != "passed"}


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """The factor on all prices of a tier at which both strategies cost the same."""

    tier: Tier
    factor: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy against a control, on the problems and samples that both have a verdict on.

    Differences are the strategy's less the control's. `pairs` experiments of `problems` were
    compared, `unpaired` ones of either left out. `better` and `worse` count problems of which
    the strategy solved more, or fewer, samples. `test` names the test, `p` is its two-sided p and
    `adjusted_p` that by Holm's correction over `family` comparisons. `detectable` is the
    difference that would have been found 4 times in 5. `cost_difference`, `saved_usd` (its
    opposite) and `saved_share` are None where a price is unknown. `per_extra_solved` is money for
    a further solved problem, None where `per_extra_reason` says why. `verdict` says it in words.
    """

    strategy: str
    control: str
    problems: int
    pairs: int
    unpaired: int
    solved_share: float
    control_share: float
    difference: Figure
    better: int
    worse: int
    test: str
    p: float
    adjusted_p: float
    family: int
    detectable: float
    cost_per_problem_usd: Decimal | None
    control_cost_per_problem_usd: Decimal | None
    cost_difference: Money | None
    saved_usd: Money | None
    saved_share: Figure | None
    per_extra_solved: Money | None
    per_extra_reason: str
    break_even: tuple[BreakEven, ...]
    verdict: str

    @property
    def is_different(self) -> bool:
        """Whether the difference in solve rate is more than chance, after the correction."""
        return self.adjusted_p < 0.05  # noqa: PLR2004 - of 95% intervals.


class Domination(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that others beat: they solve as much or more for as little or less."""

    strategy: str
    by: tuple[str, ...]


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run's report.

    `stamps` are warnings that belong in every form, the first line of all ("SIMULATED: ..."
    where `is_simulated`, "NOT ISOLATED: ..."). `strategies` are in the order of the run.
    `control` is whom the `comparisons` are against ("" where there is but one strategy), `others`
    are the other pairs. `front` names the strategies that no other beats on cost and solved
    problems, the cheapest first; `dominated` the others, and `unplaced` those without a place
    (nothing judged, or a price unknown). `power` says in a line what difference could have been
    seen. `methods` names how each figure was made. `remarks` are what a reader has to know of
    this run. `observations` are what it was all made from.
    """

    subject: Subject
    is_simulated: bool
    stamps: tuple[str, ...]
    strategies: tuple[StrategyReport, ...]
    control: str
    comparisons: tuple[Comparison, ...]
    others: tuple[Comparison, ...]
    front: tuple[str, ...]
    dominated: tuple[Domination, ...]
    unplaced: tuple[str, ...]
    power: str
    remarks: tuple[str, ...]
    methods: dict[str, str]
    resamples: int
    seed: int
    observations: tuple[Observation, ...]
