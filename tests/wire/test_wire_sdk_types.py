"""Our bodies against the types of the official clients: what we send, and what we answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import anthropic.types as anthropic_types
import msgspec
import ollama
import openai.types.chat as openai_types
import pytest
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming as AnthropicWhole,
)
from anthropic.types.message_create_params import MessageCreateParamsStreaming as AnthropicStream
from google.genai import types as gemini_types
from ollama._types import ChatRequest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming as OpenAIWhole,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsStreaming as OpenAIStream,
)
from pydantic import BaseModel, TypeAdapter

from koderz.types import (
    Capabilities,
    Completion,
    FinishReason,
    Image,
    Message,
    Reasoning,
    Request,
    ResponseSchema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from koderz.wire import get_wire
from koderz.wire.assembly import split_completion
from koderz.wire.fitting import EFFORTS
from koderz.wire.framing import EventReader

EVERYTHING = Capabilities(
    seed=True,
    images=True,
    prompt_cache=True,
    reasoning_efforts=EFFORTS,
    max_tokens_field="max_tokens",
)
SEAL = "c2VhbA=="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CALLS = (ToolCall("call_1", "look", {"path": "a.py"}, SEAL), ToolCall("call_2", "wait", {}))
REQUEST = Request(
    model="some-model",
    system="Be brief.",
    system_is_stable=True,
    messages=(
        Message("user", (Text("See:"), Image("image/png", b"\x89PNG")), ends_stable_prefix=True),
        Message("assistant", (Reasoning("Hm.", SEAL), Text("I look."), *CALLS)),
        Message("user", (ToolResult("call_1", "42"), ToolResult("call_2", "no", is_error=True))),
        Message.user("So?"),
    ),
    tools=(Tool("look", "Looks.", SCHEMA), Tool("wait")),
    tool_choice="look",
    max_tokens=500,
    temperature=0.3,
    top_p=0.9,
    stop=("END",),
    seed=7,
    reasoning_effort="high",
    response_schema=ResponseSchema("found", SCHEMA),
)
COMPLETION = Completion(
    model="some-model",
    parts=(Reasoning("Hm.", SEAL), Text("It is 42."), *CALLS),
    finish=FinishReason.TOOL_CALLS,
    usage=Usage(
        input_tokens=10,
        cache_read_tokens=5,
        cache_write_tokens=3,
        output_tokens=20,
        reasoning_tokens=4,
    ),
    id="answer-1",
)


def strict(kind: Any) -> Callable[[Any], Any]:
    """A check that a TypedDict has all of its keys and no unknown ones, at every depth."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return lambda body: exhaust(adapter.validate_python(body, extra="forbid"))


def exhaust(value: Any) -> None:
    """Go through all of a value: what is declared as an iterable is checked only on the way."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            exhaust(item)


def anthropic_request(kind: Any) -> Callable[[dict[str, Any]], Any]:
    """The client's types left sampling out in 1.0; the API takes it from models that know it."""
    check = strict(kind)

    def check_rest(body: dict[str, Any]) -> None:
        assert {"temperature", "top_p"} >= body.keys() - AnthropicWhole.__annotations__.keys() - {
            "stream"
        }
        check({key: value for key, value in body.items() if key not in {"temperature", "top_p"}})

    return check_rest


def gemini_request(body: dict[str, Any]) -> None:
    """The client has no type for a whole body: its parts, each of which forbids unknown keys."""
    for content in body.pop("contents"):
        gemini_types.Content.model_validate(content)
    gemini_types.Content.model_validate(body.pop("systemInstruction"))
    for tool in body.pop("tools"):
        gemini_types.Tool.model_validate(tool)
    gemini_types.ToolConfig.model_validate(body.pop("toolConfig", {}))
    gemini_types.GenerateContentConfig.model_validate(body.pop("generationConfig"))
    assert not body


def ollama_request(body: dict[str, Any]) -> None:
    """The client's own model, and the keys that it would send; servers know one more."""
    assert body.pop("truncate") is False
    parsed = ChatRequest.model_validate(body)
    assert body.keys() <= ChatRequest.model_fields.keys()
    ollama.Options.model_validate(body["options"])
    assert body["options"].keys() <= ollama.Options.model_fields.keys()
    sent = parsed.model_dump(exclude_none=True)["messages"]
    assert [message["role"] for message in sent] == [
        "system", "user", "assistant", "tool", "tool", "user"
    ]  # fmt: skip


REQUEST_TYPES: list[tuple[str, bool, Callable[[dict[str, Any]], Any]]] = [
    ("openai", False, strict(OpenAIWhole)),
    ("openai", True, strict(OpenAIStream)),
    ("anthropic", False, anthropic_request(AnthropicWhole)),
    ("anthropic", True, anthropic_request(AnthropicStream)),
    ("gemini", False, gemini_request),
    ("ollama", True, ollama_request),
]


