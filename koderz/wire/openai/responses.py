"""Answers in OpenAI's format, and those of the hosts that speak it in their own accent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

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
from koderz.wire.assembly import parse_arguments, settle_finish
from koderz.wire.calls import make_call_id
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import read_error_document
from koderz.wire.likelihoods import decode_tokens, encode_tokens
from koderz.wire.openai.request_encoder import encode_call
from koderz.wire.openai.schema import (
    CallBody,
    ChatResponse,
    Choice,
    Content,
    LogprobsBody,
    MessageBody,
    OutputDetails,
    PromptDetails,
    UsageBody,
)

_DECODER = msgspec.json.Decoder(ChatResponse)
CREATED = 0  # The format wants a time and a completion has none.

_FINISHES = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def encode_response(completion: Completion) -> bytes:
    """The answer's body. Not carried: seals, and the order of text, reasoning and calls."""
    calls = [encode_call(part) for part in completion.tool_calls]
    message = MessageBody(
        role="assistant",
        content=completion.text if completion.text or not calls else None,
        reasoning_content=completion.reasoning or None,
        tool_calls=calls or None,
    )
    choice = Choice(
        index=0,
        message=message,
        logprobs=encode_logprobs(completion.tokens),
        finish_reason=encode_finish(completion.finish),
    )
    body = ChatResponse(
        id=completion.id,
        object="chat.completion",
        created=CREATED,
        model=completion.model,
        choices=[choice],
        usage=encode_usage(completion.usage),
    )
    return encode_json(body)


def decode_response(body: bytes) -> Completion:
    """The answer that a body holds; raises `MalformedResponseError`.

    A refusal is text with the finish reason "content_filter".
    """
    answer = decode_answer(_DECODER, body)
    choice = answer.choices[0] if answer.choices else None
    if choice is None or choice.message is None:
        raise MalformedResponseError(f"the answer holds no message{_stated(answer.error)}")
    parts = tuple(_decode_parts(choice.message))
    return Completion(
        model=answer.model or "",
        parts=parts,
        finish=settle_finish(_finish_of(choice), parts),
        usage=decode_usage(answer.usage),
        id=answer.id or "",
        tokens=decode_logprobs(choice.logprobs),
    )


def encode_logprobs(tokens: Sequence[AnswerToken]) -> LogprobsBody | None:
    """The tokens with their log-probabilities; None where there are none."""
    return LogprobsBody(content=encode_tokens(tokens)) if tokens else None


def decode_logprobs(body: LogprobsBody | None) -> tuple[AnswerToken, ...]:
    """The tokens of an answer or of a piece of one; none where no log-probabilities are given."""
    return decode_tokens(body.content) if body else ()


def encode_finish(finish: FinishReason) -> str:
    """The format's word; it has none for other reasons, which become "stop"."""
    return "stop" if finish is FinishReason.OTHER else finish.value


def decode_finish(word: str | None) -> FinishReason:
    """The reason that a host's word stands for."""
    return _FINISHES.get(word or "", FinishReason.OTHER)


def encode_usage(usage: Usage) -> UsageBody:
    """Tokens as the format counts them: a prompt's include those of the cache."""
    return UsageBody(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=PromptDetails(
            cached_tokens=usage.cache_read_tokens, cache_write_tokens=usage.cache_write_tokens
        ),
        completion_tokens_details=OutputDetails(reasoning_tokens=usage.reasoning_tokens),
    )


def decode_usage(body: UsageBody | None) -> Usage:
    """Tokens in classes that don't overlap; marked as estimated where the host reports none.

    Some hosts (xAI, Gemini's) leave reasoning out of `completion_tokens` but not out of the total,
    so the total decides where it is larger.
    """
    if body is None:
        return Usage(is_estimated=True)
    prompt = body.prompt_tokens_details or PromptDetails()
    output = body.completion_tokens_details or OutputDetails()
    cached = prompt.cached_tokens or body.prompt_cache_hit_tokens or 0
    written = prompt.cache_write_tokens or 0
    return Usage(
        input_tokens=max(0, body.prompt_tokens - cached - written),
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=max(
            body.completion_tokens or 0, (body.total_tokens or 0) - body.prompt_tokens
        ),
        reasoning_tokens=output.reasoning_tokens or 0,
    )


def read_content(content: Content) -> Iterator[Text | Reasoning]:
    """Text and reasoning of a message's content, which some hosts give in parts."""
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for part in content or ():
        if part.type == "thinking":
            yield Reasoning(_thinking_text(part.thinking))
        elif part.text:
            yield Text(part.text)


def arguments_text(call: CallBody) -> str:
    """A call's arguments as JSON text, however the host gives them."""
    arguments = call.function.arguments if call.function else None
    if isinstance(arguments, dict):
        return encode_json(arguments).decode()
    return arguments or ""


def _decode_parts(message: MessageBody) -> Iterator[Part]:
    if message.thought:
        yield Reasoning(message.thought)
    yield from read_content(message.content)
    if message.refusal:
        yield Text(message.refusal)
    for index, call in enumerate(message.tool_calls or ()):
        if call.function is None or not call.function.name:
            raise MalformedResponseError("a tool call names no function")
        call_id = call.id or make_call_id(index)
        yield ToolCall(call_id, call.function.name, parse_arguments(arguments_text(call)))


def _finish_of(choice: Choice) -> FinishReason:
    message = choice.message
    if message is not None and message.refusal:
        return FinishReason.CONTENT_FILTER
    if choice.finish_reason is None and message is not None and message.tool_calls:
        return FinishReason.TOOL_CALLS
    return decode_finish(choice.finish_reason)


def _thinking_text(thinking: Any) -> str:
    if isinstance(thinking, str):
        return thinking
    pieces = thinking if isinstance(thinking, list) else ()
    texts = [piece.get("text") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _stated(error: Any) -> str:
    return f": {read_error_document({'error': error}).message}" if error else ""
