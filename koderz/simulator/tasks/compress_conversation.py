"""The record of a conversation: what must be kept is told, as far as the skill goes.

Turns come one JSON object a line, with `turn`, `role` and `text`; what must survive under `keep`,
and a record to be mended under `record`.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

import msgspec

from koderz.simulator.recognition import has_schema
from koderz.types import Request

SCHEMA_NAME = "compress_conversation"
FIELDS = frozenset({"goal", "state", "decisions", "facts", "open_items"})
GOAL_CHARS = 200
MOST_FACTS = 3
FACT_CHARS = 120

_LINE = re.compile(r"^\{.*\}$", re.MULTILINE)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the question: a turn, something to keep, or a record to mend."""

    turn: int = 0
    role: str = ""
    text: str = ""
    keep: str = ""
    record: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(Shown)


def is_asked(request: Request) -> bool:
    """Whether the record of a conversation is wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The record as JSON; each thing to keep is lost with probability 1 - skill."""
    return msgspec.json.encode(_record(_parse(request), skill, rng)).decode()


def misquote(request: Request, rng: Random) -> str:
    """A record in the right form that names a file which stands nowhere."""
    record = _record(_parse(request), 1.0, rng)
    invented = f"simulated/invented_{rng.getrandbits(48):012x}.py"
    return msgspec.json.encode({**record, "state": f"all is in {invented}"}).decode()


def _parse(request: Request) -> tuple[Shown, ...]:
    """The lines of the question; those of another form are passed over."""
    text = "\n".join(message.text for message in request.messages if message.role == "user")
    shown: list[Shown] = []
    for line in _LINE.findall(text):
        try:
            shown.append(_DECODER.decode(line))
        except msgspec.MsgspecError:
            continue
    return tuple(shown)


def _record(shown: tuple[Shown, ...], skill: float, rng: Random) -> dict[str, Any]:
    turns = [each for each in shown if each.turn]
    asked = next((each.text for each in turns if each.role == "user"), "")
    kept = [each.keep for each in shown if each.keep and rng.random() < skill]
    number = turns[-1].turn if turns else 1
    told = [{"turn": number, "text": text} for text in kept]
    mended = next((each.record for each in shown if each.record), {})
    if mended:
        return {**mended, "decisions": [*mended.get("decisions", []), *told]}
    facts = [
        {"turn": each.turn, "text": " ".join(each.text[:FACT_CHARS].split()[:-1])}
        for each in turns
        if each.role == "assistant" and each.text
    ]
    return {
        "goal": _cut(asked) or "none was stated",
        "state": "",
        "decisions": told,
        "facts": facts[-MOST_FACTS:],
        "open_items": [],
    }


def _cut(text: str) -> str:
    """The text's beginning in whole words."""
    line = " ".join(text.split())
    return line if len(line) <= GOAL_CHARS else line[:GOAL_CHARS].rpartition(" ")[0]
