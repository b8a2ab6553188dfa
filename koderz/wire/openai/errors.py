"""Errors as OpenAI words them: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from koderz.wire.codec import encode_json
from koderz.wire.faults import kind_of_status

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
# Kinds that the format has no `type` for: they stand in `code`, beside the status's own type.
_NARROW = frozenset({
    "content_filter", "context_length_exceeded", "insufficient_quota", "invalid_api_key",
    "invalid_value", "model_not_found", "rate_limit_exceeded", "unsupported_parameter",
    "unsupported_value",
})  # fmt: skip


def encode_error(status: int, message: str, kind: str = "") -> bytes:
    """An error body; `kind` becomes its `type`, or its `code` where it is one of OpenAI's codes."""
    code = kind if kind in _NARROW else _CODES.get(status)
    word = kind if kind and kind not in _NARROW else kind_of_status(_KINDS, status)
    return encode_json({"error": {"message": message, "type": word, "param": None, "code": code}})
