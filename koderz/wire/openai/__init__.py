"""OpenAI's chat completions, which many hosts speak: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

from koderz.wire.faults import read_error as decode_error
from koderz.wire.openai.errors import encode_error
from koderz.wire.openai.request_decoder import decode_request
from koderz.wire.openai.request_encoder import encode_request, request_path
from koderz.wire.openai.responses import decode_response, encode_response
from koderz.wire.openai.streams import STREAM_CONTENT_TYPE, StreamDecoder, StreamEncoder

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
