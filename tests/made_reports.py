"""Reports that a page may have to show: the usual one, and those at the edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from made_runs import SUBJECT, make_observation, make_run

from koderz.analysis.costs import Sum
from koderz.reports.building import build_report
from koderz.reports.observations import Observation
from koderz.reports.values import RunReport
from koderz.types import Tier

HOSTILE = (
    "<script>alert(1)</script>",
    "\"' onload=alert(2) x='",
    "]]></style></svg><img src=http://x.invalid/a.png>",
    "\x1b[31mred\x00 \u202egnp.exe\u202c \ud800 &amp; & [b]",
)
LONG = "small-models-iterate-up-to-twenty-times-and-a-frontier-model-reviews-every-{}th-attempt"


def make_report(observations: Iterable[Observation], **facts: Any) -> RunReport:
    """A report with few resamples: its looks do not hang on them."""
    made = list(observations)
    problems = len({each.problem for each in made})
    samples = len({each.sample for each in made})
    subject = msgspec.structs.replace(SUBJECT, problems=problems, samples=samples, **facts)
    names = tuple(dict.fromkeys(each.strategy for each in made))
    return build_report(made, subject, strategies=names, resamples=200)


@cache
def make_usual() -> RunReport:
    """Four strategies, 30 problems, 2 samples, simulated."""
    return make_report(make_run())


@cache
def make_single() -> RunReport:
    """One strategy, measured on real models."""
    return make_report(
        each for each in make_run(is_simulated=False) if each.strategy == "supervised"
    )


@cache
def make_crowded() -> RunReport:
    """Eight strategies with long names that all did and cost about the same."""
    run = [each for each in make_run() if each.strategy in {"supervised", "frontier"}]
    return make_report(
        msgspec.structs.replace(each, strategy=LONG.format(f"{number}{each.strategy[0]}"))
        for number in range(4)
        for each in run
        if hash_name(each.problem, number) % 5
    )


def hash_name(name: str, number: int) -> int:
    """A number that stays the same from run to run."""
    return sum(map(ord, name)) * (number + 3) % 101


def make_even(*, is_solved: bool) -> RunReport:
    """Everything solved, or nothing."""
    return make_report(
        make_observation(strategy, f"made/{problem}", is_solved=is_solved)
        for strategy in ("left", "right")
        for problem in range(12)
    )


def make_priced(*costs: str | None) -> RunReport:
    """A strategy for each cost, free and unknown ones among them."""
    return make_report(
        make_observation(
            f"at {cost}",
            f"made/{problem}",
            cost_usd=None if cost is None else Decimal(cost),
            tier=Tier.LOCAL if cost == "0" else Tier.FRONTIER,
            is_solved=hash_name(f"{problem}{cost}", number) % 3 > 0,
        )
        for number, cost in enumerate(costs)
        for problem in range(20)
    )


@cache
def make_unjudged() -> RunReport:
    """A run that was broken off at once."""
    stopped = {"is_judged": False, "status": "", "judged": None, "reason": "the budget is spent"}
    never = {"iterations": 0, "cost": Sum(calls=0, cost_usd=Decimal(0)), "tiers": (), "roles": ()}
    return make_report(
        [
            make_observation("begun", "made/0", **stopped),
            make_observation("never", "made/0", **stopped, **never),
        ]
    )


@cache
def make_large() -> RunReport:
    """A whole benchmark: 164 problems, four strategies, 5 samples."""
    run = make_run()
    return make_report(
        msgspec.structs.replace(each, problem=f"HumanEval/{number}", sample=sample)
        for number in range(164)
        for sample in range(5)
        for each in run[(number * 7 + sample) % 60 :: 60]
    )


@cache
def make_hostile() -> RunReport:
    """Names and reasons that try to be something else than text."""
    return make_report(
        make_observation(
            name,
            f"{problem}/{name}",
            plan=name,
            status=name if problem else "failed",
            reason=name,
            is_judged=problem != 1,
        )
        for name in HOSTILE
        for problem in range(4)
    )


REPORTS: dict[str, Callable[[], RunReport]] = {
    "usual": make_usual,
    "single": make_single,
    "crowded": make_crowded,
    "perfect": lambda: make_even(is_solved=True),
    "hopeless": lambda: make_even(is_solved=False),
    "free": lambda: make_priced("0", "0"),
    "unknown": lambda: make_priced("0.01", None, "0.02"),
    "nothing known": lambda: make_priced(None),
    "far apart": lambda: make_priced("0", "0.0002", "0.01", "0.9", None),
    "unjudged": make_unjudged,
    "large": make_large,
    "hostile": make_hostile,
}
