"""Streams in Anthropic's format: named server-sent events, block by block.

https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from koderz.types import Completion, Delta
from koderz.wire.anthropic.responses import (
    decode_finish,
    decode_usage,
    encode_finish,
    encode_usage,
)
from koderz.wire.anthropic.schema import (
    Block,
    ChatResponse,
    EventDelta,
    StreamEvent,
    UsageBody,
)
from koderz.wire.codec import decode_answer, dump_object, encode_json
from koderz.wire.faults import build_error, read_error_document
from koderz.wire.framing import SSE_CONTENT_TYPE, Event, EventReader, encode_event
from koderz.wire.reading import StreamReading

STREAM_CONTENT_TYPE = SSE_CONTENT_TYPE
_DECODER = msgspec.json.Decoder(StreamEvent)


class StreamDecoder(StreamReading[Event]):
    """The client's side: pieces of an answer out of bytes."""

    def __init__(self) -> None:
        reader = EventReader()
        super().__init__(reader.feed, reader.close)
        self._counts: UsageBody | None = None
        self._calls: dict[int, int] = {}
        self._is_begun = False

    def _read_frame(self, frame: Event) -> Iterator[Delta]:
        return self._read_event(decode_answer(_DECODER, frame.content))

    def _is_whole(self) -> bool:
        # Servers that borrow this format may leave out its first event; its end is what counts.
        return self._is_ended and (self._is_begun or bool(self._assembly.parts()))

    def _read_event(self, event: StreamEvent) -> Iterator[Delta]:
        """Pings, block ends and events that are new to us say nothing that we need."""
        match event:
            case StreamEvent(type="content_block_delta", delta=EventDelta() as piece):
                yield from self._read_piece(event.index or 0, piece)
            case StreamEvent(type="content_block_start", content_block=Block() as block):
                yield from self._read_block(event.index or 0, block)
            case StreamEvent(type="message_start", message=ChatResponse() as message):
                self._model, self._id, self._is_begun = message.model, message.id, True
                self._count(message.usage)
            case StreamEvent(type="message_delta"):
                self._read_end(event)
            case StreamEvent(type="message_stop"):
                self._is_ended = True
            case StreamEvent(type="error"):
                raise build_error(read_error_document({"error": event.error}))

    def _read_block(self, index: int, block: Block) -> Iterator[Delta]:
        match block.type:
            case "text" if block.text:
                yield Delta(text=block.text)
            case "thinking" if block.thinking:
                yield Delta(reasoning=block.thinking)
            case "redacted_thinking" if block.data:
                yield Delta(redacted=block.data)
            case "tool_use":
                self._calls[index] = len(self._calls)
                yield Delta(
                    tool_index=self._calls[index],
                    tool_id=block.id or "",
                    tool_name=block.name or "",
                    tool_arguments=dump_object(block.input) if block.input else "",
                )

    def _read_piece(self, index: int, piece: EventDelta) -> Iterator[Delta]:
        match piece.type:
            case "text_delta" if piece.text:
                yield Delta(text=piece.text)
            case "thinking_delta" if piece.thinking:
                yield Delta(reasoning=piece.thinking)
            case "signature_delta" if piece.signature:
                yield Delta(signature=piece.signature)
            case "input_json_delta" if piece.partial_json and index in self._calls:
                yield Delta(tool_index=self._calls[index], tool_arguments=piece.partial_json)

    def _read_end(self, event: StreamEvent) -> None:
        """The usage at the end is cumulative: what it states goes before what the start stated."""
        if event.delta is not None and event.delta.stop_reason:
            self._finish = decode_finish(event.delta.stop_reason)
        if event.usage is None:
            return
        stated = msgspec.structs.asdict(event.usage)
        counts = {name: count for name, count in stated.items() if count is not None}
        self._count(msgspec.structs.replace(self._counts or UsageBody(), **counts))

    def _count(self, counts: UsageBody | None) -> None:
        self._counts, self._usage = counts, decode_usage(counts)


class StreamEncoder:
    """The server's side: bytes out of pieces of an answer, each kind of piece in its own block."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._index = -1
        self._kind = ""
        self._calls: dict[int, int] = {}

    def start(self) -> bytes:
        """The event that says who speaks and what the prompt had."""
        usage = encode_usage(
            msgspec.structs.replace(self._completion.usage, output_tokens=0, reasoning_tokens=0)
        )
        message = ChatResponse(
            id=self._completion.id, model=self._completion.model, content=[], usage=usage
        )
        return _event({"type": "message_start", "message": message})

    def delta(self, delta: Delta) -> bytes:
        """One piece as events."""
        if delta.tool_index is not None:
            return self._call(delta.tool_index, delta)
        events = b""
        if delta.reasoning:
            events += self._thought({"type": "thinking_delta", "thinking": delta.reasoning})
        if delta.signature:
            events += self._thought({"type": "signature_delta", "signature": delta.signature})
            events += self._close()
        if delta.redacted:
            events += self._open("", {"type": "redacted_thinking", "data": delta.redacted})
            events += self._close()
        if delta.text:
            events += self._open("text", {"type": "text", "text": ""})
            events += self._piece({"type": "text_delta", "text": delta.text})
        return events

    def finish(self) -> bytes:
        """The finish reason, the usage and the end mark."""
        reason = encode_finish(self._completion.finish)
        last = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": encode_usage(self._completion.usage),
        }
        return self._close() + _event(last) + _event({"type": "message_stop"})

    def _thought(self, piece: dict[str, Any]) -> bytes:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        return self._open("thinking", block) + self._piece(piece)

    def _call(self, index: int, delta: Delta) -> bytes:
        events = b""
        if index not in self._calls:
            block = {"type": "tool_use", "id": delta.tool_id, "name": delta.tool_name, "input": {}}
            events = self._open(f"tool {index}", block)
            self._calls[index] = self._index
        if delta.tool_arguments:
            piece = {"type": "input_json_delta", "partial_json": delta.tool_arguments}
            events += self._piece(piece, self._calls[index])
        return events

    def _open(self, kind: str, block: dict[str, Any]) -> bytes:
        if kind and kind == self._kind:
            return b""
        ended = self._close()
        self._kind = kind or block["type"]
        self._index += 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return ended + _event(start)

    def _piece(self, piece: dict[str, Any], index: int | None = None) -> bytes:
        place = self._index if index is None else index
        return _event({"type": "content_block_delta", "index": place, "delta": piece})

    def _close(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        return _event({"type": "content_block_stop", "index": self._index})


def _event(content: dict[str, Any]) -> bytes:
    return encode_event(encode_json(content), content["type"])
