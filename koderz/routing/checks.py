"""Checks: plain functions that say mechanically whether an answer may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import msgspec

from koderz.types import Completion, FinishReason

T = TypeVar("T")


class Accepted(msgspec.Struct, Generic[T], frozen=True):
    """The answer keeps its contract; `value` is what it says."""

    value: T


class Rejected(msgspec.Struct, frozen=True):
    """The answer breaks its contract; `reason` says how, in a line that a model can learn from.

    It goes into the ledger, so it names the rule broken and quotes nothing of the content.
    """

    reason: str


Check: TypeAlias = Callable[[Completion], "Accepted[T] | Rejected"]


def check_text(completion: Completion) -> Accepted[str] | Rejected:
    """The least that any answer must be: text, whole, and not refused."""
    if completion.finish is FinishReason.CONTENT_FILTER:
        return Rejected("the answer was withheld by the provider's content filter")
    if completion.finish is FinishReason.LENGTH:
        return Rejected("the answer was cut off by its token limit")
    if not completion.text.strip():
        return Rejected("the answer is empty")
    return Accepted(completion.text)
