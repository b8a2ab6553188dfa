"""Gemini's generateContent: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from koderz.wire.faults import read_error as decode_error
from koderz.wire.gemini.errors import encode_error
from koderz.wire.gemini.request_decoder import decode_request
from koderz.wire.gemini.request_encoder import encode_request, request_path
from koderz.wire.gemini.responses import decode_response, encode_response
from koderz.wire.gemini.streams import STREAM_CONTENT_TYPE, StreamDecoder, StreamEncoder

__all__ = [
    "STREAM_CONTENT_TYPE",
    "StreamDecoder",
    "StreamEncoder",
    "decode_error",
    "decode_request",
    "decode_response",
    "encode_error",
    "encode_request",
    "encode_response",
    "request_path",
]
