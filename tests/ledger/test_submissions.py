"""Submissions: written before they go out, found again, each attempt recorded once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_rows import NOON, build_attempt

from koderz.ledger.store import Ledger
from koderz.ledger.submissions import Submission, SubmissionState, SubmittedRequest
from koderz.types import TaskKind


def build_submission(name: str = "kz1", *, run_id: str = "run") -> Submission:
    return Submission(
        id=name,
        at=NOON,
        question="q",
        run_id=run_id,
        job_id="job",
        task=TaskKind.CLASSIFICATION,
        provider="anthropic",
        model="claude-haiku-4-5",
        newest_before="msgbatch_0",
        requests=(
            SubmittedRequest(position=0, parts=("a:1", "b:2"), estimate_usd=Decimal("0.25")),
            SubmittedRequest(position=1, parts=("c:3",), estimate_usd=None),
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_what_was_intended_is_found_as_it_was_by_its_question(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.submissions.intend(build_submission())
    with Ledger(path) as ledger:
        assert ledger.submissions.load_open("q") == (build_submission(),)
        assert ledger.submissions.load_open("another") == ()


def test_it_moves_from_state_to_state_and_keeps_its_batch(path: Path) -> None:
    with Ledger(path) as ledger:
        own = ledger.submissions
        own.intend(build_submission())
        sent = own.move(build_submission(), SubmissionState.SUBMITTED, batch_id="msgbatch_1")
        assert own.load_open("q") == (sent,)
        assert own.load_batch_ids("anthropic") == {"msgbatch_1"}
        for state in (SubmissionState.CLOSED, SubmissionState.VOID):
            assert own.move(sent, state).batch_id == "msgbatch_1"
            assert own.load_open("q") == ()


def test_an_attempt_is_recorded_once_however_often_it_is_collected(path: Path) -> None:
    with Ledger(path) as ledger:
        submission = build_submission()
        ledger.submissions.intend(submission)
        first = (0, build_attempt(batch_id="msgbatch_1"))
        ledger.submissions.record(submission, [first])
        ledger.submissions.record(submission, [first, (1, build_attempt())])
        assert [each.batch_id for each in ledger.load_attempts("job")] == ["msgbatch_1", ""]
        (found,) = ledger.submissions.load_open("q")
        assert [each.is_recorded for each in found.requests] == [True, True]


def test_what_is_out_counts_until_it_is_recorded_or_void(path: Path) -> None:
    with Ledger(path) as ledger:
        own = ledger.submissions
        mine, other = build_submission("kz1", run_id="me"), build_submission("kz2", run_id="you")
        for each in (mine, other):
            own.intend(each)
        day = NOON - timedelta(hours=1)
        assert own.outstanding_usd(day) == Decimal("0.5")
        assert own.outstanding_usd(day, without_run="me") == Decimal("0.25")
        assert own.outstanding_usd(NOON + timedelta(seconds=1)) == 0
        own.record(other, [(0, build_attempt())])
        assert own.outstanding_usd(day, without_run="me") == 0
        own.move(mine, SubmissionState.VOID)
        assert own.outstanding_usd(day) == 0


def test_batches_say_nothing_of_how_fast_a_model_answers(path: Path) -> None:
    from koderz.ledger.report import Window
    from koderz.ledger.totals import load_usage

    with Ledger(path) as ledger:
        ledger.record(build_attempt(latency_s=0.5))
        ledger.record(build_attempt(latency_s=40_000, batch_id="msgbatch_1"))
    usage = load_usage(path, Window())
    assert usage.small.avg_latency_s == 0.5
    assert usage.small.calls == 2
