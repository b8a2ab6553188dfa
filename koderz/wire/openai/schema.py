"""The shapes of OpenAI's format, used in both directions.

Hosts that speak it differ in what they leave out and what they add, so what we do not need is not
looked at, and what we need is typed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from koderz.types import ReasoningEffort
from koderz.wire.likelihoods import TokenBody


class ImageAddress(msgspec.Struct):
    """Where an image is: an address or a data URL."""

    url: str


class ContentPart(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A piece of a turn; `thinking` is Mistral's."""

    type: str
    text: str | None = None
    image_url: ImageAddress | None = None
    refusal: str | None = None
    thinking: Any = None


Content = str | list[ContentPart] | None


class FunctionBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A function that was asked for; some hosts give its arguments as an object, not as text."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A tool call, or, with an index, a piece of one."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionBody | None = None


class MessageBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A turn, an answer, or a piece of one; hosts call reasoning by one of two names."""

    role: str | None = None
    content: Content = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[CallBody] | None = None
    tool_call_id: str | None = None

    @property
    def thought(self) -> str:
        """The reasoning, under whichever name it comes."""
        for value in (self.reasoning_content, self.reasoning):
            if value and isinstance(value, str):
                return value
        return ""


class FunctionSpec(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a function is and takes."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolBody(msgspec.Struct, kw_only=True):
    """A tool that is offered."""

    type: str
    function: FunctionSpec


class SchemaBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A named JSON schema."""

    name: str
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the answer has to be: text, json_object or json_schema."""

    type: str
    json_schema: SchemaBody | None = None


class ChatRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a request."""

    model: str
    messages: list[MessageBody]
    tools: list[ToolBody] | None = None
    tool_choice: str | dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


class PromptDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the cache did for a prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an answer is made of."""

    reasoning_tokens: int | None = None


class UsageBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Tokens of one call; `prompt_cache_hit_tokens` is DeepSeek's word for cached ones."""

    prompt_tokens: int
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class LogprobsBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The tokens of an answer's content, or of a piece of it."""

    content: list[TokenBody] | None = None
    refusal: Any = None


class Choice(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One answer of possibly many: whole, or (`delta`) a piece."""

    index: int | None = None
    message: MessageBody | None = None
    delta: MessageBody | None = None
    logprobs: LogprobsBody | None = None
    finish_reason: str | None = None


class ChatResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an answer, or a chunk of a stream."""

    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: UsageBody | None = None
    error: Any = None
