"""What a provider looks at before it lets a model answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from koderz.simulator.hosts import Host
from koderz.simulator.prompts import Prompt
from koderz.simulator.refusals import REFUSALS, RefusalName, RefusedError
from koderz.simulator.schemas import check_schema
from koderz.types import Image, ModelInfo, Request

_BEARER = "Bearer "
_HOTTEST = 2
_LOWERING = frozenset({"ollama"})  # Formats that lower too high a limit of output in silence.
_VERSION_HEADER = "anthropic-version"


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _OpenAIFields(msgspec.Struct):
    max_tokens: int | None = None
    stream_options: _StreamOptions | None = None


def refuse(host: Host, why: RefusalName, **fields: object) -> RefusedError:
    """The provider's refusal for this reason, ready to be raised."""
    return RefusedError(REFUSALS[host.provider.wire][why], fields)


def check_headers(host: Host, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
    """Refuse a request without a key (any will do) or without what else its headers must say."""
    if host.provider.key_vars and not host.provider.is_local and not _find_key(headers, query):
        raise refuse(host, "missing_key")
    if host.provider.wire == "anthropic" and _VERSION_HEADER not in headers:
        raise refuse(host, "malformed", reason=f"{_VERSION_HEADER}: header is required")


def check_model(host: Host, name: str) -> ModelInfo:
    """The model of this name; refused where the provider has none."""
    model = host.find_model(name)
    if model is None:
        raise refuse(host, "unknown_model", model=name)
    return model


def check_request(host: Host, model: ModelInfo, request: Request, body: bytes) -> None:
    """Refuse what makes no sense, and what the model does not take."""
    for reason in _find_nonsense(request):
        raise refuse(host, "malformed", reason=reason)
    for setting in _find_unsupported(model, request, host.provider.wire):
        raise refuse(host, "unsupported", setting=setting, model=request.model)
    if host.provider.wire == "openai" and _has_old_limit(model, body):
        raise refuse(host, "unsupported", setting="max_tokens", model=request.model)


def check_limits(host: Host, model: ModelInfo, request: Request, prompt: Prompt) -> None:
    """Refuse a prompt over the model's context, and a limit of output that it cannot reach."""
    asked, wire = request.max_tokens, host.provider.wire
    if wire == "anthropic" and asked is None:
        raise refuse(host, "malformed", reason="max_tokens: Field required")
    most = model.max_output_tokens
    if most is not None and asked is not None and asked > most and wire not in _LOWERING:
        raise refuse(host, "max_tokens", tokens=asked, limit=most, model=request.model)
    limit, tokens = model.context_tokens, len(prompt.ids)
    if limit is not None and tokens > limit:
        raise refuse(host, "too_long", tokens=tokens, limit=limit)


def is_usage_wanted(host: Host, body: bytes) -> bool:
    """Whether a stream tells its usage: in OpenAI's format only to those who ask for it."""
    if host.provider.wire != "openai":
        return True
    options = msgspec.json.decode(body, type=_OpenAIFields).stream_options
    return not host.provider.capabilities.stream_usage or bool(options and options.include_usage)


def _find_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    bearer = headers.get("authorization", "")
    key = bearer[len(_BEARER) :] if bearer.startswith(_BEARER) else ""
    named = headers.get("x-api-key") or headers.get("x-goog-api-key") or query.get("key", "")
    return (key or named).strip()


def _find_nonsense(request: Request) -> Iterator[str]:
    if not request.messages:
        yield "messages: at least one message is required"
    if request.max_tokens is not None and request.max_tokens < 1:
        yield "max_tokens: must be at least 1"
    if request.temperature is not None and not 0 <= request.temperature <= _HOTTEST:
        yield f"temperature: must be between 0 and {_HOTTEST}"
    schemas = [tool.parameters for tool in request.tools]
    if request.response_schema is not None:
        schemas.append(request.response_schema.schema)
    yield from filter(None, map(_find_fault_in_schema, schemas))


def _find_fault_in_schema(schema: Mapping[str, Any]) -> str:
    try:
        check_schema(schema)
    except ValueError as error:
        return f"schema: {error}"
    return ""


def _find_unsupported(model: ModelInfo, request: Request, wire: str) -> Iterator[str]:
    takes = model.capabilities
    parts = (part for message in request.messages for part in message.parts)
    is_default = wire == "openai" and request.temperature == 1
    found = {
        "temperature": not takes.temperature and request.temperature is not None and not is_default,
        # Some models take either of the two, but not both.
        "top_p": not takes.top_p
        and request.top_p is not None
        and (not takes.temperature or request.temperature is not None),
        "stop": not takes.stop and bool(request.stop),
        "tools": not takes.tools and bool(request.tools),
        "images": not takes.images and any(isinstance(part, Image) for part in parts),
        "response_format": not takes.json_schema and request.response_schema is not None,
        "logprobs": not takes.logprobs and bool(request.top_logprobs),
        "reasoning_effort": request.reasoning_effort is not None
        and request.reasoning_effort not in {"none", *takes.reasoning_efforts},
    }
    return (name for name, is_refused in found.items() if is_refused)


def _has_old_limit(model: ModelInfo, body: bytes) -> bool:
    """Whether `max_tokens` is given to a reasoning model, which only knows the newer name."""
    takes = model.capabilities
    if takes.max_tokens_field == "max_tokens" or not takes.reasoning_efforts:
        return False
    return msgspec.json.decode(body, type=_OpenAIFields).max_tokens is not None
