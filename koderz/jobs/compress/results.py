"""What a compressed conversation gives: messages that an API takes, its ledger, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from koderz.extract.chat.ledger import ChatLedger
from koderz.extract.chat.turns import Format
from koderz.jobs.results import JobResult


class CompressResult(JobResult, frozen=True, kw_only=True):
    """A compressed conversation and its receipt; `koderz compress --json` has these names.

    `messages` are in the `format` that the conversation came in: instructions, a summary of the
    turns up to `summarized_turns`, the last request and the recent tail. `ledger` is that of the
    whole conversation, which had so many `turns`. Tokens are those of all text, tool calls and
    results; framing that providers add is not counted.
    """

    messages: tuple[Mapping[str, Any], ...]
    ledger: ChatLedger
    format: Format
    turns: int
    summarized_turns: int

    def render(self) -> str:
        """The messages as a JSON list, a message a line."""
        lines = [msgspec.json.encode(message).decode() for message in self.messages]
        return "[\n" + ",\n".join(lines) + "\n]"