@pytest.mark.parametrize(("name", "is_stream", "check"), REQUEST_TYPES)
@pytest.mark.parametrize("effort", [None, "none", "high"])
@pytest.mark.parametrize("choice", ["auto", "none", "required", "look"])
def test_a_full_request_fits_the_clients_types(
    name: str, is_stream: bool, check: Callable[[dict[str, Any]], Any], effort: Any, choice: str
) -> None:
    wire = get_wire(name)
    changes = {"is_stream": is_stream, "reasoning_effort": effort, "tool_choice": choice}
    request = msgspec.structs.replace(REQUEST, **changes)
    check(json.loads(wire.encode_request(request, EVERYTHING)))


ANSWER_TYPES: list[tuple[str, type[BaseModel]]] = [
    ("openai", openai_types.ChatCompletion),
    ("anthropic", anthropic_types.Message),
    ("gemini", gemini_types.GenerateContentResponse),
    ("ollama", ollama.ChatResponse),
]
PIECE_TYPES: list[tuple[str, Any]] = [
    ("openai", openai_types.ChatCompletionChunk),
    ("anthropic", anthropic_types.RawMessageStreamEvent),
    ("gemini", gemini_types.GenerateContentResponse),
    ("ollama", ollama.ChatResponse),
]


@pytest.mark.parametrize(("name", "kind"), ANSWER_TYPES)
@pytest.mark.parametrize("finish", FinishReason)
def test_an_answer_fits_the_clients_type(
    name: str, kind: type[BaseModel], finish: FinishReason
) -> None:
    completion = msgspec.structs.replace(COMPLETION, finish=finish)
    body = get_wire(name).encode_response(completion)
    parsed = kind.model_validate_json(body)
    assert parsed.model_dump_json(exclude_unset=True)
    empty = get_wire(name).encode_response(Completion(model="m", parts=()))
    kind.model_validate_json(empty)


@pytest.mark.parametrize(("name", "kind"), PIECE_TYPES)
def test_every_piece_of_a_stream_fits_the_clients_type(name: str, kind: Any) -> None:
    wire = get_wire(name)
    encoder = wire.StreamEncoder(COMPLETION)
    pieces = b"".join(map(encoder.delta, split_completion(COMPLETION)))
    sent = encoder.start() + pieces + encoder.finish()
    if name == "ollama":
        bodies = sent.splitlines()
    else:
        bodies = [event.content for event in EventReader().feed(sent)]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    checked = [adapter.validate_json(body) for body in bodies if body != b"[DONE]"]
    assert len(checked) > 3


def test_openai_reads_what_we_answer() -> None:
    answer = openai_types.ChatCompletion.model_validate_json(
        get_wire("openai").encode_response(COMPLETION)
    )
    message = answer.choices[0].message
    assert message.content == "It is 42."
    assert message.tool_calls is not None
    assert [call.id for call in message.tool_calls] == ["call_1", "call_2"]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (18, 38)
    assert answer.usage.prompt_tokens_details.cached_tokens == 5


def test_anthropic_reads_what_we_answer() -> None:
    answer = anthropic_types.Message.model_validate_json(
        get_wire("anthropic").encode_response(COMPLETION)
    )
    assert [block.type for block in answer.content] == [
        "thinking", "text", "tool_use", "tool_use"
    ]  # fmt: skip
    assert answer.stop_reason == "tool_use"
    usage = answer.usage
    counted = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    assert counted == (10, 5, 3)


def test_gemini_reads_what_we_answer() -> None:
    answer = gemini_types.GenerateContentResponse.model_validate_json(
        get_wire("gemini").encode_response(COMPLETION)
    )
    assert answer.text == "It is 42."
    assert answer.function_calls is not None
    assert answer.function_calls[0].args == {"path": "a.py"}
    assert answer.candidates is not None
    content = answer.candidates[0].content
    assert content is not None
    assert content.parts is not None
    assert content.parts[2].thought_signature == b"seal"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.thoughts_token_count == 4
    assert answer.usage_metadata.candidates_token_count == 16


def test_ollama_reads_what_we_answer() -> None:
    answer = ollama.ChatResponse.model_validate_json(get_wire("ollama").encode_response(COMPLETION))
    assert (answer.message.content, answer.message.thinking) == ("It is 42.", "Hm.")
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].function.arguments == {"path": "a.py"}
    assert (answer.done_reason, answer.prompt_eval_count, answer.eval_count) == ("stop", 18, 20)
