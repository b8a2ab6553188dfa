"""An answer on its way out, whole or as a stream, and what may go wrong with it there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web
from msgspec.structs import replace

from koderz.simulator.faults import Fault, FaultKind
from koderz.simulator.refusals import RefusedError
from koderz.simulator.streams import split_completion
from koderz.tokens import count_tokens
from koderz.types import Completion, Delta, Usage
from koderz.wire import Encoder, Wire

DEFAULT_SLOW_S = 0.05
_JSON = "application/json"
# A stream that tells no usage is one whose usage its reader has to estimate.
_UNTOLD = Usage(is_estimated=True)


class Sender:
    """Sends one answer; `rate` is the speed of streams in tokens a second (None: at once)."""

    def __init__(
        self,
        http: web.Request,
        wire: Wire,
        *,
        fault: Fault | None = None,
        rate: float | None = None,
    ) -> None:
        self._http, self._wire = http, wire
        self._token_s = 1 / rate if rate else 0.0
        self._kind: FaultKind | None = fault.kind if fault else None
        self._slow_s = 0.0
        if fault is not None and fault.kind == "slow":
            self._slow_s = DEFAULT_SLOW_S if fault.wait_s is None else fault.wait_s

    async def send(self, completion: Completion) -> web.StreamResponse:
        """The whole answer at once."""
        if self._slow_s:
            await asyncio.sleep(self._slow_s * completion.usage.output_tokens)
        body = self._wire.encode_response(completion)
        match self._kind:
            case "malformed_json":
                return web.Response(body=body[: len(body) * 2 // 3], content_type=_JSON)
            case "cut_stream":
                return await send_half(self._http, body)
            case _:
                return web.Response(body=body, content_type=_JSON)

    async def stream(
        self, completion: Completion, *, is_usage_told: bool = True
    ) -> web.StreamResponse:
        """The answer in pieces; its usage is left out where nobody asked for it."""
        content_type = {"Content-Type": self._wire.STREAM_CONTENT_TYPE}
        response = web.StreamResponse(headers=content_type)
        await response.prepare(self._http)
        untold = completion if is_usage_told else replace(completion, usage=_UNTOLD)
        encoder = self._wire.StreamEncoder(untold)
        await response.write(encoder.start())
        if not await self._write_deltas(response, encoder, split_completion(completion)):
            return hang_up(self._http, response)
        await response.write(encoder.finish())
        return response

    async def _write_deltas(
        self, response: web.StreamResponse, encoder: Encoder, deltas: Sequence[Delta]
    ) -> bool:
        """Write the pieces; False where the stream is to be cut."""
        middle = len(deltas) // 2
        for index, delta in enumerate(deltas):
            if self._kind == "cut_stream" and index >= middle:
                break
            await self._pause(delta)
            piece = encoder.delta(delta)
            is_spoilt = self._kind == "malformed_json" and index == middle
            await response.write(_garble(piece) if is_spoilt else piece)
        return self._kind != "cut_stream"

    async def _pause(self, delta: Delta) -> None:
        if token_s := self._slow_s or self._token_s:
            text = delta.text or delta.reasoning or delta.tool_arguments or delta.tool_name
            await asyncio.sleep(token_s * count_tokens(text))


def build_refusal(wire: Wire, refused: RefusedError) -> web.Response:
    """A refusal in the provider's format."""
    body = wire.encode_error(refused.status, refused.message, refused.kind)
    response = web.Response(status=refused.status, body=body, content_type=_JSON)
    if refused.retry_after_s is not None:
        response.headers["Retry-After"] = f"{refused.retry_after_s:g}"
    return response


async def send_half(http: web.Request, body: bytes) -> web.StreamResponse:
    """Half of a body, then a closed connection."""
    response = web.StreamResponse(headers={"Content-Type": _JSON})
    response.content_length = len(body)
    await response.prepare(http)
    await response.write(body[: len(body) // 2])
    return hang_up(http, response)


def hang_up(http: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection under a response that is not finished."""
    if http.transport is not None:
        http.transport.close()
    return response


def _garble(piece: bytes) -> bytes:
    """A piece whose JSON lacks its end, in the piece's own frame."""
    whole = piece.rstrip(b"\n")
    return whole[:-3] + piece[len(whole) :]
