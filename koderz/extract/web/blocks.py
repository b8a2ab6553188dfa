"""What a page is made of: headings, lines of text, list items, code, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import Literal

import msgspec

Kind = Literal["heading", "text", "item", "code", "table"]

# Control characters, directional overrides and invisible tag characters: nothing that a person
# would see, and much that could steer a terminal or be read by a model alone.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e0fff]"
)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block of a page, in the page's own words.

    `text` is what a person reads. `linked` is the same with the targets of its links, as Markdown
    has them ("" where there are none); `link_share` says how much of the text is links. `level` is
    a heading's rank or a list item's depth, `marker` the item's bullet or the code's language.
    `is_fixed` marks code and tables that are kept wherever they stand. `source` is the block as it
    was written, where the page was written in Markdown.
    """

    kind: Kind
    text: str
    linked: str = ""
    level: int = 0
    marker: str = ""
    link_share: float = 0.0
    is_fixed: bool = False
    source: str = ""

    @property
    def markdown(self) -> str:
        """The block as Markdown; one that was not written in it without the targets of links."""
        return self.source or render_block(self, self.text)

    @property
    def markdown_with_links(self) -> str:
        """The block as Markdown with the targets of its links, on as many lines."""
        return self.source or render_block(self, self.linked or self.text)


def render_block(block: Block, text: str) -> str:
    """Markdown for this text, which stands in the block's place."""
    match block.kind:
        case "heading":
            return f"{'#' * block.level} {text}"
        case "item":
            return f"{'  ' * block.level}{block.marker} {text}"
        case "code":
            fence = next(mark for length in count(3) if (mark := "`" * length) not in text)
            return f"{fence}{block.marker}\n{text}\n{fence}"
        case _:
            return text


def place_blocks(blocks: Sequence[Block]) -> list[int]:
    """The line (from 1) of a page's Markdown at which each block begins.

    Blocks stand a blank line apart, the items of one list do not.
    """
    if not blocks:
        return []
    starts = [1]
    for one, other in pairwise(blocks):
        height = one.markdown.count("\n") + 1
        starts.append(starts[-1] + height + (0 if is_close(one, other) else 1))
    return starts


def is_close(one: Block, other: Block) -> bool:
    """Whether the other block stands right below: both are items of lists."""
    return one.kind == other.kind == "item"


def join_blocks(blocks: Sequence[Block], *, with_links: bool = False) -> str:
    """The blocks as one Markdown text."""
    texts = [each.markdown_with_links if with_links else each.markdown for each in blocks]
    return "".join(_space_out(blocks, texts))


def _space_out(blocks: Sequence[Block], texts: Sequence[str]) -> Iterator[str]:
    for at, text in enumerate(texts):
        if at:
            yield "\n" if is_close(blocks[at - 1], blocks[at]) else "\n\n"
        yield text


def drop_unseen(text: str) -> str:
    """The text without characters that nobody would see."""
    return _UNSEEN.sub("", text)
