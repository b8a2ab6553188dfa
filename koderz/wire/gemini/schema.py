"""The shapes of Gemini's format, used in both directions."""

from __future__ import annotations

from typing import Any

import msgspec


class Blob(msgspec.Struct, kw_only=True, rename="camel"):
    """Bytes in base64."""

    data: str = ""
    mime_type: str = "image/png"


class FileRef(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Where a file is."""

    file_uri: str
    mime_type: str | None = None


class CallBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A function that was asked for; older models give no id."""

    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class ResultBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a function gave."""

    name: str
    response: dict[str, Any] | None = None
    id: str | None = None


class PartBody(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of a turn: one of its fields says what it is; a thought's text is marked as one."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileRef | None = None
    function_call: CallBody | None = None
    function_response: ResultBody | None = None


class ContentBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A turn."""

    parts: list[PartBody] | None = None
    role: str | None = None


class FunctionSpec(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What a function is and takes: a JSON schema, or Google's own form of one."""

    name: str
    description: str | None = None
    parameters_json_schema: Any = None
    parameters: Any = None


class ToolBody(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Tools that are offered."""

    function_declarations: list[FunctionSpec] | None = None


class CallingConfig(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Which function has to be used: AUTO, NONE, ANY, or ANY among those named."""

    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """How tools are used."""

    function_calling_config: CallingConfig | None = None


class ThinkingConfig(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """How much the model thinks: a level, or for older models a budget of tokens."""

    thinking_level: str | None = None
    thinking_budget: int | None = None


class GenerationConfig(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """How the answer is made."""

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_json_schema: Any = None
    response_schema: Any = None
    thinking_config: ThinkingConfig | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None


class ChatRequest(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The body of a request; the model and whether to stream stand in the path."""

    contents: list[ContentBody]
    system_instruction: ContentBody | None = None
    tools: list[ToolBody] | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None


class UsageBody(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Tokens of one call: a prompt's include cached ones, an answer's do not include thoughts."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None


class ChanceBody(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A token and its log-probability."""

    token: str | None = None
    log_probability: float | None = None


class ChancesBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The tokens that were most likely in one place."""

    candidates: list[ChanceBody] | None = None


class LogprobsResult(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The tokens of an answer, and of each place those most likely; both lists are as long."""

    chosen_candidates: list[ChanceBody] | None = None
    top_candidates: list[ChancesBody] | None = None


class Candidate(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One answer of possibly many, or a piece of it."""

    content: ContentBody | None = None
    finish_reason: str | None = None
    index: int | None = None
    avg_logprobs: float | None = None
    logprobs_result: LogprobsResult | None = None


class PromptFeedback(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Why a prompt was not answered at all."""

    block_reason: str | None = None


class ChatResponse(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The body of an answer, or a chunk of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageBody | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None
