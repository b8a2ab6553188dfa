"""The figures of a report, against sums done by hand and by a plainer program."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_rows import NOON, build_attempt, build_job

from koderz.ledger.records import Attempt, Outcome
from koderz.ledger.report import Group, UsageReport, Window
from koderz.ledger.store import Ledger
from koderz.ledger.totals import load_usage
from koderz.types import EXPERIMENT_TASKS, TaskKind, Tier, Usage

ANSWERS = {Outcome.ACCEPTED, Outcome.REJECTED}


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def build_frontier_attempt(**fields: Any) -> Attempt:
    return build_attempt(tier=Tier.FRONTIER, model="gpt-4o", **fields)


def test_an_empty_ledger_gives_an_empty_report(ledger: Ledger, tmp_path: Path) -> None:
    assert load_usage(ledger) == UsageReport()
    assert load_usage(tmp_path / "none.sqlite") == UsageReport()
    assert not (tmp_path / "none.sqlite").exists()
    assert load_usage(ledger).is_empty


def test_calls_and_tokens_are_shared_out_between_small_and_large(ledger: Ledger) -> None:
    ledger.record(build_attempt(usage=Usage(input_tokens=100, output_tokens=20)))
    ledger.record(
        build_attempt(tier=Tier.LOCAL, usage=Usage(cache_read_tokens=70, cache_write_tokens=10))
    )
    ledger.record(build_frontier_attempt(usage=Usage(input_tokens=700, output_tokens=100)))
    report = load_usage(ledger)
    assert (report.calls, report.total_tokens) == (3, 1000)
    assert (report.small.calls, report.small.total_tokens) == (2, 200)
    assert report.small.calls_share == pytest.approx(2 / 3)
    assert report.small.tokens_share == pytest.approx(0.2)
    assert report.small.target_share == pytest.approx(0.5)


def test_an_unknown_cost_makes_totals_at_least_and_never_counts_as_nothing(
    ledger: Ledger,
) -> None:
    ledger.record(build_attempt(cost_usd=Decimal("0.25")))
    ledger.record(build_attempt(cost_usd=None))
    ledger.record(build_frontier_attempt(cost_usd=None))
    report = load_usage(ledger)
    small, frontier = report.tiers
    assert (small.cost_usd, small.unknown_cost_calls) == (Decimal("0.25"), 1)
    assert (frontier.cost_usd, frontier.unknown_cost_calls) == (None, 1)
    assert (report.cost_usd, report.unknown_cost_calls) == (Decimal("0.25"), 2)


def test_latencies_are_those_of_answers(ledger: Ledger) -> None:
    for tenths in range(1, 21):
        ledger.record(build_attempt(latency_s=tenths / 10))
    ledger.record(build_attempt(latency_s=100, outcome=Outcome.FAILED))
    ledger.record(build_attempt(latency_s=100, outcome=Outcome.CANCELLED))
    (group,) = load_usage(ledger).tiers
    assert group.avg_latency_s == pytest.approx(1.05)
    assert group.p95_latency_s == pytest.approx(1.9)


def test_the_pass_rate_is_that_of_checked_answers(ledger: Ledger) -> None:
    outcomes = [Outcome.ACCEPTED] * 3 + [Outcome.REJECTED, Outcome.FAILED, Outcome.CANCELLED]
    for outcome in outcomes:
        ledger.record(build_attempt(outcome=outcome, task=TaskKind.GIT_HISTORY))
    ledger.record(build_attempt(outcome=Outcome.FAILED, task=TaskKind.WEB_SUMMARY))
    history, page = load_usage(ledger).tasks
    assert (history.name, history.check_pass_rate) == ("git_history", 0.75)
    assert (history.accepted, history.rejected) == (3, 1)
    assert (history.failed, history.cancelled) == (1, 1)
    assert (page.name, page.check_pass_rate) == ("web_summary", None)


def test_a_saving_is_net_of_every_attempt_and_of_the_digest(ledger: Ledger) -> None:
    ledger.record(build_attempt(outcome=Outcome.FAILED, cost_usd=Decimal("0.0001")))
    ledger.record(build_attempt(outcome=Outcome.REJECTED, cost_usd=Decimal("0.001")))
    ledger.record(build_attempt(outcome=Outcome.REJECTED, cost_usd=Decimal("0.001")))
    ledger.record(build_frontier_attempt(cost_usd=Decimal("0.02")))
    ledger.record_job(build_job(baseline_usd=Decimal("0.03"), digest_usd=Decimal("0.0015")))
    savings = load_usage(ledger).savings
    assert savings.cost_usd == Decimal("0.0221")
    assert savings.saved_usd == Decimal("0.0064")
    assert savings.baselines == ("claude-sonnet-4-5 reading the whole file",)


def test_a_job_that_cost_more_than_it_saved_is_a_loss(ledger: Ledger) -> None:
    ledger.record(build_frontier_attempt(cost_usd=Decimal("0.05")))
    ledger.record_job(build_job())
    assert load_usage(ledger).savings.saved_usd == Decimal("-0.0215")


def test_jobs_without_a_model_save_what_they_spare(ledger: Ledger) -> None:
    ledger.record_job(build_job(job_id="a", engine="extractive"))
    ledger.record_job(build_job(job_id="b", engine="model"))
    savings = load_usage(ledger).savings
    assert (savings.jobs, savings.jobs_without_model) == (2, 1)
    assert savings.saved_usd == 2 * Decimal("0.0285")


@pytest.mark.parametrize(
    ("job_fields", "cost_usd"),
    [
        ({"baseline_usd": None}, Decimal("0.001")),
        ({"digest_usd": None}, Decimal("0.001")),
        ({}, None),
    ],
)
def test_jobs_with_an_unknown_price_are_counted_apart(
    ledger: Ledger, job_fields: dict[str, Any], cost_usd: Decimal | None
) -> None:
    ledger.record(build_attempt(job_id="unknown", cost_usd=cost_usd))
    ledger.record_job(build_job(job_id="unknown", **job_fields))
    savings = load_usage(ledger).savings
    assert (savings.jobs, savings.unknown_jobs, savings.saved_usd) == (1, 1, None)
    ledger.record_job(build_job(job_id="known"))
    savings = load_usage(ledger).savings
    assert (savings.jobs, savings.unknown_jobs) == (2, 1)
    assert savings.saved_usd == Decimal("0.0285")
    assert savings.cost_usd == 0


def test_what_was_paid_for_unrecorded_jobs_stands_beside_the_saving(ledger: Ledger) -> None:
    ledger.record(build_attempt(job_id="broken off", cost_usd=Decimal("0.004")))
    ledger.record(build_frontier_attempt(job_id="main", task=TaskKind.MAIN, cost_usd=Decimal(1)))
    for task in EXPERIMENT_TASKS:
        ledger.record(build_frontier_attempt(job_id="of an experiment", task=task))
    ledger.record_job(build_job(job_id="done"))
    savings = load_usage(ledger).savings
    assert savings.unrecorded_usd == Decimal("0.004")
    assert savings.saved_usd == Decimal("0.0285")


def test_a_jobs_attempts_count_even_from_before_the_window(ledger: Ledger) -> None:
    hour = timedelta(hours=1)
    ledger.record(build_attempt(at=NOON - hour, cost_usd=Decimal("0.02")))
    ledger.record_job(build_job(at=NOON))
    report = load_usage(ledger, Window(since=NOON, until=NOON + hour))
    assert report.calls == 0
    assert report.savings.cost_usd == Decimal("0.02")


def test_success_and_escalation_are_shares_of_the_jobs_that_asked(ledger: Ledger) -> None:
    ledger.record(build_attempt(job_id="first"))
    ledger.record(build_attempt(job_id="retried", outcome=Outcome.REJECTED))
    ledger.record(build_attempt(job_id="retried"))
    ledger.record(build_attempt(job_id="escalated", outcome=Outcome.REJECTED))
    ledger.record(build_frontier_attempt(job_id="escalated"))
    ledger.record(build_attempt(job_id="lost", outcome=Outcome.FAILED))
    ledger.record(build_frontier_attempt(job_id="lost", outcome=Outcome.REJECTED))
    ledger.record_job(build_job(job_id="extractive", engine="extractive"))
    report = load_usage(ledger)
    assert report.asked_jobs == 4
    assert report.success_rate == pytest.approx(0.75)
    assert report.escalation_rate == pytest.approx(0.25)


def test_simulated_rows_are_never_added_to_real_ones(ledger: Ledger) -> None:
    ledger.record(build_attempt(job_id="simulated", is_simulated=True, cost_usd=Decimal(5)))
    ledger.record_job(build_job(job_id="simulated", is_simulated=True, baseline_usd=Decimal(9)))
    alone = load_usage(ledger)
    assert (alone.is_simulated, alone.calls, alone.real_calls) == (True, 1, 0)
    assert alone.savings.saved_usd == Decimal("3.9985")

    ledger.record(build_attempt(job_id="real"))
    ledger.record_job(build_job(job_id="real"))
    real = load_usage(ledger)
    assert (real.is_simulated, real.calls, real.simulated_calls) == (False, 1, 1)
    assert real.cost_usd == Decimal("0.001")
    assert real.savings.saved_usd == Decimal("0.0275")

    simulated = load_usage(ledger, Window(is_simulated=True))
    assert (simulated.is_simulated, simulated.calls, simulated.real_calls) == (True, 1, 1)
    assert simulated.savings == alone.savings


def test_a_real_job_without_calls_keeps_the_report_real(ledger: Ledger) -> None:
    ledger.record_job(build_job(job_id="real", engine="extractive"))
    ledger.record(build_attempt(job_id="simulated", is_simulated=True))
    report = load_usage(ledger)
    assert (report.is_simulated, report.calls, report.savings.jobs) == (False, 0, 1)


def test_a_window_takes_its_beginning_and_leaves_its_end(ledger: Ledger) -> None:
    for minutes in range(4):
        at = NOON + timedelta(minutes=minutes)
        ledger.record(build_attempt(at=at, run_id=f"run-{minutes % 2}"))
    since, until = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    assert load_usage(ledger, Window(since=since, until=until)).calls == 2
    assert load_usage(ledger, Window(since=since)).calls == 3
    assert load_usage(ledger, Window(until=until, run_id="run-0")).calls == 2


def test_quality_falls_when_a_job_is_contradicted_later(ledger: Ledger) -> None:
    ledger.record(build_frontier_attempt(job_id="large"))
    assert load_usage(ledger).small.quality_score is None
    ledger.record(build_attempt(job_id="a"))
    ledger.record(build_attempt(job_id="b", tier=Tier.LOCAL))
    ledger.record(build_attempt(job_id="b", outcome=Outcome.FAILED))
    assert load_usage(ledger).small.quality_score == pytest.approx(1)
    ledger.contradict("b", "the main model found other causes")
    assert load_usage(ledger).small.quality_score == pytest.approx(1 / 2)
    ledger.record(build_attempt(job_id="c", outcome=Outcome.REJECTED))
    assert load_usage(ledger).small.quality_score == pytest.approx(1 / 3)


ATTEMPTS = st.builds(
    build_attempt,
    tier=st.sampled_from(Tier),
    task=st.sampled_from(TaskKind),
    model=st.sampled_from(["gpt-4o", "phi:2.7b", "o'reilly; --"]),
    outcome=st.sampled_from(Outcome),
    usage=st.builds(
        Usage,
        input_tokens=st.integers(0, 10**9),
        cache_read_tokens=st.integers(0, 10**6),
        cache_write_tokens=st.integers(0, 10**6),
        output_tokens=st.integers(0, 10**6),
    ),
    cost_usd=st.none() | st.decimals(min_value=0, max_value=1000, places=12),
    latency_s=st.floats(0, 1000),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ATTEMPTS, max_size=60))
def test_groups_are_what_plain_sums_say(
    tmp_path_factory: pytest.TempPathFactory, attempts: list[Attempt]
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        for attempt in attempts:
            ledger.record(attempt)
        report = load_usage(ledger)
    for groups, field in ((report.tiers, "tier"), (report.tasks, "task"), (report.models, "model")):
        assert {group.name for group in groups} == {str(getattr(a, field)) for a in attempts}
        for group in groups:
            assert_sums(group, [a for a in attempts if getattr(a, field) == group.name])
    assert report.total_tokens == sum(attempt.usage.total_tokens for attempt in attempts)


def assert_sums(group: Group, attempts: list[Attempt]) -> None:
    known = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    assert group.calls == len(attempts)
    assert group.cost_usd == (sum(known) if known else None)
    assert group.unknown_cost_calls == len(attempts) - len(known)
    assert group.total_tokens == sum(attempt.usage.total_tokens for attempt in attempts)
    latencies = sorted(a.latency_s for a in attempts if a.outcome in ANSWERS)
    if latencies:
        assert group.avg_latency_s == pytest.approx(sum(latencies) / len(latencies))
        assert group.p95_latency_s == latencies[ceil(len(latencies) * 95 / 100) - 1]
    else:
        assert (group.avg_latency_s, group.p95_latency_s) == (None, None)
