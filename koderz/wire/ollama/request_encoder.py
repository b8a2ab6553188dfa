"""Requests in Ollama's format.

A server with default settings has a context of 4,096 tokens and silently drops the turns that do
not fit. So a larger request asks for a context in which it fits, in powers of two because a change
of size loads the model anew, and every request asks for an error instead of dropped turns. Not
carried: a choice of tool (`none` leaves the tools out), seals, cache marks, names of schemas,
addresses of images.
"""

from __future__ import annotations

from collections.abc import Iterator

from koderz.errors import RequestRejectedError
from koderz.types import (
    Capabilities,
    Image,
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
from koderz.wire.calls import name_results
from koderz.wire.codec import encode_base64, encode_question
from koderz.wire.fitting import fit_request
from koderz.wire.ollama.schema import (
    CallBody,
    ChatRequest,
    FunctionBody,
    FunctionSpec,
    MessageBody,
    Options,
    ToolBody,
)

DEFAULT_CONTEXT_TOKENS = 4096  # https://docs.ollama.com/context-length
ANSWER_TOKENS = 1024  # Room for an answer whose length is not limited.
IMAGE_TOKENS = 1024  # Room for an image.
CHARS_PER_TOKEN = 3  # Logs have about 2.8, prose above 4: more room than a prompt needs.


def request_path(request: Request) -> str:  # noqa: ARG001 - one signature for all formats.
    """What goes behind the base URL."""
    return "/api/chat"


def encode_request(request: Request, capabilities: Capabilities) -> bytes:
    """The request's body; raises `RequestRejectedError` as `fitting.fit_request` says."""
    is_graded = len(set(capabilities.reasoning_efforts) - {"none"}) > 1
    request = fit_request(request, capabilities)
    use_tools = request.tool_choice != "none"
    options = _encode_options(request)
    body = ChatRequest(
        model=request.model,
        messages=list(_encode_messages(request)),
        stream=request.is_stream,
        tools=[_encode_tool(tool) for tool in request.tools] or None if use_tools else None,
        think=_encode_effort(request, is_graded=is_graded),
        format=_encode_schema(request.response_schema),
        truncate=False,
        logprobs=bool(request.top_logprobs) or None,
        top_logprobs=request.top_logprobs or None,
        options=None if options == Options() else options,
    )
    return encode_question(body)


def encode_call(part: ToolCall, index: int | None = None) -> CallBody:
    """A tool call as it stands in a turn."""
    function = FunctionBody(name=part.name, arguments=part.arguments, index=index)
    return CallBody(id=part.id or None, function=function)


def _encode_messages(request: Request) -> Iterator[MessageBody]:
    if request.system:
        yield MessageBody(role="system", content=request.system)
    for message in name_results(request.messages):
        if message.role == "assistant":
            yield _encode_assistant(message.parts)
        else:
            yield from _encode_user(message)


def _encode_assistant(parts: tuple[Part, ...]) -> MessageBody:
    calls = [encode_call(part) for part in parts if isinstance(part, ToolCall)]
    return MessageBody(
        role="assistant",
        content="".join(part.text for part in parts if isinstance(part, Text)),
        thinking="".join(part.text for part in parts if isinstance(part, Reasoning)) or None,
        tool_calls=calls or None,
    )


def _encode_user(message: Message) -> Iterator[MessageBody]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for part in results:
        yield MessageBody(
            role="tool",
            content=part.content,
            tool_name=part.name or None,
            tool_call_id=part.call_id or None,
        )
    images = [_encode_image(part) for part in message.parts if isinstance(part, Image)]
    if message.text or images or not results:
        yield MessageBody(role="user", content=message.text, images=images or None)


def _encode_image(image: Image) -> str:
    if image.url:
        raise RequestRejectedError("Ollama takes images as bytes, not as addresses: fetch it first")
    return encode_base64(image.data)


def _encode_tool(tool: Tool) -> ToolBody:
    spec = FunctionSpec(
        name=tool.name,
        description=tool.description or None,
        parameters=tool.parameters or None,
    )
    return ToolBody(function=spec)


def _encode_effort(request: Request, *, is_graded: bool) -> bool | str | None:
    """A level for models that know several (gpt-oss), else on or off; others refuse a level."""
    effort = request.reasoning_effort
    if effort is None:
        return None
    return False if effort == "none" else effort if is_graded else True


def _encode_schema(wanted: ResponseSchema | None) -> object:
    return None if wanted is None else wanted.schema or "json"


def _encode_options(request: Request) -> Options:
    return Options(
        num_ctx=_context_tokens(request),
        num_predict=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=list(request.stop) or None,
        seed=request.seed,
    )


def _context_tokens(request: Request) -> int | None:
    """The context that the request surely fits in; None where every server's default is enough."""
    chars = len(request.system) + sum(len(str(tool.parameters)) for tool in request.tools)
    images = 0
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Image):
                images += 1
            elif not isinstance(part, ToolCall):
                chars += len(part.content if isinstance(part, ToolResult) else part.text)
    answer = ANSWER_TOKENS if request.max_tokens is None else request.max_tokens
    needed = chars // CHARS_PER_TOKEN + images * IMAGE_TOKENS + answer
    return None if needed <= DEFAULT_CONTEXT_TOKENS else 1 << (needed - 1).bit_length()
