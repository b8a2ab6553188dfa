"""A server on loopback that answers as a test says, one scripted reply after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web


@dataclass
class Reply:
    """One answer: its chunks are sent one by one; `is_cut` breaks the connection after them.

    `hangs` sends the chunks and then nothing until the client goes away.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes] = ()
    is_cut: bool = False
    hangs: bool = False
    media_type: str = "application/json"


def reply_json(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON reply; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, chunks=(msgspec.json.encode(document),))


@dataclass
class Seen:
    """A request that the server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def document(self) -> Any:
        return msgspec.json.decode(self.body)


class ScriptedServer:
    """Answers with `script` in order, the last reply again and again; `seen` are the requests.

    `asked` is set with the first request, `left` when a client goes away in the middle of a reply.
    """

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.seen: list[Seen] = []
        self.url = ""
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    def play(self, *replies: Reply) -> None:
        self.script = list(replies)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.content.read()
        self.seen.append(Seen(request.method, request.raw_path, headers, body, port))
        self.asked.set()
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await self._send(request, reply)

    async def _send(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        headers = {"content-type": reply.media_type, **reply.headers}
        response = web.StreamResponse(status=reply.status, headers=headers)
        try:
            await response.prepare(request)
            for chunk in reply.chunks:
                await response.write(chunk)
            if reply.hangs:
                await asyncio.sleep(60)
            if reply.is_cut and request.transport is not None:
                request.transport.abort()
                return response
            await response.write_eof()
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return response


@asynccontextmanager
async def open_scripted_server() -> AsyncIterator[ScriptedServer]:
    """A running server on a free port of 127.0.0.1."""
    scripted = ScriptedServer()
    server = web.Server(scripted.answer, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield scripted
    finally:
        await runner.cleanup()
