"""A memory in a SQLite file with full-text search: nothing has to be started for it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import msgspec
from platformdirs import user_data_path

from koderz.config.settings import Settings
from koderz.databases import Cell, Database, Schema
from koderz.memory.notes import Note

_FIRST = """
CREATE TABLE notes (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    tags TEXT NOT NULL,
    session INTEGER REFERENCES sessions (number)
) STRICT;
CREATE TABLE tags (
    tag TEXT NOT NULL,
    note INTEGER NOT NULL REFERENCES notes (number),
    PRIMARY KEY (tag, note)
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    summary TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (title, content, content=notes, content_rowid=number)
"""

SCHEMA: Final = Schema(
    title="the memory",
    elsewhere="name another place in [koderz.memory] path",
    application_id=0x4B6F6D65,
    migrations=(_FIRST,),
)

_TAGGED: Final = "EXISTS (SELECT 1 FROM tags WHERE note = notes.number AND tag = ?)"
_MATCHING: Final = "words MATCH ?"
_WORD: Final = re.compile(r"\w+")


def get_memory_path(settings: Settings) -> Path:
    """Where the memory is: as configured, else in the user's data folder."""
    configured = settings.koderz.memory.path
    if configured:
        return Path(configured).expanduser()
    return user_data_path("koderz", appauthor=False) / "memory.sqlite"


class SqliteMemory:
    """A memory in a file, for the thread that opened it; see `koderz.memory.notes.Memory`.

    Calls take well under a millisecond, so that they are made where they are awaited.
    """

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, SCHEMA)
        self._session: int | None = None

    async def remember(self, note: Note) -> None:
        """Keep a note; one that is known already changes nothing."""
        statement = (
            "INSERT OR IGNORE INTO notes (id, at, title, content, tags, session)"
            " VALUES (?, ?, ?, ?, ?, ?)"
        )
        tags = msgspec.json.encode(note.tags).decode()
        row = (note.id, note.at.isoformat(), note.title, note.content, tags, self._session)
        with self._database.transaction():
            if not self._database.write(statement, row):
                return
            (found,) = self._database.fetch("SELECT number FROM notes WHERE id = ?", (note.id,))
            number = found["number"]
            self._database.write(
                "INSERT INTO words (rowid, title, content) VALUES (?, ?, ?)",
                (number, note.title, note.content),
            )
            for tag in dict.fromkeys(note.tags):
                self._database.write("INSERT INTO tags (tag, note) VALUES (?, ?)", (tag, number))

    async def recall(
        self, query: str = "", *, tags: Sequence[str] = (), limit: int = 10
    ) -> tuple[Note, ...]:
        """Notes with all of these tags and any of these words, the best first."""
        words = " OR ".join(f'"{word}"' for word in _WORD.findall(query))
        wanted = list(dict.fromkeys(tags))
        conditions = [*[_TAGGED] * len(wanted), *([_MATCHING] if words else []), "TRUE"]
        source = "notes JOIN words ON words.rowid = notes.number" if words else "notes"
        order = "words.rank, notes.number DESC" if words else "notes.number DESC"
        statement = (
            f"SELECT notes.* FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608 - made of constants: what is sought is bound.
            f"ORDER BY {order} LIMIT ?"
        )
        values: tuple[Cell, ...] = (*wanted, *([words] if words else []), limit)
        return tuple(map(_decode_note, self._database.fetch(statement, values)))

    async def export(self) -> tuple[Note, ...]:
        """Every note, the oldest first."""
        rows = self._database.fetch("SELECT * FROM notes ORDER BY number")
        return tuple(map(_decode_note, rows))

    async def start_session(self, project: str) -> None:
        """Say that what is remembered from now on belongs together."""
        statement = (
            "INSERT INTO sessions (project, started_at, summary) VALUES (?, ?, '') RETURNING number"
        )
        (row,) = self._database.fetch(statement, (project, datetime.now(UTC).isoformat()))
        self._session = row["number"]

    async def end_session(self, summary: str) -> None:
        """Say what came of it; without a session nothing happens."""
        if self._session is None:
            return
        statement = "UPDATE sessions SET ended_at = ?, summary = ? WHERE number = ?"
        self._database.write(statement, (datetime.now(UTC).isoformat(), summary, self._session))
        self._session = None

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _decode_note(row: sqlite3.Row) -> Note:
    return Note(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        title=row["title"],
        content=row["content"],
        tags=tuple(msgspec.json.decode(row["tags"], type=tuple[str, ...])),
    )
