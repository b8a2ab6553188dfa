"""The summary that stands for a conversation's earlier turns: written, and read back to be merged.

It is text in a user's message between two marks, a line an entry, `[n]` being the turn. What goes
on over several lines is indented, so that nothing quoted can pass for a heading or for the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from koderz.extract.chat.ledger import ChatLedger
from koderz.extract.chat.lines import read_entries, write_entries

END = "[end of koderz summary]"

_START = re.compile(r"\[koderz summary of turns 1 to (\d+): [^\n]*\]\n")
_PLACE = re.compile(r"\[\d+\] ")
_ENTRY = re.compile(r"^- (?:\[(\d+)\] )?", re.MULTILINE)


class Section(StrEnum):
    """The parts of a summary, in order."""

    GOAL = "Goal"
    OPEN = "Open items"
    TOLD = "Snapshot"
    DECISIONS = "Decisions"
    FILES = "Files"
    COMMANDS = "Commands"
    ERRORS = "Errors"
    REQUESTS = "User messages"
    EXCERPTS = "Assistant messages"


_NAMES = frozenset(section.value for section in Section)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a summary: its section, the turn that it is of (0: none), and what it says."""

    section: Section
    turn: int
    text: str

    def render(self) -> str:
        """The entry as it stands in the summary."""
        # A text that begins like a place would be read back as one.
        place = f"[{self.turn}] " if self.turn or _PLACE.match(self.text) else ""
        return f"- {place}" + "\n  ".join(self.text.split("\n"))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary of turns 1 to `last_turn`; `told` lines are `author`'s words, not the turns'."""

    last_turn: int
    lines: tuple[Line, ...]
    author: str = ""

    def render(self) -> str:
        """The summary between its marks."""
        said = "what was said and done; quotes are verbatim, [n] is the turn"
        head = f"[koderz summary of turns 1 to {self.last_turn}: {said}]"
        return "\n".join([head, *self._render_sections(), END])

    def _render_sections(self) -> Iterator[str]:
        for section in Section:
            lines = [line for line in self.lines if line.section is section]
            if lines:
                by = f" (paraphrase by {self.author})" if section is Section.TOLD else ""
                yield f"{section}{by}:"
                yield from (line.render() for line in lines)

    @property
    def ledger(self) -> ChatLedger:
        """What it says of decisions, files, commands, errors and open items."""
        return read_entries((line.section.name, line.turn, line.text) for line in self.lines)


def build_ledger_lines(ledger: ChatLedger) -> tuple[Line, ...]:
    """The ledger as entries of a summary."""
    return tuple(
        Line(section=Section[name], turn=turn, text=text)
        for name, turn, text in write_entries(ledger)
    )


def find_summary(text: str) -> tuple[Summary | None, str]:
    """The summary that a text begins with, and the rest; None with the whole text without one."""
    start = _START.match(text)
    end = text.find(f"\n{END}", start.end() - 1) if start else -1
    if start is None or end < 0:
        return None, text
    body, rest = text[start.end() : end], text[end + len(END) + 1 :]
    lines, author = _read_lines(body)
    return Summary(last_turn=int(start[1]), lines=tuple(lines), author=author), rest.lstrip("\n")


def _read_lines(body: str) -> tuple[list[Line], str]:
    lines: list[Line] = []
    section, author = Section.EXCERPTS, ""
    for each in _join_indented(body.split("\n")):
        entry = _ENTRY.match(each)
        if entry:
            turn = int(entry[1] or 0)
            lines.append(Line(section=section, turn=turn, text=each[entry.end() :]))
            continue
        name, _, by = each.removesuffix(":").partition(" (paraphrase by ")
        if name in _NAMES:
            section, author = Section(name), by.removesuffix(")") or author
    return lines, author


def _join_indented(lines: Iterable[str]) -> Iterator[str]:
    held: str | None = None
    for line in lines:
        if line.startswith("  ") and held is not None:
            held += f"\n{line[2:]}"
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held
