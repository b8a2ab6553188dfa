"""Requests in Anthropic's format.

Where this API is particular: it wants a limit on tokens (`DEFAULT_MAX_TOKENS` where none is set),
temperatures up to 1, temperature or top_p but not both, neither beside thinking, no thinking beside
a forced tool, no empty text, and JSON schemas of closed objects. Not carried: seeds, reasoning
without its seal, names of schemas and of tool results.
"""

from __future__ import annotations

from typing import Any

from koderz.types import (
    Capabilities,
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire.anthropic.schema import (
    Block,
    CacheControl,
    ChatRequest,
    MessageBody,
    OutputConfig,
    OutputFormat,
    Source,
    Thinking,
    ToolBody,
    ToolChoice,
)
from koderz.wire.calls import results_first
from koderz.wire.codec import encode_base64, encode_question
from koderz.wire.fitting import fit_request
from koderz.wire.schemas import ANY_OBJECT, close_schema

DEFAULT_MAX_TOKENS = 8192  # What every model still served can give.
MAX_CACHE_MARKS = 4  # https://docs.claude.com/en/docs/build-with-claude/prompt-caching
MAX_TEMPERATURE = 1.0

_MARK = CacheControl("ephemeral")
_MARKABLE = frozenset({"text", "image", "tool_use", "tool_result"})
_CHOICES = {"auto": None, "none": ToolChoice(type="none"), "required": ToolChoice(type="any")}


def request_path(request: Request) -> str:  # noqa: ARG001 - one signature for all formats.
    """What goes behind the base URL."""
    return "/v1/messages"


def encode_request(request: Request, capabilities: Capabilities) -> bytes:
    """The request's body; raises `RequestRejectedError` as `fitting.fit_request` says."""
    request = fit_request(request, capabilities)
    choice = _encode_choice(request)
    thinking = _encode_thinking(request, choice)
    is_sampled = thinking is None or thinking.type == "disabled"
    temperature = request.temperature if is_sampled else None
    body = ChatRequest(
        model=request.model,
        max_tokens=DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens,
        messages=[_encode_message(message) for message in request.messages],
        system=[Block(type="text", text=request.system)] if request.system else None,
        tools=[_encode_tool(tool) for tool in request.tools] or None,
        tool_choice=choice,
        temperature=None if temperature is None else min(temperature, MAX_TEMPERATURE),
        top_p=request.top_p if is_sampled and temperature is None else None,
        stop_sequences=list(request.stop) or None,
        thinking=thinking,
        output_config=_encode_output(request),
        stream=request.is_stream or None,
    )
    if capabilities.prompt_cache:
        _mark_prefixes(request, body)
    return encode_question(body)


def _mark_prefixes(request: Request, body: ChatRequest) -> None:
    """Put cache marks: one that covers tools and system, the rest on the last stable turns."""
    marks = MAX_CACHE_MARKS
    if request.system_is_stable and isinstance(body.system, list):
        body.system[-1].cache_control = _MARK
        marks -= 1
    elif request.system_is_stable and body.tools:
        body.tools[-1].cache_control = _MARK
        marks -= 1
    turns = zip(request.messages, body.messages, strict=True)
    stable = [turn.content for message, turn in turns if message.ends_stable_prefix]
    for content in stable[-marks:]:
        blocks = content if isinstance(content, list) else []
        last = next((block for block in reversed(blocks) if block.type in _MARKABLE), None)
        if last is not None:
            last.cache_control = _MARK


def _encode_message(message: Message) -> MessageBody:
    blocks = [encode_part(part) for part in results_first(message.parts)]
    return MessageBody(role=message.role, content=[block for block in blocks if block is not None])


def encode_part(part: Part) -> Block | None:
    """The part as a block; None for what is refused: empty text, unsealed reasoning."""
    match part:
        case Text():
            return Block(type="text", text=part.text) if part.text else None
        case Image():
            return Block(type="image", source=_encode_source(part))
        case Reasoning():
            return _encode_reasoning(part)
        case ToolCall():
            return Block(type="tool_use", id=part.id, name=part.name, input=part.arguments)
        case ToolResult():
            return Block(
                type="tool_result",
                tool_use_id=part.call_id,
                content=part.content,
                is_error=part.is_error or None,
            )


def _encode_reasoning(part: Reasoning) -> Block | None:
    if part.redacted:
        return Block(type="redacted_thinking", data=part.redacted)
    if part.signature:
        return Block(type="thinking", thinking=part.text, signature=part.signature)
    return None


def _encode_source(image: Image) -> Source:
    if image.url:
        return Source(type="url", url=image.url)
    return Source(type="base64", media_type=image.media_type, data=encode_base64(image.data))


def _encode_tool(tool: Tool) -> ToolBody:
    return ToolBody(
        name=tool.name,
        description=tool.description or None,
        input_schema=ANY_OBJECT | tool.parameters,
    )


def _encode_choice(request: Request) -> ToolChoice | None:
    if not request.tools:
        return None
    named = ToolChoice(type="tool", name=request.tool_choice)
    return _CHOICES.get(request.tool_choice, named)


def _encode_thinking(request: Request, choice: ToolChoice | None) -> Thinking | None:
    """Adaptive thinking for any effort: https://docs.claude.com/en/docs/build-with-claude/effort."""
    if request.reasoning_effort is None:
        return None
    if request.reasoning_effort == "none":
        return Thinking(type="disabled")
    is_forced = choice is not None and choice.type in {"any", "tool"}
    return None if is_forced else Thinking(type="adaptive")


def _encode_output(request: Request) -> OutputConfig | None:
    effort = request.reasoning_effort
    wanted = request.response_schema
    if effort in {None, "none"} and wanted is None:
        return None
    levels: dict[Any, Any] = {"none": None, "minimal": "low"}
    return OutputConfig(
        effort=levels.get(effort, effort),
        format=OutputFormat(type="json_schema", schema=close_schema(wanted.schema))
        if wanted
        else None,
    )
