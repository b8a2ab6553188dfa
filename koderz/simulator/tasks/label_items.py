"""Labels of short texts: for every id the label whose words occur most in the text.

The texts come one JSON object a line, with `id` and `text`; the labels one JSON string a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from random import Random

import msgspec

from koderz.simulator.likelihoods import Choice
from koderz.simulator.recognition import has_schema, parse_shown
from koderz.types import Request

SCHEMA_NAME = "label_items"
FIELDS = frozenset({"labels"})

_LABEL = re.compile(r'^".*"$', re.MULTILINE)
_WORD = re.compile(r"[^\W_]+")
_STEM_CHARS = 5
_GIVEN = re.compile(r'"id":"(?P<id>[^"]*)","label":(?P<label>"(?:[^"\\]|\\.)*")')


class ShownText(msgspec.Struct, frozen=True):
    """A text as it was shown."""

    id: str
    text: str


class Given(msgspec.Struct, frozen=True):
    """What the answer's schema asks for, one a text."""

    id: str
    label: str


_DECODER = msgspec.json.Decoder(ShownText)


def is_asked(request: Request) -> bool:
    """Whether labels of texts are wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The labels as JSON; each is a wrong one with probability 1 - skill."""
    labels = _list_labels(request)
    return _encode(_judge(shown, labels, skill, rng) for shown in _parse(request))


def misquote(request: Request, rng: Random) -> str:
    """The labels in the right form, one of them for an id that was not asked about."""
    labels = _list_labels(request)
    given = [_judge(shown, labels, 1.0, rng) for shown in _parse(request)]
    return _encode([*given[1:], Given(f"{rng.getrandbits(48):012x}", labels[0])])


def list_choices(request: Request, text: str) -> Iterator[Choice]:
    """The labels that an answer gives, each a choice between all labels."""
    labels = _list_labels(request)
    shown = {each.id: each for each in _parse(request)}
    for found in _GIVEN.finditer(text):
        if found["id"] in shown:
            label = msgspec.json.decode(found["label"], type=str)
            yield Choice(
                start=found.start("label") + 1,
                is_right=label == _find_right(shown[found["id"]], labels),
                others=tuple(each for each in labels if each != label),
            )


def _list_labels(request: Request) -> tuple[str, ...]:
    """The set of labels, as the prompt has it."""
    found = []
    for line in _LABEL.findall(request.system):
        try:
            found.append(msgspec.json.decode(line, type=str))
        except msgspec.MsgspecError:
            continue
    return tuple(found) or ("simulated",)


def _parse(request: Request) -> tuple[ShownText, ...]:
    """The texts of the question, each id once; lines that hold none are passed over."""
    return parse_shown(request, _DECODER, "id")


def _judge(shown: ShownText, labels: Sequence[str], skill: float, rng: Random) -> Given:
    right = _find_right(shown, labels)
    if len(labels) == 1 or rng.random() < skill:
        return Given(shown.id, right)
    return Given(shown.id, rng.choice([label for label in labels if label != right]))


def _find_right(shown: ShownText, labels: Sequence[str]) -> str:
    words = _stem(shown.text)
    return max(labels, key=lambda label: _weigh(_stem(label), words))


def _weigh(label: set[str], words: set[str]) -> float:
    """The share of a label's words that occur, the more of them the better."""
    common = len(label & words)
    return common + common / max(len(label), 1)


def _stem(text: str) -> set[str]:
    return {word[:_STEM_CHARS] for word in _WORD.findall(text.casefold())}


def _encode(given: Iterable[Given]) -> str:
    return msgspec.json.encode({"labels": list(given)}).decode()
