"""A memory on a Cortex server, with the local one beside it, so that nothing depends on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from koderz.memory.cortex_connection import (
    CortexConnection,
    CortexError,
    LostConnectionError,
)
from koderz.memory.notes import Memory, Note
from koderz.prompts.texts import fence

PROJECT: Final = "koderz"
MOST_RECALLED: Final = 50
"""Most notes that the server gives at once."""

_LABEL: Final = "koderz-note"
_FENCED: Final = re.compile(rf"<<<{_LABEL} [0-9a-f]+\n(.*?)\n{_LABEL} [0-9a-f]+>>>", re.DOTALL)
_IDS: Final = re.compile(r"\[(\d{1,15})\]|\b[Ii][Dd][:# ]+(\d{1,15})\b")


class CortexMemory:
    """Remembers here and there; see `koderz.memory.notes.Memory`.

    Every note is in the local memory first, and the server has it too as long as it answers. Its
    answers are read as plain text: a note is taken if it is whole. When the server is lost, `warn`
    is told once, and everything goes on with the local memory.
    """

    def __init__(
        self, local: Memory, connection: CortexConnection, warn: Callable[[str], None]
    ) -> None:
        self._local, self._warn = local, warn
        self._connection: CortexConnection | None = connection
        self._session = ""

    async def remember(self, note: Note) -> None:
        """Keep a note; one that is known already changes nothing."""
        await self._local.remember(note)
        await self._call(
            "remember",
            title=f"{note.title} ({note.id})",
            content=encode_note(note),
            category="learning",
            type="long_term",
            project=PROJECT,
            tags=list(note.tags),
        )

    async def recall(
        self, query: str = "", *, tags: Sequence[str] = (), limit: int = 10
    ) -> tuple[Note, ...]:
        """Notes with all of these tags and any of these words; the local ones first."""
        local = await self._local.recall(query, tags=tags, limit=limit)
        text = await self._call(
            "recall",
            project=PROJECT,
            tags=list(tags),
            limit=min(limit, MOST_RECALLED),
            includeDecayed=True,
            **({"query": query, "mode": "search"} if query or tags else {"mode": "recent"}),
        )
        wanted = set(tags)
        theirs = [note for note in await self._read(text) if wanted <= set(note.tags)]
        return _join(local, theirs)[:limit]

    async def export(self) -> tuple[Note, ...]:
        """Every note of both, the oldest first."""
        text = await self._call("export_memories", project=PROJECT)
        notes = _join(await self._local.export(), await self._read(text))
        return tuple(sorted(notes, key=lambda note: note.at))

    async def start_session(self, project: str) -> None:
        """Say that what is remembered from now on belongs together."""
        await self._local.start_session(project)
        found = _find_ids(await self._call("start_session", project=PROJECT))
        self._session = next(iter(found), "")

    async def end_session(self, summary: str) -> None:
        """Say what came of it."""
        await self._local.end_session(summary)
        if self._session:
            await self._call("end_session", sessionId=int(self._session), summary=summary)
            self._session = ""

    async def _call(self, tool: str, **arguments: Any) -> str:
        """The server's answer, "" where it gives none."""
        if self._connection is None:
            return ""
        try:
            return await self._connection.call(tool, arguments)
        except LostConnectionError as error:
            self._connection = None
            self._warn(f"the Cortex server is lost ({error}): going on with the local memory alone")
        except CortexError as error:
            self._warn(f"the Cortex server could not do it ({error}): it is in the local memory")
        return ""

    async def _read(self, text: str) -> list[Note]:
        """The notes in an answer; those that it only lists are asked for one by one."""
        notes = decode_notes(text)
        if notes:
            return notes
        whole = [
            await self._call("get_memory", id=int(each)) for each in _find_ids(text)[:MOST_RECALLED]
        ]
        return [note for each in whole for note in decode_notes(each)]


def encode_note(note: Note) -> str:
    """A note as text that can be told from whatever a server puts around it."""
    return fence(_LABEL, msgspec.json.encode(note).decode())


def decode_notes(text: str) -> list[Note]:
    """The notes that stand whole in a text, or in the strings of the JSON that it is."""
    return [note for each in _list_texts(text) for note in _find_notes(each)]


def _find_notes(text: str) -> Iterator[Note]:
    for match in _FENCED.finditer(text):
        if match[0] == fence(_LABEL, match[1]):
            try:
                yield msgspec.json.decode(match[1], type=Note)
            except msgspec.DecodeError:
                continue


def _list_texts(text: str) -> Iterator[str]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        yield text
    else:
        yield from _list_strings(document)


def _list_strings(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, Mapping):
        yield from _list_strings(list(document.values()))
    elif isinstance(document, list):
        for item in document:
            yield from _list_strings(item)


def _find_ids(text: str) -> list[str]:
    return list(dict.fromkeys(first or second for first, second in _IDS.findall(text)))


def _join(ours: Iterable[Note], theirs: Iterable[Note]) -> tuple[Note, ...]:
    return tuple({note.id: note for note in (*ours, *theirs)}.values())
