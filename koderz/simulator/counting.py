"""Requests that only count: what their formats leave out, put back, so that they can be read."""

from __future__ import annotations

from typing import Any

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, Any])


def complete_anthropic(body: bytes) -> bytes:
    """A body of `/v1/messages/count_tokens` as one of `/v1/messages`, which wants a limit."""
    document = _decode(body)
    return body if document is None else msgspec.json.encode({"max_tokens": 1, **document})


def complete_gemini(body: bytes) -> bytes:
    """A body of `:countTokens` as one of `:generateContent`, which it may hold whole."""
    document = _decode(body) or {}
    inner = document.get("generateContentRequest")
    return msgspec.json.encode(inner) if isinstance(inner, dict) else body


def _decode(body: bytes) -> dict[str, Any] | None:
    """The object that the body holds, None where it holds none: reading it will say so."""
    try:
        return _OBJECT.decode(body)
    except (ValueError, RecursionError):
        return None
