"""A commit's message in its parts: subject, body, trailers, and what they state. Pure."""

from __future__ import annotations

import re

MOST_SUBJECT_CHARS = 1000
_MOST_TRAILER_CHARS = 4000

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGES?(?:\([^)\n]*\))?: *\S", re.MULTILINE)
_REVERTED = re.compile(r"\breverts (?:commit |changeset )?([0-9a-f]{7,64})\b", re.IGNORECASE)
_FIXED = re.compile(r"^Fixes: [0-9a-f]{7,64}\b", re.MULTILINE)
_TRAILER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*|BREAKING CHANGE): *(\S.*)")
_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,64})\)")


def split_message(message: str) -> tuple[str, str]:
    """The first paragraph as one line, as git makes a subject of it, and the rest."""
    message = message.strip("\n")
    subject, _, body = message.partition("\n\n")
    if "\n" in subject or "\r" in subject:
        parts = _BLANK_LINE.split(message, maxsplit=1)
        subject, body = " ".join(parts[0].split()), parts[1] if len(parts) > 1 else ""
    return subject.strip(), body


def parse_trailers(body: str) -> tuple[tuple[str, str], ...]:
    """The trailers of a body: names and values of its last paragraph, if all of it is trailers."""
    paragraph = body[-_MOST_TRAILER_CHARS:].rstrip().rpartition("\n\n")[2]
    if ":" not in paragraph:
        return ()
    trailers: list[tuple[str, str]] = []
    for line in paragraph.split("\n"):
        if found := _TRAILER.fullmatch(line):
            trailers.append((found[1], found[2].rstrip()))
        elif line[:1] in {" ", "\t"} and trailers:
            name, value = trailers[-1]
            trailers[-1] = (name, f"{value} {line.strip()}")
        elif picked := _PICKED.fullmatch(line):
            trailers.append(("Cherry-picked-from", picked[1]))
        else:
            return ()
    return tuple(trailers)


def states_breaking(body: str) -> bool:
    """Whether a footer says that the commit breaks what others build on."""
    return "BREAKING" in body and _BREAKING.search(body) is not None


def find_reverted(body: str) -> str:
    """The hash that the body says is reverted, "" without one."""
    found = _REVERTED.search(body) if "everts" in body else None
    return found[1] if found else ""


def states_fix(body: str) -> bool:
    """Whether a `Fixes:` trailer names the commit that was wrong."""
    return "Fixes: " in body and _FIXED.search(body) is not None


def flatten(text: str) -> str:
    """The text on one line without control characters, fit for a terminal."""
    if text.isprintable():
        return text
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def clip(text: str, most_chars: int) -> str:
    """The text, or its beginning with an ellipsis where it is longer."""
    return text if len(text) <= most_chars else f"{text[: most_chars - 1]}…"
