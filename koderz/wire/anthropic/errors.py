"""Errors as Anthropic words them: https://docs.claude.com/en/api/errors."""

from __future__ import annotations

from koderz.wire.codec import encode_json
from koderz.wire.faults import kind_of_status

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def encode_error(status: int, message: str, kind: str = "") -> bytes:
    """An error body; `kind` becomes its `type`."""
    word = kind or kind_of_status(_KINDS, status)
    return encode_json({"type": "error", "error": {"type": word, "message": message}})
