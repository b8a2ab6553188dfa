"""Streams in Gemini's format: server-sent chunks, the last of which states the finish reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from koderz.types import AnswerToken, Completion, Delta
from koderz.wire.assembly import Assembly, split_parts
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import build_error, read_error_document
from koderz.wire.framing import SSE_CONTENT_TYPE, Event, EventReader, encode_event
from koderz.wire.gemini.request_encoder import encode_parts
from koderz.wire.gemini.responses import (
    build_answer,
    decode_usage,
    encode_finish,
    read_answer,
    read_tokens,
)
from koderz.wire.gemini.schema import ChatResponse, ContentBody, PartBody
from koderz.wire.likelihoods import TokenQueue
from koderz.wire.reading import StreamReading

STREAM_CONTENT_TYPE = SSE_CONTENT_TYPE
_DECODER = msgspec.json.Decoder(ChatResponse)


class StreamDecoder(StreamReading[Event]):
    """The client's side: pieces of an answer out of bytes."""

    def __init__(self) -> None:
        reader = EventReader()
        super().__init__(reader.feed, reader.close)
        self._call_count = 0

    def _read_frame(self, frame: Event) -> list[Delta]:
        chunk = decode_answer(_DECODER, frame.content)
        if chunk.error:
            raise build_error(read_error_document({"error": chunk.error}))
        self._model = chunk.model_version or self._model
        self._id = chunk.response_id or self._id
        if chunk.usage_metadata is not None:
            self._usage = decode_usage(chunk.usage_metadata)
        self._tokens += read_tokens(chunk)
        parts, finish = read_answer(chunk, self._call_count)
        if finish:
            self._finish, self._is_ended = finish, True
        deltas = list(split_parts(parts, first_call=self._call_count))
        self._call_count += sum(delta.tool_index is not None for delta in deltas)
        return deltas


class StreamEncoder:
    """The server's side: bytes out of pieces of an answer; a tool call is sent when it is whole."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._tokens = TokenQueue(completion.tokens)
        self._calls = Assembly()

    def start(self) -> bytes:
        """Nothing: the first piece is the start."""
        return b""

    def delta(self, delta: Delta) -> bytes:
        """One piece as chunks; nothing yet for a piece of a tool call."""
        if delta.tool_index is not None:
            self._calls.add(delta)
            return b""
        bodies = self._whole_calls()
        if delta.reasoning:
            bodies.append(PartBody(text=delta.reasoning, thought=True))
        if delta.signature:
            bodies.append(PartBody(text="", thought_signature=delta.signature))
        if delta.text:
            bodies.append(PartBody(text=delta.text))
        tokens = self._tokens.take(delta.text)
        return self._chunk(bodies, tokens=tokens) if bodies else b""

    def finish(self) -> bytes:
        """The calls held back, the finish reason and the usage."""
        return self._chunk(self._whole_calls(), encode_finish(self._completion.finish))

    def _whole_calls(self) -> list[PartBody]:
        calls, self._calls = self._calls, Assembly()
        return list(encode_parts(calls.parts()))

    def _chunk(
        self,
        bodies: list[PartBody],
        reason: str | None = None,
        tokens: Sequence[AnswerToken] = (),
    ) -> bytes:
        content = ContentBody(role="model", parts=bodies)
        return encode_event(encode_json(build_answer(self._completion, content, reason, tokens)))
