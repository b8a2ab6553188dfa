"""Numbers in a line that say how it went: counts of failures, exit codes, HTTP statuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

_STATUS_DIGITS = 3

# Looked for in lower case. Each begins with a letter, which keeps the search quick.
_WORD = re.compile(
    rb"(?:errors?|fail(?:ed|ures?|s)?|exceptions?|problems?|vulnerabilit(?:y|ies)|unreachable"
    rb"|exit(?:ed|[ _]?code|[ _]?status)?|return(?:ed|code)?|rc|http/\d(?:\.\d)?|status(?:_?code)?)"
    rb"(?!\w)[\"']?"
)
_BEFORE = re.compile(rb"(?<![\w.,:=/-])(\d+) (?:[a-z]+ )?$")
_AFTER = re.compile(rb"(?:\s(?:with|code|status|value|was|of)){0,3}\s?[:=]?\s?(-?\d+)\b(?![.:]\d)")
_BEFORE_REACH = 24

# One of these words stands in every line with such numbers.
_NEEDED = frozenset(
    b"error errors fail failed failure failures fails exception exceptions problem problems"
    b" vulnerability vulnerabilities unreachable exit exited return returned returncode rc"
    b" exit_code exitcode exit_status exitstatus http status status_code statuscode".split()
)


class Number(msgspec.Struct, frozen=True, gc=False):
    """Where a telling number stands in a line, and whether it is an HTTP status."""

    start: int
    end: int
    is_status: bool

    def classify(self, line: bytes) -> str:
        """What it says in this line: "4" or "5" for such a status, "n" for not zero, else "0"."""
        digits = line[self.start : self.end]
        if self.is_status and len(digits) == _STATUS_DIGITS:
            return chr(digits[0]) if digits[0] in b"45" else "0"
        return "n" if digits.strip(b"-0") else "0"


def may_have_numbers(words: Iterable[bytes]) -> bool:
    """Whether a line of these words could have telling numbers: quick, right where it says no."""
    return not _NEEDED.isdisjoint(words)


def find_numbers(line: bytes, words: Iterable[bytes]) -> list[Number]:
    """The telling numbers of a line, in order; `words` are the line's (see `split_words`)."""
    return locate_numbers(line) if may_have_numbers(words) else []


def locate_numbers(line: bytes) -> list[Number]:
    """The telling numbers of a line that may have some, in order."""
    lowered = line.lower()
    return [
        number
        for match in _WORD.finditer(lowered)
        if not lowered[match.start() - 1 : match.start()].isalnum()
        for number in _numbers_at(lowered, match)
    ]


def _numbers_at(lowered: bytes, match: re.Match[bytes]) -> Iterator[Number]:
    """The numbers before and after one word."""
    word = match[0]
    is_status = word.startswith((b"http", b"status"))
    is_count = not word.startswith((b"http", b"status", b"exit", b"ret", b"rc"))
    if is_count:
        reach = max(0, match.start() - _BEFORE_REACH)
        if before := _BEFORE.search(lowered, reach, match.start()):
            yield Number(*before.span(1), is_status=False)
    after = _AFTER.match(lowered, match.end())
    if after and not (is_count and lowered[match.end() : match.end() + 1] == b" "):
        yield Number(*after.span(1), is_status=is_status)
