"""Reading requests in OpenAI's format, as a server does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from koderz.types import (
    Message,
    Part,
    Reasoning,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire.calls import make_call_id, name_results
from koderz.wire.codec import (
    OBJECT,
    decode_question,
    parse_image_url,
)
from koderz.wire.faults import FormatError
from koderz.wire.openai.schema import (
    ChatRequest,
    Content,
    MessageBody,
    ResponseFormat,
    ToolBody,
)
from koderz.wire.schemas import ANSWER_NAME, ANY_OBJECT

_DECODER = msgspec.json.Decoder(ChatRequest)
_CHOICE_WORDS = frozenset({"auto", "none", "required"})


def decode_request(body: bytes, path: str = "") -> Request:  # noqa: ARG001 - as `request_path`.
    """The request that a body holds; raises `FormatError`.

    System and developer turns, wherever they stand, become the one system prompt.
    """
    chat = decode_question(_DECODER, body)
    system = [_text(turn.content) for turn in chat.messages if _is_system(turn)]
    limit = chat.max_tokens if chat.max_completion_tokens is None else chat.max_completion_tokens
    return Request(
        model=chat.model,
        messages=name_results(_decode_messages(chat.messages)),
        system="\n\n".join(system),
        tools=tuple(_decode_tool(tool) for tool in chat.tools or ()),
        tool_choice=_decode_choice(chat.tool_choice),
        max_tokens=limit,
        temperature=chat.temperature,
        top_p=chat.top_p,
        stop=(chat.stop,) if isinstance(chat.stop, str) else tuple(chat.stop or ()),
        seed=chat.seed,
        reasoning_effort=chat.reasoning_effort,
        response_schema=_decode_schema(chat.response_format),
        top_logprobs=(chat.top_logprobs or 1) if chat.logprobs else 0,
        is_stream=bool(chat.stream),
    )


def _decode_messages(turns: Iterable[MessageBody]) -> Iterator[Message]:
    results: list[Part] = []
    for turn in turns:
        if _is_system(turn):
            continue
        if turn.role == "tool":
            results.append(ToolResult(turn.tool_call_id or "", _text(turn.content)))
        elif turn.role == "user":
            yield Message("user", (*results, *_decode_content(turn.content)))
            results = []
        elif turn.role == "assistant":
            if results:
                yield Message("user", tuple(results))
                results = []
            yield Message("assistant", tuple(_decode_assistant(turn)))
        else:
            raise FormatError(f"no message has the role {turn.role!r}")
    if results:
        yield Message("user", tuple(results))


def _decode_assistant(turn: MessageBody) -> Iterator[Part]:
    if turn.thought:
        yield Reasoning(turn.thought)
    yield from _decode_content(turn.content)
    if turn.refusal:
        yield Text(turn.refusal)
    for index, call in enumerate(turn.tool_calls or ()):
        if call.function is None or not call.function.name:
            raise FormatError("a tool call names no function")
        arguments = call.function.arguments or {}
        if isinstance(arguments, str):
            arguments = decode_question(OBJECT, arguments)
        yield ToolCall(call.id or make_call_id(index), call.function.name, arguments)


def _decode_content(content: Content) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for part in content or ():
        if part.type == "image_url" and part.image_url:
            yield parse_image_url(part.image_url.url)
        elif part.type in {"text", "refusal"}:
            yield Text(part.text or part.refusal or "")
        else:
            raise FormatError(f"no content of the type {part.type!r} is known here")


def _text(content: Content) -> str:
    return "".join(part.text for part in _decode_content(content) if isinstance(part, Text))


def _is_system(turn: MessageBody) -> bool:
    return turn.role in {"system", "developer"}


def _decode_tool(tool: ToolBody) -> Tool:
    if tool.type != "function":
        raise FormatError(f"no tool of the type {tool.type!r} is known here")
    spec = tool.function
    return Tool(spec.name, spec.description or "", spec.parameters or {})


def _decode_choice(choice: str | dict[str, Any] | None) -> str:
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or not name:
            raise FormatError("tool_choice names no function")
        return name
    if choice is not None and choice not in _CHOICE_WORDS:
        raise FormatError(f"tool_choice is auto, none, required or a function, not {choice!r}")
    return choice or "auto"


def _decode_schema(wanted: ResponseFormat | None) -> ResponseSchema | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseSchema(ANSWER_NAME, ANY_OBJECT)
    if wanted.type != "json_schema" or wanted.json_schema is None:
        raise FormatError("response_format is text, json_object or json_schema with its schema")
    return ResponseSchema(wanted.json_schema.name, wanted.json_schema.schema or {})
