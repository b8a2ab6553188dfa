"""Values that fit a JSON schema, chosen by a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

# Deeper than this only what a schema requires is filled, so that recursive schemas end.
_FULL_DEPTH = 3
_MAX_DEPTH = 24
_WORDS = ("simulated", "sample", "answer", "value", "entry", "record", "note", "item")
_FORMATS = {
    "date-time": "2025-01-01T12:00:00Z",
    "date": "2025-01-01",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "simulated@example.invalid",
    "uri": "https://example.invalid/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}

# More values than this are not built, so that no schema, however deep and wide, takes all memory.
_MOST_VALUES = 10_000

Schema = Mapping[str, Any]
Size = Annotated[int, Meta(ge=0, le=100_000)]


class SchemaShape(msgspec.Struct, rename="camel"):
    """The words of a schema that are looked at, each with the form that it has to have."""

    ref: str | UnsetType = msgspec.field(name="$ref", default=UNSET)
    type: str | Annotated[list[str], Meta(min_length=1)] | UnsetType = UNSET
    enum: Annotated[list[Any], Meta(min_length=1)] | UnsetType = UNSET
    properties: dict[str, SchemaShape | bool] = {}
    required: list[str] | UnsetType = UNSET
    items: SchemaShape | bool | UnsetType = UNSET
    prefix_items: list[SchemaShape | bool] = []
    additional_properties: SchemaShape | bool | UnsetType = UNSET
    any_of: list[SchemaShape | bool] = []
    one_of: list[SchemaShape | bool] = []
    all_of: list[SchemaShape] = []
    defs: dict[str, SchemaShape | bool] = msgspec.field(name="$defs", default_factory=dict)
    min_items: Size = 0
    max_items: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    min_length: Size = 0
    max_length: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    min_properties: Size = 0
    minimum: float | UnsetType = UNSET
    maximum: float | UnsetType = UNSET
    exclusive_minimum: float | UnsetType = UNSET
    exclusive_maximum: float | UnsetType = UNSET
    multiple_of: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    unique_items: bool = False
    format: str | UnsetType = UNSET


def check_schema(schema: Schema) -> None:
    """Raise ValueError with the place where a schema is none."""
    try:
        msgspec.convert(schema, SchemaShape)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def build_value(schema: Schema, rng: Random) -> Any:
    """A value that fits the schema, which `check_schema` has let pass.

    Types, `enum`, `const`, `anyOf`, `oneOf`, `allOf`, local `$ref`s, bounds, lengths and common
    formats are kept to; `pattern`, `not` and conditions are not looked at.
    """
    return _Builder(schema, rng).build(schema, 0)


class _Builder:
    def __init__(self, root: Schema, rng: Random) -> None:
        self._root, self._rng = root, rng
        self._left = _MOST_VALUES

    def build(self, schema: Schema | bool, depth: int) -> Any:
        self._left -= 1
        if isinstance(schema, bool) or depth > _MAX_DEPTH or self._left < 0:
            return None
        schema = self._flatten(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._rng.choice(schema["enum"])
        return self._build_typed(self._choose_type(schema, depth), schema, depth)

    def _flatten(self, schema: Schema, depth: int) -> Schema:
        """One plain schema out of references, intersections and alternatives."""
        for _ in range(_MAX_DEPTH):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = _merge(self._resolve(schema["$ref"]), rest)
            elif schema.get("allOf"):
                rest = {key: value for key, value in schema.items() if key != "allOf"}
                for part in schema["allOf"]:
                    rest = _merge(rest, part)
                schema = rest
            elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
                rest = {k: v for k, v in schema.items() if k not in {"anyOf", "oneOf"}}
                schema = _merge(rest, _choose(alternatives, depth))
            else:
                break
        return schema

    def _resolve(self, reference: str) -> Schema:
        """What a local reference names; a schema without words where it names none."""
        target: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if name:
                target = target.get(name) if isinstance(target, Mapping) else None
        try:
            check_schema(target)
        except ValueError:
            return {}
        return cast("Schema", target)

    def _choose_type(self, schema: Schema, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            plain = [name for name in kind if name not in {"null", "object", "array"}]
            filled = [name for name in kind if name != "null"] if depth < _FULL_DEPTH else plain
            return str((filled or kind)[0])
        if kind:
            return str(kind).lower()  # Gemini's own schemas write types in capitals.
        if "properties" in schema:
            return "object"
        return "array" if "items" in schema or "prefixItems" in schema else "string"

    def _build_typed(self, kind: str, schema: Schema, depth: int) -> Any:
        match kind:
            case "object":
                return self._build_object(schema, depth)
            case "array":
                return self._build_array(schema, depth)
            case _:
                return self._build_plain(kind, schema)

    def _build_plain(self, kind: str, schema: Schema) -> Any:
        match kind:
            case "integer":
                return self._build_integer(schema)
            case "number":
                return self._build_number(schema)
            case "boolean":
                return self._rng.choice((True, False))
            case "null":
                return None
            case _:
                return self._build_string(schema)

    def _build_object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        names = [name for name in properties if depth < _FULL_DEPTH or name in required]
        names += [name for name in required if name not in properties]
        value = {name: self.build(properties.get(name, {}), depth + 1) for name in names}
        for index in range(schema.get("minProperties", 0) - len(value)):
            value[f"extra_{index}"] = self.build(schema.get("additionalProperties", {}), depth + 1)
        return value

    def _build_array(self, schema: Schema, depth: int) -> list[Any]:
        fixed = [self.build(item, depth + 1) for item in schema.get("prefixItems", ())]
        items = schema.get("items", {})
        least = max(schema.get("minItems", 0) - len(fixed), 0)
        most = max(schema.get("maxItems", least + 2) - len(fixed), least)
        if items is False or (fixed and "items" not in schema):
            most = least
        count = self._rng.randint(least, min(most, least + 2)) if depth < _FULL_DEPTH else least
        return fixed + _distinct([self.build(items, depth + 1) for _ in range(count)], schema)

    def _build_integer(self, schema: Schema) -> int:
        step = schema.get("multipleOf", 1)
        low, high = _bounds(schema)
        if "exclusiveMinimum" in schema:
            low = max(low, math.floor(schema["exclusiveMinimum"]) + 1)
        if "exclusiveMaximum" in schema:
            high = min(high, math.ceil(schema["exclusiveMaximum"]) - 1)
        first, last = math.ceil(low / step), math.floor(high / step)
        return int(self._rng.randint(first, max(first, last)) * step)

    def _build_number(self, schema: Schema) -> float:
        low, high = _bounds(schema)
        low = max(low, schema.get("exclusiveMinimum", low))
        high = min(high, schema.get("exclusiveMaximum", high))
        if step := schema.get("multipleOf"):
            return float(math.ceil((low + step / 2) / step) * step)
        return float(low + (high - low) * self._rng.uniform(0.25, 0.75))

    def _build_string(self, schema: Schema) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        text = " ".join(self._rng.sample(_WORDS, 3))
        while len(text) < least:
            text += " " + self._rng.choice(_WORDS)
        return text if most is None else text[: max(most, least)]


def _bounds(schema: Schema) -> tuple[float, float]:
    """Least and most, 100 apart where the schema leaves a side open."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None:
        low = 0 if high is None or high > 0 else high - 100
    return low, low + 100 if high is None else high


def _merge(first: Schema, second: Schema) -> dict[str, Any]:
    """Both schemas at once: properties and requirements add up, the second wins elsewhere."""
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = list(dict.fromkeys([*first["required"], *second["required"]]))
    return merged


def _choose(alternatives: Sequence[Schema | bool], depth: int) -> Schema:
    """The alternative that leads least far; null only where values should come to an end."""
    null_weight = 0 if depth >= _FULL_DEPTH else 4
    schemas = [schema for schema in alternatives if not isinstance(schema, bool)]
    return min(schemas, key=lambda schema: _weigh(schema, null_weight), default={})


def _weigh(schema: Schema, null_weight: int) -> int:
    if any(word in schema for word in ("$ref", "anyOf", "oneOf")):
        return 3
    weights = {"null": null_weight, "array": 2, "object": 2}
    return weights.get(str(schema.get("type")).lower(), 1)


def _distinct(values: list[Any], schema: Schema) -> list[Any]:
    if not schema.get("uniqueItems"):
        return values
    return [value for index, value in enumerate(values) if value not in values[:index]]
