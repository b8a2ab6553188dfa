"""Answers in Gemini's format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from koderz.errors import MalformedResponseError
from koderz.types import AnswerToken, Completion, FinishReason, Part, ToolCall, Usage
from koderz.wire.assembly import settle_finish
from koderz.wire.calls import make_call_id
from koderz.wire.codec import decode_answer, encode_json
from koderz.wire.faults import FormatError, read_error_document
from koderz.wire.gemini.likelihoods import add_tokens, decode_tokens
from koderz.wire.gemini.request_decoder import read_part
from koderz.wire.gemini.request_encoder import encode_parts
from koderz.wire.gemini.schema import Candidate, ChatResponse, ContentBody, PartBody, UsageBody

_DECODER = msgspec.json.Decoder(ChatResponse)

_FILTERS = (
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
)  # fmt: skip
_FINISHES = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
} | dict.fromkeys(_FILTERS, FinishReason.CONTENT_FILTER)
_WORDS = {
    FinishReason.STOP: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.OTHER: "OTHER",
}


def encode_response(completion: Completion) -> bytes:
    """The answer's body. Not carried: sealed thoughts of other providers."""
    content = ContentBody(role="model", parts=list(encode_parts(completion.parts)))
    reason = encode_finish(completion.finish)
    return encode_json(build_answer(completion, content, reason, completion.tokens))


def build_answer(
    completion: Completion,
    content: ContentBody,
    reason: str | None = None,
    tokens: Sequence[AnswerToken] = (),
) -> ChatResponse:
    """An answer, or a chunk of one; the one with the finish reason holds the usage."""
    candidate = Candidate(content=content, finish_reason=reason, index=0)
    return ChatResponse(
        candidates=[add_tokens(candidate, tokens)],
        usage_metadata=encode_usage(completion.usage) if reason else None,
        model_version=completion.model or None,
        response_id=completion.id or None,
    )


def decode_response(body: bytes) -> Completion:
    """The answer that a body holds; raises `MalformedResponseError`.

    A blocked prompt is an answer without parts and the finish reason "content_filter".
    """
    answer = decode_answer(_DECODER, body)
    parts, finish = read_answer(answer, first_call=0)
    if finish is None and not answer.candidates:
        stated = read_error_document({"error": answer.error}).message if answer.error else ""
        raise MalformedResponseError(f"the answer holds no candidate{stated and ': '}{stated}")
    return Completion(
        model=answer.model_version or "",
        parts=parts,
        finish=settle_finish(finish or FinishReason.OTHER, parts),
        usage=decode_usage(answer.usage_metadata),
        id=answer.response_id or "",
        tokens=read_tokens(answer),
    )


def read_answer(
    answer: ChatResponse, first_call: int
) -> tuple[tuple[Part, ...], FinishReason | None]:
    """The parts of an answer or chunk, and why it ended if it did; raises as `decode_response`."""
    if answer.prompt_feedback and answer.prompt_feedback.block_reason:
        return (), FinishReason.CONTENT_FILTER
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    bodies = candidate.content.parts or [] if candidate.content else []
    try:
        parts = tuple(_decode_parts(bodies, first_call, answer.response_id or ""))
    except FormatError as error:
        raise MalformedResponseError(str(error)) from error
    reason = candidate.finish_reason
    return parts, _FINISHES.get(reason, FinishReason.OTHER) if reason else None


def read_tokens(answer: ChatResponse) -> tuple[AnswerToken, ...]:
    """The tokens of an answer or chunk; none where no log-probabilities are given."""
    return decode_tokens(answer.candidates[0].logprobs_result) if answer.candidates else ()


def encode_finish(finish: FinishReason) -> str:
    """The format's word; asking for a tool is a plain stop there."""
    return _WORDS[finish]


def encode_usage(usage: Usage) -> UsageBody:
    """Tokens as the format counts them: thoughts apart from the answer, the cache's in the prompt.

    Not carried: what was written to a cache, which it does not report.
    """
    return UsageBody(
        prompt_token_count=usage.prompt_tokens,
        cached_content_token_count=usage.cache_read_tokens,
        candidates_token_count=usage.output_tokens - usage.reasoning_tokens,
        thoughts_token_count=usage.reasoning_tokens,
        total_token_count=usage.total_tokens,
    )


def decode_usage(body: UsageBody | None) -> Usage:
    """Tokens in classes that don't overlap; marked as estimated where none are reported."""
    if body is None:
        return Usage(is_estimated=True)
    cached = body.cached_content_token_count or 0
    prompt = (body.prompt_token_count or 0) + (body.tool_use_prompt_token_count or 0)
    thoughts = body.thoughts_token_count or 0
    return Usage(
        input_tokens=max(0, prompt - cached),
        cache_read_tokens=cached,
        output_tokens=(body.candidates_token_count or 0) + thoughts,
        reasoning_tokens=thoughts,
    )


def _decode_parts(bodies: list[PartBody], first_call: int, answer_id: str) -> Iterator[Part]:
    index = first_call
    for body in bodies:
        call = body.function_call
        if call is not None:
            call_id = call.id or make_call_id(index, answer_id)
            yield ToolCall(call_id, call.name, call.args or {}, body.thought_signature or "")
            index += 1
        else:
            yield from read_part(body)
