"""The simulated model labels every text that it is shown once, by its skill, and nothing else."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from koderz.jobs.classify.checks import build_labels_check
from koderz.prompts.classify import ShownText, build_labels_request, encode_text
from koderz.routing.checks import Accepted
from koderz.simulator.tasks import get_name, get_task, label_items
from koderz.types import Completion, Request, Text

LABELS = ("card arrival", "lost_card", "top up")
SHOWN = (ShownText("bbb", "I lost my card"), ShownText("ccc", "When will my card arrive?"))


def ask(shown: tuple[ShownText, ...] = SHOWN) -> Request:
    return build_labels_request([encode_text(text) for text in shown], LABELS)


def read(text: str) -> dict[str, str]:
    return {each["id"]: each["label"] for each in msgspec.json.decode(text)["labels"]}


def test_it_knows_its_requests() -> None:
    assert get_name(get_task(ask())) == "label_items"
    bare = msgspec.structs.replace(ask(), response_schema=None)
    assert get_name(get_task(bare)) == "label_items"


def test_a_perfect_model_goes_by_the_words_of_labels() -> None:
    assert read(label_items.answer(ask(), 1.0, Random(0)))["ccc"] == "card arrival"


def test_skill_is_the_share_that_it_gets_right() -> None:
    many = tuple(ShownText(f"{n:04x}", "top up") for n in range(400))
    given = list(read(label_items.answer(ask(many), 0.7, Random(1))).values())
    assert 0.6 < given.count("top up") / 400 < 0.8


@given(st.integers(), st.floats(0, 1), st.lists(st.text(), max_size=5))
def test_whatever_it_is_shown_its_answer_is_whole(
    seed: int, skill: float, texts: list[str]
) -> None:
    shown = tuple(ShownText(f"{n:04x}", text) for n, text in enumerate(texts))
    text = label_items.answer(ask(shown), skill, Random(seed))
    check = build_labels_check([each.id for each in shown], LABELS)
    verdict = check(Completion(model="m", parts=(Text(text),)))
    assert isinstance(verdict, Accepted)
    assert verdict.value.keys() == {each.id for each in shown}


def test_a_misquote_names_a_text_that_was_not_shown() -> None:
    ids = read(label_items.misquote(ask(), Random(0))).keys()
    assert len(ids - {each.id for each in SHOWN}) == 1
