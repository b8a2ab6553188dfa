"""The local memory: what goes in with words and tags comes back by them."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.errors import StoreError
from koderz.memory.notes import Note, build_note
from koderz.memory.sqlite_memory import SqliteMemory

SPEC = build_note("spec of add", "It adds two numbers.", ["kind:spec", "problem:add"])
REVIEW = build_note("review of add", "It subtracts; use plus.", ["kind:checkpoint", "problem:add"])
OTHER = build_note("spec of sort", "It sorts a list of numbers.", ["kind:spec", "problem:sort"])


@pytest.mark.parametrize(
    ("query", "tags", "expected"),
    [
        ("", [], [OTHER, REVIEW, SPEC]),
        ("", ["problem:add"], [REVIEW, SPEC]),
        ("", ["problem:add", "kind:spec"], [SPEC]),
        ("", ["problem:none"], []),
        ("subtracts", [], [REVIEW]),
        ("adds sorts", ["kind:spec"], [OTHER, SPEC]),
        ("nothing like here", ["kind:checkpoint"], []),
    ],
)
async def test_notes_come_back_by_words_and_tags(
    tmp_path: Path, query: str, tags: list[str], expected: list[Note]
) -> None:
    with SqliteMemory(tmp_path / "memory.sqlite") as memory:
        for note in (SPEC, REVIEW, OTHER, SPEC):
            await memory.remember(note)
        found = await memory.recall(query, tags=tags)
        assert sorted(found, key=lambda note: note.id) == sorted(expected, key=lambda note: note.id)
        if not query:
            assert list(found) == expected, "without a query the latest first"


async def test_what_was_remembered_is_there_for_the_next_process(tmp_path: Path) -> None:
    with SqliteMemory(tmp_path / "memory.sqlite") as memory:
        await memory.start_session("koderz")
        await memory.remember(SPEC)
        await memory.end_session("solved")
        await memory.end_session("twice is fine")
    with SqliteMemory(tmp_path / "memory.sqlite") as memory:
        assert await memory.export() == (SPEC,)


async def test_a_limit_holds(tmp_path: Path) -> None:
    with SqliteMemory(tmp_path / "memory.sqlite") as memory:
        for note in (SPEC, REVIEW, OTHER):
            await memory.remember(note)
        assert await memory.recall(limit=1) == (OTHER,)


@settings(max_examples=20)
@given(st.text(), st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_any_text_and_any_query_may_be_asked_for(text: str, query: str, tags: list[str]) -> None:
    async def recall() -> tuple[Note, ...]:
        with TemporaryDirectory() as folder, SqliteMemory(Path(folder) / "m") as memory:
            await memory.remember(note)
            await memory.recall(query)
            return await memory.recall(tags=tags)

    clean = [part.encode(errors="ignore").decode() for part in (text, *tags)]
    tags = clean[1:]
    note = build_note("title", clean[0], tags)
    assert asyncio.run(recall()) == (note,)


async def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="another program's database"):
        SqliteMemory(path)


async def test_a_file_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    path.write_text("not a database at all, but text that is long enough to be looked at" * 20)
    with pytest.raises(StoreError, match=r"not a SQLite file.*\[koderz.memory\] path"):
        SqliteMemory(path)
