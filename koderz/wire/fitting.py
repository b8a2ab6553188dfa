"""A request made to fit a model, by one rule for all formats.

What only steers an answer (sampling, stop sequences, a seed, reasoning effort, the answer's schema)
or adds to it (log-probabilities) is left out where the model would refuse it; what the question
depends on (images, tools) is never dropped: such a request is rejected before it is sent, as the
provider would reject it.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from koderz.errors import RequestRejectedError
from koderz.types import (
    Capabilities,
    Image,
    ReasoningEffort,
    Request,
    ToolCall,
    ToolResult,
)

EFFORTS: tuple[ReasoningEffort, ...] = get_args(ReasoningEffort)
BUDGETS: dict[ReasoningEffort, int] = {"none": 0, "low": 1024, "medium": 8192, "high": 24576}
_RANKS = {effort: rank for rank, effort in enumerate(EFFORTS)}


def fit_request(request: Request, capabilities: Capabilities) -> Request:
    """The request with nothing in it that the model would refuse.

    Raises `RequestRejectedError` for images or tools that the model does not take, and for parts in
    the wrong turn (an image or a tool's result in the assistant's, a tool call in the user's).
    """
    _check_parts(request, capabilities)
    if request.tools and not capabilities.tools:
        raise _rejection(request, "takes no tools: choose a model that does")
    return msgspec.structs.replace(
        request,
        temperature=request.temperature if capabilities.temperature else None,
        top_p=request.top_p if capabilities.top_p else None,
        stop=request.stop if capabilities.stop else (),
        seed=request.seed if capabilities.seed else None,
        top_logprobs=request.top_logprobs if capabilities.logprobs else 0,
        response_schema=request.response_schema if capabilities.json_schema else None,
        reasoning_effort=fit_effort(request.reasoning_effort, capabilities.reasoning_efforts),
    )


def fit_effort(
    effort: ReasoningEffort | None, known: tuple[ReasoningEffort, ...]
) -> ReasoningEffort | None:
    """The known level that is nearest, the lower one of two; None where no level is known."""
    if effort is None or not known:
        return None
    rank = _RANKS[effort]
    return min(known, key=lambda level: (abs(_RANKS[level] - rank), _RANKS[level]))


def effort_of_budget(budget_tokens: int) -> ReasoningEffort:
    """The level that a budget of thinking tokens stands for, as Google's compatible API has it.

    https://ai.google.dev/gemini-api/docs/openai#thinking
    """
    return next((level for level, most in BUDGETS.items() if budget_tokens <= most), "high")


def _check_parts(request: Request, capabilities: Capabilities) -> None:
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Image) and not capabilities.images:
                raise _rejection(request, "takes no images: choose a model that does")
            if isinstance(part, _MISPLACED[message.role]):
                kind = type(part).__name__
                raise _rejection(request, f"cannot be given a {kind} in the {message.role}'s turn")


def _rejection(request: Request, reason: str) -> RequestRejectedError:
    return RequestRejectedError(f"{request.model or 'the model'} {reason}", model=request.model)


_MISPLACED = {"assistant": (Image, ToolResult), "user": (ToolCall,)}
