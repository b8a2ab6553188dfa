"""Answers about many items at once: for every id a value that fits the schema of an answer.

The items come one JSON object a line, with `id` and `item`.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from koderz.simulator.recognition import has_schema, parse_shown
from koderz.simulator.schemas import build_value
from koderz.types import Request

SCHEMA_NAME = "map_items"
FIELDS = frozenset({"answers"})


class ShownItem(msgspec.Struct, frozen=True):
    """An item as it was shown."""

    id: str
    item: dict[str, str]


class Given(msgspec.Struct, frozen=True):
    """What the answer's schema asks for, one an item."""

    id: str
    answer: Any


_DECODER = msgspec.json.Decoder(ShownItem)


def is_asked(request: Request) -> bool:
    """Whether answers about many items are wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The answers as JSON; each is left out with probability 1 - skill."""
    given = [_judge(shown, request) for shown in _parse(request)]
    return _encode([each for each in given if rng.random() < skill])


def misquote(request: Request, rng: Random) -> str:
    """The answers in the right form, one of them for an id that was not asked about."""
    given = [_judge(shown, request) for shown in _parse(request)]
    return _encode([*given[1:], Given(f"{rng.getrandbits(48):012x}", "simulated")])


def _parse(request: Request) -> tuple[ShownItem, ...]:
    """The items of the question, each id once; lines that hold none are passed over."""
    return parse_shown(request, _DECODER, "id")


def _judge(shown: ShownItem, request: Request) -> Given:
    """A value that goes by the item alone, whatever it is asked about with."""
    own = Random(msgspec.json.encode(shown.item))  # noqa: S311 - a seeded choice, not a secret
    return Given(shown.id, build_value(_get_schema(request), own))


def _get_schema(request: Request) -> dict[str, Any]:
    """The schema of one answer, its definitions beside it; of text where none was given."""
    whole = request.response_schema.schema if request.response_schema else {}
    try:
        one: dict[str, Any] = whole["properties"]["answers"]["items"]["properties"]["answer"]
    except (KeyError, TypeError):
        return {"type": "string"}
    return one | {name: whole[name] for name in ("$defs", "definitions") if name in whole}


def _encode(given: list[Given]) -> str:
    return msgspec.json.encode({"answers": given}).decode()
