"""Streams in Ollama's format: one JSON object a line, the last of which is `done`."""

from __future__ import annotations

import msgspec

from koderz.types import Completion, Delta, ToolCall
from koderz.wire.assembly import Assembly, split_parts
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import build_error, read_error_document
from koderz.wire.framing import NDJSON_CONTENT_TYPE, LineReader
from koderz.wire.likelihoods import TokenQueue, decode_tokens
from koderz.wire.ollama.request_encoder import encode_call
from koderz.wire.ollama.responses import (
    build_last,
    build_line,
    decode_finish,
    decode_parts,
    decode_usage,
)
from koderz.wire.ollama.schema import ChatResponse, MessageBody
from koderz.wire.reading import StreamReading

STREAM_CONTENT_TYPE = NDJSON_CONTENT_TYPE
_DECODER = msgspec.json.Decoder(ChatResponse)


class StreamDecoder(StreamReading[bytes]):
    """The client's side: pieces of an answer out of bytes."""

    def __init__(self) -> None:
        reader = LineReader()
        super().__init__(reader.feed, lambda: [reader.close()])
        self._call_count = 0

    def _read_frame(self, frame: bytes) -> list[Delta]:
        return self._read_line(decode_answer(_DECODER, frame)) if frame.strip() else []

    def _read_line(self, line: ChatResponse) -> list[Delta]:
        if line.error:
            raise build_error(read_error_document({"error": line.error}))
        self._model = line.model or self._model
        self._tokens += decode_tokens(line.logprobs)
        if line.done:
            self._is_ended = True
            self._finish, self._usage = decode_finish(line.done_reason), decode_usage(line)
        if line.message is None:
            return []
        parts = decode_parts(line.message, self._call_count)
        deltas = list(split_parts(parts, first_call=self._call_count))
        self._call_count += sum(delta.tool_index is not None for delta in deltas)
        return deltas


class StreamEncoder:
    """The server's side: bytes out of pieces of an answer; a tool call is sent when it is whole."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._tokens = TokenQueue(completion.tokens)
        self._calls = Assembly()
        self._call_count = 0

    def start(self) -> bytes:
        """Nothing: the first piece is the start."""
        return b""

    def delta(self, delta: Delta) -> bytes:
        """One piece as lines; nothing yet for a piece of a tool call, and nothing for a seal."""
        if delta.tool_index is not None:
            self._calls.add(delta)
            return b""
        lines = self._whole_calls()
        if delta.text or delta.reasoning:
            message = MessageBody(
                role="assistant", content=delta.text, thinking=delta.reasoning or None
            )
            tokens = self._tokens.take(delta.text)
            lines += _line(build_line(self._completion, message, tokens))
        return lines

    def finish(self) -> bytes:
        """The calls held back, the finish reason, the usage and the end mark."""
        last = MessageBody(role="assistant", content="")
        return self._whole_calls() + _line(build_last(self._completion, last))

    def _whole_calls(self) -> bytes:
        whole, self._calls = self._calls.parts(), Assembly()
        calls = [part for part in whole if isinstance(part, ToolCall)]
        if not calls:
            return b""
        bodies = [encode_call(call, index) for index, call in enumerate(calls, self._call_count)]
        self._call_count += len(calls)
        message = MessageBody(role="assistant", content="", tool_calls=bodies)
        return _line(build_line(self._completion, message))


def _line(content: ChatResponse) -> bytes:
    return encode_json(content) + b"\n"
