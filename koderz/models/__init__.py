"""Models: what is known of them, what they cost, and the clients that speak to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koderz.lazy import build_getattr

if TYPE_CHECKING:
    from koderz.models.anthropic_client import FrontierClient
    from koderz.models.base import ModelClient
    from koderz.models.factory import ModelFactory
    from koderz.models.gemini_client import GeminiClient
    from koderz.models.llamacpp_client import LlamaCppClient
    from koderz.models.ollama_client import OllamaClient
    from koderz.models.openai_client import OpenAIClient
    from koderz.models.prices import PriceBook
    from koderz.models.transport import Transport

__all__ = [
    "FrontierClient",
    "GeminiClient",
    "LlamaCppClient",
    "ModelClient",
    "ModelFactory",
    "OllamaClient",
    "OpenAIClient",
    "PriceBook",
    "Transport",
]

_HOMES = {
    "FrontierClient": "anthropic_client",
    "GeminiClient": "gemini_client",
    "LlamaCppClient": "llamacpp_client",
    "ModelClient": "base",
    "ModelFactory": "factory",
    "OllamaClient": "ollama_client",
    "OpenAIClient": "openai_client",
    "PriceBook": "prices",
    "Transport": "transport",
}

__getattr__ = build_getattr(__name__, _HOMES)
