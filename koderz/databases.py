"""SQLite files as stores: opened, brought up to date, and with errors a person can act on.

WAL mode with synchronous=NORMAL: several processes may write at once, and a row that was written
outlives the process, `kill -9` included (a power cut may take the last moments).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from koderz.errors import StoreError

Cell = str | int | float | None

BUSY_TIMEOUT_S: Final = 10.0
"""Longest wait for another process that writes."""

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, or {elsewhere}",
    sqlite3.SQLITE_IOERR: "the disk fails or is full: free some space, or {elsewhere}",
    sqlite3.SQLITE_BUSY: "another process holds it: try again when that one is done",
    sqlite3.SQLITE_LOCKED: "another process holds it: try again when that one is done",
    sqlite3.SQLITE_READONLY: "it is not writable: change its permissions, or {elsewhere}",
    sqlite3.SQLITE_PERM: "it is not writable: change its permissions, or {elsewhere}",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check its folder, or {elsewhere}",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it away, or {elsewhere}",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file: move it away, or {elsewhere}",
}


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind of file holds: `title` names it ("the ledger"), `elsewhere` says how to move it.

    `application_id` marks a file as one of the kind. The script at position n of `migrations`
    takes a file of version n to version n + 1; a semicolon at a line's end ends a statement.
    """

    title: str
    elsewhere: str
    application_id: int
    migrations: Sequence[str]


class Database:
    """An open file of one schema; it and its folders are made where they are missing (mode 0600).

    For one thread. Every method raises StoreError, in one line that says what to do; the database
    stays usable once the cause is gone.
    """

    def __init__(self, path: str | Path, schema: Schema) -> None:
        self.path, self._schema = Path(path), schema
        with self._store_errors("open"):
            self._connection = _connect(self.path, schema)

    def write(self, statement: str, row: Sequence[Cell] = ()) -> int:
        """Write one statement, kept before the call returns; how many rows it changed."""
        with self._store_errors("write"):
            return self._connection.execute(statement, row).rowcount

    def fetch(
        self, query: str, values: Mapping[str, Any] | Sequence[Cell] = ()
    ) -> list[sqlite3.Row]:
        """All rows of one reading query."""
        with self._store_errors("read"):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several statements that are written together or not at all."""
        self.write("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        with self._store_errors("write"):
            self._connection.commit()

    def rollback(self) -> None:
        """Leave the transaction that is open, if one is."""
        self._connection.rollback()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _store_errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError) as error:
            reason = _explain(error, self._schema)
            raise StoreError(f"cannot {verb} {self._schema.title} {self.path}: {reason}") from error


class UnknownFileError(sqlite3.Error):
    """The file is none that this version can use."""


def _connect(path: Path, schema: Schema) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite would make it readable for others; its -wal and -shm files take this file's mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        prepare(connection, schema)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring a file up to today's version in one transaction; another process may do the same.

    Raises UnknownFileError for another program's database and for a newer version's file.
    """
    if _read_version(connection, schema) == len(schema.migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in schema.migrations[_read_version(connection, schema) :]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(schema.migrations)}")
        connection.execute(f"PRAGMA application_id = {schema.application_id}")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _read_version(connection: sqlite3.Connection, schema: Schema) -> int:
    query = (
        "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id a, pragma_user_version v"
    )
    application_id, version, tables = connection.execute(query).fetchone()
    if application_id != schema.application_id and (application_id or version or tables):
        raise UnknownFileError("it is another program's database: name another file")
    if version > len(schema.migrations):
        raise UnknownFileError(
            f"a newer Koderz wrote it (version {version}, known here: {len(schema.migrations)}): "
            "upgrade Koderz"
        )
    return int(version)


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


def _explain(error: Exception, schema: Schema) -> str:
    if isinstance(error, UnknownFileError):
        return str(error)
    if isinstance(error, OSError):
        return f"{(error.strerror or str(error)).lower()}: {schema.elsewhere}"
    if isinstance(error, OverflowError):
        return "a number is too large to be kept (money up to 9 million USD)"
    advice = _ADVICE.get(_code_of(error), f"{error}: see `koderz doctor`")
    return advice.format(elsewhere=schema.elsewhere)


def _code_of(error: Exception) -> int:
    # The lowest byte is the kind of error; the others only say where in SQLite it came up.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
