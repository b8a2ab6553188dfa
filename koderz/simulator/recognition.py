"""How a task knows its requests."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from koderz.types import Request


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
