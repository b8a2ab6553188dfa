"""The ledger's file: rows go in one by one, each kept before the call returns.

SQLite in WAL mode with synchronous=NORMAL: several processes may write at once, and a row that
was recorded outlives the process, `kill -9` included (a power cut may take the last moments).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from platformdirs import user_data_path

from koderz.config.settings import Settings
from koderz.errors import StoreError
from koderz.ledger import rows
from koderz.ledger.records import Attempt, JobRecord
from koderz.ledger.schema import UnknownFileError, prepare

BUSY_TIMEOUT_S: Final = 10.0
"""Longest wait for another process that writes."""

_ELSEWHERE = "name another place in [koderz.ledger] path"

_ADD_ATTEMPT = """
INSERT INTO attempts (at_us, run_id, job_id, task, tier, provider, model, answered_by,
    input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    is_estimated, input_rate_pusd, cache_read_rate_pusd, cache_write_rate_pusd, output_rate_pusd,
    rates_as_of, cost_pusd, latency_s, first_token_s, outcome, reason, route_source, request_id,
    is_simulated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

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
        self.path = Path(path)
        with self._store_errors("open"):
            self._connection = _connect(self.path)

    def record(self, attempt: Attempt) -> None:
        """Keep one attempt."""
        self._write(_ADD_ATTEMPT, rows.encode_attempt(attempt))

    def record_job(self, job: JobRecord) -> None:
        """Keep what a job saved; a job recorded again takes the place of its earlier record."""
        self._write(_ADD_JOB, rows.encode_job(job))

    def contradict(self, job_id: str, reason: str) -> None:
        """Mark a job's accepted answers as found wrong later; StoreError for an unknown job."""
        row = (job_id, rows.encode_time(datetime.now(UTC)), rows.tidy_reason(reason))
        if not self._write(_ADD_CONTRADICTION, row):
            raise StoreError(f"the ledger {self.path} has no attempt of a job {job_id!r}")

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

    def fetch(self, query: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """All rows of one reading query."""
        with self._store_errors("read"):
            return self._connection.execute(query, values or {}).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reading queries that see one state of the ledger, whatever others write."""
        self.fetch("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def check_writable(self) -> None:
        """Write the file's version again as it is; StoreError where nothing can be written."""
        ((version,),) = self.fetch("PRAGMA user_version")
        self._write(f"PRAGMA user_version = {version}", ())

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, statement: str, row: tuple[rows.Cell, ...]) -> int:
        with self._store_errors("write"):
            return self._connection.execute(statement, row).rowcount

    @contextmanager
    def _store_errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError, UnknownFileError) as error:
            raise StoreError(f"cannot {verb} the ledger {self.path}: {_explain(error)}") from error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite would make it readable for others; its -wal and -shm files take this file's mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        prepare(connection)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # Changing the mode does not wait for another process that is changing it: we wait instead.
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


_ADVICE: Final = {
    sqlite3.SQLITE_FULL: f"the disk is full: free some space, or {_ELSEWHERE}",
    sqlite3.SQLITE_IOERR: f"the disk fails or is full: free some space, or {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: "another process holds it: try again when that one is done",
    sqlite3.SQLITE_LOCKED: "another process holds it: try again when that one is done",
    sqlite3.SQLITE_READONLY: f"it is not writable: change its permissions, or {_ELSEWHERE}",
    sqlite3.SQLITE_PERM: f"it is not writable: change its permissions, or {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened: check its folder, or {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: f"it is damaged: move it away, or {_ELSEWHERE}",
    sqlite3.SQLITE_NOTADB: f"it is not a SQLite file: move it away, or {_ELSEWHERE}",
}


def _explain(error: Exception) -> str:
    if isinstance(error, UnknownFileError):
        return str(error)
    if isinstance(error, OSError):
        return f"{(error.strerror or str(error)).lower()}: {_ELSEWHERE}"
    if isinstance(error, OverflowError):
        return "a number is too large to be kept (money up to 9 million USD)"
    return _ADVICE.get(_code_of(error), f"{error}: see `koderz doctor`")


def _code_of(error: Exception) -> int:
    # The lowest byte is the kind of error; the others only say where in SQLite it came up.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
