"""Schemas of answers: held to by code, broken ones said, no reference followed out of them."""

from __future__ import annotations

from typing import Any

import pytest

from koderz.errors import JobError
from koderz.jobs.map.checks import build_item_check, build_pack_check
from koderz.jobs.map.schemas import AnswerSchema
from koderz.routing.checks import Accepted, Rejected
from koderz.types import Completion, FinishReason, Text

OBJECT = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 3}, "on": {"format": "date"}},
    "required": ["n"],
    "additionalProperties": False,
}
LIST = {"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"enum": ["a", "b"]}}}


def say(text: str, finish: FinishReason = FinishReason.STOP) -> Completion:
    return Completion(model="m", parts=(Text(text),), finish=finish)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (None, "  plain \n", "plain"),
        (OBJECT, '{"n":3,"on":"2025-02-28"}', {"n": 3, "on": "2025-02-28"}),
        (OBJECT, '```json\n{"n":3}\n```', {"n": 3}),
        (LIST, '{"answer":["a"]}', ["a"]),
        ({"type": "number"}, '{"answer":1.5}', 1.5),
        ({}, '{"answer":null}', None),
    ],
)
def test_an_answer_that_fits_is_taken(
    schema: dict[str, Any] | None, text: str, value: object
) -> None:
    check = build_item_check(AnswerSchema(schema) if schema is not None else None)
    assert check(say(text)) == Accepted(value)


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (None, " ", "empty"),
        (OBJECT, "no JSON", "not the JSON asked for"),
        (OBJECT, '{"n":2}', "properties/n/minimum wants 3"),
        (OBJECT, '{"n":"secret"}', 'properties/n/type wants "integer"'),
        (OBJECT, '{"on":"2025-02-30"}', 'properties/on/format wants "date"'),
        (OBJECT, '{"on":"2025-02-30"}', 'required wants ["n"]'),
        (OBJECT, '{"n":3,"secret":1}', "additionalProperties wants false"),
        (OBJECT, '{"n":3,"x":' + "[" * 100_000, "not the JSON asked for"),
        (LIST, '{"answer":["secret"]}', '$defs/x/enum wants ["a","b"]'),
        (LIST, '["a"]', "not the JSON asked for"),
        (LIST, '{"answers":["a"]}', "the one name 'answer'"),
    ],
)
def test_one_that_does_not_is_rejected_in_the_schemas_words(
    schema: dict[str, Any] | None, text: str, said: str
) -> None:
    verdict = build_item_check(AnswerSchema(schema) if schema else None)(say(text))
    assert isinstance(verdict, Rejected)
    assert said in verdict.reason
    assert "secret" not in verdict.reason, "the ledger keeps nothing of an answer"


def test_an_answer_cut_off_is_rejected() -> None:
    verdict = build_item_check(None)(say("half of", FinishReason.LENGTH))
    assert isinstance(verdict, Rejected)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": []},
        {"pattern": "("},
        {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:9/x.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://nowhere.invalid/"},
    ],
)
def test_what_is_no_schema_is_said_in_one_line(schema: dict[str, Any]) -> None:
    with pytest.raises(JobError, match="is no JSON schema") as caught:
        AnswerSchema(schema)
    assert len(str(caught.value).splitlines()) == 1


def test_a_schema_that_refers_to_its_root_is_not_asked_for_natively_where_it_is_wrapped() -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}
    assert not AnswerSchema(tree).is_native
    assert AnswerSchema(LIST).is_native
    nested = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert AnswerSchema(nested).is_native
    assert not AnswerSchema(nested).can_be_wrapped


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ('[{"id":"b","answer":"x"},{"id":"c","answer":"y"}]', {"b": "x", "c": "y"}),
        ('[{"id":"b","answer":" x "},{"id":"c","answer":3}]', {"b": "x"}),
        ('[{"id":"b","answer":"x"},{"id":"b","answer":"y"},{"id":"c","answer":"z"}]', {"c": "z"}),
    ],
)
def test_what_can_be_used_of_an_answer_about_many_is(text: str, usable: dict[str, str]) -> None:
    check = build_pack_check(["b", "c"], None)
    assert check(say(f'{{"answers":{text}}}')) == Accepted(usable)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"id":"b","answer":"x"},{"id":"zz","answer":"y"}]', "1 of 2 ids were not asked about"),
        ("[]", "of 2 ids 2 cannot be used: it is missing"),
        ('[{"id":"b","answer":3},{"id":"c","answer":""}]', "its answer is no text"),
    ],
)
def test_an_answer_about_many_that_may_be_mixed_up_is_rejected(text: str, said: str) -> None:
    verdict = build_pack_check(["b", "c"], None)(say(f'{{"answers":{text}}}'))
    assert isinstance(verdict, Rejected)
    assert said in verdict.reason
