"""Anthropic's messages: https://docs.claude.com/en/api/messages."""

from __future__ import annotations

from koderz.wire.anthropic.errors import encode_error
from koderz.wire.anthropic.request_decoder import decode_request
from koderz.wire.anthropic.request_encoder import encode_request, request_path
from koderz.wire.anthropic.responses import decode_response, encode_response
from koderz.wire.anthropic.streams import STREAM_CONTENT_TYPE, StreamDecoder, StreamEncoder
from koderz.wire.faults import read_error as decode_error

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
