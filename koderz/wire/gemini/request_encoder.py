"""Requests in Gemini's format.

Not carried: cache marks (its implicit cache needs none) and names of schemas. A seal on plain text
comes and goes as an empty part that follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from koderz.types import (
    Capabilities,
    Image,
    Message,
    Part,
    Reasoning,
    ReasoningEffort,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from koderz.wire.calls import name_results
from koderz.wire.codec import encode_base64, encode_question
from koderz.wire.fitting import BUDGETS, fit_effort, fit_request
from koderz.wire.gemini.schema import (
    Blob,
    CallBody,
    CallingConfig,
    ChatRequest,
    ContentBody,
    FileRef,
    FunctionSpec,
    GenerationConfig,
    PartBody,
    ResultBody,
    ThinkingConfig,
    ToolBody,
    ToolConfig,
)

_MODES = {"none": CallingConfig(mode="NONE"), "required": CallingConfig(mode="ANY")}
_BUDGETS = BUDGETS | {
    "minimal": BUDGETS["low"],
    "xhigh": BUDGETS["high"],
    "max": BUDGETS["high"],
}
_LEVELS: tuple[ReasoningEffort, ...] = ("minimal", "low", "medium", "high", "xhigh")


def request_path(request: Request) -> str:
    """What goes behind the base URL."""
    verb = "streamGenerateContent?alt=sse" if request.is_stream else "generateContent"
    return f"/v1beta/models/{quote(request.model.removeprefix('models/'), safe='')}:{verb}"


def encode_request(request: Request, capabilities: Capabilities) -> bytes:
    """The request's body; raises `RequestRejectedError` as `fitting.fit_request` says."""
    request = fit_request(request, capabilities)
    contents = [_encode_message(message) for message in name_results(request.messages)]
    system = ContentBody(parts=[PartBody(text=request.system)]) if request.system else None
    specs = [_encode_tool(tool) for tool in request.tools]
    config = _encode_config(request)
    body = ChatRequest(
        contents=contents,
        system_instruction=system,
        tools=[ToolBody(function_declarations=specs)] if specs else None,
        tool_config=_encode_choice(request),
        generation_config=None if config == GenerationConfig() else config,
    )
    return encode_question(body)


def encode_parts(parts: tuple[Part, ...]) -> Iterator[PartBody]:
    """The parts as the format has them; sealed thoughts of other providers are left out."""
    for part in parts:
        match part:
            case Text():
                yield PartBody(text=part.text)
            case Image():
                yield _encode_image(part)
            case Reasoning(text=text, signature=seal) if text or seal:
                is_thought = True if text else None
                yield PartBody(text=text, thought=is_thought, thought_signature=seal or None)
            case ToolCall():
                call = CallBody(name=part.name, args=part.arguments, id=part.id or None)
                yield PartBody(function_call=call, thought_signature=part.signature or None)
            case ToolResult():
                yield PartBody(function_response=_encode_result(part))


def _encode_message(message: Message) -> ContentBody:
    role = "model" if message.role == "assistant" else "user"
    return ContentBody(role=role, parts=list(encode_parts(message.parts)))


def _encode_image(image: Image) -> PartBody:
    if image.url:
        return PartBody(file_data=FileRef(file_uri=image.url, mime_type=image.media_type))
    blob = Blob(data=encode_base64(image.data), mime_type=image.media_type)
    return PartBody(inline_data=blob)


def _encode_result(part: ToolResult) -> ResultBody:
    key = "error" if part.is_error else "output"
    name = part.name or part.call_id
    return ResultBody(name=name, id=part.call_id or None, response={key: part.content})


def _encode_tool(tool: Tool) -> FunctionSpec:
    return FunctionSpec(
        name=tool.name,
        description=tool.description or None,
        parameters_json_schema=tool.parameters or None,
    )


def _encode_choice(request: Request) -> ToolConfig | None:
    choice = request.tool_choice
    if choice == "auto" or not request.tools:
        return None
    named = CallingConfig(mode="ANY", allowed_function_names=[choice])
    return ToolConfig(function_calling_config=_MODES.get(choice, named))


def _encode_config(request: Request) -> GenerationConfig:
    wanted = request.response_schema
    return GenerationConfig(
        temperature=request.temperature,
        top_p=request.top_p,
        max_output_tokens=request.max_tokens,
        stop_sequences=list(request.stop) or None,
        seed=request.seed,
        response_mime_type="application/json" if wanted else None,
        response_json_schema=wanted.schema or None if wanted else None,
        thinking_config=_encode_thinking(request),
        response_logprobs=bool(request.top_logprobs) or None,
        logprobs=request.top_logprobs or None,
    )


def _encode_thinking(request: Request) -> ThinkingConfig | None:
    """A level, or a budget of tokens for Gemini 2: https://ai.google.dev/gemini-api/docs/thinking."""
    effort = request.reasoning_effort
    if effort is None:
        return None
    if "gemini-2" in request.model:
        return ThinkingConfig(thinking_budget=_BUDGETS[effort])
    return ThinkingConfig(thinking_level=(fit_effort(effort, _LEVELS) or effort).upper())
