"""Streams in OpenAI's format: server-sent chunks, ended by `[DONE]`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from koderz.types import Completion, Delta, FinishReason, Text
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import build_error, read_error, read_error_document
from koderz.wire.framing import SSE_CONTENT_TYPE, Event, EventReader, encode_event
from koderz.wire.likelihoods import TokenQueue
from koderz.wire.openai.responses import (
    CREATED,
    arguments_text,
    decode_finish,
    decode_logprobs,
    decode_usage,
    encode_finish,
    encode_logprobs,
    encode_usage,
    read_content,
)
from koderz.wire.openai.schema import (
    CallBody,
    ChatResponse,
    Choice,
    FunctionBody,
    MessageBody,
    UsageBody,
)
from koderz.wire.reading import StreamReading

STREAM_CONTENT_TYPE = SSE_CONTENT_TYPE
_DECODER = msgspec.json.Decoder(ChatResponse)
_END = b"[DONE]"


class StreamDecoder(StreamReading[Event]):
    """The client's side: pieces of an answer out of bytes."""

    def __init__(self) -> None:
        reader = EventReader()
        super().__init__(reader.feed, reader.close)
        self._calls: list[str] = []
        self._is_begun = False

    def _read_frame(self, frame: Event) -> Iterator[Delta]:
        if frame.content == _END:
            self._is_ended = True
        elif frame.name == "error":
            raise build_error(read_error(frame.content))
        else:
            yield from self._read_chunk(decode_answer(_DECODER, frame.content))

    def _is_whole(self) -> bool:
        return self._is_begun and self._is_ended

    def _read_chunk(self, chunk: ChatResponse) -> Iterator[Delta]:
        if chunk.error:
            raise build_error(read_error_document({"error": chunk.error}))
        self._model = chunk.model or self._model
        self._id = chunk.id or self._id
        if chunk.usage is not None:
            self._usage = decode_usage(chunk.usage)
        for choice in chunk.choices or ():
            if not choice.index:
                yield from self._read_choice(choice)

    def _read_choice(self, choice: Choice) -> Iterator[Delta]:
        self._is_begun = True
        self._tokens += decode_logprobs(choice.logprobs)
        message = choice.delta or choice.message or MessageBody()
        if message.thought:
            yield Delta(reasoning=message.thought)
        for part in read_content(message.content):
            yield Delta(text=part.text) if isinstance(part, Text) else Delta(reasoning=part.text)
        if message.refusal:
            self._finish = FinishReason.CONTENT_FILTER
            yield Delta(text=message.refusal)
        if choice.finish_reason and self._finish is not FinishReason.CONTENT_FILTER:
            self._finish = decode_finish(choice.finish_reason)
        for call in message.tool_calls or ():
            yield self._read_call(call)

    def _read_call(self, call: CallBody) -> Delta:
        index = call.index
        if index is None:  # Some hosts leave it out: a fresh id then begins the next call.
            is_fresh = not self._calls or bool(call.id and call.id != self._calls[-1])
            index = len(self._calls) - (not is_fresh)
        while index >= len(self._calls):
            self._calls.append("")
        self._calls[index] = call.id or self._calls[index]
        name = call.function.name if call.function else None
        return Delta(
            tool_index=index,
            tool_id=call.id or "",
            tool_name=name or "",
            tool_arguments=arguments_text(call),
        )


class StreamEncoder:
    """The server's side: bytes out of pieces of an answer; seals are not carried."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._tokens = TokenQueue(completion.tokens)

    def start(self) -> bytes:
        """The chunk that says who speaks."""
        return self._chunk(Choice(index=0, delta=MessageBody(role="assistant", content="")))

    def delta(self, delta: Delta) -> bytes:
        """One piece as a chunk; nothing for a seal."""
        if not (delta.text or delta.reasoning or delta.tool_index is not None):
            return b""
        message = MessageBody(
            content=delta.text or None,
            reasoning_content=delta.reasoning or None,
            tool_calls=None if delta.tool_index is None else [_encode_call(delta)],
        )
        logprobs = encode_logprobs(self._tokens.take(delta.text))
        return self._chunk(Choice(index=0, delta=message, logprobs=logprobs))

    def finish(self) -> bytes:
        """The finish reason, the usage unless it is only an estimate, and the end mark."""
        reason = encode_finish(self._completion.finish)
        last = self._chunk(Choice(index=0, delta=MessageBody(), finish_reason=reason))
        if not self._completion.usage.is_estimated:
            last += self._chunk(usage=encode_usage(self._completion.usage))
        return last + encode_event(_END)

    def _chunk(self, *choices: Choice, usage: UsageBody | None = None) -> bytes:
        chunk = ChatResponse(
            id=self._completion.id,
            object="chat.completion.chunk",
            created=CREATED,
            model=self._completion.model,
            choices=list(choices),
            usage=usage,
        )
        return encode_event(encode_json(chunk))


def _encode_call(delta: Delta) -> CallBody:
    is_first = bool(delta.tool_id or delta.tool_name)
    return CallBody(
        index=delta.tool_index,
        id=delta.tool_id or None,
        type="function" if is_first else None,
        function=FunctionBody(name=delta.tool_name or None, arguments=delta.tool_arguments),
    )
