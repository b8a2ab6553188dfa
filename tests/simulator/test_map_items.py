"""The simulated model answers about every item of a pack once, and goes by that item alone."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from koderz.jobs.map.checks import build_pack_check
from koderz.jobs.map.schemas import AnswerSchema
from koderz.prompts.map import Template, build_pack_request, encode_item
from koderz.routing.checks import Accepted, Rejected
from koderz.simulator.tasks import get_name, get_task, map_items
from koderz.types import Completion, Request, Text

TEMPLATE = Template("Count {item}")
SCHEMA = {"type": "integer", "minimum": 3}


def ask(texts: list[str]) -> Request:
    codes = [f"{at:04x}" for at in range(len(texts))]
    lines = [
        encode_item(code, TEMPLATE, {"item": text}) for code, text in zip(codes, texts, strict=True)
    ]
    return build_pack_request(TEMPLATE, lines, SCHEMA)


def test_it_knows_its_requests() -> None:
    assert get_name(get_task(ask(["a"]))) == "map_items"
    bare = msgspec.structs.replace(ask(["a"]), response_schema=None)
    assert get_name(get_task(bare)) == "map_items"


@given(st.integers(), st.lists(st.text(), min_size=1, max_size=5))
def test_whatever_it_is_shown_its_answer_is_whole(seed: int, texts: list[str]) -> None:
    text = map_items.answer(ask(texts), 1.0, Random(seed))
    check = build_pack_check([f"{at:04x}" for at in range(len(texts))], AnswerSchema(SCHEMA))
    assert isinstance(check(Completion(model="m", parts=(Text(text),))), Accepted)


@given(st.text(), st.text())
def test_an_answer_goes_by_its_item_alone(first: str, second: str) -> None:
    alone = msgspec.json.decode(map_items.answer(ask(["a"]), 1.0, Random(0)))["answers"]
    among = msgspec.json.decode(map_items.answer(ask(["a", first, second]), 1.0, Random(1)))
    assert among["answers"][0] == alone[0]


def test_skill_is_the_share_that_it_does_not_leave_out() -> None:
    text = map_items.answer(ask([str(at) for at in range(400)]), 0.7, Random(1))
    assert 240 < len(msgspec.json.decode(text)["answers"]) < 320


def test_a_misquote_names_an_item_that_was_not_shown() -> None:
    text = map_items.misquote(ask(["a", "b"]), Random(0))
    check = build_pack_check(["0000", "0001"], AnswerSchema(SCHEMA))
    assert isinstance(check(Completion(model="m", parts=(Text(text),))), Rejected)
