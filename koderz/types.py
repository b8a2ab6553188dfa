"""The values that cross every room: what is asked of a model and what comes back.

All are frozen. A `Request` is written once in these words; `koderz.wire` puts it into each
provider's format and brings each provider's answer back as a `Completion`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import msgspec


class Tier(StrEnum):
    """What a model costs, by order of magnitude: free, cheap, expensive."""

    LOCAL = "local"
    SMALL_FRONTIER = "small_frontier"
    FRONTIER = "frontier"


class TaskKind(StrEnum):
    """The kind of work a call is for; routes, switches, temperatures and totals go by it."""

    LARGE_READ = "large_read"
    WEB_SUMMARY = "web_summary"
    GIT_HISTORY = "git_history"
    COMPRESSION = "compression"
    CLASSIFICATION = "classification"
    BULK = "bulk"
    CONTENT_ANALYSIS = "content_analysis"
    SPEC = "spec"
    ITERATION = "iteration"
    CHECKPOINT = "checkpoint"
    MAIN = "main"
    QUALITY = "quality"


EXPERIMENT_TASKS = frozenset({TaskKind.SPEC, TaskKind.ITERATION, TaskKind.CHECKPOINT})
"""The roles of an experiment: each is asked of the model that the experiment names for it."""

CHORES = frozenset(TaskKind) - EXPERIMENT_TASKS - {TaskKind.MAIN, TaskKind.QUALITY}
"""The small jobs: well-defined work that the small model takes first."""


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Plain text."""

    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture: its bytes with their media type, or the address of one."""

    media_type: str = "image/png"
    data: bytes = b""
    url: str = ""


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning"):
    """What a model thought before it answered.

    `signature` is the provider's seal, wanted when the thought goes back to it; `redacted` is the
    sealed form of thoughts that the provider does not show.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """A model asks for a tool; `signature` is the provider's seal, passed back as it came."""

    id: str
    name: str
    arguments: dict[str, Any]
    signature: str = ""


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool gave; `name` is the tool's, for formats that match results by name."""

    call_id: str
    content: str
    name: str = ""
    is_error: bool = False


Part = Text | Image | Reasoning | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    """One turn: the user's (with tool results) or the assistant's (with tool calls).

    `ends_stable_prefix` says that everything up to here will be sent again unchanged, so that a
    provider with prompt caching may keep it.
    """

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]
    ends_stable_prefix: bool = False

    @classmethod
    def user(cls, text: str, *, ends_stable_prefix: bool = False) -> Message:
        """A user's turn of plain text."""
        return cls("user", (Text(text),), ends_stable_prefix)

    @classmethod
    def assistant(cls, text: str) -> Message:
        """An assistant's turn of plain text."""
        return cls("assistant", (Text(text),))

    @property
    def text(self) -> str:
        """The turn's plain text, its other parts left out."""
        return text_of(self.parts)


