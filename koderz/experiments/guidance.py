"""A review taken apart: guidance for the next attempts, and notes for the specification."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

FIX = "Proposed fix"
"""The heading of the part that says what to change."""

_HEADING = re.compile(r"^#{1,6}[ \t]*(?:\d+[.)][ \t]*)?(.+?)[ \t:#*]*$", re.MULTILINE)


class Guidance(msgspec.Struct, frozen=True):
    """What a review says: `text` to the next attempt, `notes` for good."""

    text: str
    notes: str = ""


def parse_review(answer: str, disclosed: Collection[str]) -> Guidance:
    """The guidance in a review, its parts under `disclosed` headings taken out as notes.

    A review without these headings is guidance as a whole.
    """
    wanted = {name.casefold() for name in disclosed}
    notes = [text for name, text in _list_parts(answer) if name.casefold() in wanted]
    rest = answer
    for note in notes:
        rest = rest.replace(note, "", 1)
    return Guidance(rest.strip(), "\n\n".join(note.strip() for note in notes))


def get_fix(guidance: str) -> str:
    """What a review proposes to change; all that it says where it has no such part."""
    for name, text in _list_parts(guidance):
        if name.casefold() == FIX.casefold():
            return text.partition("\n")[2].strip()
    return guidance


def _list_parts(text: str) -> list[tuple[str, str]]:
    """The parts of a text, each with its heading."""
    headings = list(_HEADING.finditer(text))
    starts = [heading.start() for heading in headings]
    return [
        (heading[1].strip("* "), text[start:end])
        for heading, start, end in zip(headings, starts, [*starts[1:], len(text)], strict=False)
    ]
