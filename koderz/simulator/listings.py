"""The lists of models, and what else a provider tells about them, in each format."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from koderz.models.names import get_size_b
from koderz.types import ModelInfo

OWNER = "simulated"
OLLAMA_VERSION = "0.0.0-simulated"
_CREATED = "2025-01-01T00:00:00Z"
_CREATED_S = 1735689600
_BYTES_PER_PARAMETER = 0.6  # As 4-bit weights come.


def list_openai(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """The body of OpenAI's `/v1/models`."""
    return {"object": "list", "data": [describe_openai(model) for model in models]}


def describe_openai(model: ModelInfo) -> dict[str, Any]:
    """The body of OpenAI's `/v1/models/{model}`."""
    return {"id": model.api_name, "object": "model", "created": _CREATED_S, "owned_by": OWNER}


def list_anthropic(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """The body of Anthropic's `/v1/models`: one page with all."""
    rows = [describe_anthropic(model) for model in models]
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {}
    return {"data": rows, "has_more": False, **ends}


def describe_anthropic(model: ModelInfo) -> dict[str, Any]:
    """The body of Anthropic's `/v1/models/{model}`."""
    title = f"{model.name} ({OWNER})"
    return {"type": "model", "id": model.api_name, "display_name": title, "created_at": _CREATED}


def list_gemini(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """The body of Gemini's `/v1beta/models`: one page with all."""
    return {"models": [describe_gemini(model) for model in models]}


def describe_gemini(model: ModelInfo) -> dict[str, Any]:
    """The body of Gemini's `/v1beta/models/{model}`."""
    limits = {
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.max_output_tokens,
    }
    return {
        "name": f"models/{model.api_name}",
        "version": OWNER,
        "displayName": f"{model.name} ({OWNER})",
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        **{name: limit for name, limit in limits.items() if limit is not None},
    }


def list_ollama(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """The body of Ollama's `/api/tags` (what is installed) and `/api/ps` (what is loaded)."""
    return {"models": [_describe_tag(model) for model in models]}


def describe_ollama(model: ModelInfo) -> dict[str, Any]:
    """The body of Ollama's `/api/show`."""
    family = _describe_tag(model)["details"]["family"]
    length = {f"{family}.context_length": model.context_tokens} if model.context_tokens else {}
    return {
        "modified_at": _CREATED,
        "license": OWNER,
        "details": _describe_tag(model)["details"],
        "model_info": {"general.architecture": family, **length},
        "capabilities": ["completion", "tools"] if model.capabilities.tools else ["completion"],
    }


def _describe_tag(model: ModelInfo) -> dict[str, Any]:
    family, _, size = model.api_name.partition(":")
    details = {"format": "gguf", "family": family, "families": [family], "parent_model": ""}
    return {
        "name": model.api_name,
        "model": model.api_name,
        "modified_at": _CREATED,
        "size": round((get_size_b(model.api_name) or 1) * 1e9 * _BYTES_PER_PARAMETER),
        "digest": sha256(model.api_name.encode()).hexdigest(),
        "details": {**details, "parameter_size": size.upper(), "quantization_level": "Q4_K_M"},
    }
