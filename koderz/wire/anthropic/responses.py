"""Answers in Anthropic's format."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from koderz.errors import MalformedResponseError
from koderz.types import Completion, FinishReason, Part, Reasoning, Text, ToolCall, Usage
from koderz.wire.anthropic.request_encoder import encode_part
from koderz.wire.anthropic.schema import Block, ChatResponse, OutputDetails, UsageBody
from koderz.wire.assembly import settle_finish
from koderz.wire.codec import decode_answer, encode_json

_DECODER = msgspec.json.Decoder(ChatResponse)

_FINISHES = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}
_WORDS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.OTHER: "pause_turn",
}


def encode_response(completion: Completion) -> bytes:
    """The answer's body. Not carried: seals of tool calls."""
    body = ChatResponse(
        id=completion.id,
        model=completion.model,
        content=list(_encode_parts(completion.parts)),
        stop_reason=encode_finish(completion.finish),
        usage=encode_usage(completion.usage),
    )
    return encode_json(body)


def decode_response(body: bytes) -> Completion:
    """The answer that a body holds; raises `MalformedResponseError`.

    Blocks of kinds that we have no words for (the provider's own tools) are passed over.
    """
    answer = decode_answer(_DECODER, body)
    parts = tuple(_decode_parts(answer.content))
    return Completion(
        model=answer.model,
        parts=parts,
        finish=settle_finish(decode_finish(answer.stop_reason), parts),
        usage=decode_usage(answer.usage),
        id=answer.id,
    )


def encode_finish(finish: FinishReason) -> str:
    """The format's word."""
    return _WORDS[finish]


def decode_finish(word: str | None) -> FinishReason:
    """The reason that the format's word stands for."""
    return _FINISHES.get(word or "", FinishReason.OTHER)


def encode_usage(usage: Usage) -> UsageBody:
    """Tokens as the format counts them: in the same classes as ours."""
    return UsageBody(
        input_tokens=usage.input_tokens,
        cache_creation_input_tokens=usage.cache_write_tokens,
        cache_read_input_tokens=usage.cache_read_tokens,
        output_tokens=usage.output_tokens,
        output_tokens_details=OutputDetails(thinking_tokens=usage.reasoning_tokens),
    )


def decode_usage(body: UsageBody | None) -> Usage:
    """Tokens in classes that don't overlap; marked as estimated where none are reported."""
    if body is None:
        return Usage(is_estimated=True)
    details = body.output_tokens_details or OutputDetails()
    return Usage(
        input_tokens=body.input_tokens or 0,
        cache_read_tokens=body.cache_read_input_tokens or 0,
        cache_write_tokens=body.cache_creation_input_tokens or 0,
        output_tokens=body.output_tokens or 0,
        reasoning_tokens=details.thinking_tokens or 0,
    )


def _encode_parts(parts: tuple[Part, ...]) -> Iterator[Block]:
    for part in parts:
        if isinstance(part, Reasoning) and not part.redacted:
            yield Block(type="thinking", thinking=part.text, signature=part.signature)
        elif (block := encode_part(part)) is not None:
            yield block


def _decode_parts(blocks: list[Block]) -> Iterator[Part]:
    for block in blocks:
        match block:
            case Block(type="text", text=str(text)):
                yield Text(text)
            case Block(type="thinking", thinking=str(text)):
                yield Reasoning(text, block.signature or "")
            case Block(type="redacted_thinking", data=str(content)):
                yield Reasoning(redacted=content)
            case Block(type="tool_use", id=str(call_id), name=str(name)):
                yield ToolCall(call_id, name, block.input or {})
            case Block(type="text" | "thinking" | "redacted_thinking" | "tool_use"):
                raise MalformedResponseError(f"a {block.type} block is not complete")
