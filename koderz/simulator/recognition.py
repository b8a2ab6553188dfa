"""How a task knows its requests, and what it was shown in them."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import TypeVar

import msgspec

from koderz.types import Request

T = TypeVar("T", bound=msgspec.Struct)

_LINE = re.compile(r"^\{.*\}$", re.MULTILINE)


def has_schema(request: Request, name: str, fields: AbstractSet[str]) -> bool:
    """Whether the answer has to fit the schema of this name with these top-level fields.

    Some formats carry no name: there the schema's `title` is one, and failing that the fields
    tell. To a model that takes no schema the system prompt names the fields, in quotes.
    """
    wanted = request.response_schema
    if wanted is None:
        return all(f'"{field}"' in request.system for field in fields)
    if name in {wanted.name, wanted.schema.get("title")}:
        return True
    return fields == set(wanted.schema.get("properties", {}))


def parse_shown(request: Request, decoder: msgspec.json.Decoder[T], key: str) -> tuple[T, ...]:
    """What stands in the question as one JSON object a line, each once by its field `key`.

    Lines that hold none are passed over.
    """
    text = "\n".join(message.text for message in request.messages if message.role == "user")
    found: dict[str, T] = {}
    for line in _LINE.findall(text):
        try:
            shown = decoder.decode(line)
        except msgspec.MsgspecError:
            continue
        found.setdefault(getattr(shown, key), shown)
    return tuple(found.values())
