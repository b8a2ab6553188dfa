"""A job's request on its way to a model: limits filled in, fitted to the model, or asked again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from koderz.routing.checks import Rejected
from koderz.routing.routes import Route, is_side_work
from koderz.types import Completion, Message, ModelInfo, ReasoningEffort, Request, TaskKind

# A chore needs no thinking, and a model's thoughts count against the limit of its answer, which
# for chores is small: of these, the first that the model takes.
EFFORTS_OF_CHORES: Sequence[ReasoningEffort] = ("none", "minimal", "low")


def fill_limits(request: Request, route: Route) -> Request:
    """The request with the route's limits where it has none of its own."""
    return msgspec.structs.replace(
        request,
        max_tokens=request.max_tokens or route.max_tokens,
        temperature=route.temperature if request.temperature is None else request.temperature,
    )


def fit_to_model(request: Request, model: ModelInfo, *, task: TaskKind) -> Request:
    """The request as one model is asked it; a chore asks for as little thinking as there is."""
    effort = request.reasoning_effort
    if effort is None and is_side_work(task):
        known = model.capabilities.reasoning_efforts
        effort = next((level for level in EFFORTS_OF_CHORES if level in known), None)
    return msgspec.structs.replace(request, model=model.name, reasoning_effort=effort)


def ask_again(request: Request, completion: Completion, verdict: Rejected) -> Request:
    """The request once more, with the answer that was rejected and why (decision 4)."""
    text = completion.text or "(no text)"
    reason = f"That answer was rejected: {verdict.reason}. Answer again, keeping to the task."
    messages = (*request.messages, Message.assistant(text), Message.user(reason))
    return msgspec.structs.replace(request, messages=messages)
