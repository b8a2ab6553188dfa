"""Errors as Gemini words them: https://ai.google.dev/gemini-api/docs/troubleshooting."""

from __future__ import annotations

from koderz.wire.codec import encode_json
from koderz.wire.faults import kind_of_status

_KINDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def encode_error(status: int, message: str, kind: str = "") -> bytes:
    """An error body; `kind` becomes its `status`."""
    word = kind or kind_of_status(_KINDS, status)
    return encode_json({"error": {"code": status, "message": message, "status": word}})
