"""The file that a share of the small models' answers is kept in until it is measured.

It holds prompts and answers, so it is the person's alone (mode 0600), never leaves the machine and
is bounded: the oldest go first. An answer goes as soon as it is measured.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec
from platformdirs import user_data_path

from koderz.config.settings import QualitySettings, Settings
from koderz.databases import Database, Schema
from koderz.ledger.rows import encode_time
from koderz.routing.sampling import KeptAnswer
from koderz.types import TaskKind

MEBIBYTE: Final = 1_048_576

_FIRST = """
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    task TEXT NOT NULL,
    is_simulated INTEGER NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT
"""
SCHEMA: Final = Schema(
    title="the file of kept answers",
    elsewhere="name another place in [koderz.quality] path",
    application_id=0x4B6F6471,
    migrations=(_FIRST,),
)

_ADD = """
INSERT INTO answers (at_us, task, is_simulated, size_bytes, body) VALUES (?, ?, ?, ?, ?)
"""
_DROP_OLDEST = """
DELETE FROM answers WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER newest AS place, sum(size_bytes) OVER newest AS total
        FROM answers WINDOW newest AS (ORDER BY id DESC)
    ) WHERE place > ? OR total > ?
)
"""
_LIST = """
SELECT id, refusals, body FROM answers
WHERE at_us >= :since AND (:task = '' OR task = :task) ORDER BY id DESC
"""
_COUNT = "SELECT count(*) AS answers, coalesce(sum(size_bytes), 0) AS size_bytes FROM answers"


class StoredAnswer(msgspec.Struct, frozen=True):
    """A kept answer; `refusals` counts how often the main model's could not be used."""

    id: int
    refusals: int
    kept: KeptAnswer


_DECODER = msgspec.json.Decoder(KeptAnswer)


def get_samples_path(settings: Settings) -> Path:
    """Where kept answers are: as configured, else in the user's data folder."""
    configured = settings.koderz.quality.path
    if configured:
        return Path(configured).expanduser()
    return user_data_path("koderz", appauthor=False) / "answers.sqlite"


class SampleStore:
    """The kept answers of a file; it is made, mode 0600, with the first of them.

    Every method raises StoreError, in one line that says what to do.
    """

    def __init__(self, path: Path, limits: QualitySettings) -> None:
        self.path, self._limits = path, limits
        self._database: Database | None = None

    def keep(self, kept: KeptAnswer) -> None:
        """Keep one more, and let go of the oldest that are too many."""
        try:
            body = msgspec.json.encode(kept)
        except UnicodeEncodeError:
            return  # Half a surrogate pair cannot be written: such an answer is not kept.
        row = (encode_time(kept.at), kept.task.value, kept.is_simulated, len(body), body.decode())
        most_bytes = self._limits.max_size_mb * MEBIBYTE
        if len(body) > most_bytes:
            return
        database = self._open()
        with database.transaction():
            database.write(_ADD, row)
            database.write(_DROP_OLDEST, (self._limits.max_kept, most_bytes))

    def load(
        self, *, task: TaskKind | None = None, since: datetime | None = None
    ) -> tuple[StoredAnswer, ...]:
        """The kept answers, newest first."""
        if not self.path.exists():
            return ()
        values = {"since": encode_time(since) if since else 0, "task": task or ""}
        found = self._open().fetch(_LIST, values)
        return tuple(
            StoredAnswer(row["id"], row["refusals"], _DECODER.decode(row["body"])) for row in found
        )

    def count(self) -> tuple[int, int]:
        """How many answers are kept, and their bytes."""
        if not self.path.exists():
            return 0, 0
        ((answers, size_bytes),) = self._open().fetch(_COUNT)
        return answers, size_bytes

    def drop(self, id_: int) -> bool:
        """Let go of one that is measured, or cannot be; False where another process did before."""
        return bool(self._open().write("DELETE FROM answers WHERE id = ?", (id_,)))

    def count_refusal(self, id_: int) -> None:
        """Note that the main model's answer to the same request could not be used."""
        self._open().write("UPDATE answers SET refusals = refusals + 1 WHERE id = ?", (id_,))

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._database:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> Database:
        if self._database is None:
            self._database = Database(self.path, SCHEMA)
            # What is let go of is overwritten: it was someone's text.
            self._database.fetch("PRAGMA secure_delete = ON")
        return self._database
