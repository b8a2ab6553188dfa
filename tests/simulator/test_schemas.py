"""Values built for a schema fit it: held against msgspec's own types and a small validator."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from koderz.simulator.schemas import build_value, check_schema


class Leaf(msgspec.Struct):
    name: Annotated[str, Meta(min_length=40, max_length=44)]
    count: Annotated[int, Meta(ge=3, lt=5)]
    weight: Annotated[float, Meta(gt=-2, le=-1)]
    kind: Literal["a", "b"]
    even: Annotated[int, Meta(multiple_of=2, ge=11, le=13)]


class Tree(msgspec.Struct):
    leaf: Leaf
    leaves: Annotated[list[Leaf], Meta(min_length=2, max_length=3)]
    children: list[Tree]
    maybe: int | str | None
    parent: Tree | None
    flag: bool = False


@pytest.mark.parametrize("seed", range(20))
def test_a_value_fits_the_type_whose_schema_it_was_built_for(seed: int) -> None:
    schema = msgspec.json.schema(Tree)
    check_schema(schema)
    value = build_value(schema, Random(seed))
    assert msgspec.convert(value, Tree).leaf.even == 12


def test_the_same_seed_gives_the_same_value() -> None:
    schema = msgspec.json.schema(Tree)
    assert build_value(schema, Random(1)) == build_value(schema, Random(1))
    assert build_value(schema, Random(1)) != build_value(schema, Random(2))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, str),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, dict),
        ({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"b": {}}}]}, dict),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, int),
        ({"type": ["null", "boolean"]}, bool),
        ({"items": {"type": "integer"}, "minItems": 1}, list),
        ({"const": 3}, int),
        ({"$ref": "#/nowhere"}, str),
        ({"$ref": "#"}, str),
        ({"$ref": "#/enum/0"}, str),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}, int),
        ({"$ref": "#/$defs", "$defs": {"type": {"type": "integer"}}}, str),
        ({"type": "object", "minProperties": 2}, dict),
    ],
)
def test_odd_schemas_still_get_a_value(schema: dict[str, Any], expected: type) -> None:
    assert type(build_value(schema, Random(0))) is expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 3},
        {"properties": []},
        {"properties": {"a": 3}},
        {"items": {"enum": []}},
        {"anyOf": {}},
        {"multipleOf": 0},
        {"minItems": 10**9},
        {"minLength": -1},
        {"items": None},
    ],
)
def test_what_is_no_schema_is_told(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_schema(schema)


def test_no_schema_takes_all_memory() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(6):
        schema = {"type": "array", "items": schema, "minItems": 1000}
    check_schema(schema)
    assert len(build_value(schema, Random(0))) >= 1000


NUMBERS = st.integers(-1000, 1000)
WORDS = st.sampled_from(
    [
        *(
            "type",
            "properties",
            "items",
            "prefixItems",
            "enum",
            "required",
            "anyOf",
            "allOf",
            "$ref",
        ),
        *("minItems", "maxItems", "minLength", "maxLength", "minimum", "exclusiveMaximum"),
        *("multipleOf", "uniqueItems", "$defs", "const", "format"),
    ]
)
LEAVES = st.sampled_from(
    [None, True, 0, 2, -3, 0.5, "a", "object", "array", "integer", "number", "#", "#/properties/a"]
)
ODD_SCHEMAS = st.recursive(
    LEAVES | st.lists(LEAVES, max_size=2),
    lambda inner: (
        st.dictionaries(WORDS, inner, max_size=3)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=8,
).filter(lambda schema: isinstance(schema, dict))


@given(ODD_SCHEMAS)
def test_whatever_passes_as_a_schema_gets_a_value(schema: dict[str, Any]) -> None:
    try:
        check_schema(schema)
    except ValueError:
        return
    assert msgspec.json.encode(build_value(schema, Random(0)))


PLAIN = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.lists(st.text(max_size=3) | NUMBERS, min_size=1).map(lambda some: {"enum": some}),
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        NUMBERS,
        st.integers(0, 50),
    ),
    st.builds(lambda high: {"type": "number", "exclusiveMaximum": high}, NUMBERS),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 60),
        st.integers(0, 10),
    ),
)
SCHEMAS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds(
            lambda fields: {"type": "object", "properties": fields, "required": [*fields]},
            st.dictionaries(st.text(max_size=5), inner, max_size=4),
        ),
        st.builds(
            lambda item, least: {"type": "array", "items": item, "minItems": least},
            inner,
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
    ),
    max_leaves=8,
)


@given(SCHEMAS, st.integers(0, 99))
def test_any_schema_is_fitted(schema: dict[str, Any], seed: int) -> None:
    assert fits(build_value(schema, Random(seed)), schema)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(fits(value, part) for part in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    return type(value) is TYPES[schema["type"]] and CHECKS[schema["type"]](value, schema)


TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}
CHECKS: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
    "object": lambda value, schema: (
        schema["properties"].keys() == value.keys()
        and all(fits(value[name], field) for name, field in schema["properties"].items())
    ),
    "array": lambda value, schema: (
        len(value) >= schema["minItems"] and all(fits(item, schema["items"]) for item in value)
    ),
    "string": lambda value, schema: schema["minLength"] <= len(value) <= schema["maxLength"],
    "integer": lambda value, schema: schema["minimum"] <= value <= schema["maximum"],
    "number": lambda value, schema: value < schema["exclusiveMaximum"],
    "boolean": lambda value, schema: True,
    "null": lambda value, schema: True,
}
