"""How sure a label is: as the linear model and the log-probabilities say, the less sure counts."""

from __future__ import annotations

import json
from math import log
from typing import Any

import msgspec
import pytest
from reading import OpenReading

from koderz.extract.labels.confidence import Curve
from koderz.extract.labels.judge import Guess, Judge
from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult, Example, Item
from koderz.jobs.classify.doubts import get_confidence, is_doubtful, is_sure
from koderz.jobs.classify.likelihoods import find_certainties, find_places
from koderz.types import AnswerToken, Completion, Text, TokenChance

LABELS = ("bug", "question", "praise")
USEFUL, USELESS = Curve(1.0, 0.0, 100, 90), Curve(1.0, 0.0, 100, 40)


def judge(curve: Curve = USEFUL) -> Judge:
    return Judge(LABELS, {}, None, curve)


@pytest.mark.parametrize(
    ("guess", "certainty", "curve", "expected"),
    [
        (None, None, USEFUL, None),
        (Guess("bug", 0.8), None, USEFUL, 0.8),
        (Guess("praise", 0.8), None, USEFUL, 0.06),
        (Guess("bug", 0.8), 0.5, USEFUL, 0.5),
        (Guess("bug", 0.2), 0.9, USEFUL, 0.2),
        (Guess("praise", 0.8), None, USELESS, None),
        (None, 0.4, USEFUL, 0.4),
    ],
)
def test_a_label_is_as_sure_as_the_least_sure_says(
    guess: Guess | None, certainty: float | None, curve: Curve, expected: float | None
) -> None:
    assert get_confidence(guess, "bug", judge(curve), certainty) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidence", "below", "expected"),
    [
        (None, None, False),
        (0.29, None, True),
        (0.3, None, False),
        (None, 0.6, True),
        (None, 0.0, False),
        (0.59, 0.6, True),
        (0.6, 0.6, False),
        (1.0, 1.0, True),
    ],
)
def test_what_is_doubtful_goes_by_the_setting(
    confidence: float | None, below: float | None, expected: bool
) -> None:
    assert is_doubtful(confidence, below) is expected


def test_an_example_is_sure_whatever_is_set() -> None:
    assert is_sure(Guess("bug", 1.0, is_known=True), judge(), 1.0)
    assert not is_sure(Guess("bug", 0.9999), judge(), 1.0)
    assert is_sure(Guess("bug", 0.9), judge(), 0.9)


def tokenize(text: str, sizes: int, doubts: dict[str, tuple[float, float]]) -> Completion:
    """The text in tokens of so many characters; those that hold a doubt's word are less sure."""
    pieces = [text[at : at + sizes] for at in range(0, len(text), sizes)]
    tokens, at = [], 0
    for piece in pieces:
        chances = (0.999, 0.0005)
        for word, doubt in doubts.items():
            start = text.index(word)
            if start < at + len(piece) and at < start + len(word):
                chances = doubt
        raw, other = piece.encode(), TokenChance(b"else", log(chances[1]))
        mine = TokenChance(raw, log(chances[0]))
        tokens.append(AnswerToken(raw, mine.logprob, (mine, other)))
        at += len(piece)
    return Completion(model="m", parts=(Text(text),), tokens=tuple(tokens))


ANSWER = json.dumps({"labels": [{"id": "bqv", "label": "bug"}, {"id": "xyz", "label": "praise"}]})


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_the_doubt_is_that_of_the_labels_own_tokens(size: int) -> None:
    completion = tokenize(ANSWER, size, {"praise": (0.6, 0.4)})
    found = find_certainties(completion, {"bqv": "bug", "xyz": "praise"})
    assert found["xyz"] == pytest.approx(0.2)
    assert found["bqv"] > 0.99


def test_a_token_that_another_was_likelier_than_is_no_certainty() -> None:
    completion = tokenize(ANSWER, 2, {"bug": (0.3, 0.7)})
    assert find_certainties(completion, {"bqv": "bug"})["bqv"] == 0


