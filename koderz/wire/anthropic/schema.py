"""The shapes of Anthropic's format, used in both directions.

A block is one flat shape for all its kinds, so that a kind of block that is new to us can be passed
over in an answer instead of making the answer unreadable.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from koderz.types import ReasoningEffort


class CacheControl(msgspec.Struct):
    """A mark: everything up to here may be cached."""

    type: str


class Source(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where an image is: its bytes in base64, or an address."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class Block(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A piece of a turn or of an answer."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: Any = None
    is_error: bool | None = None
    source: Any = None
    cache_control: CacheControl | None = None


class MessageBody(msgspec.Struct, kw_only=True):
    """A turn."""

    role: str
    content: str | list[Block]


class ToolBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A tool that is offered."""

    name: str
    input_schema: dict[str, Any] | None = None
    description: str | None = None
    type: str | None = None
    cache_control: CacheControl | None = None


class ToolChoice(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Which tool has to be used: auto, any, none, or (`tool`) the named one."""

    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None


class Thinking(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Whether the model thinks first: adaptive, disabled, or enabled with a budget."""

    type: str
    budget_tokens: int | None = None


class OutputFormat(msgspec.Struct, kw_only=True):
    """The JSON schema that the answer has to fit."""

    type: str
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How the answer is made: with what effort, in what form."""

    effort: ReasoningEffort | None = None
    format: OutputFormat | None = None


class ChatRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a request."""

    model: str
    max_tokens: int
    messages: list[MessageBody]
    system: str | list[Block] | None = None
    tools: list[ToolBody] | None = None
    tool_choice: ToolChoice | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    stream: bool | None = None


class OutputDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an answer is made of."""

    thinking_tokens: int | None = None


class UsageBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Tokens of one call, in classes that don't overlap."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class ChatResponse(msgspec.Struct, kw_only=True):
    """The body of an answer."""

    content: list[Block]
    id: str = ""
    type: str = "message"
    role: str = "assistant"
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageBody | None = None


class EventDelta(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an event adds to a block or to the message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class StreamEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event of a stream, of any kind."""

    type: str
    index: int | None = None
    message: ChatResponse | None = None
    content_block: Block | None = None
    delta: EventDelta | None = None
    usage: UsageBody | None = None
    error: Any = None
