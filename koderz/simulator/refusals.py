"""How providers say no, by format: status, kind and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

RefusalName = Literal[
    "missing_key",
    "unknown_model",
    "malformed",
    "too_long",
    "max_tokens",
    "unsupported",
    "too_large",
    "unknown_path",
    "rate_limit",
    "server_error",
    "overloaded",
]


class Refusal(msgspec.Struct, frozen=True):
    """An HTTP status, the provider's word for the kind, and a sentence with `{fields}`."""

    status: int
    kind: str
    message: str


class RefusedError(Exception):
    """The simulated provider refuses a request; `retry_after_s` goes into its header."""

    def __init__(
        self,
        refusal: Refusal,
        fields: Mapping[str, object],
        *,
        retry_after_s: float | None = None,
    ) -> None:
        self.status, self.kind, self.retry_after_s = refusal.status, refusal.kind, retry_after_s
        self.message = refusal.message.format_map(fields)
        super().__init__(self.message)


_ANTHROPIC: dict[RefusalName, Refusal] = {
    "missing_key": Refusal(401, "authentication_error", "x-api-key header is required"),
    "unknown_model": Refusal(404, "not_found_error", "model: {model}"),
    "malformed": Refusal(400, "invalid_request_error", "{reason}"),
    "too_long": Refusal(
        400, "invalid_request_error", "prompt is too long: {tokens} tokens > {limit} maximum"
    ),
    "max_tokens": Refusal(
        400,
        "invalid_request_error",
        "max_tokens: {tokens} > {limit}, which is the maximum allowed number of output tokens "
        "for {model}",
    ),
    "unsupported": Refusal(400, "invalid_request_error", "{setting}: not supported by {model}"),
    "too_large": Refusal(413, "request_too_large", "Request exceeds the maximum size"),
    "unknown_path": Refusal(404, "not_found_error", "Not Found: {path}"),
    "rate_limit": Refusal(429, "rate_limit_error", "Simulated rate limit for {model}"),
    "server_error": Refusal(500, "api_error", "Simulated server error"),
    "overloaded": Refusal(529, "overloaded_error", "Simulated overload"),
}

_OPENAI: dict[RefusalName, Refusal] = {
    "missing_key": Refusal(
        401, "invalid_request_error", "You didn't provide an API key: send it as a Bearer token"
    ),
    "unknown_model": Refusal(
        404,
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    "malformed": Refusal(400, "invalid_request_error", "{reason}"),
    "too_long": Refusal(
        400,
        "context_length_exceeded",
        "This model's maximum context length is {limit} tokens. However, your messages resulted "
        "in {tokens} tokens. Please reduce the length of the messages.",
    ),
    "max_tokens": Refusal(
        400,
        "invalid_value",
        "max_tokens is too large: {tokens}. This model supports at most {limit} completion tokens.",
    ),
    "unsupported": Refusal(
        400,
        "unsupported_parameter",
        "Unsupported parameter: '{setting}' is not supported with {model}",
    ),
    "too_large": Refusal(413, "invalid_request_error", "Maximum content size exceeded"),
    "unknown_path": Refusal(404, "invalid_request_error", "Invalid URL ({path})"),
    "rate_limit": Refusal(429, "rate_limit_exceeded", "Rate limit reached for {model} (simulated)"),
    "server_error": Refusal(500, "server_error", "Simulated server error"),
    "overloaded": Refusal(503, "server_error", "Simulated overload"),
}

_GEMINI: dict[RefusalName, Refusal] = {
    "missing_key": Refusal(
        403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers: send an API key"
    ),
    "unknown_model": Refusal(
        404, "NOT_FOUND", "models/{model} is not found for API version v1beta"
    ),
    "malformed": Refusal(400, "INVALID_ARGUMENT", "{reason}"),
    "too_long": Refusal(
        400,
        "INVALID_ARGUMENT",
        "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit}).",
    ),
    "max_tokens": Refusal(
        400, "INVALID_ARGUMENT", "maxOutputTokens {tokens} is over the limit of {limit}"
    ),
    "unsupported": Refusal(400, "INVALID_ARGUMENT", "{setting} is not supported by {model}"),
    "too_large": Refusal(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit"),
    "unknown_path": Refusal(404, "NOT_FOUND", "Not found: {path}"),
    "rate_limit": Refusal(429, "RESOURCE_EXHAUSTED", "Simulated rate limit for {model}"),
    "server_error": Refusal(500, "INTERNAL", "Simulated server error"),
    "overloaded": Refusal(503, "UNAVAILABLE", "Simulated overload"),
}

_OLLAMA: dict[RefusalName, Refusal] = {
    "missing_key": Refusal(401, "", "unauthorized"),
    "unknown_model": Refusal(404, "", "model '{model}' not found"),
    "malformed": Refusal(400, "", "{reason}"),
    "too_long": Refusal(
        400,
        "",
        "request ({tokens} tokens) exceeds the available context size ({limit} tokens)",
    ),
    "max_tokens": Refusal(400, "", "num_predict {tokens} is over the limit of {limit}"),
    "unsupported": Refusal(400, "", '"{model}" does not support {setting}'),
    "too_large": Refusal(413, "", "request body too large"),
    "unknown_path": Refusal(404, "", "404 page not found: {path}"),
    "rate_limit": Refusal(429, "", "too many requests (simulated)"),
    "server_error": Refusal(500, "", "simulated server error"),
    "overloaded": Refusal(503, "", "server busy, please try again (simulated)"),
}

REFUSALS: Mapping[str, Mapping[RefusalName, Refusal]] = {
    "anthropic": _ANTHROPIC,
    "openai": _OPENAI,
    "gemini": _GEMINI,
    "ollama": _OLLAMA,
}
