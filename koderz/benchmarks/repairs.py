"""Mending code that was spoiled on its way: by a transcript, a listing, a word processor."""

from __future__ import annotations

import ast
import html
import re
import textwrap
from collections.abc import Callable
from typing import Final

from koderz.benchmarks.syntax import parse_module, split_lines

_NUMBER: Final = re.compile(r"[ \t]*(\d{1,6})[ \t]?[:.|)]?(?:[ \t]?|$)")
_SPACES: Final = dict.fromkeys(
    [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "
) | dict.fromkeys([0, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_LOOK_ALIKES: Final = {
    "'": "\u2018\u2019\u201a\u201b\u2032",
    '"': "\u201c\u201d\u201e\u201f\u2033",
    "-": "\u2212\u2010\u2011\u2013\u2014",
    "...": "\u2026",
    ",": "\uff0c",
    ":": "\uff1a",
    "(": "\uff08",
    ")": "\uff09",
}
_SIGNS: Final = {ord(sign): plain for plain, signs in _LOOK_ALIKES.items() for sign in signs}
_ENTITIES: Final = ("&lt;", "&gt;", "&amp;", "&quot;", "&#39;", "&nbsp;")


def mend(text: str) -> tuple[str, ast.Module] | None:
    """The text as a module with its tree: as it is, else mended as little as makes it parse.

    None where it is no Python whatever is done.
    """
    for repair in (None, *REPAIRS):
        mended = repair(text) if repair else text
        if repair and mended == text:
            continue
        text = mended
        if (tree := parse_module(text)) is not None:
            return text, tree
    return None


def mend_as_far_as_possible(text: str) -> str:
    """The text with every repair made that changes it, for one that is cut off in the middle."""
    for repair in REPAIRS:
        text = repair(text)
    return text


def _dedent(text: str) -> str:
    return textwrap.dedent(text)


def _indent_first_line(text: str) -> str:
    """A body whose first line lost its indent, because the prompt's end had it."""
    lines = split_lines(text.lstrip("\n"))
    rest = [line for line in lines[1:] if line.strip()]
    if not rest or lines[0][:1] in {" ", "\t"}:
        return text
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in rest]
    indented = textwrap.dedent(min(indents, key=len) + "".join(lines))
    return indented if parse_module(indented) else text


def _drop_quote_marks(text: str) -> str:
    """A quotation: "> " before every line."""
    lines = [line.lstrip() for line in text.split("\n") if line.strip()]
    if not lines or not all(line.startswith(">") and line[:3] != ">>>" for line in lines):
        return text
    return "\n".join(line.lstrip().removeprefix(">").removeprefix(" ") for line in text.split("\n"))


def _drop_transcript(text: str) -> str:
    """A session at the interpreter: what was typed, without prompts and answers."""
    lines = [line.lstrip() for line in text.split("\n")]
    if not next((line for line in lines if line), "").startswith(">>>"):
        return text
    typed = [line[4:] for line in lines if line.startswith((">>>", "... ")) or line == "..."]
    return "\n".join(typed)


def _drop_line_numbers(text: str) -> str:
    """A listing: consecutive numbers before the lines."""
    lines = text.split("\n")
    matches = [(at, _NUMBER.match(line)) for at, line in enumerate(lines) if line.strip()]
    numbers = [(at, int(match[1])) for at, match in matches if match]
    if len(matches) < 2 or len(numbers) < len(matches):  # noqa: PLR2004 - one number is no listing.
        return text
    by_line = {number - at for at, number in numbers}
    by_rank = {number - rank for rank, (_, number) in enumerate(numbers)}
    if len(by_line) > 1 and len(by_rank) > 1:
        return text
    return "\n".join(_NUMBER.sub("", line, count=1) for line in lines)


def _plain_spaces(text: str) -> str:
    return text.translate(_SPACES)


def _plain_signs(text: str) -> str:
    return text.translate(_SIGNS)


def _expand_tabs(text: str) -> str:
    """Tabs as wide as makes it Python."""
    widths = (8, 4, 2) if "\t" in text else ()
    expanded = (text.expandtabs(width) for width in widths)
    return next((each for each in expanded if parse_module(each)), text)


def _drop_entities(text: str) -> str:
    return html.unescape(text) if any(entity in text for entity in _ENTITIES) else text


REPAIRS: Final[tuple[Callable[[str], str], ...]] = (
    _dedent,
    _indent_first_line,
    _drop_quote_marks,
    _drop_transcript,
    _drop_line_numbers,
    _plain_spaces,
    _drop_entities,
    _plain_signs,
    _expand_tabs,
)
