"""Where experiments are kept: a row a run, a row a step, each written before the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from platformdirs import user_data_path

from koderz.config.settings import Settings
from koderz.databases import Database, Schema
from koderz.errors import ConfigError, StoreError
from koderz.experiments.history import History
from koderz.experiments.plans import Key
from koderz.experiments.steps import Step, decode_step, encode_step, get_kind
from koderz.locks import hold_lock

_FIRST = """
CREATE TABLE runs (
    run TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    command TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE steps (
    run TEXT NOT NULL REFERENCES runs (run),
    strategy TEXT NOT NULL,
    problem TEXT NOT NULL,
    sample INTEGER NOT NULL,
    step INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, strategy, problem, sample, step)
) STRICT;
CREATE INDEX steps_by_problem ON steps (problem)
"""

SCHEMA: Final = Schema(
    title="the experiments",
    elsewhere="name another place in [koderz.experiments] path",
    application_id=0x4B6F6578,
    migrations=(_FIRST,),
)

_OF_EXPERIMENT = "run = ? AND strategy = ? AND problem = ? AND sample = ?"


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run: the command that made it, and what that command needs to go on (JSON)."""

    run: str
    at: datetime
    command: str
    document: dict[str, Any]


def get_store_path(settings: Settings) -> Path:
    """Where experiments are kept: as configured, else in the user's data folder."""
    configured = settings.koderz.experiments.path
    if configured:
        return Path(configured).expanduser()
    return user_data_path("koderz", appauthor=False) / "experiments.sqlite"


class ExperimentStore:
    """An open store; for one thread. Every method raises StoreError where the file fails."""

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, SCHEMA)
        self.path = self._database.path

    @contextmanager
    def hold_run(self, run: str) -> Iterator[None]:
        """Keep a run to this process: a second one would pay for the same steps.

        Raises ConfigError where another process has it.
        """
        path = self.path.with_name(f"{self.path.name}-{run}.lock")
        taken = ConfigError(f"another process is at the run {run}: wait for it")
        with hold_lock(path, taken):
            yield

    def keep_run(self, row: RunRow) -> None:
        """Keep a run; one kept again takes the place of what was kept of it, its steps stay."""
        statement = (
            "INSERT INTO runs (run, at, command, document) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run) DO UPDATE SET document = excluded.document"
        )
        document = msgspec.json.encode(row.document).decode()
        self._database.write(
            statement, (row.run, row.at.astimezone(UTC).isoformat(), row.command, document)
        )

    def load_run(self, run: str) -> RunRow:
        """A run by its name, or by a beginning that no other has; ConfigError without one."""
        found = [row for row in self.load_runs() if row.run.startswith(run)] if run else []
        exact = [row for row in found if row.run == run]
        if len(exact or found) == 1:
            return (exact or found)[0]
        several = f"{len(found)} runs begin so: give more of it" if found else "there is none"
        raise ConfigError(f"no run {run!r}: {several} (`koderz results` lists them)")

    def load_runs(self) -> tuple[RunRow, ...]:
        """Every run, the latest first."""
        rows = self._database.fetch("SELECT * FROM runs ORDER BY at DESC, run")
        return tuple(
            RunRow(
                run=row["run"],
                at=datetime.fromisoformat(row["at"]),
                command=row["command"],
                document=msgspec.json.decode(row["document"]),
            )
            for row in rows
        )

    def keep_step(self, key: Key, index: int, step: Step) -> None:
        """Keep the step at this place of an experiment, before the next one begins.

        StoreError where there is one already: another process performs the same experiment.
        """
        statement = (
            "INSERT OR IGNORE INTO steps (run, strategy, problem, sample, step, kind, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        row = (*_encode_key(key), index, get_kind(step), encode_step(step).decode())
        if not self._database.write(statement, row):
            raise StoreError(
                f"{key.id} has its step {index} already: another process goes on with it"
            )

    def load_history(self, key: Key) -> History:
        """The steps of an experiment, in order."""
        query = f"SELECT body FROM steps WHERE {_OF_EXPERIMENT} ORDER BY step"  # noqa: S608 - a constant of this file.
        rows = self._database.fetch(query, _encode_key(key))
        return History(tuple(decode_step(row["body"]) for row in rows))

    def load_histories(self, run: str) -> Iterator[tuple[Key, History]]:
        """Every experiment of a run that has a step, with its steps."""
        for key in self.load_keys(run):
            yield key, self.load_history(key)

    def load_keys(self, run: str) -> tuple[Key, ...]:
        """Every experiment of a run that has a step."""
        query = (
            "SELECT DISTINCT strategy, problem, sample FROM steps WHERE run = ?"
            " ORDER BY strategy, problem, sample"
        )
        rows = self._database.fetch(query, (run,))
        return tuple(Key(run=run, **dict(row)) for row in rows)

    def count_verdicts(self, run: str) -> tuple[int, int]:
        """How many experiments of a run are judged, and how many of those solved."""
        query = (
            "SELECT count(*) AS judged,"
            " count(*) FILTER (WHERE json_extract(body, '$.verdict.status') = 'passed') AS solved"
            " FROM steps WHERE run = ? AND kind = 'verdict'"
        )
        (row,) = self._database.fetch(query, (run,))
        return row["judged"], row["solved"]

    def load_problem(self, problem: str) -> Iterator[tuple[Key, History]]:
        """Every experiment of any run with that problem, with its steps."""
        query = "SELECT DISTINCT run, strategy, problem, sample FROM steps WHERE problem = ?"
        for row in self._database.fetch(query, (problem,)):
            key = Key(**dict(row))
            yield key, self.load_history(key)

    def load_problem_ids(self) -> tuple[str, ...]:
        """Every problem that an experiment of any run has a step for."""
        rows = self._database.fetch("SELECT DISTINCT problem FROM steps ORDER BY problem")
        return tuple(row["problem"] for row in rows)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _encode_key(key: Key) -> tuple[str, str, str, int]:
    return (key.run, key.strategy, key.problem, key.sample)