def test_without_alternatives_all_the_rest_stands_against_it() -> None:
    token = AnswerToken(b'{"id":"a","label":"bug"}', log(0.75))
    completion = Completion(model="m", parts=(Text(token.raw.decode()),), tokens=(token,))
    assert find_certainties(completion, {"a": "bug"})["a"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"labels":[{"label": "a", "id": "x"}, {"label":"b","id":"y"}]}', {"x": "a", "y": "b"}),
        ('```json\n{"labels": [{"id" : "x", "label" : "é \\"a\\""}]}\n```', {"x": 'é \\"a\\"'}),
        ('{"labels":[{"id":"x","label":"has \\"id\\": \\"y\\" in it"}]}', None),
        ('{"labels":[{"id":"x"},{"id":"y","label":"b"}]}', {"y": "b"}),
        ('{"labels":[{"id":"x","label":"cut', {}),
        ("nothing", {}),
    ],
)
def test_labels_are_found_by_their_place(text: str, expected: dict[str, str] | None) -> None:
    found = {place.id: text[place.start : place.stop] for place in find_places(text)}
    assert found == ({"x": 'has \\"id\\": \\"y\\" in it'} if expected is None else expected)


def test_tokens_of_another_text_say_nothing() -> None:
    completion = tokenize(ANSWER, 3, {})
    other = msgspec.structs.replace(completion, parts=(Text(ANSWER + " and more"),))
    assert find_certainties(other, {"bqv": "bug"}) == {}
    assert find_certainties(Completion(model="m", parts=(Text(ANSWER),)), {"bqv": "bug"}) == {}


def test_what_was_thought_before_the_answer_is_passed_over() -> None:
    completion = tokenize(ANSWER, 2, {"praise": (0.6, 0.4)})
    thought = AnswerToken(b"hm, praise? ", -3.0)
    longer = msgspec.structs.replace(completion, tokens=(thought, *completion.tokens))
    found = find_certainties(longer, {"bqv": "bug", "xyz": "praise"})
    assert found["xyz"] == pytest.approx(0.2)


def make_items(count: int) -> list[Item]:
    return [Item(f"i{at}", f"no {at} has a {LABELS[at % 3]} of mine") for at in range(count)]


async def classify(open_reading: OpenReading, **settings: Any) -> ClassifyResult:
    examples = [Example(f"this {at} is {LABELS[at % 3]} x", LABELS[at % 3]) for at in range(90)]
    async with open_reading(**settings) as (router, simulator):
        simulator._skills["gpt-4o-mini"] = 0.7
        job = ClassifyBatch(
            make_items(60), LABELS, examples if "koderz__classify__sure_above" in settings else ()
        )
        return await router.perform(job)


async def test_log_probabilities_alone_send_doubtful_labels_to_the_main_model(
    open_reading: OpenReading,
) -> None:
    result = await classify(open_reading)
    assert 0 < result.escalated < 40
    wanted = {item.id: LABELS[at % 3] for at, item in enumerate(make_items(60))}
    by_small = [each for each in result.items if "mini" in each.decided_by]
    right = sum(each.label == wanted[each.id] for each in by_small)
    # Those that stay are right more often than the model is at large, which is right on 70%.
    assert right / len(by_small) > 0.75


async def test_a_model_that_gives_none_is_not_asked_for_them(open_reading: OpenReading) -> None:
    result = await classify(
        open_reading, agent__default_model="gpt-5", agent__small_model__model="gpt-5-mini"
    )
    assert result.decided == 60
    assert result.escalated == 0


async def test_its_settings_are_gone_by(open_reading: OpenReading) -> None:
    all_stay = await classify(open_reading, koderz__classify__escalate_below=0.0)
    some_go = await classify(open_reading, koderz__classify__escalate_below=0.9)
    all_go = await classify(open_reading, koderz__classify__escalate_below=1.0)
    assert all_stay.escalated == 0
    assert 0 < some_go.escalated < all_go.escalated == 60
    alone = await classify(open_reading, koderz__classify__sure_above=0.1)
    asked = await classify(open_reading, koderz__classify__sure_above=1.0)
    assert sum(each.decided_by == "linear" for each in alone.items) > 0
    assert sum(each.decided_by == "linear" for each in asked.items) == 0
