"""What was submitted to providers' batch endpoints: written before it goes out.

A submission is a set of requests that becomes one batch of a provider's. Its row is here before
the provider hears of it, with what it may cost, so that no crash can make it be forgotten and paid
for twice. Of what was asked only names are kept (`parts`), never a prompt or an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from sqlite3 import Row
from typing import Final

import msgspec

from koderz.databases import Database
from koderz.ledger import rows
from koderz.ledger.records import Attempt
from koderz.types import TaskKind


class SubmissionState(StrEnum):
    """Where a submission is.

    intended: about to go out, or out with nobody having heard; submitted: the provider has it;
    closed: its answers were used; void: the provider never had it, or refused it whole.
    """

    INTENDED = "intended"
    SUBMITTED = "submitted"
    CLOSED = "closed"
    VOID = "void"


class SubmittedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a submission, as far as it is kept.

    `parts` name what it asks about, `estimate_usd` is what it was expected to cost at the most
    (None: unknown), `is_recorded` says that its attempt is in the ledger.
    """

    position: int
    parts: tuple[str, ...]
    estimate_usd: Decimal | None
    is_recorded: bool = False


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that go out as one batch; `question` names what they all ask.

    `at` is when it was about to go out, `newest_before` the provider's newest batch until then
    ("": it had none), `batch_id` the provider's name for it ("" until it is known).
    """

    id: str
    at: datetime
    question: str
    run_id: str
    job_id: str
    task: TaskKind
    provider: str
    model: str
    newest_before: str
    requests: tuple[SubmittedRequest, ...]
    batch_id: str = ""
    state: SubmissionState = SubmissionState.INTENDED

    def build_custom_id(self, request: SubmittedRequest) -> str:
        """What the request is called in the batch."""
        return f"{self.id}-{request.position}"


_ADD: Final = """
INSERT INTO submissions (id, at_us, question, run_id, job_id, task, provider, model, newest_before,
    batch_id, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_REQUEST: Final = """
INSERT INTO submitted_requests (submission_id, position, parts, estimate_pusd, is_recorded)
VALUES (?, ?, ?, ?, 0)
"""
_MOVE: Final = "UPDATE submissions SET state = ?, batch_id = ? WHERE id = ?"
_MARK: Final = """
UPDATE submitted_requests SET is_recorded = 1
WHERE submission_id = ? AND position = ? AND NOT is_recorded
"""
_OPEN: Final = """
SELECT * FROM submissions WHERE question = ? AND state IN ('intended', 'submitted')
ORDER BY at_us, id
"""
_REQUESTS: Final = "SELECT * FROM submitted_requests WHERE submission_id = ? ORDER BY position"
_OUTSTANDING: Final = """
SELECT sum(r.estimate_pusd) FROM submitted_requests r JOIN submissions s ON s.id = r.submission_id
WHERE s.state IN ('intended', 'submitted') AND NOT r.is_recorded AND s.at_us >= :since
  AND s.run_id != :run_id
"""


class Submissions:
    """The submissions of a ledger; every method raises StoreError as the ledger's do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def intend(self, submission: Submission) -> None:
        """Write down what is about to go out."""
        row = (
            submission.id,
            rows.encode_time(submission.at),
            submission.question,
            submission.run_id,
            submission.job_id,
            submission.task.value,
            submission.provider,
            submission.model,
            submission.newest_before,
            submission.batch_id,
            submission.state.value,
        )
        with self._database.transaction():
            self._database.write(_ADD, row)
            for each in submission.requests:
                parts = msgspec.json.encode(each.parts).decode()
                estimate = rows.encode_pusd(each.estimate_usd)
                self._database.write(_ADD_REQUEST, (submission.id, each.position, parts, estimate))

    def move(
        self, submission: Submission, state: SubmissionState, *, batch_id: str = ""
    ) -> Submission:
        """The submission in another state, written down."""
        batch_id = batch_id or submission.batch_id
        self._database.write(_MOVE, (state.value, batch_id, submission.id))
        return msgspec.structs.replace(submission, state=state, batch_id=batch_id)

    def record(self, submission: Submission, attempts: Iterable[tuple[int, Attempt]]) -> None:
        """Keep the attempts of requests (by position), each once however often this is called."""
        with self._database.transaction():
            for position, attempt in attempts:
                if self._database.write(_MARK, (submission.id, position)):
                    self._database.write(rows.ADD_ATTEMPT, rows.encode_attempt(attempt))

    def load_open(self, question: str) -> tuple[Submission, ...]:
        """The submissions of a question whose answers were not all used yet, the oldest first."""
        return tuple(map(self._decode, self._database.fetch(_OPEN, (question,))))

    def load_batch_ids(self, provider: str) -> frozenset[str]:
        """The provider's batches that are known here."""
        query = "SELECT batch_id FROM submissions WHERE provider = ?"
        return frozenset(row["batch_id"] for row in self._database.fetch(query, (provider,)))

    def outstanding_usd(self, since: datetime, *, without_run: str = "") -> Decimal:
        """What is out since then and has no attempt yet may still cost, other runs' alone."""
        values = {"since": rows.encode_time(since), "run_id": without_run}
        ((total,),) = self._database.fetch(_OUTSTANDING, values)
        return rows.decode_pusd(total) or Decimal(0)

    def _decode(self, row: Row) -> Submission:
        same = ("id", "question", "run_id", "job_id", "provider", "model", "newest_before")
        return Submission(
            at=rows.decode_time(row["at_us"]),
            task=TaskKind(row["task"]),
            state=SubmissionState(row["state"]),
            batch_id=row["batch_id"],
            requests=_decode_requests(self._database.fetch(_REQUESTS, (row["id"],))),
            **{name: row[name] for name in same},
        )


def _decode_requests(found: Sequence[Row]) -> tuple[SubmittedRequest, ...]:
    return tuple(
        SubmittedRequest(
            position=row["position"],
            parts=msgspec.json.decode(row["parts"], type=tuple[str, ...]),
            estimate_usd=rows.decode_pusd(row["estimate_pusd"]),
            is_recorded=bool(row["is_recorded"]),
        )
        for row in found
    )
