"""One strategy's figures out of its observations."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import fmean

from koderz.analysis.bootstrap import Resampler
from koderz.analysis.costs import RoleCost, add_sums, add_usage
from koderz.analysis.statistics import Estimate, Tally, estimate_mean, estimate_pass_at_k
from koderz.reports.courses import follow_solving, list_gains
from koderz.reports.grouping import (
    ByProblem,
    build_figure,
    build_money,
    count,
    get_known_cost,
    get_known_usd,
    get_mean_usd,
    get_tier,
    get_tier_usd,
    group_by_problem,
    is_at_least,
    list_means,
    to_usd,
)
from koderz.reports.observations import Observation
from koderz.reports.values import (
    EstimatedSavings,
    Figure,
    Money,
    PassAtK,
    StrategyReport,
    TierShare,
)
from koderz.types import Tier

SHOWN_K = (1, 2, 3, 5, 10, 20, 50, 100)
ZERO = Decimal(0)


def build_strategy(
    name: str, observations: Sequence[Observation], resampler: Resampler
) -> StrategyReport:
    """The figures of a strategy; the order of its observations does not matter."""
    ordered = sorted(observations, key=lambda each: (each.problem, each.sample))
    judged = [each for each in ordered if each.is_judged]
    others = [each for each in ordered if not each.is_judged]
    problems = group_by_problem(judged)
    stopped = sum(each.ending == "stopped" for each in others)
    return StrategyReport(
        strategy=name,
        plan=next((each.plan for each in ordered if each.plan), ""),
        experiments=len(ordered),
        judged=len(judged),
        solved=sum(each.is_solved for each in judged),
        stopped=stopped,
        not_begun=len(others) - stopped,
        problems=len(problems),
        solved_share=_estimate_share(problems, "is_solved"),
        feedback_share=_estimate_share(problems, "is_feedback_solved"),
        solved_at_worst=_average_solved(ordered, missing=False),
        solved_at_best=_average_solved(ordered, missing=True),
        pass_at_k=_list_pass_at_k(problems),
        cost=add_sums(each.cost for each in ordered),
        unjudged_cost=add_sums(each.cost for each in others),
        cost_per_problem=_price_problem(problems, resampler),
        cost_per_solved=_price_solved(problems, resampler),
        gpu_per_problem_usd=_price_local_time(problems),
        savings=_estimate_savings(judged),
        tokens=add_usage(each.tokens for each in ordered),
        iterations=_average_iterations(problems, resampler),
        checkpoints=_average(problems, "checkpoints"),
        model_s=_average(problems, "model_s"),
        wall_s=_average(problems, "wall_s"),
        tiers=_share_tiers(judged, problems),
        roles=_add_roles(ordered),
        statuses=count(each.status for each in judged),
        reasons=count(each.reason for each in others),
        solved_after=follow_solving(ordered),
        gains=list_gains(ordered, resampler),
        is_simulated=any(each.is_simulated for each in ordered),
    )


def _estimate_share(problems: ByProblem, name: str) -> Estimate | None:
    if not problems:
        return None
    shares = list_means(problems, lambda each: float(getattr(each, name)))
    return estimate_mean(shares, observations=sum(map(len, problems.values())))


def _average_solved(observations: Sequence[Observation], *, missing: bool) -> float:
    """The share solved if every experiment without a verdict counted as `missing`."""
    shares = list_means(
        group_by_problem(observations),
        lambda each: float(each.is_solved if each.is_judged else missing),
    )
    return fmean(shares) if shares else 0.0


def _list_pass_at_k(problems: ByProblem) -> tuple[PassAtK, ...]:
    tallies = [Tally(len(each), sum(one.is_solved for one in each)) for each in problems.values()]
    estimates = ((k, estimate_pass_at_k(tallies, k)) for k in SHOWN_K)
    return tuple(PassAtK(k=k, share=share) for k, share in estimates if share)


def _price_problem(problems: ByProblem, resampler: Resampler) -> Money | None:
    if not problems:
        return None
    return build_money(
        get_mean_usd(problems, get_known_usd),
        resampler.estimate_mean(list_means(problems, get_known_cost)),
        is_at_least=is_at_least(problems),
    )


def _price_solved(problems: ByProblem, resampler: Resampler) -> Money | None:
    costs = list_means(problems, get_known_cost)
    shares = list_means(problems, lambda each: float(each.is_solved))
    usd = to_usd(sum(costs) / sum(shares)) if any(shares) else None
    if usd is None:
        return None
    interval = resampler.estimate_ratio(costs, shares)
    return build_money(usd, interval, is_at_least=is_at_least(problems))


def _price_local_time(problems: ByProblem) -> Decimal | None:
    every = [each for samples in problems.values() for each in samples]
    if not every or any(each.gpu_usd is None for each in every):
        return None
    return get_mean_usd(problems, lambda each: each.gpu_usd or ZERO)


def _estimate_savings(judged: Sequence[Observation]) -> EstimatedSavings | None:
    estimates = [each.estimate_usd for each in judged]
    costs = [each.cost_usd for each in judged]
    known = [each for each in estimates if each is not None]
    paid = [each for each in costs if each is not None]
    if not known or len(known) < len(estimates) or len(paid) < len(costs):
        return None
    estimate = sum(known, ZERO)
    saved = estimate - sum(paid, ZERO)
    return EstimatedSavings(
        baseline=", ".join(sorted({each.baseline for each in judged})),
        prices=", ".join(sorted({each.baseline_prices for each in judged})),
        estimate_usd=estimate,
        saved_usd=saved,
        saved_share=float(saved / estimate) if estimate else None,
    )


def _average(problems: ByProblem, name: str) -> float | None:
    return fmean(list_means(problems, lambda each: getattr(each, name))) if problems else None


def _average_iterations(problems: ByProblem, resampler: Resampler) -> Figure | None:
    if not problems:
        return None
    means = list_means(problems, lambda each: each.iterations)
    return build_figure(fmean(means), resampler.estimate_mean(means))


def _share_tiers(judged: Sequence[Observation], problems: ByProblem) -> tuple[TierShare, ...]:
    whole = add_sums(each.cost for each in judged)
    shares = []
    for tier in reversed(Tier):
        parts = [get_tier(each, tier) for each in judged]
        total = add_sums(part.sum for part in parts if part)
        is_shared = bool(whole.cost_usd) and not whole.unknown_calls
        shares.append(
            TierShare(
                tier=tier,
                sum=total,
                call_share=total.calls / whole.calls if whole.calls else 0.0,
                cost_share=float(total.cost_usd / whole.cost_usd) if is_shared else None,
                cost_per_problem_usd=get_tier_usd(problems, tier),
                model_s=sum(part.model_s for part in parts if part),
                wall_s=sum(part.wall_s for part in parts if part),
            )
        )
    return tuple(shares)


def _add_roles(observations: Sequence[Observation]) -> tuple[RoleCost, ...]:
    parts = [role for each in observations for role in each.roles]
    return tuple(
        RoleCost(role=role, sum=add_sums(each.sum for each in parts if each.role is role))
        for role in sorted({each.role for each in parts})
    )
