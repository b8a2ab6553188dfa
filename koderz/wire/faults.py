"""What goes wrong in a format: requests we cannot read, and errors that a provider states.

A provider states an error in the body of a failed call, or in the middle of a stream. Every known
shape is read by one tolerant reader, because hosts of one format borrow another's shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from koderz.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)

EXCERPT_CHARS = 300


class FormatError(ValueError):
    """A request is not in the format that it claims, or holds what we have no words for."""


class WireError(msgspec.Struct, frozen=True):
    """What a provider says in an error: its sentence, its word for the kind, its code."""

    message: str
    kind: str = ""
    code: str = ""


_KINDS: dict[str, type[ProviderError]] = {
    # https://docs.claude.com/en/api/errors
    "invalid_request_error": RequestRejectedError,
    "request_too_large": RequestRejectedError,
    "authentication_error": AuthenticationError,
    "permission_error": AuthenticationError,
    "billing_error": QuotaExceededError,
    "not_found_error": ModelNotFoundError,
    "rate_limit_error": RateLimitError,
    "timeout_error": ProviderTimeoutError,
    "gateway_timeout_error": ProviderTimeoutError,
    "api_error": ServerError,
    "overloaded_error": ServerError,
    # https://platform.openai.com/docs/guides/error-codes
    "server_error": ServerError,
    "rate_limit_exceeded": RateLimitError,
    "insufficient_quota": QuotaExceededError,
    "context_length_exceeded": ContextLengthError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "invalid_api_key": AuthenticationError,
    "model_not_found": ModelNotFoundError,
    # https://ai.google.dev/gemini-api/docs/troubleshooting
    "INVALID_ARGUMENT": RequestRejectedError,
    "FAILED_PRECONDITION": RequestRejectedError,
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": AuthenticationError,
    "NOT_FOUND": ModelNotFoundError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "DEADLINE_EXCEEDED": ProviderTimeoutError,
    "INTERNAL": ServerError,
    "UNAVAILABLE": ServerError,
}
_STATUSES: dict[str, type[ProviderError]] = {
    "400": RequestRejectedError,
    "401": AuthenticationError,
    "402": QuotaExceededError,
    "403": AuthenticationError,
    "404": ModelNotFoundError,
    "408": ProviderTimeoutError,
    "413": RequestRejectedError,
    "422": RequestRejectedError,
    "429": RateLimitError,
    "504": ProviderTimeoutError,
}


def read_error(body: bytes) -> WireError:
    """What an error body says, in whatever shape it comes; never raises."""
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return WireError(_excerpt(body.decode("utf-8", "replace")))
    return read_error_document(document)


def read_error_document(document: Any) -> WireError:
    """What a decoded error document says; never raises."""
    if isinstance(document, list) and document:
        return read_error_document(document[0])
    if not isinstance(document, dict):
        return WireError(_excerpt(str(document)))
    fields = document.get("error", document)
    if not isinstance(fields, dict):
        return WireError(_excerpt(_words(fields)), code=_words(document.get("code")))
    message = next((fields[key] for key in ("message", "detail", "msg") if fields.get(key)), fields)
    kind = fields.get("type") or fields.get("status")
    return WireError(_excerpt(_words(message)), _words(kind), _words(fields.get("code")))


def build_error(error: WireError) -> ProviderError:
    """The error of ours that a provider's words stand for.

    For errors that come without an HTTP status, as in the middle of a stream. Code goes before
    kind, as it is the narrower of the two; unknown words are a failure of the server.
    """
    found = (
        _KINDS.get(error.code) or _STATUSES.get(error.code) or _KINDS.get(error.kind) or ServerError
    )
    return found(error.message or "the provider stated an error without words")


def kind_of_status(kinds: Mapping[int, str], status: int) -> str:
    """A format's word for an HTTP status: the exact one, else that of its hundred."""
    return kinds.get(status) or kinds[500 if status >= 500 else 400]  # noqa: PLR2004 - HTTP's classes


def _words(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT_CHARS else line[: EXCERPT_CHARS - 3] + "..."
