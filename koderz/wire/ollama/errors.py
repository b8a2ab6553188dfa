"""Errors as Ollama words them: one sentence."""

from __future__ import annotations

from koderz.wire.codec import encode_json


def encode_error(status: int, message: str, kind: str = "") -> bytes:  # noqa: ARG001 - one signature for all formats.
    """An error body; the format has neither kinds nor codes."""
    return encode_json({"error": message})
