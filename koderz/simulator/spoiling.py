"""Answers gone wrong in ways that only a check of their content notices."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import msgspec

from koderz.simulator.tasks import QuotingTask, Task
from koderz.tokens import count_tokens
from koderz.types import Request

REFUSAL = "I can't help with that. (A simulated refusal.)"
DEFAULT_LONG_TOKENS = 1000

_FILLER = " and so on"
_QUOTE = "quote"


def misquote(task: Task, request: Request, answer: str, rng: Random) -> str:
    """The answer with quotes that stand nowhere: as its task makes them up, else one by one."""
    if hasattr(task, "misquote"):
        return cast("QuotingTask", task).misquote(request, rng)
    try:
        value = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return answer
    return msgspec.json.encode(_replace_quotes(value, rng)).decode()


def break_schema(request: Request) -> str:
    """JSON that does not fit the schema that was asked for."""
    schema = request.response_schema.schema if request.response_schema else {}
    is_object = schema.get("type", "object") == "object"
    return '["a simulated answer that does not fit"]' if is_object else '{"simulated": "no fit"}'


def ramble(answer: str, limit: int | None) -> str:
    """Half of the answer, then words without end up to the limit of tokens."""
    length = limit or DEFAULT_LONG_TOKENS
    return cut_to_tokens(answer[: len(answer) // 2] + _FILLER * length, length)


def cut_to_tokens(text: str, limit: int) -> str:
    """The longest beginning of the text that has at most `limit` tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _replace_quotes(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        return {
            key: f"SIMULATED-{rng.randrange(10**6):06d} words that stand nowhere"
            if key == _QUOTE and isinstance(item, str)
            else _replace_quotes(item, rng)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_replace_quotes(item, rng) for item in value]
    return value
