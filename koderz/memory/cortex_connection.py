"""One connection to an MCP server over stdio, for as long as a run lasts."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from koderz.errors import ConfigError, KoderzError

if TYPE_CHECKING:
    from mcp import ClientSession

START_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 15.0
CLOSE_TIMEOUT_S = 10.0


class CortexError(KoderzError):
    """The server could not do what it was asked; the message is what it says."""


class LostConnectionError(CortexError):
    """The server does not answer (any more); the message says how that showed."""


class CortexConnection:
    """A server process and the session with it, in a task of their own.

    The SDK's scopes belong to the task that opened them, and a server that dies cancels that
    task: here it is this one, and whoever asks gets LostConnectionError. Made inside the loop.
    """

    def __init__(self, command: str) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise _wrong_command(command) from error
        if not self._command:
            raise _wrong_command(command)
        self._left = asyncio.Event()
        self._ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the server; LostConnectionError where it does not come up."""
        self._task = asyncio.create_task(self._serve())
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await asyncio.shield(self._ready)
        except TimeoutError:
            await self.close()
            raise LostConnectionError(
                f"{self._command[0]} did not come up in {START_TIMEOUT_S:g} s"
            ) from None

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What a tool answers, as text.

        Raises LostConnectionError where the server gives no answer, CortexError where it says no.
        """
        from mcp import MCPError

        session = await asyncio.shield(self._ready)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                result = await session.call_tool(tool, dict(arguments))
        except TimeoutError:
            raise LostConnectionError(f"no answer within {CALL_TIMEOUT_S:g} s") from None
        except (MCPError, OSError, RuntimeError) as error:
            raise LostConnectionError(str(error) or type(error).__name__) from error
        text = "\n".join(getattr(part, "text", "") for part in getattr(result, "content", ()))
        if getattr(result, "is_error", False):
            raise CortexError(f"the tool {tool!r} failed: {text}")
        return text

    async def close(self) -> None:
        """End the server; closing twice is fine."""
        self._left.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=CLOSE_TIMEOUT_S)
            if not done:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self) -> None:
        try:
            await self._hold_session()
        except asyncio.CancelledError:
            self._fail(LostConnectionError("the server ended"))
            if not self._left.is_set() and (task := asyncio.current_task()) and task.cancelling():
                raise
        except BaseExceptionGroup as group:
            self._fail(LostConnectionError(str(group.exceptions[0])))
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises, the run goes on.
            self._fail(LostConnectionError(str(error) or type(error).__name__))

    async def _hold_session(self) -> None:
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client

        # A server that prints what is no message is no reason to show a person a traceback.
        logging.getLogger("mcp").addHandler(logging.NullHandler())
        server = StdioServerParameters(command=self._command[0], args=self._command[1:])
        with _open_nowhere() as nowhere:
            async with (
                stdio_client(server, errlog=nowhere) as streams,
                ClientSession(*streams) as session,
            ):
                await session.initialize()
                self._ready.set_result(session)
                await self._left.wait()

    def _fail(self, error: LostConnectionError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)


def _open_nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _wrong_command(command: str) -> ConfigError:
    reason = f"{command!r} is no command line"
    return ConfigError(reason, key="koderz.memory.cortex_command")
