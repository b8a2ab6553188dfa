"""OpenAI, and every host that speaks its format: their words for what they refuse.

Sources: https://platform.openai.com/docs/guides/error-codes and the errors of the hosts of the
catalogue; those of llama.cpp were seen at its own server.
"""

from __future__ import annotations

from typing import ClassVar

from koderz.models.base import ModelClient
from koderz.models.faults import Refusals


class OpenAIClient(ModelClient):
    """Speaks to OpenAI or to a host that speaks its format."""

    refusals: ClassVar[Refusals] = Refusals(
        context=r"context_length_exceeded|exceed_context_size|context (length|window|size)"
        r"|string_above_max_length",
        content=r"content_filter|content_policy|content management policy|usage policy|flagged",
        key=r"invalid_api_key",
        model=r"model_not_found|not a valid model|model not exist|invalid model",
        quota=r"insufficient_quota|billing_hard_limit|insufficient balance",
    )
