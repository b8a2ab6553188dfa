"""Answering a question from numbered lines of a page: the lines that share its words, quoted.

The lines come numbered, one `<number>| <text>` a line, and the question is the line that begins
with `Question:`. What a line says is only ever read: none is followed as an instruction.
"""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import msgspec

from koderz.simulator.recognition import has_schema
from koderz.tokens import count_tokens
from koderz.types import Request

SCHEMA_NAME = "answer_with_quotes"
FIELDS = frozenset({"is_answered", "answer", "quotes"})

MAX_QUOTES = 3
MAX_QUOTE_CHARACTERS = 300

_NUMBERED = re.compile(r"^ *([0-9]{1,12})\| ?(.*)$", re.MULTILINE)
_QUESTION = re.compile(r"^question: *(.*)$", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{3,}")


class Quote(msgspec.Struct, frozen=True):
    """A passage and the lines that it stands in."""

    start_line: int
    end_line: int
    quote: str


class PageAnswer(msgspec.Struct, frozen=True):
    """The whole answer."""

    is_answered: bool
    answer: str
    quotes: tuple[Quote, ...]


def is_asked(request: Request) -> bool:
    """Whether an answer with quotes from numbered lines is wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The answer as JSON; each quote is misquoted with probability 1 - skill."""
    lines, question = _parse(request)
    quotes = tuple(
        _quote(number, text if rng.random() < skill else _invent(lines, rng))
        for number, text in _choose(lines, question)
    )
    return _encode(quotes, request.max_tokens)


def misquote(request: Request, rng: Random) -> str:
    """An answer in the right form whose every quote is made up."""
    lines, question = _parse(request)
    chosen = _choose(lines, question) or lines[:1] or [(1, "")]
    return _encode(tuple(_quote(number, _invent(lines, rng)) for number, _ in chosen), None)


def _parse(request: Request) -> tuple[list[tuple[int, str]], frozenset[str]]:
    """The numbered lines, and the words of the question that stands outside of them."""
    text = "\n".join(message.text for message in request.messages if message.role == "user")
    lines = [(int(number), line) for number, line in _NUMBERED.findall(text) if line.strip()]
    found = _QUESTION.search(_NUMBERED.sub("", text))
    return lines, frozenset(_list_words(found[1] if found else ""))


def _choose(lines: list[tuple[int, str]], question: frozenset[str]) -> list[tuple[int, str]]:
    """The lines with the rarest words of the question."""
    spread = Counter(word for _, text in lines for word in set(_list_words(text)) & question)
    scores = {
        number: sum(1 / spread[word] for word in set(_list_words(text)) & question)
        for number, text in lines
    }
    telling = [(number, text) for number, text in lines if scores[number]]
    return sorted(telling, key=lambda line: -scores[line[0]])[:MAX_QUOTES]


def _list_words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _quote(number: int, text: str) -> Quote:
    return Quote(number, number, text[:MAX_QUOTE_CHARACTERS])


def _invent(lines: list[tuple[int, str]], rng: Random) -> str:
    """A line that nobody wrote."""
    source = "\n".join(text for _, text in lines)
    while True:
        quote = f"SIMULATED-{rng.randrange(10**6):06d} nothing on this page reads like these words"
        if quote not in source:
            return quote


def _encode(quotes: tuple[Quote, ...], limit: int | None) -> str:
    """The answer as JSON, with as many quotes as its limit of tokens has room for."""
    while True:
        said = "the lines quoted share words with the question" if quotes else "nothing here does"
        page = PageAnswer(bool(quotes), f"Simulated answer: {said}.", quotes)
        text = msgspec.json.encode(page).decode()
        if limit is None or not quotes or count_tokens(text) <= limit:
            return text
        quotes = quotes[:-1]
