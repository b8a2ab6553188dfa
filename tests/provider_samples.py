"""What each provider answers to a hello, and clients that ask a scripted server instead of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from scripted_server import ScriptedServer

from koderz.config.settings import HttpSettings, KoderzSettings, Settings
from koderz.errors import ProviderError
from koderz.models import ModelClient, ModelFactory
from koderz.types import Message, Request

KEY = "sk-test-0123456789abcdefghijklmnop"
HTTP = HttpSettings(read_timeout_s=0.2, retries=2, retry_wait_max_s=0.01, total_timeout_s=5)
HELLO = Request(model="gpt-4o-mini", messages=(Message.user("Say hello"),), max_tokens=50)

OPENAI_ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}
ANTHROPIC_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
GEMINI_ANSWER = {
    "responseId": "r1",
    "modelVersion": "gemini-2.5-flash",
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2},
}
OLLAMA_ANSWER = {
    "model": "phi:2.7b",
    "message": {"role": "assistant", "content": "hello"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 9,
    "eval_count": 2,
}
MODELS = {
    "anthropic": ("claude-haiku-4-5", "/v1/messages", ANTHROPIC_ANSWER),
    "google": (
        "gemini-2.5-flash",
        "/v1beta/models/gemini-2.5-flash:generateContent",
        GEMINI_ANSWER,
    ),
    "ollama": ("phi:2.7b", "/api/chat", OLLAMA_ANSWER),
    "openai": ("gpt-4o-mini", "/v1/chat/completions", OPENAI_ANSWER),
}


def sse(*documents: Any, end: bytes = b"data: [DONE]\n\n") -> list[bytes]:
    return [b"data: " + msgspec.json.encode(document) + b"\n\n" for document in documents] + [end]


def openai_chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "model": "gpt-4o-mini", "choices": [choice]}


def make_factory(server: ScriptedServer, http: HttpSettings = HTTP, **more: Any) -> ModelFactory:
    environ = {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": server.url,
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": f"{server.url}/",
        "OLLAMA_HOST": server.url.removeprefix("http://"),
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{server.url}/v1",
    }
    settings = Settings(koderz=KoderzSettings(http=http, **more))
    return ModelFactory(settings=settings, environ=environ)


async def fail(client: ModelClient, request: Request = HELLO) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await client.complete(request)
    return caught.value
