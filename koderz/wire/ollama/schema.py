"""The shapes of Ollama's format, used in both directions."""

from __future__ import annotations

from typing import Any

import msgspec

from koderz.wire.likelihoods import TokenBody


class FunctionBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A function that was asked for."""

    name: str
    arguments: dict[str, Any] | None = None
    index: int | None = None


class CallBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A tool call; older servers give no id."""

    function: FunctionBody
    id: str | None = None


class MessageBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A turn, an answer, or a piece of one; images are base64."""

    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[CallBody] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class FunctionSpec(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a function is and takes."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolBody(msgspec.Struct, kw_only=True):
    """A tool that is offered."""

    function: FunctionSpec
    type: str = "function"


class Options(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How the answer is made; `num_predict` limits its tokens, `num_ctx` is the context's size."""

    num_ctx: int | None = None
    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] | None = None
    seed: int | None = None


class ChatRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a request; a stream is the default there, so `stream` is always stated."""

    model: str
    messages: list[MessageBody] | None = None
    stream: bool | None = None
    tools: list[ToolBody] | None = None
    think: bool | str | None = None
    format: Any = None
    truncate: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    options: Options | None = None


class ChatResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an answer, or a line of a stream; durations are nanoseconds."""

    model: str | None = None
    created_at: str | None = None
    message: MessageBody | None = None
    logprobs: list[TokenBody] | None = None
    done: bool | None = None
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None
    error: Any = None
