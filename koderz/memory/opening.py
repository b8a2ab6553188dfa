"""The memory that the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.memory.notes import Memory
from koderz.memory.sqlite_memory import SqliteMemory, get_memory_path

PROJECT = "koderz"


@asynccontextmanager
async def open_memory(settings: Settings, warn: Callable[[str], None]) -> AsyncIterator[Memory]:
    """The local memory, with a Cortex server beside it where `[koderz.memory]` names one.

    What is remembered within the context is one session. `warn` is told, once, where the server
    does not come up or is lost. Raises StoreError where the file cannot be used, ConfigError where
    the server needs what is not installed.
    """
    async with _open(settings, warn) as memory:
        await memory.start_session(PROJECT)
        try:
            yield memory
        finally:
            await memory.end_session("the run has ended")


@asynccontextmanager
async def _open(settings: Settings, warn: Callable[[str], None]) -> AsyncIterator[Memory]:
    with SqliteMemory(get_memory_path(settings)) as local:
        if not settings.koderz.memory.cortex_command:
            yield local
            return
        try:
            import mcp  # noqa: F401 - it is slow to import and optional: only asked for here.
        except ImportError:
            raise ConfigError(
                "a Cortex server needs the extra `cortex`: pip install 'koderz[cortex]'",
                key="koderz.memory.cortex_command",
            ) from None
        async with _open_cortex(settings.koderz.memory.cortex_command, local, warn) as memory:
            yield memory


@asynccontextmanager
async def _open_cortex(
    command: str, local: Memory, warn: Callable[[str], None]
) -> AsyncIterator[Memory]:
    from koderz.memory.cortex import CortexMemory
    from koderz.memory.cortex_connection import CortexConnection, LostConnectionError

    connection = CortexConnection(command)
    try:
        try:
            await connection.open()
        except LostConnectionError as error:
            warn(f"no Cortex server ({error}): going on with the local memory alone")
            yield local
        else:
            yield CortexMemory(local, connection, warn)
    finally:
        await connection.close()