class Tool(msgspec.Struct, frozen=True):
    """A function that the model may ask for; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class ResponseSchema(msgspec.Struct, frozen=True):
    """A JSON schema that the answer has to fit."""

    name: str
    schema: dict[str, Any]


ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model, in no provider's words.

    `model` is filled by the router; `tool_choice` is "auto", "none", "required" or a tool's name;
    `system_is_stable` marks tools and system prompt as a prefix worth caching; `top_logprobs` asks
    for the log-probability of every token, and of so many that could have stood there (0: for
    none). None means that the provider's default applies.
    """

    messages: tuple[Message, ...]
    model: str = ""
    system: str = ""
    system_is_stable: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_schema: ResponseSchema | None = None
    top_logprobs: int = 0
    is_stream: bool = False


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call in classes that don't overlap, so that they add up and can be priced.

    `input_tokens` are those that no cache touched; `reasoning_tokens` are a part of
    `output_tokens`. `is_estimated` says that the provider reported nothing and we counted.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False

    @property
    def prompt_tokens(self) -> int:
        """All that went in: uncached, read from and written to the cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total_tokens(self) -> int:
        """All that went in and came out."""
        return self.prompt_tokens + self.output_tokens


class TokenChance(msgspec.Struct, frozen=True):
    """A token in UTF-8, which may be a part of a character, and its natural log-probability."""

    raw: bytes
    logprob: float


class AnswerToken(msgspec.Struct, frozen=True):
    """A token of an answer's text, and those that were most likely in its place.

    The token itself may be among these `alternatives`.
    """

    raw: bytes
    logprob: float
    alternatives: tuple[TokenChance, ...] = ()


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A model's whole answer. Times are seconds; `model` is the one that answered.

    `latency_s` and `first_token_s` count from the call's start, its repeats included; `tries` is
    how often the provider was asked. `tokens` are those of its text, where log-probabilities were
    asked for and given.
    """

    model: str
    parts: tuple[Part, ...]
    finish: FinishReason = FinishReason.STOP
    usage: Usage = Usage()
    id: str = ""
    provider: str = ""
    request_id: str = ""
    latency_s: float = 0.0
    first_token_s: float | None = None
    is_simulated: bool = False
    tries: int = 1
    tokens: tuple[AnswerToken, ...] = ()

    @property
    def text(self) -> str:
        """The answer's plain text, without reasoning and tool calls."""
        return text_of(self.parts)

    @property
    def reasoning(self) -> str:
        """The reasoning that the provider shows."""
        return "".join(part.text for part in self.parts if isinstance(part, Reasoning))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools asked for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of an answer as it streams in: text, reasoning, or a piece of one tool call.

    The pieces of one tool call share `tool_index`; the first carries `tool_id` and `tool_name`,
    and `tool_arguments` are consecutive pieces of its JSON. `signature` seals the tool call, or
    else the reasoning that it follows; `redacted` is a whole sealed thought.
    """

    text: str = ""
    reasoning: str = ""
    signature: str = ""
    redacted: str = ""
    tool_index: int | None = None
    tool_id: str = ""
    tool_name: str = ""
    tool_arguments: str = ""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes; a codec leaves out, or says otherwise, what it would refuse.

    `max_tokens_field` is the name under which an OpenAI-format host takes the limit;
    `reasoning_efforts` are the levels it knows (empty: it takes none); `system_role` is the role
    under which an OpenAI-format host takes the system prompt.
    """

    temperature: bool = True
    top_p: bool = True
    stop: bool = True
    seed: bool = False
    tools: bool = True
    images: bool = False
    json_schema: bool = True
    logprobs: bool = False
    prompt_cache: bool = False
    reasoning_efforts: tuple[ReasoningEffort, ...] = ()
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer"] = "system"
    stream_usage: bool = True


class ProviderInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the catalogue: an API family's host. `wire` names the format that it speaks.

    `key_vars` are the variables that may hold its key, first one first (empty: none is needed);
    `base_url_var` may hold another address; `default_model` is the main model that suits most
    people who have a key for it and named none.
    """

    id: str
    title: str
    wire: Literal["anthropic", "openai", "gemini", "ollama"]
    base_url: str
    key_vars: tuple[str, ...] = ()
    base_url_var: str = ""
    prices_id: str = ""
    default_model: str = ""
    is_local: bool = False
    capabilities: Capabilities = Capabilities()


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model. `name` is as it was asked for, `api_name` as the provider has it.

    `family` groups siblings (claude, gpt, gemini); `released` orders them, newest largest, as
    YYYY-MM. `is_known` is False where only its provider could be told.
    """

    name: str
    api_name: str
    provider: str
    tier: Tier
    family: str = ""
    released: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: Capabilities = Capabilities()
    is_known: bool = False


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens by class; None is unknown and never 0."""

    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None


def text_of(parts: tuple[Part, ...]) -> str:
    """The plain text among the parts, joined."""
    return "".join(part.text for part in parts if isinstance(part, Text))
