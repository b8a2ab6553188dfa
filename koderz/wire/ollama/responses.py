"""Answers in Ollama's format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from koderz.errors import MalformedResponseError
from koderz.types import (
    AnswerToken,
    Completion,
    FinishReason,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from koderz.wire.assembly import settle_finish
from koderz.wire.calls import make_call_id
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import read_error_document
from koderz.wire.likelihoods import decode_tokens, encode_tokens
from koderz.wire.ollama.request_encoder import encode_call
from koderz.wire.ollama.schema import ChatResponse, MessageBody

_DECODER = msgspec.json.Decoder(ChatResponse)
_CREATED_AT = "1970-01-01T00:00:00Z"  # The format wants a time and a completion has none.
_NS_PER_S = 1_000_000_000

_FINISHES = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def encode_response(completion: Completion) -> bytes:
    """The answer's body. Not carried: ids, seals, and the order of text, reasoning and calls."""
    calls = enumerate(completion.tool_calls)
    message = MessageBody(
        role="assistant",
        content=completion.text,
        thinking=completion.reasoning or None,
        tool_calls=[encode_call(part, index) for index, part in calls] or None,
    )
    last = build_last(completion, message)
    last.logprobs = encode_tokens(completion.tokens) or None
    return encode_json(last)


def build_line(
    completion: Completion, message: MessageBody, tokens: Sequence[AnswerToken] = ()
) -> ChatResponse:
    """A line of a stream that is not its last, with the tokens that it brings."""
    return ChatResponse(
        model=completion.model,
        created_at=_CREATED_AT,
        message=message,
        logprobs=encode_tokens(tokens) or None,
        done=False,
    )


def build_last(completion: Completion, message: MessageBody) -> ChatResponse:
    """A whole answer, or a stream's last line: with finish reason, usage and durations."""
    total, first = completion.latency_s, completion.first_token_s or 0.0
    return ChatResponse(
        model=completion.model,
        created_at=_CREATED_AT,
        message=message,
        done=True,
        done_reason=encode_finish(completion.finish),
        total_duration=int(total * _NS_PER_S),
        load_duration=0,
        prompt_eval_count=completion.usage.prompt_tokens,
        prompt_eval_duration=int(first * _NS_PER_S),
        eval_count=completion.usage.output_tokens,
        eval_duration=int(max(0.0, total - first) * _NS_PER_S),
    )


def decode_response(body: bytes) -> Completion:
    """The answer that a body holds; raises `MalformedResponseError`."""
    answer = decode_answer(_DECODER, body)
    if answer.message is None or not answer.done:
        stated = read_error_document({"error": answer.error}).message if answer.error else ""
        raise MalformedResponseError(f"the answer is not complete{stated and ': '}{stated}")
    parts = tuple(decode_parts(answer.message, first_call=0))
    return Completion(
        model=answer.model or "",
        parts=parts,
        finish=settle_finish(decode_finish(answer.done_reason), parts),
        usage=decode_usage(answer),
        tokens=decode_tokens(answer.logprobs),
    )


def encode_finish(finish: FinishReason) -> str:
    """The format's word; asking for a tool is a plain stop there."""
    return "stop" if finish is FinishReason.TOOL_CALLS else finish.value


def decode_finish(word: str | None) -> FinishReason:
    """The reason that the format's word stands for; older servers say nothing when they stop."""
    return _FINISHES.get(word or "stop", FinishReason.OTHER)


def decode_usage(answer: ChatResponse) -> Usage:
    """Tokens of the call, of which the format has two classes; estimated where it reports none."""
    if answer.prompt_eval_count is None and answer.eval_count is None:
        return Usage(is_estimated=True)
    return Usage(input_tokens=answer.prompt_eval_count or 0, output_tokens=answer.eval_count or 0)


def decode_parts(message: MessageBody, first_call: int) -> Iterator[Part]:
    """The parts of an answer or of a piece of one; calls without ids count from `first_call`."""
    if message.thinking:
        yield Reasoning(message.thinking)
    if message.content:
        yield Text(message.content)
    for index, call in enumerate(message.tool_calls or (), first_call):
        function = call.function
        yield ToolCall(call.id or make_call_id(index), function.name, function.arguments or {})
