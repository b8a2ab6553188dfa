"""Reading requests in Anthropic's format, as a server does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from koderz.wire.anthropic.schema import (
    Block,
    ChatRequest,
    MessageBody,
    Source,
    ToolBody,
    ToolChoice,
)
from koderz.wire.calls import name_results
from koderz.wire.codec import decode_base64, decode_question
from koderz.wire.faults import FormatError
from koderz.wire.fitting import effort_of_budget
from koderz.wire.schemas import ANSWER_NAME

_DECODER = msgspec.json.Decoder(ChatRequest)
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def decode_request(body: bytes, path: str = "") -> Request:  # noqa: ARG001 - one signature for all.
    """The request that a body holds; raises `FormatError`.

    System turns among the messages join the system prompt; a cache mark anywhere in a turn says
    that the turn ends a stable prefix.
    """
    chat = decode_question(_DECODER, body)
    system = [Block(type="text", text=chat.system)] if isinstance(chat.system, str) else chat.system
    turns = [turn for turn in chat.messages if turn.role != "system"]
    texts = [_text(block) for block in system or ()]
    texts += [_join(turn.content) for turn in chat.messages if turn.role == "system"]
    form = chat.output_config.format if chat.output_config else None
    return Request(
        model=chat.model,
        messages=name_results(map(_decode_message, turns)),
        system="\n\n".join(texts),
        system_is_stable=_is_marked((*(system or ()), *(chat.tools or ()))),
        tools=tuple(map(_decode_tool, chat.tools or ())),
        tool_choice=_decode_choice(chat.tool_choice),
        max_tokens=chat.max_tokens,
        temperature=chat.temperature,
        top_p=chat.top_p,
        stop=tuple(chat.stop_sequences or ()),
        reasoning_effort=_decode_effort(chat),
        response_schema=ResponseSchema(ANSWER_NAME, form.schema) if form else None,
        is_stream=bool(chat.stream),
    )


def _decode_message(turn: MessageBody) -> Message:
    parts = tuple(_decode_content(turn.content))
    is_marked = not isinstance(turn.content, str) and _is_marked(turn.content)
    match turn.role:
        case "user":
            return Message("user", parts, is_marked)
        case "assistant":
            return Message("assistant", parts, is_marked)
        case _:
            raise FormatError(f"no message has the role {turn.role!r}")


def _decode_content(content: str | list[Block]) -> Iterator[Part]:
    if not isinstance(content, str):
        yield from map(_decode_block, content)
    elif content:
        yield Text(content)


def _decode_block(block: Block) -> Part:
    match block:
        case Block(type="text", text=str(text)):
            return Text(text)
        case Block(type="image", source=source):
            return _decode_source(source)
        case Block(type="thinking", thinking=str(text)):
            return Reasoning(text, block.signature or "")
        case Block(type="redacted_thinking", data=str(content)):
            return Reasoning(redacted=content)
        case Block(type="tool_use", id=str(call_id), name=str(name)):
            return ToolCall(call_id, name, block.input or {})
        case Block(type="tool_result", tool_use_id=str(call_id)):
            content = _result_text(block.content)
            return ToolResult(call_id, content, is_error=bool(block.is_error))
    raise FormatError(f"a block of the type {block.type!r} is not known here, or not complete")


def _decode_source(source: Any) -> Image:
    try:
        found = msgspec.convert(source, Source)
    except msgspec.ValidationError as error:
        raise FormatError(f"an image has no source: {error}") from error
    if found.url:
        return Image(url=found.url)
    if found.type != "base64" or found.data is None:
        raise FormatError("an image's source is its base64 or its address")
    return Image(found.media_type or "image/png", decode_base64(found.data))


def _result_text(content: Any) -> str:
    """A result's text; what is no text in it stands as its type in brackets."""
    if isinstance(content, str):
        return content
    pieces = content if isinstance(content, list) else []
    return "".join(map(_piece_text, pieces))


def _piece_text(piece: Any) -> str:
    if not isinstance(piece, dict):
        raise FormatError("a tool's result is text or blocks")
    text = piece.get("text")
    return text if isinstance(text, str) else f"[{piece.get('type')}]"


def _text(block: Block) -> str:
    if block.text is None:
        raise FormatError("the system prompt is text")
    return block.text


def _join(content: str | list[Block]) -> str:
    return content if isinstance(content, str) else "".join(map(_text, content))


def _is_marked(places: Iterable[Block | ToolBody]) -> bool:
    return any(place.cache_control is not None for place in places)


def _decode_tool(tool: ToolBody) -> Tool:
    if tool.type not in {None, "custom"}:
        raise FormatError(f"no tool of the type {tool.type!r} is known here")
    return Tool(tool.name, tool.description or "", tool.input_schema or {})


def _decode_choice(choice: ToolChoice | None) -> str:
    if choice is None:
        return "auto"
    if choice.type != "tool":
        return _CHOICES[choice.type]
    if not choice.name:
        raise FormatError("tool_choice names no tool")
    return choice.name


def _decode_effort(chat: ChatRequest) -> ReasoningEffort | None:
    """The effort, said or meant: thinking with no more said is "high", as the API has it."""
    if chat.output_config and chat.output_config.effort:
        return chat.output_config.effort
    if chat.thinking is None:
        return None
    if chat.thinking.type == "disabled":
        return "none"
    budget = chat.thinking.budget_tokens
    return "high" if budget is None else effort_of_budget(budget)
