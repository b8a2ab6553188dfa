"""What is remembered, and what every memory offers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

ID_BYTES = 12


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something remembered, found again by its words and its tags; `at` is when (UTC).

    Two notes with the same `id` say the same.
    """

    id: str
    at: datetime
    title: str
    content: str
    tags: tuple[str, ...] = ()


class Memory(Protocol):
    """Keeps notes and finds them again. Every method raises StoreError where it cannot."""

    async def remember(self, note: Note) -> None:
        """Keep a note; one that is known already changes nothing."""

    async def recall(
        self, query: str = "", *, tags: Sequence[str] = (), limit: int = 10
    ) -> tuple[Note, ...]:
        """Notes that have all of these tags and any of these words, the best first.

        Without a query the latest first.
        """

    async def export(self) -> tuple[Note, ...]:
        """Every note, the oldest first."""

    async def start_session(self, project: str) -> None:
        """Say that what is remembered from now on belongs together."""

    async def end_session(self, summary: str) -> None:
        """Say what came of it; without a session nothing happens."""


def build_note(title: str, content: str, tags: Iterable[str]) -> Note:
    """A note of now, whose id follows from what it says."""
    kept = tuple(dict.fromkeys(tags))
    said = msgspec.json.encode([title, content, kept])
    return Note(
        id=hashlib.blake2b(said, digest_size=ID_BYTES).hexdigest(),
        at=datetime.now(UTC),
        title=title,
        content=content,
        tags=kept,
    )
