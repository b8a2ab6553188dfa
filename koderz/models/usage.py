"""Counting for a provider that does not: tokens of a request and of its answer."""

from __future__ import annotations

import msgspec

from koderz.tokens import count_tokens
from koderz.types import (
    Completion,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

MESSAGE_TOKENS = 4  # What a chat template puts around a turn, about.


def estimate_usage(request: Request, completion: Completion) -> Usage:
    """The usage of a call whose provider reported none, counted here; images count nothing."""
    reasoning_tokens = count_tokens(completion.reasoning)
    return Usage(
        input_tokens=count_prompt_tokens(request),
        output_tokens=sum(map(_count_part, completion.parts)),
        reasoning_tokens=reasoning_tokens,
        is_estimated=True,
    )


def count_prompt_tokens(request: Request) -> int:
    """About how many tokens the request's prompt has, tools and turns included."""
    tools = sum(count_tokens(msgspec.json.encode(tool).decode()) for tool in request.tools)
    return count_tokens(request.system) + tools + sum(map(_count_message, request.messages))


def _count_message(message: Message) -> int:
    return MESSAGE_TOKENS + sum(map(_count_part, message.parts))


def _count_part(part: Part) -> int:
    match part:
        case Text() | Reasoning():
            return count_tokens(part.text)
        case ToolCall():
            return count_tokens(part.name) + count_tokens(
                msgspec.json.encode(part.arguments).decode()
            )
        case ToolResult():
            return count_tokens(part.content)
        case _:
            return 0
