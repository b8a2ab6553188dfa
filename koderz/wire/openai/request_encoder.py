"""Requests in OpenAI's format.

Not carried: reasoning of earlier turns (OpenAI refuses it), seals, cache marks (its cache needs
none), and whether a tool's result is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from koderz.types import (
    Capabilities,
    Image,
    Part,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire.codec import (
    dump_object,
    encode_question,
    image_url,
)
from koderz.wire.fitting import fit_request
from koderz.wire.openai.schema import (
    CallBody,
    ChatRequest,
    Content,
    ContentPart,
    FunctionBody,
    FunctionSpec,
    ImageAddress,
    MessageBody,
    ResponseFormat,
    SchemaBody,
    ToolBody,
)
from koderz.wire.schemas import ANSWER_NAME, ANY_OBJECT, is_strict

_DECODER = msgspec.json.Decoder(ChatRequest)
_CHOICE_WORDS = frozenset({"auto", "none", "required"})


def request_path(request: Request) -> str:  # noqa: ARG001 - one signature for all formats.
    """What goes behind the base URL, which ends in `/v1`."""
    return "/chat/completions"


def encode_request(request: Request, capabilities: Capabilities) -> bytes:
    """The request's body; raises `RequestRejectedError` as `fitting.fit_request` says."""
    request = fit_request(request, capabilities)
    limits = {capabilities.max_tokens_field: request.max_tokens}
    use_usage = request.is_stream and capabilities.stream_usage
    body = ChatRequest(
        model=request.model,
        messages=list(_encode_messages(request, capabilities.system_role)),
        tools=[_encode_tool(tool) for tool in request.tools] or None,
        tool_choice=_encode_choice(request),
        max_tokens=limits.get("max_tokens"),
        max_completion_tokens=limits.get("max_completion_tokens"),
        temperature=request.temperature,
        top_p=request.top_p,
        stop=list(request.stop) or None,
        seed=request.seed,
        reasoning_effort=request.reasoning_effort,
        response_format=_encode_schema(request.response_schema),
        logprobs=bool(request.top_logprobs) or None,
        top_logprobs=request.top_logprobs or None,
        stream=request.is_stream or None,
        stream_options={"include_usage": True} if use_usage else None,
    )
    return encode_question(body)


def _encode_messages(request: Request, system_role: str) -> Iterator[MessageBody]:
    if request.system:
        yield MessageBody(role=system_role, content=request.system)
    for message in request.messages:
        if message.role == "assistant":
            calls = [encode_call(part) for part in message.parts if isinstance(part, ToolCall)]
            content = _encode_content(message.parts) if message.text or not calls else None
            yield MessageBody(role="assistant", content=content, tool_calls=calls or None)
        else:
            yield from _encode_user(message.parts)


def _encode_user(parts: tuple[Part, ...]) -> Iterator[MessageBody]:
    results = [part for part in parts if isinstance(part, ToolResult)]
    for part in results:
        yield MessageBody(role="tool", content=part.content, tool_call_id=part.call_id)
    if not results or any(isinstance(part, Text | Image) for part in parts):
        yield MessageBody(role="user", content=_encode_content(parts))


def _encode_content(parts: tuple[Part, ...]) -> Content:
    shown = [part for part in parts if isinstance(part, Text | Image)]
    if not shown:
        return ""
    if len(shown) == 1 and isinstance(shown[0], Text):
        return shown[0].text
    return [
        ContentPart(type="text", text=part.text)
        if isinstance(part, Text)
        else ContentPart(type="image_url", image_url=ImageAddress(image_url(part)))
        for part in shown
    ]


def encode_call(part: ToolCall, index: int | None = None) -> CallBody:
    """A tool call as it stands in a turn."""
    function = FunctionBody(name=part.name, arguments=dump_object(part.arguments))
    return CallBody(index=index, id=part.id, type="function", function=function)


def _encode_tool(tool: Tool) -> ToolBody:
    spec = FunctionSpec(
        name=tool.name,
        description=tool.description or None,
        parameters=tool.parameters or None,
    )
    return ToolBody(type="function", function=spec)


def _encode_choice(request: Request) -> str | dict[str, Any] | None:
    choice = request.tool_choice
    if choice == "auto" or not request.tools:
        return None
    return choice if choice in _CHOICE_WORDS else {"type": "function", "function": {"name": choice}}


def _encode_schema(wanted: ResponseSchema | None) -> ResponseFormat | None:
    if wanted is None:
        return None
    if wanted.schema == ANY_OBJECT:
        return ResponseFormat(type="json_object")
    strict = is_strict(wanted.schema) or None
    schema = SchemaBody(name=wanted.name or ANSWER_NAME, schema=wanted.schema, strict=strict)
    return ResponseFormat(type="json_schema", json_schema=schema)
