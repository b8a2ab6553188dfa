"""The Cortex memory against a server over stdio that has the real one's schemas."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.memory.cortex import decode_notes, encode_note
from koderz.memory.notes import Memory, build_note
from koderz.memory.opening import open_memory

SERVER = Path(__file__).with_name("cortex_server.py")
SPEC = build_note("spec of add", "It adds two numbers.\n" * 40, ["kind:spec", "problem:add"])
REVIEW = build_note("review of add", "Use plus.", ["kind:checkpoint", "problem:add"])
LONG = build_note("code of add", "x = 1\n" * 5000, ["kind:iteration", "problem:add"])

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning"  # The SDK leaves its streams to a dead server to the collector.
)


@pytest.fixture
def schemas(data_dir: Path) -> Path:
    return data_dir / "memory" / "cortex-tools.json"


class Place:
    """A local file, a server's file, and the warnings given."""

    def __init__(self, folder: Path, schemas: Path) -> None:
        self.folder, self.schemas = folder, schemas
        self.warnings: list[str] = []

    @asynccontextmanager
    async def open(self, *options: str, local: str = "memory.sqlite") -> AsyncIterator[Memory]:
        parts = [sys.executable, SERVER, self.schemas, self.folder / "cortex.json", *options]
        async with self.open_command(shlex.join(map(str, parts)), local=local) as memory:
            yield memory

    @asynccontextmanager
    async def open_command(
        self, command: str, local: str = "memory.sqlite"
    ) -> AsyncIterator[Memory]:
        section = {"path": str(self.folder / local), "cortex_command": command}
        settings = msgspec.convert({"koderz": {"memory": section}}, Settings)
        async with open_memory(settings, self.warnings.append) as memory:
            yield memory

    def load_served(self) -> list[dict[str, Any]]:
        served: list[dict[str, Any]] = json.loads((self.folder / "cortex.json").read_text())
        return served


@pytest.fixture
def place(tmp_path: Path, schemas: Path) -> Place:
    return Place(tmp_path, schemas)


async def test_notes_go_to_the_server_and_come_back_from_it(place: Place) -> None:
    async with place.open() as memory:
        for note in (SPEC, REVIEW):
            await memory.remember(note)
    async with place.open(local="another.sqlite") as memory:
        assert await memory.recall(tags=["problem:add", "kind:spec"]) == (SPEC,)
        assert set(await memory.recall("add", tags=["problem:add"])) == {SPEC, REVIEW}
        assert await memory.recall(tags=["problem:none"]) == ()
        assert set(await memory.export()) == {SPEC, REVIEW}
    assert not place.warnings
    served = place.load_served()
    assert [row.get("project") for row in served[:2]] == ["koderz", "koderz"]
    assert served[2]["title"] == "session 7", "its sessions are begun and ended"


async def test_a_note_too_long_for_the_server_comes_back_from_the_local_memory(
    place: Place,
) -> None:
    async with place.open() as memory:
        await memory.remember(LONG)
        assert await memory.recall(tags=["kind:iteration"]) == (LONG,)
    assert not place.warnings


@pytest.mark.parametrize("calls", [0, 1])
async def test_a_server_that_dies_is_one_warning_and_nothing_is_lost(
    place: Place, calls: int
) -> None:
    async with place.open("--die-after", str(calls)) as memory:
        for note in (SPEC, REVIEW):
            await memory.remember(note)
        assert set(await memory.recall(tags=["problem:add"])) == {SPEC, REVIEW}
        assert set(await memory.export()) == {SPEC, REVIEW}
    assert len(place.warnings) == 1
    assert "local memory" in place.warnings[0]


@pytest.mark.parametrize("command", ["/nowhere/cortex", f"{sys.executable} -c ''"])
async def test_a_server_that_does_not_start_is_a_warning(place: Place, command: str) -> None:
    async with place.open_command(command) as memory:
        await memory.remember(SPEC)
        assert await memory.recall() == (SPEC,)
    assert len(place.warnings) == 1


async def test_a_command_that_is_none_is_refused(place: Place) -> None:
    with pytest.raises(ConfigError, match="no command line"):
        async with place.open_command("npx 'cortex"):
            pass


async def test_a_cancelled_run_ends_the_server(place: Place) -> None:
    async def work() -> None:
        async with place.open() as memory:
            await memory.remember(SPEC)
            started.set()
            await asyncio.Event().wait()

    started = asyncio.Event()
    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: f"Found 1 memory:\n[1] **title**\n    {text}\n    (long_term)",
        lambda text: json.dumps({"memories": [{"content": text}]}),
        lambda text: text + "\n" + text.replace("adds", "eats"),
    ],
)
def test_a_note_is_found_in_whatever_stands_around_it(wrap: Any) -> None:
    assert decode_notes(wrap(encode_note(SPEC))) == [SPEC]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1, 2]", encode_note(SPEC)[:200], encode_note(SPEC).replace("two", "2")]
)
def test_what_is_not_whole_is_no_note(text: str) -> None:
    assert decode_notes(text) == []
