"""Blocks out of the small markup that a page is cut down to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from koderz.extract.web.blocks import Block, Kind
from koderz.extract.web.markup import CODE, TABLE

_TAG = re.compile(r'<(/?)(h[1-6]|p|ul|ol|li|pre|br|a)(?: href="([^"]*)")?>')
_NO_TARGET = ("#", "javascript:", "data:")


def parse_markup(markup: str) -> tuple[Block, ...]:
    """The blocks of the markup in order, each line of text one of them."""
    reader = _Reader()
    at = 0
    for tag in _TAG.finditer(markup):
        reader.add_text(unescape(markup[at : tag.start()]))
        reader.add_tag(tag[2], tag[3] or "", is_end=bool(tag[1]))
        at = tag.end()
    reader.add_text(unescape(markup[at:]))
    reader.end_block()
    return tuple(reader.blocks)


class _Reader:
    """Takes tags and the text between them, and collects blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._pieces: list[tuple[str, str]] = []
        self._open = ""
        self._href = ""
        self._lists: list[int | None] = []
        self._has_marker = False

    def add_text(self, text: str) -> None:
        if text:
            self._pieces.append((text, self._href))

    def add_tag(self, name: str, href: str, *, is_end: bool) -> None:
        if name == "a":
            self._href = "" if is_end or href.lower().startswith(_NO_TARGET) else unescape(href)
        elif name == "br":
            self.add_text("\n")
        else:
            self.end_block()
            self._open_block(name, is_end=is_end)

    def _open_block(self, name: str, *, is_end: bool) -> None:
        if name in {"ul", "ol"}:
            self._nest(name, is_end=is_end)
        elif name == "li" and not is_end:
            self._has_marker = True
            if self._lists and self._lists[-1] is not None:
                self._lists[-1] += 1
        # A paragraph in an item is the item.
        if name != "p" or not self._has_marker:
            self._open = "" if is_end else name

    def _nest(self, name: str, *, is_end: bool) -> None:
        if not is_end:
            self._lists.append(0 if name == "ol" else None)
        elif self._lists:
            self._lists.pop()

    def end_block(self) -> None:
        pieces, self._pieces = self._pieces, []
        if self._open == "pre":
            self._add_pre("".join(text for text, _ in pieces))
            return
        for line in _split_lines(pieces):
            self._add_line(line)

    def _add_pre(self, text: str) -> None:
        is_fixed = text[1:2] == CODE
        body = text[2 if is_fixed else 1 :]
        if text.startswith(TABLE):
            self.blocks.append(Block(kind="table", text=body.strip("\n"), is_fixed=is_fixed))
            return
        language, _, code = body.partition("\n") if text.startswith(CODE) else ("", "", text)
        if code.strip():
            code = "\n".join(line.rstrip() for line in code.strip("\n").split("\n"))
            self.blocks.append(Block(kind="code", text=code, marker=language, is_fixed=is_fixed))

    def _add_line(self, pieces: list[tuple[str, str]]) -> None:
        text = _squeeze("".join(text for text, _ in pieces))
        if not text:
            return
        linked = sum(len(_squeeze(piece)) for piece, href in pieces if href)
        whole = _squeeze("".join(_link(piece, href) for piece, href in pieces)) if linked else ""
        kind, level, marker = self._name_line()
        self.blocks.append(
            Block(
                kind=kind,
                text=text,
                linked=whole,
                level=level,
                marker=marker,
                link_share=min(1.0, linked / len(text)),
            )
        )

    def _name_line(self) -> tuple[Kind, int, str]:
        if self._open.startswith("h"):
            return "heading", int(self._open[1]), ""
        if not self._has_marker:
            return "text", 0, ""
        self._has_marker = False
        number = self._lists[-1] if self._lists else None
        return "item", max(len(self._lists) - 1, 0), f"{number}." if number else "-"


def _split_lines(pieces: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    line: list[tuple[str, str]] = []
    for text, href in pieces:
        first, *others = text.split("\n")
        line.append((first, href))
        for other in others:
            yield line
            line = [(other, href)]
    yield line


def _link(text: str, href: str) -> str:
    inner = _squeeze(text)
    if not href or not inner:
        return text
    lead, trail = text[: text.index(inner[0])], text[text.rindex(inner[-1]) + 1 :]
    return f"{lead}[{inner}]({href.replace(' ', '%20')}){trail}"


def _squeeze(text: str) -> str:
    return " ".join(text.split())
