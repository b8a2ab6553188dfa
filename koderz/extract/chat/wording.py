"""Sentences that decide, demand or leave something open, found by their words."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_CHARS = 300
_LEAST_CHARS = 8

_CODE_BLOCK = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[\"'`(\[]?[A-Z0-9])|\n+")
_BULLET = re.compile(r"^\s*(?:[-*+]\s+|\d+[.)]\s+|#+\s+|>\s+)?(?:\*\*)?")

_DECIDES = re.compile(
    r"\b(?:decided|decision|agreed|we(?:'| wi)ll (?:go|use|keep|do|take|stick)|let(?:'|\s+u)s "
    r"(?:go|use|keep|do|take|stick|not)|i(?:'| wi)ll (?:go with|use|keep|switch)|going with|"
    r"go with|settled on|opt(?:ed|ing)? for|chose|choosing|instead of|rather than|"
    r"switch(?:ed|ing)? (?:to|from)|the plan is|from now on|as agreed)\b",
    re.IGNORECASE,
)
_DEMANDS = re.compile(
    r"\b(?:must(?: not|n't)?|never|always|do(?: not|n't)|only|should(?: not|n't)?|use|prefer|avoid|"
    r"make sure|keep|at most|at least|no more than|without|require[sd]?|has to|have to)\b",
    re.IGNORECASE,
)
_LEAVES_OPEN = re.compile(
    r"\b(?:to-?do|fixme|next steps?|remain(?:s|ing)?|still (?:need|ha[sv]e|fail|open|missing|to)|"
    r"not yet|left to do|follow[- ]?up|outstanding|unresolved|open question|later we|"
    r"need(?:s)? to|tbd|pending)\b",
    re.IGNORECASE,
)
_BOX = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[( |x|X|~|-)\][ \t]+(.+)$", re.MULTILINE)


def split_sentences(text: str) -> Iterator[str]:
    """The sentences and list items of prose, each in one line; blocks of code are left out."""
    for piece in _SENTENCE.split(_CODE_BLOCK.sub("\n", text)):
        sentence = flatten(_BULLET.sub("", piece, count=1))
        if len(sentence) >= _LEAST_CHARS:
            yield sentence


def is_decision(sentence: str, *, is_users: bool) -> bool:
    """Whether a choice is made here, or, by the user, a rule given; a question does neither."""
    if sentence.endswith("?"):
        return False
    return bool(_DECIDES.search(sentence) or (is_users and _DEMANDS.search(sentence)))


def is_open(sentence: str) -> bool:
    """Whether something is left to do here."""
    return bool(_LEAVES_OPEN.search(sentence))


def find_boxes(text: str) -> Iterator[tuple[bool, str]]:
    """The ticked and unticked items of a checklist: whether done, and what."""
    for mark, item in _BOX.findall(text):
        yield mark in "xX", flatten(item)


def flatten(text: str, most_chars: int = MOST_CHARS) -> str:
    """The text in one printable line of so many characters at most."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most_chars else f"{line[: most_chars - 1].rstrip()}…"
