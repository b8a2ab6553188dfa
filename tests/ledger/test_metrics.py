"""The five figures of the small models, from Python."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_rows import NOON, build_attempt, build_job

from koderz.errors import StoreError
from koderz.ledger.metrics import SmallModelMetrics
from koderz.ledger.records import Outcome
from koderz.ledger.store import Ledger
from koderz.types import TaskKind, Tier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of two small calls (one rejected) and one large one, in one job, and its path."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.record(build_attempt(latency_s=0.25, outcome=Outcome.REJECTED))
        ledger.record(build_attempt(latency_s=0.75, tier=Tier.LOCAL, cost_usd=Decimal(0)))
        ledger.record(build_attempt(tier=Tier.FRONTIER, job_id="other", task=TaskKind.MAIN))
        ledger.record_job(build_job())
    return path


def test_the_figures_are_those_of_the_small_tiers(path: Path) -> None:
    metrics = SmallModelMetrics(path)
    assert metrics.calls_made == 2
    assert metrics.tokens_used == 2000
    assert metrics.cost_saved == Decimal("0.0275")
    assert metrics.avg_latency_ms == pytest.approx(500)
    assert metrics.quality_score == pytest.approx(0.5)


def test_the_report_says_them_in_words(path: Path) -> None:
    assert SmallModelMetrics(path).report().splitlines() == [
        "calls            2",
        "tokens           2,000",
        "cost saved       $0.0275",
        "average latency  500 ms",
        "quality          50.0%",
    ]


def test_an_open_ledger_and_a_path_give_the_same(path: Path) -> None:
    with Ledger(path) as ledger:
        assert SmallModelMetrics(ledger).usage == SmallModelMetrics(str(path)).usage


def test_since_and_run_narrow_it_down(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.record(build_attempt(at=NOON + timedelta(hours=1), run_id="later"))
        assert SmallModelMetrics(ledger).calls_made == 3
        assert SmallModelMetrics(ledger, since=NOON + timedelta(minutes=1)).calls_made == 1
        assert SmallModelMetrics(ledger, run_id="later").calls_made == 1
        assert SmallModelMetrics(ledger, run_id="none").calls_made == 0


def test_where_nothing_is_known_nothing_is_claimed(tmp_path: Path) -> None:
    metrics = SmallModelMetrics(tmp_path / "none.sqlite")
    assert (metrics.calls_made, metrics.tokens_used) == (0, 0)
    assert metrics.cost_saved == Decimal(0)
    assert (metrics.avg_latency_ms, metrics.quality_score) == (None, None)
    assert "nothing checked" in metrics.report()
    assert "none measured" in metrics.report()


def test_an_unknown_saving_is_said_to_be_unknown(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record_job(build_job(baseline_usd=None))
        metrics = SmallModelMetrics(ledger)
    assert metrics.cost_saved is None
    assert "cost saved       unknown (unknown for 1 of 1 jobs)" in metrics.report()


def test_a_loss_is_shown_as_one(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record_job(build_job(baseline_usd=Decimal(0), digest_usd=Decimal("0.5")))
        assert "-$0.5000" in SmallModelMetrics(ledger).report()


def test_simulated_figures_say_so(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record(build_attempt(is_simulated=True))
        assert SmallModelMetrics(ledger).report().startswith("simulated calls only\n")
        ledger.record(build_attempt())
        assert not SmallModelMetrics(ledger).is_simulated
        assert SmallModelMetrics(ledger, is_simulated=True).calls_made == 1


def test_a_file_that_is_no_ledger_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ledger at all" * 100)
    with pytest.raises(StoreError, match="not a SQLite file"):
        SmallModelMetrics(tmp_path / "text")
