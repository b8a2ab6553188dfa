"""Blocks of a page that is text already: Markdown, or plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from koderz.extract.web.blocks import Block

Placed = tuple[int, Block]
"""A block and the line (from 1) at which it begins."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-{2,})\s*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,9}[.)])\s+(?=\S)")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_MOST_LINES = 20


def parse_markdown(text: str) -> list[Placed]:
    """The blocks of a Markdown text; what stands in comments is no part of any."""
    seen = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    lines = seen.split("\n")
    placed: list[Placed] = []
    at = 0
    while at < len(lines):
        block, height = _read_block(lines, at)
        if block is not None:
            placed.append((at + 1, block))
        at += height
    return placed


def parse_text(text: str) -> list[Placed]:
    """The paragraphs of a plain text; long ones in parts of twenty lines."""
    lines = text.split("\n")
    placed: list[Placed] = []
    start = 0
    for at, line in enumerate([*lines, ""]):
        if line.strip() and at - start < _MOST_LINES:
            continue
        if any(each.strip() for each in lines[start:at]):
            placed.append((start + 1, _build("text", lines[start:at])))
        start = at if line.strip() else at + 1
    return placed


def _read_block(lines: list[str], at: int) -> tuple[Block | None, int]:
    """The block that begins at this line, None where it is blank, and its height."""
    line = lines[at]
    if not line.strip():
        return None, 1
    if found := _HEADING.match(line):
        return _build_heading(found[2] or "", len(found[1]), [line]), 1
    if found := _FENCE.match(line):
        height = _find_fence_end(lines, at, found[1])
        return _build("code", lines[at : at + height]), height
    if _ROW.match(line):
        height = _count_while(lines, at, _ROW)
        return _build("table", lines[at : at + height]), height
    if at + 1 < len(lines) and _UNDERLINE.match(lines[at + 1]) and not _ITEM.match(line):
        level = 1 if "=" in lines[at + 1] else 2
        return _build_heading(line.strip(), level, lines[at : at + 2]), 2
    return _read_paragraph(lines, at)


def _read_paragraph(lines: list[str], at: int) -> tuple[Block, int]:
    item = _ITEM.match(lines[at])
    end = at + 1
    while end < len(lines) and not _begins_block(lines[end]):
        end += 1
    if item is None:
        return _build("text", lines[at:end]), end - at
    return _build("item", lines[at:end], level=len(item[1]) // 2), end - at


def _begins_block(line: str) -> bool:
    return not line.strip() or any(
        pattern.match(line) for pattern in (_HEADING, _FENCE, _ITEM, _ROW)
    )


def _find_fence_end(lines: list[str], at: int, fence: str) -> int:
    ends = (
        end
        for end in range(at + 1, len(lines))
        if lines[end].strip().startswith(fence) and not lines[end].strip().strip(fence[0])
    )
    return next(ends, len(lines) - 1) - at + 1


def _count_while(lines: list[str], at: int, pattern: re.Pattern[str]) -> int:
    return next(_list_breaks(lines, at, pattern), len(lines)) - at


def _list_breaks(lines: list[str], at: int, pattern: re.Pattern[str]) -> Iterator[int]:
    return (end for end in range(at, len(lines)) if not pattern.match(lines[end]))


def _build_heading(text: str, level: int, lines: list[str]) -> Block:
    return Block(kind="heading", text=text.strip(), level=level, source="\n".join(lines))


def _build(kind: str, lines: list[str], *, level: int = 0) -> Block:
    source = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    return Block(kind=kind, text=source, level=level, source=source)  # type: ignore[arg-type] # One of its kinds.
