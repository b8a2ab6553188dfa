"""A model's answer as the JSON that was asked for."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from koderz.routing.checks import Rejected, check_text
from koderz.types import Completion

T = TypeVar("T")


def decode_answer(completion: Completion, decoder: msgspec.json.Decoder[T]) -> T | Rejected:
    """What the answer says, or why it cannot be used: it is cut off, withheld, or not that JSON."""
    whole = check_text(completion)
    if isinstance(whole, Rejected):
        return whole
    try:
        return decoder.decode(cut_json(whole.value))
    except msgspec.MsgspecError as error:
        return Rejected(f"the answer is not the JSON asked for: {_say_where(error)}")
    except RecursionError:
        return Rejected("the answer is not the JSON asked for: it is nested too deeply")


def cut_json(text: str) -> str:
    """The outermost object in the text: some models put a fence or a word around it."""
    return text[max(text.find("{"), 0) : text.rfind("}") + 1]


def _say_where(error: msgspec.MsgspecError) -> str:
    """The decoder's words without the values that they may repeat."""
    return str(error).split(" - at ", maxsplit=1)[-1].splitlines()[0][:80]
