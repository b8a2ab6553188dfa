"""Reading a part of a file: the lines that matter, each quoted, with its number.

The lines come numbered, one `<number>| <text>` a line. The question is the line that begins with
`Question:`, else all that stands around the numbered lines. The model looks for words of trouble
and for words of the question.
"""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import msgspec

from koderz.simulator.recognition import has_schema
from koderz.tokens import count_tokens
from koderz.types import Request

SCHEMA_NAME = "read_findings"
FIELDS = frozenset({"findings", "summary"})

MAX_FINDINGS = 6
MAX_QUOTE_CHARACTERS = 160

_NUMBERED = re.compile(r"^ *([0-9]{1,12})\| ?(.*)$", re.MULTILINE)
_QUESTION = re.compile(r"^question: *(.*)$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"^ *(?:`{3,}|~{3,}).*$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_VARIABLE = re.compile(r"\d+|0x[0-9a-f]+")
_SEVERE = re.compile(
    r"error|fatal|exception|traceback|fail(?:ed|ure)|panic|critical|abort|denied|refused|"
    r"segfault|killed|timed? ?out|cannot|could not|no such|unable|assert",
    re.IGNORECASE,
)
_MILD = re.compile(r"warn|retry|skipp|deprecat|missing|invalid", re.IGNORECASE)
_COMMON = frozenset(
    {"this", "that", "what", "which", "when", "where", "does", "from", "with", "have", "were"}
    | {"there", "their", "about", "into", "them", "then", "than", "they", "will", "would"}
    | {"should", "could", "answer", "question", "lines", "line", "file", "give", "find", "each"}
)
# Of the findings that a model gets wrong, as many are left out as are misquoted.
_MISSED_SHARE = 0.5


class Line(msgspec.Struct, frozen=True):
    """A line of the file, under its number."""

    number: int
    text: str


class Finding(msgspec.Struct, frozen=True):
    """What the answer's schema asks for, one a place."""

    start_line: int
    end_line: int
    quote: str
    finding: str


class Reading(msgspec.Struct, frozen=True):
    """The whole answer."""

    findings: tuple[Finding, ...]
    summary: str


def is_asked(request: Request) -> bool:
    """Whether findings in numbered lines are wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The reading as JSON; each finding is missed or misquoted with probability 1 - skill."""
    lines, question = _parse(request)
    findings = tuple(
        finding
        for line in _choose(lines, question)
        if (finding := _report(line, lines, skill, rng)) is not None
    )
    return _encode(findings, lines, request.max_tokens)


def misquote(request: Request, rng: Random) -> str:
    """A reading in the right form whose every quote is made up."""
    lines, question = _parse(request)
    chosen = _choose(lines, question) or lines[:1] or (Line(1, ""),)
    source = " ".join(line.text for line in lines)
    findings = tuple(_to_finding(line, _invent(source, rng)) for line in chosen)
    return _encode(findings, lines, request.max_tokens)


def _parse(request: Request) -> tuple[tuple[Line, ...], frozenset[str]]:
    """The numbered lines, and the words of the question that stands outside of them."""
    text = "\n".join(message.text for message in request.messages if message.role == "user")
    lines = tuple(Line(int(number), line) for number, line in _NUMBERED.findall(text))
    rest = _FENCE.sub("", _NUMBERED.sub("", text))
    question = match[1] if (match := _QUESTION.search(rest)) else rest
    return lines, frozenset(_words(question)) - _COMMON


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _choose(lines: tuple[Line, ...], question: frozenset[str]) -> tuple[Line, ...]:
    """The lines that matter, most telling first; of those alike only the first."""
    spread = Counter(word for line in lines for word in _words(line.text) & question)
    firsts = {_VARIABLE.sub("#", line.text.lower()): line for line in reversed(lines)}
    scores = {line: _score(line, question, spread) for line in firsts.values()}
    telling = (line for line, score in scores.items() if score >= 1)
    ranked = sorted(telling, key=lambda line: (-scores[line], line.number))
    return tuple(ranked[:MAX_FINDINGS])


def _score(line: Line, question: frozenset[str], spread: Counter[str]) -> float:
    """Trouble counts, and words of the question the more the fewer lines have them."""
    severe = 3.0 * min(len(_SEVERE.findall(line.text)), 2)
    mild = 1.0 if _MILD.search(line.text) else 0.0
    asked = sum(2 / spread[word] for word in _words(line.text) & question)
    return severe + mild + asked


def _report(line: Line, lines: tuple[Line, ...], skill: float, rng: Random) -> Finding | None:
    if rng.random() < skill:
        return _to_finding(line, _quote(line))
    if rng.random() < _MISSED_SHARE:
        return None
    return _to_finding(line, _spoil(_quote(line), lines, rng))


def _quote(line: Line) -> str:
    return line.text[:MAX_QUOTE_CHARACTERS]


def _to_finding(line: Line, quote: str) -> Finding:
    match = _SEVERE.search(line.text)
    about = f'speaks of "{match[0].lower()}"' if match else "has to do with the question"
    prose = f"Simulated finding: the line {about}."
    return Finding(line.number, line.number, quote, prose)


def _spoil(quote: str, lines: tuple[Line, ...], rng: Random) -> str:
    """A quote got wrong as models do: a word left out or put in, or all of it made up."""
    source = " ".join(word for line in lines for word in line.text.split())
    words = quote.split()
    place = rng.randrange(len(words) + 1)
    without = words[:place] + words[place + 1 :]
    within = [*words[:place], "apparently", *words[place:]]
    candidates = [" ".join(without), " ".join(within)]
    rng.shuffle(candidates)
    return next((text for text in candidates if text not in source), _invent(source, rng))


def _invent(source: str, rng: Random) -> str:
    """A line that nobody wrote."""
    while True:
        code = rng.randrange(10**6)
        quote = f"SIMULATED-{code:06d} nothing in this file reads like these words do"
        if quote not in source:
            return quote


def _encode(findings: tuple[Finding, ...], lines: tuple[Line, ...], limit: int | None) -> str:
    """The answer as JSON, with as many findings as its limit of tokens has room for."""
    while True:
        reading = Reading(findings, _summarize(findings, lines))
        text = msgspec.json.encode(reading).decode()
        if limit is None or not findings or count_tokens(text) <= limit:
            return text
        findings = findings[:-1]


def _summarize(findings: tuple[Finding, ...], lines: tuple[Line, ...]) -> str:
    if not lines:
        return "Simulated reading: no numbered lines were given."
    span = f"lines {lines[0].number} to {lines[-1].number}"
    if not findings:
        return f"Simulated reading of {span}: nothing bears on the question."
    numbers = ", ".join(str(number) for number in sorted(f.start_line for f in findings))
    return f"Simulated reading of {span}: see {numbers}."
