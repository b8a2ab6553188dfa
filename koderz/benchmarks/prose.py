"""Code that stands in an answer without fences: the parts of a text that are Python."""

from __future__ import annotations

import re
from typing import Final

from koderz.benchmarks.blocks import Block
from koderz.benchmarks.repairs import mend
from koderz.benchmarks.syntax import has_answer, parse_beginning, split_lines

_MOST_PARTS: Final = 8
_START: Final = re.compile(
    r"(?:from[ \t]+[\w.]+[ \t]+import\b|import[ \t]+\w|(?:async[ \t]+)?def[ \t]+\w+[ \t]*\("
    r"|class[ \t]+\w+[ \t]*[:(]|@\w|>>> )"
)


def split_prose(text: str, entry_point: str) -> list[Block]:
    """The parts of a text that are Python, in order, as blocks.

    A text that is Python as a whole is one part; so is one that begins with an indent or a
    `return`, up to the end: the body of a function. Otherwise a part begins with an import, a
    decorator, a function or a class, and ends where it is no Python any more.
    """
    if not text.strip():
        return []
    if mend(text) or _is_body(text):
        return [Block(text)]
    lines = split_lines(text)
    parts: list[Block] = []
    at = 0
    while len(parts) < _MOST_PARTS and (start := _find_start(lines, at)) is not None:
        rest = "".join(lines[start:])
        part = parse_beginning(rest)
        if part is None:
            at = start + 1
            parts.append(Block(rest, is_closed=False))
        else:
            at = start + max(len(split_lines(part[0].rstrip("\n"))), 1)
            parts.append(Block(part[0]))
            if has_answer(part[1], entry_point):
                break
    return parts


def _is_body(text: str) -> bool:
    first = next(line for line in text.split("\n") if line.strip())
    return first[:1] in {" ", "\t"} or first.startswith(("return ", "return\n", "yield "))


def _find_start(lines: list[str], at: int) -> int | None:
    return next((i for i in range(at, len(lines)) if _START.match(lines[i].lstrip())), None)
