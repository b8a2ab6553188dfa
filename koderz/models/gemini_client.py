"""Google's Gemini: its key's header, its words for what it refuses, and its list of models.

Sources: https://ai.google.dev/gemini-api/docs/troubleshooting and https://ai.google.dev/api/models.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from koderz.models.base import ModelClient
from koderz.models.faults import Refusals
from koderz.wire.codec import JSONDecoder


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """A model in the list, under its resource name, and what it can be asked for."""

    name: str
    supported_generation_methods: list[str] = []


class Listing(msgspec.Struct, frozen=True):
    """The list of models."""

    models: list[Row] = []


_LISTING: JSONDecoder[Listing] = msgspec.json.Decoder(Listing)


class GeminiClient(ModelClient):
    """Speaks to Google's Gemini."""

    refusals: ClassVar[Refusals] = Refusals(
        context=r"exceeds the maximum number of tokens|token count .* exceeds",
        content=r"prohibited_content|blocked by safety|safety settings",
        key=r"api_key_invalid|api key (not valid|expired)",
        quota=r'"quotaId"\s*:\s*"[^"]*PerDay',
    )
    models_path: ClassVar[str] = "/v1beta/models?pageSize=1000"

    async def fetch_models(self) -> tuple[str, ...]:
        """The names of the models that can be asked now, in Google's order; asked for once."""
        listing = await self._fetch(self.models_path, _LISTING)
        return tuple(
            row.name.removeprefix("models/")
            for row in listing.models
            if "generateContent" in row.supported_generation_methods
        )

    def _build_headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key} if key else {}
