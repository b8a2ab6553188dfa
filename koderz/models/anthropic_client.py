"""Anthropic: its key's header and its words for what it refuses.

Sources: https://docs.claude.com/en/api/overview and https://docs.claude.com/en/api/errors.
"""

from __future__ import annotations

from typing import ClassVar

from koderz.models.base import ModelClient
from koderz.models.faults import Refusals

VERSION = "2023-06-01"


class FrontierClient(ModelClient):
    """Speaks to Anthropic."""

    refusals: ClassVar[Refusals] = Refusals(
        context=r"prompt is too long|exceeds? (the )?context|context window",
        content=r"content filtering policy",
        quota=r"credit balance",
    )
    models_path: ClassVar[str] = "/v1/models?limit=1000"

    def _build_headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}
