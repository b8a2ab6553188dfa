"""What a simulated model says: the answer as a pure function of question, skill and seed."""

from __future__ import annotations

from random import Random
from typing import cast

import msgspec

from koderz.simulator import spoiling
from koderz.simulator.caching import CacheUse
from koderz.simulator.faults import FaultKind
from koderz.simulator.likelihoods import build_tokens
from koderz.simulator.prompts import Prompt
from koderz.simulator.schemas import build_value
from koderz.simulator.tasks import ChoosingTask, Task, get_name, get_task
from koderz.tokens import count_tokens
from koderz.types import (
    AnswerToken,
    Completion,
    FinishReason,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    Usage,
    text_of,
)

ID_PREFIX = "sim-"

_THOUGHT = "Simulated thought: the question is read, then answered."


class Answer(msgspec.Struct, frozen=True):
    """A completion whose prompt is not counted yet, and the task that it came from."""

    completion: Completion
    task: str


def build_answer(
    request: Request,
    *,
    digest: bytes,
    skill: float,
    ordinal: int = 0,
    fault: FaultKind | None = None,
) -> Answer:
    """What a model of this skill answers: always the same for the same arguments.

    `digest` names the question (see `build_digest`), `ordinal` tells its repeats apart where they
    may differ; `fault` spoils the answer where it is one that does.
    """
    rng = Random(digest + ordinal.to_bytes(8))  # noqa: S311 - a seeded choice, not a secret
    task = get_task(request)
    thought = _think(request)
    request = _leave_room(request, thought)
    if fault is None and _must_call_tool(request):
        parts: tuple[Part, ...] = (_call_tool(request, rng),)
        finish, name = FinishReason.TOOL_CALLS, "tool_call"
    else:
        text = task.answer(request, skill, rng)
        if fault == "misquote":
            text = spoiling.misquote(task, request, text, rng)
        text, finish = _limit(request, text, fault)
        parts, name = (Text(text),) if text else (), get_name(task)
    completion = Completion(
        model=request.model,
        parts=(*thought, *parts),
        tokens=_weigh_tokens(task, request, parts, skill=skill, digest=digest),
        finish=finish,
        usage=_count_output(thought, parts),
        id=f"{ID_PREFIX}{digest.hex()[:20]}-{ordinal}",
    )
    return Answer(completion, name)


def _weigh_tokens(
    task: Task, request: Request, parts: tuple[Part, ...], *, skill: float, digest: bytes
) -> tuple[AnswerToken, ...]:
    """The tokens of the text with their log-probabilities, where these are asked for."""
    if not request.top_logprobs:
        return ()
    text = text_of(parts)
    choices = None
    if hasattr(task, "list_choices"):
        choices = cast("ChoosingTask", task).list_choices(request, text)
    return build_tokens(text, choices, skill=skill, digest=digest, most=request.top_logprobs)


def add_prompt_usage(completion: Completion, prompt: Prompt, cache: CacheUse) -> Completion:
    """The completion with the tokens of its prompt in their classes."""
    usage = msgspec.structs.replace(
        completion.usage,
        input_tokens=len(prompt.ids) - cache.read_tokens - cache.write_tokens,
        cache_read_tokens=cache.read_tokens,
        cache_write_tokens=cache.write_tokens,
    )
    return msgspec.structs.replace(completion, usage=usage)


def _limit(request: Request, text: str, fault: FaultKind | None) -> tuple[str, FinishReason]:
    """The text as far as faults, stop sequences and the limit of tokens let it come."""
    match fault:
        case "empty":
            return "", FinishReason.STOP
        case "refusal":
            return spoiling.REFUSAL, FinishReason.CONTENT_FILTER
        case "long":
            return spoiling.ramble(text, request.max_tokens), FinishReason.LENGTH
        case "invalid":
            text = spoiling.break_schema(request)
    ends = [end for stop in request.stop if stop and (end := text.find(stop)) >= 0]
    text = text[: min(ends)] if ends else text
    if request.max_tokens is None or count_tokens(text) <= request.max_tokens:
        return text, FinishReason.STOP
    return spoiling.cut_to_tokens(text, request.max_tokens), FinishReason.LENGTH


def _must_call_tool(request: Request) -> bool:
    return bool(request.tools) and request.tool_choice not in {"auto", "none"}


def _call_tool(request: Request, rng: Random) -> ToolCall:
    named = [tool for tool in request.tools if tool.name == request.tool_choice]
    tool: Tool = rng.choice(named or request.tools)
    arguments = build_value({"type": "object", **tool.parameters}, rng)
    return ToolCall(
        id=f"{ID_PREFIX}call-{rng.randrange(10**12):012d}", name=tool.name, arguments=arguments
    )


def _think(request: Request) -> tuple[Reasoning, ...]:
    if request.reasoning_effort in {None, "none"}:
        return ()
    return (Reasoning(_THOUGHT, signature=f"{ID_PREFIX}signature"),)


def _leave_room(request: Request, thought: tuple[Reasoning, ...]) -> Request:
    """The request with what the thoughts use up taken off its limit of tokens."""
    if request.max_tokens is None or not thought:
        return request
    spent = sum(count_tokens(part.text) for part in thought)
    return msgspec.structs.replace(request, max_tokens=max(1, request.max_tokens - spent))


def _count_output(thought: tuple[Reasoning, ...], parts: tuple[Part, ...]) -> Usage:
    reasoning = sum(count_tokens(part.text) for part in thought)
    said = sum(count_tokens(_as_text(part)) for part in parts)
    return Usage(output_tokens=reasoning + said, reasoning_tokens=reasoning)


def _as_text(part: Part) -> str:
    if isinstance(part, ToolCall):
        return f"{part.name} {msgspec.json.encode(part.arguments).decode()}"
    return part.text if isinstance(part, Text) else ""
