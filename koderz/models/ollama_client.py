"""Ollama: the models that are installed, and room for the whole prompt.

Sources: https://docs.ollama.com/api and https://docs.ollama.com/context-length.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from koderz.models.base import ModelClient
from koderz.models.faults import Refusals
from koderz.models.usage import count_prompt_tokens
from koderz.types import ModelInfo, Request
from koderz.wire.codec import JSONDecoder

# A server's own context is at least this long; only a call that needs more asks for it, because
# another length makes the server load the model anew.
USUAL_CONTEXT_TOKENS = 4096
USUAL_ANSWER_TOKENS = 1024

# Other vocabularies than ours cut a text into up to so many times more tokens.
VOCABULARY_MARGIN = 1.3


class Row(msgspec.Struct, frozen=True):
    """An installed model and its size in bytes."""

    name: str
    size: int = 0


class Listing(msgspec.Struct, frozen=True):
    """The installed models."""

    models: list[Row] = []


_LISTING: JSONDecoder[Listing] = msgspec.json.Decoder(Listing)
_BODY: JSONDecoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


class OllamaClient(ModelClient):
    """Speaks to an Ollama server; no prompt is cut silently to the server's context."""

    refusals: ClassVar[Refusals] = Refusals(
        context=r"context (length|window|size)|exceed_context_size",
    )
    models_path: ClassVar[str] = "/api/tags"
    missing_hint: ClassVar[str] = "get it with `ollama pull {model}`"

    async def fetch_models(self) -> tuple[str, ...]:
        """The names of the installed models; asked for once."""
        return tuple(await self.fetch_installed())

    async def fetch_installed(self) -> dict[str, int]:
        """The installed models and their sizes in bytes; asked for once."""
        listing = await self._fetch(self.models_path, _LISTING)
        return {row.name: row.size for row in listing.models}

    def _encode(self, request: Request, model: ModelInfo) -> bytes:
        body = msgspec.json.decode(super()._encode(request, model))
        context_tokens = choose_context(request, model.context_tokens)
        if context_tokens > USUAL_CONTEXT_TOKENS:
            body.setdefault("options", {}).setdefault("num_ctx", context_tokens)
        return msgspec.json.encode({**body, "truncate": False, "shift": False})


def choose_context(request: Request, longest: int | None) -> int:
    """A context in tokens that prompt and answer fit into: a power of two, or the model's longest.

    Steps of two keep the lengths few, so that the model is seldom loaded anew.
    """
    needed = count_prompt_tokens(request) * VOCABULARY_MARGIN
    needed += request.max_tokens or USUAL_ANSWER_TOKENS
    context_tokens = USUAL_CONTEXT_TOKENS
    while context_tokens < needed:
        context_tokens *= 2
    return min(context_tokens, longest or context_tokens)
