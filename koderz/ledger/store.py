"""The ledger's file: rows go in one by one, each kept before the call returns.

SQLite in WAL mode with synchronous=NORMAL: several processes may write at once, and a row that
was recorded outlives the process, `kill -9` included (a power cut may take the last moments).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from platformdirs import user_data_path

from koderz.config.settings import Settings
from koderz.databases import Database
from koderz.errors import StoreError
from koderz.ledger import rows
from koderz.ledger.records import Attempt, JobRecord
from koderz.ledger.schema import SCHEMA
from koderz.ledger.scores import (
    ADD_CALIBRATION,
    ADD_SCORE,
    CalibrationRecord,
    ScoreRecord,
    encode_calibration,
    encode_score,
)
from koderz.ledger.submissions import Submissions

_ADD_JOB = """
INSERT OR REPLACE INTO jobs (job_id, at_us, run_id, task, engine, tokens_in, tokens_out,
    baseline_pusd, digest_pusd, baseline, is_simulated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ADD_CONTRADICTION = """
INSERT OR REPLACE INTO contradictions (job_id, at_us, reason)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM attempts WHERE job_id = ?1)
"""

_SPENT = """
SELECT sum(cost_pusd) FROM attempts
WHERE at_us >= :since AND (:until IS NULL OR at_us < :until)
  AND (:is_simulated IS NULL OR is_simulated = :is_simulated)
"""


def get_ledger_path(settings: Settings) -> Path:
    """Where the ledger is: as configured, else in the user's data folder."""
    configured = settings.koderz.ledger.path
    if configured:
        return Path(configured).expanduser()
    return user_data_path("koderz", appauthor=False) / "ledger.sqlite"


class Ledger:
    """An open ledger; the file and its folders are made if they are missing (mode 0600).

    For one thread, that of the event loop. Calls are synchronous on purpose: a row takes about
    0.1 ms, less than handing it to a thread would, unless another process holds the file. Every
    method raises StoreError, in one line with what to do; what was recorded before is kept, and
    the ledger stays usable once the cause is gone.
    """

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, SCHEMA)
        self.path = self._database.path
        self.submissions = Submissions(self._database)

    def record(self, attempt: Attempt) -> None:
        """Keep one attempt."""
        self._database.write(rows.ADD_ATTEMPT, rows.encode_attempt(attempt))

    def record_job(self, job: JobRecord) -> None:
        """Keep what a job saved; a job recorded again takes the place of its earlier record."""
        self._database.write(_ADD_JOB, rows.encode_job(job))

    def contradict(self, job_id: str, reason: str) -> None:
        """Mark a job's accepted answers as found wrong later; StoreError for an unknown job."""
        row = (job_id, rows.encode_time(datetime.now(UTC)), rows.tidy_reason(reason))
        if not self._database.write(_ADD_CONTRADICTION, row):
            raise StoreError(f"the ledger {self.path} has no attempt of a job {job_id!r}")

    def record_score(self, score: ScoreRecord) -> None:
        """Keep what an answer scored."""
        self._database.write(ADD_SCORE, encode_score(score))

    def record_calibration(self, calibration: CalibrationRecord) -> None:
        """Keep a threshold that was chosen, and what it rests on."""
        self._database.write(ADD_CALIBRATION, encode_calibration(calibration))

    def spent_usd(
        self,
        since: datetime,
        until: datetime | None = None,
        *,
        is_simulated: bool | None = None,
    ) -> Decimal:
        """What the attempts in [since, until) cost as far as it is known: at least this much.

        Without `is_simulated`, real and simulated attempts count alike.
        """
        condition = {
            "since": rows.encode_time(since),
            "until": None if until is None else rows.encode_time(until),
            "is_simulated": is_simulated,
        }
        ((total,),) = self.fetch(_SPENT, condition)
        return rows.decode_pusd(total) or Decimal(0)

    def load_attempts(self, job_id: str) -> tuple[Attempt, ...]:
        """Every attempt of a job, in the order in which they were recorded."""
        query = "SELECT * FROM attempts WHERE job_id = :job_id ORDER BY id"
        found = self.fetch(query, {"job_id": job_id})
        return tuple(rows.decode_attempt(dict(row)) for row in found)

    def fetch(self, query: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """All rows of one reading query."""
        return self._database.fetch(query, values or {})

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reading queries that see one state of the ledger, whatever others write."""
        self.fetch("BEGIN")
        try:
            yield
        finally:
            self._database.rollback()

    def check_writable(self) -> None:
        """Write the file's version again as it is; StoreError where nothing can be written."""
        ((version,),) = self.fetch("PRAGMA user_version")
        self._database.write(f"PRAGMA user_version = {version}")

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
