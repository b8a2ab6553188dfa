"""A model's JSON answer: found within what is around it, and rejected where it is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from koderz.jobs.json_answers import decode_answer
from koderz.routing.checks import Rejected
from koderz.types import Completion, Text


class Given(msgspec.Struct):
    n: int


def decode(text: str, type_: Any = Given) -> object:
    return decode_answer(Completion(model="m", parts=(Text(text),)), msgspec.json.Decoder(type_))


@pytest.mark.parametrize("text", ['{"n":1}', '```json\n{"n":1}\n```', 'Here: {"n":1} - done'])
def test_the_outermost_object_is_the_answer(text: str) -> None:
    assert decode(text) == Given(1)


@pytest.mark.parametrize(
    "text", ["no", "}{", '{"n":"secret"}', '{"n":1', f'{{"n":1,"x":{"[" * 9999}{"]" * 9999}}}']
)
def test_what_is_none_is_rejected_without_its_content(text: str) -> None:
    for type_ in (Given, dict[str, int]):
        verdict = decode(text, type_)
        assert isinstance(verdict, Rejected)
        assert "not the JSON asked for" in verdict.reason
        assert "secret" not in verdict.reason
