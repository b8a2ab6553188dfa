"""Reading requests in Gemini's format, as a server does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from koderz.types import (
    Image,
    Message,
    Part,
    Reasoning,
    ReasoningEffort,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire.calls import OpenCalls
from koderz.wire.codec import decode_base64, decode_question, dump_object
from koderz.wire.faults import FormatError
from koderz.wire.fitting import EFFORTS, effort_of_budget
from koderz.wire.gemini.schema import (
    CallingConfig,
    ChatRequest,
    ContentBody,
    FunctionSpec,
    GenerationConfig,
    PartBody,
    ThinkingConfig,
    ToolBody,
)
from koderz.wire.schemas import ANSWER_NAME, ANY_JSON, lower_types

_DECODER = msgspec.json.Decoder(ChatRequest)
_PATH = re.compile(r"/models/(?P<model>[^/:?]+):(?P<verb>generateContent|streamGenerateContent)\b")
_RESULT_KEYS = ("output", "result", "error")


def decode_request(body: bytes, path: str = "") -> Request:
    """The request that a body and its path hold; raises `FormatError`.

    Without a path there is no model and no stream. Calls and results that come without ids get
    some, matched by name and order.
    """
    model, is_stream = _read_path(path) if path else ("", False)
    chat = decode_question(_DECODER, body)
    calls = OpenCalls()
    config = chat.generation_config or GenerationConfig()
    choice = chat.tool_config.function_calling_config if chat.tool_config else None
    return Request(
        model=model,
        messages=tuple(_decode_message(content, calls) for content in chat.contents),
        system=_system_text(chat.system_instruction),
        tools=tuple(_decode_tools(chat.tools or [])),
        tool_choice=_decode_choice(choice),
        max_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        stop=tuple(config.stop_sequences or ()),
        seed=config.seed,
        reasoning_effort=_decode_effort(config.thinking_config),
        response_schema=_decode_schema(config),
        top_logprobs=(config.logprobs or 1) if config.response_logprobs else 0,
        is_stream=is_stream,
    )


def read_part(body: PartBody) -> Iterator[Text | Reasoning | Image]:
    """What a part holds that is no call and no result: nothing where it is of an unknown kind.

    A seal on plain text becomes an empty thought that follows it. Raises `FormatError` for bytes
    that are not in base64.
    """
    if body.inline_data is not None:
        yield Image(body.inline_data.mime_type, decode_base64(body.inline_data.data))
    elif body.file_data is not None:
        yield Image(body.file_data.mime_type or "image/png", url=body.file_data.file_uri)
    elif body.text is not None:
        yield from _read_text(body.text, body)


def _read_text(text: str, body: PartBody) -> Iterator[Text | Reasoning]:
    seal = body.thought_signature or ""
    if body.thought:
        yield Reasoning(text, seal)
        return
    if text:
        yield Text(text)
    if seal:
        yield Reasoning(signature=seal)


def _read_path(path: str) -> tuple[str, bool]:
    found = _PATH.search(path)
    if found is None:
        raise FormatError(f"the path names no model and verb: {path}")
    return unquote(found["model"]), found["verb"].startswith("stream")


def _decode_message(content: ContentBody, calls: OpenCalls) -> Message:
    parts = tuple(part for body in content.parts or () for part in _decode_part(body, calls))
    match content.role:
        case "model":
            return Message("assistant", parts)
        case "user" | "function" | None:
            return Message("user", parts)
        case _:
            raise FormatError(f"no content has the role {content.role!r}")


def _decode_part(body: PartBody, calls: OpenCalls) -> Iterator[Part]:
    call, result = body.function_call, body.function_response
    if call is not None:
        call_id = calls.call(call.name, call.id)
        yield ToolCall(call_id, call.name, call.args or {}, body.thought_signature or "")
    elif result is not None:
        text, is_error = _result_text(result.response or {})
        yield ToolResult(calls.result(result.name, result.id), text, result.name, is_error)
    elif body.text is None and body.inline_data is None and body.file_data is None:
        raise FormatError("a part is neither text, image, function call nor function response")
    else:
        yield from read_part(body)


def _result_text(response: dict[str, Any]) -> tuple[str, bool]:
    """A result's text and whether it is an error; an object of other keys stands as JSON."""
    if len(response) == 1:
        (key,) = response
        value = response[key]
        if key in _RESULT_KEYS and isinstance(value, str):
            return value, key == "error"
    return dump_object(response), False


def _system_text(content: ContentBody | None) -> str:
    bodies = content.parts or [] if content else []
    return "\n\n".join(body.text for body in bodies if body.text)


def _decode_tools(tools: list[ToolBody]) -> Iterator[Tool]:
    for tool in tools:
        if tool.function_declarations is None:
            raise FormatError("only function declarations are known here as tools")
        yield from map(_decode_function, tool.function_declarations)


def _decode_function(spec: FunctionSpec) -> Tool:
    schema = spec.parameters_json_schema or lower_types(spec.parameters) or {}
    if not isinstance(schema, dict):
        raise FormatError(f"the parameters of {spec.name} are no schema")
    return Tool(spec.name, spec.description or "", schema)


def _decode_choice(choice: CallingConfig | None) -> str:
    mode = (choice.mode or "AUTO").upper() if choice else "AUTO"
    allowed = choice.allowed_function_names or [] if choice else []
    if mode == "ANY":
        return allowed[0] if len(allowed) == 1 else "required"
    return "none" if mode == "NONE" else "auto"


def _decode_effort(config: ThinkingConfig | None) -> ReasoningEffort | None:
    """The effort; a budget that is left to the model (-1) is none stated."""
    if config is None:
        return None
    if config.thinking_level:
        word = config.thinking_level.lower()
        return next((level for level in EFFORTS if level == word), None)
    if config.thinking_budget is None or config.thinking_budget < 0:
        return None
    return effort_of_budget(config.thinking_budget)


def _decode_schema(config: GenerationConfig) -> ResponseSchema | None:
    schema = config.response_json_schema or lower_types(config.response_schema)
    if schema is None and config.response_mime_type == "application/json":
        schema = ANY_JSON
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise FormatError("the response schema is no object")
    return ResponseSchema(ANSWER_NAME, schema)
