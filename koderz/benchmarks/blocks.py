"""The fenced blocks of an answer written in Markdown, however carelessly."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_FENCE: Final = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)")
_LABEL: Final = re.compile(r"[\w+#.{}:=-]*")
_CODE: Final = re.compile(r"(?:def|class|import|from|async|for|if|while|return|print)\b|[@#]")
_QUOTES: Final = ('"""', "'''")


class Block(msgspec.Struct, frozen=True):
    """A fenced block; `is_closed` says that its end was found, and not the answer's."""

    text: str
    label: str = ""
    is_closed: bool = True


def split_blocks(text: str) -> tuple[list[Block], str]:
    """The fenced blocks of a text in order, and what stands outside of them.

    Fences of backticks or tildes, of any label, indented or quoted, with code on the fence's own
    line; a fence within a docstring is a part of the code. A block that is never closed reaches
    to the end.
    """
    splitter = _Splitter(heeds_docstrings=True)
    splitter.read(text)
    if splitter.ends_in_docstring:
        splitter = _Splitter(heeds_docstrings=False)
        splitter.read(text)
    return splitter.blocks, "\n".join(splitter.outside)


class _Splitter:
    """Reads lines and gathers blocks."""

    def __init__(self, *, heeds_docstrings: bool) -> None:
        self.blocks: list[Block] = []
        self.outside: list[str] = []
        self.ends_in_docstring = False
        self._heeds_docstrings = heeds_docstrings
        self._mark = ""
        self._label = ""
        self._lines: list[str] = []
        self._quote = ""

    def read(self, text: str) -> None:
        """Read the whole text."""
        for line in text.split("\n"):
            if self._mark:
                self._read_inside(line)
            else:
                self._read_outside(line)
        if self._mark:
            self.ends_in_docstring = bool(self._quote)
            self._close(is_closed=False)

    def _read_outside(self, line: str) -> None:
        if fence := _FENCE.fullmatch(line):
            self._open(fence["mark"], fence["info"])
            return
        before, mark, after = line.partition("```")
        if not mark:
            self.outside.append(line)
            return
        within, end, rest = after.lstrip("`").partition("```")
        if end and _CODE.match(code := _split_label(within)[1]):
            self.outside.append(before)
            self.blocks.append(Block(code))
            self.outside.append(rest)
        elif not end and _LABEL.fullmatch(within.strip()):
            self.outside.append(before)
            self._open(mark, within)
        else:
            self.outside.append(line)

    def _read_inside(self, line: str) -> None:
        if self._quote:
            self._add(line)
            return
        fence = _FENCE.fullmatch(line)
        if fence and fence["mark"].startswith(self._mark):
            self._close(is_closed=True)
            if _LABEL.fullmatch(info := fence["info"].strip()) and info:
                self._open(fence["mark"], info)
            else:
                self.outside.append(info)
        elif line.rstrip().endswith(self._mark) and line.count(self._mark) == 1 and not fence:
            self._add(line.rstrip().removesuffix(self._mark))
            self._close(is_closed=True)
        else:
            self._add(line)

    def _open(self, mark: str, info: str) -> None:
        self._mark = mark
        self._label, code = _split_label(info)
        if code:
            self._add(code)

    def _add(self, line: str) -> None:
        self._lines.append(line)
        if self._heeds_docstrings:
            self._quote = _follow_quotes(line, self._quote)

    def _close(self, *, is_closed: bool) -> None:
        self.blocks.append(Block("\n".join(self._lines), self._label, is_closed))
        self._lines, self._mark, self._label, self._quote = [], "", "", ""


def _split_label(info: str) -> tuple[str, str]:
    """A fence's label, and the code that someone wrote behind it."""
    info = info.strip()
    if _CODE.match(info):
        return "", info
    label, _, rest = info.partition(" ")
    return label, rest if _CODE.match(rest) else ""


def _follow_quotes(line: str, quote: str) -> str:
    """The triple quote that is open after the line, given the one that is open before it."""
    at = 0
    while True:
        if quote:
            found = line.find(quote, at)
            if found < 0:
                return quote
            at, quote = found + 3, ""
        else:
            places = [(line.find(each, at), each) for each in _QUOTES if each in line[at:]]
            if not places:
                return ""
            found, quote = min(places)
            at = found + 3
