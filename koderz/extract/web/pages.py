"""A page as blocks with their places: what it says, and which part of that is its subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from koderz.extract.web.blocks import Block, drop_unseen, join_blocks, place_blocks
from koderz.extract.web.markdown import parse_markdown, parse_text
from koderz.extract.web.markup import build_markup
from koderz.extract.web.parsing import parse_markup
from koderz.extract.web.subject import find_subject

PageKind = Literal["html", "markdown", "text"]

ALL_SUBJECT = "nothing stands out as the page's subject, so all of it is taken to be"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page in blocks.

    `markdown` is all of it as plain Markdown, the targets of links included: what an agent would
    read. `starts` are the lines (from 1) of it at which the blocks begin, `paths` the positions of
    the headings that each block stands under (a heading under itself), and `subject` those of the
    blocks that are not navigation, teasers, notices and the like.
    """

    title: str
    markdown: str
    blocks: tuple[Block, ...]
    starts: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]
    subject: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def get_heading(self, at: int) -> str:
        """The headings above a block, outermost first: "Guide > Setup"; "" under none."""
        return " > ".join(self.blocks[up].text for up in self.paths[at])

    def get_end(self, at: int) -> int:
        """The last line of a block."""
        return self.starts[at] + self.blocks[at].markdown.count("\n")


def build_page(text: str, kind: PageKind = "html") -> Page:
    """The page that this text is; about 10 ms for one of 100 KB."""
    if kind == "html":
        return _build_html_page(text)
    text = drop_unseen(text.replace("\r\n", "\n").replace("\r", "\n"))
    placed = parse_markdown(text) if kind == "markdown" else parse_text(text)
    blocks = tuple(block for _, block in placed)
    return Page(
        title=next((block.text for block in blocks if block.kind == "heading"), ""),
        markdown=text.rstrip(),
        blocks=blocks,
        starts=tuple(start for start, _ in placed),
        paths=find_paths(blocks),
        subject=tuple(range(len(blocks))),
    )


def _build_html_page(html: str) -> Page:
    markup = build_markup(html)
    blocks = parse_markup(markup.body)
    subject = find_subject(blocks, markup.main, html)
    return Page(
        title=markup.title,
        markdown=join_blocks(blocks, with_links=True),
        blocks=blocks,
        starts=tuple(place_blocks(blocks)),
        paths=find_paths(blocks),
        subject=tuple(sorted(subject)) or tuple(range(len(blocks))),
        notes=() if subject or not blocks else (ALL_SUBJECT,),
    )


def find_paths(blocks: Sequence[Block]) -> tuple[tuple[int, ...], ...]:
    """For each block the positions of the headings above it, outermost first."""
    path: tuple[int, ...] = ()
    paths = []
    for at, block in enumerate(blocks):
        if block.kind == "heading":
            path = (*(up for up in path if blocks[up].level < block.level), at)
        paths.append(path)
    return tuple(paths)
