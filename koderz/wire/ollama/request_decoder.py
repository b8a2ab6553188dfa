"""Reading requests in Ollama's format, as a server does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
from koderz.wire.calls import OpenCalls, name_results
from koderz.wire.codec import decode_base64, decode_question
from koderz.wire.faults import FormatError
from koderz.wire.fitting import EFFORTS
from koderz.wire.ollama.schema import ChatRequest, MessageBody, Options, ToolBody
from koderz.wire.schemas import ANSWER_NAME, ANY_JSON

_DECODER = msgspec.json.Decoder(ChatRequest)


def decode_request(body: bytes, path: str = "") -> Request:  # noqa: ARG001 - one signature for all.
    """The request that a body holds; raises `FormatError`.

    System turns, wherever they stand, become the one system prompt. Calls and results that come
    without ids get some, matched by name and order.
    """
    chat = decode_question(_DECODER, body)
    turns = chat.messages or []
    options = chat.options or Options()
    limit = options.num_predict
    return Request(
        model=chat.model,
        messages=name_results(_decode_messages(turns)),
        system="\n\n".join(turn.content or "" for turn in turns if turn.role == "system"),
        tools=tuple(_decode_tool(tool) for tool in chat.tools or ()),
        max_tokens=None if limit is None or limit < 0 else limit,
        temperature=options.temperature,
        top_p=options.top_p,
        stop=tuple(options.stop or ()),
        seed=options.seed,
        reasoning_effort=_decode_effort(chat.think),
        response_schema=_decode_schema(chat.format),
        top_logprobs=(chat.top_logprobs or 1) if chat.logprobs else 0,
        is_stream=chat.stream is not False,
    )


def _decode_messages(turns: list[MessageBody]) -> Iterator[Message]:
    calls = OpenCalls()
    results: list[Part] = []
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role == "tool":
            results.append(_decode_result(turn, calls))
        elif turn.role == "user":
            yield Message("user", (*results, *_decode_user(turn)))
            results = []
        elif turn.role == "assistant":
            if results:
                yield Message("user", tuple(results))
                results = []
            yield Message("assistant", tuple(_decode_assistant(turn, calls)))
        else:
            raise FormatError(f"no message has the role {turn.role!r}")
    if results:
        yield Message("user", tuple(results))


def _decode_user(turn: MessageBody) -> Iterator[Part]:
    if turn.content:
        yield Text(turn.content)
    for image in turn.images or ():
        yield Image(data=decode_base64(image))


def _decode_assistant(turn: MessageBody, calls: OpenCalls) -> Iterator[Part]:
    if turn.thinking:
        yield Reasoning(turn.thinking)
    if turn.content:
        yield Text(turn.content)
    for call in turn.tool_calls or ():
        function = call.function
        yield ToolCall(calls.call(function.name, call.id), function.name, function.arguments or {})


def _decode_result(turn: MessageBody, calls: OpenCalls) -> ToolResult:
    name = turn.tool_name or ""
    call_id = calls.result(name, turn.tool_call_id)
    return ToolResult(call_id, turn.content or "", name)


def _decode_tool(tool: ToolBody) -> Tool:
    spec = tool.function
    return Tool(spec.name, spec.description or "", spec.parameters or {})


def _decode_effort(think: bool | str | None) -> ReasoningEffort | None:
    """The level; thinking that is only switched on is "medium"."""
    if think is None or isinstance(think, bool):
        return None if think is None else "medium" if think else "none"
    level = next((level for level in EFFORTS if level == think), None)
    if level is None:
        raise FormatError(f"think is true, false or a level, not {think!r}")
    return level


def _decode_schema(form: Any) -> ResponseSchema | None:
    if form is None or form == "":
        return None
    if form == "json":
        return ResponseSchema(ANSWER_NAME, ANY_JSON)
    if not isinstance(form, dict):
        raise FormatError('format is "json" or a JSON schema')
    return ResponseSchema(ANSWER_NAME, form)
