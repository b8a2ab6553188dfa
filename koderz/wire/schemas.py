"""JSON schemas as hosts take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ANSWER_NAME = "answer"  # What a schema is called where the format gives it no name.
ANY_JSON: dict[str, Any] = {}
ANY_OBJECT: dict[str, Any] = {"type": "object"}

_CHILD_MAPS = ("properties", "$defs", "definitions")
_CHILD_LISTS = ("anyOf", "oneOf", "allOf")

# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
_STRICT_KEYWORDS = frozenset({
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "definitions", "description", "enum",
    "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems",
    "minimum", "multipleOf", "pattern", "properties", "required", "title", "type",
})  # fmt: skip

# https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations
_REFUSED_BY_ANTHROPIC = frozenset({
    "exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum",
    "minLength", "minProperties", "minimum", "multipleOf", "uniqueItems",
})  # fmt: skip


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI can hold an answer to every word of this schema.

    Its strict mode wants objects closed, every property required, and a subset of the keywords.
    """
    if schema.get("type") == "object" or "properties" in schema:
        required, properties = schema.get("required"), schema.get("properties", {})
        if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
            return False
        if any(name not in _list(required) for name in properties):
            return False
    return schema.keys() <= _STRICT_KEYWORDS and all(map(is_strict, _children(schema)))


def close_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as Anthropic takes it: objects closed, limits on sizes and values left out."""
    closed = {key: _close(key, value) for key, value in schema.items() if _is_taken(key, value)}
    if closed.get("type") == "object":
        closed["additionalProperties"] = False
    return closed


def lower_types(schema: Any) -> Any:
    """The schema with Gemini's upper-case type names (`STRING`) as JSON schema writes them."""
    if isinstance(schema, list):
        return [lower_types(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else lower_types(value)
        for key, value in schema.items()
    }


def _close(key: str, value: Any) -> Any:
    if key in _CHILD_MAPS and isinstance(value, dict):
        return {name: _close("items", child) for name, child in value.items()}
    if key in _CHILD_LISTS and isinstance(value, list):
        return [_close("items", child) for child in value]
    return close_schema(value) if key == "items" and isinstance(value, dict) else value


def _is_taken(key: str, value: Any) -> bool:
    if key == "minItems":
        return isinstance(value, int) and value <= 1
    return key not in _REFUSED_BY_ANTHROPIC


def _children(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    candidates = [schema.get("items")]
    for key in _CHILD_MAPS:
        found = schema.get(key)
        candidates += found.values() if isinstance(found, dict) else []
    for key in _CHILD_LISTS:
        candidates += _list(schema.get(key))
    return (child for child in candidates if isinstance(child, dict))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
