"""Which blocks of a page are its subject, and not what stands around it.

resiliparse says so fast, and keeps too much on some pages; where its choice looks poor, trafilatura
is asked, and the better of both is taken. Neither decides on code and tables, which are kept unless
they belong to what the page itself calls navigation, an aside or a footer; headings stay
with what stands around them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import msgspec

from koderz.extract.web.blocks import Block

_WORD = re.compile(r"\w+")
_SHINGLE = 4
_LEAST_SHARE = 0.6

_PROSE_WORDS = 12
_OVERLOOKED_WORDS = 4
_LINKED_PROSE = 0.3
_LINKED_SENTENCE = 0.7
_SHORT_WORDS = 6
_POOR_NOISE = 0.15
_POOR_SHORT = 0.25
_MARGIN = 0.1

# What a block adds to a run: a paragraph its words up to a limit, what stands between little, and
# what was not chosen takes away.
_MOST_WORDS = 60
_BESIDE = 2
_BETWEEN = -2
_OUTSIDE = -5
_SENTENCE = re.compile(r"""[.!?\u2026:;"\u201d\u2019\u00bb)\]\u3002\uff01\uff1f]$""")


class Look(msgspec.Struct, frozen=True):
    """How a choice of blocks looks.

    `noise` is the share of its words that are no prose or links, `short` the share of its blocks
    that are a few words, `words` how many there are.
    """

    noise: float
    short: float
    words: int

    @property
    def is_poor(self) -> bool:
        """Whether much of it seems to stand around the subject."""
        return not self.words or self.noise > _POOR_NOISE or self.short > _POOR_SHORT


def find_subject(blocks: Sequence[Block], main: str, html: str) -> frozenset[int]:
    """The positions of the blocks that are the page's subject; none where nothing stands out.

    `main` is what resiliparse takes for it, `html` the page for trafilatura.
    """
    glance = match_lines(blocks, main)
    chosen = find_run(blocks, glance)
    look = build_look(blocks, glance)
    if look.is_poor:
        others = match_words(blocks, _extract_carefully(html))
        other = build_look(blocks, others)
        if other.words and (not look.words or other.noise <= look.noise + _MARGIN):
            chosen = others
    chosen |= _find_overlooked(blocks, chosen)
    chosen |= {at for at, block in enumerate(blocks) if block.is_fixed}
    return chosen | _find_headings(blocks, chosen)


def _find_overlooked(blocks: Sequence[Block], chosen: Collection[int]) -> frozenset[int]:
    """List items without links between chosen blocks: both libraries lose some lists."""
    if not chosen:
        return frozenset()
    return frozenset(
        at
        for at in range(min(chosen), max(chosen))
        if (block := blocks[at]).kind == "item"
        and block.link_share < _LINKED_PROSE
        and block.text.count(" ") + 1 >= _OVERLOOKED_WORDS
    )


def find_run(blocks: Sequence[Block], chosen: frozenset[int]) -> frozenset[int]:
    """Those chosen that lie in the run of blocks with most prose and least else between it.

    A subject stands in one place; teasers, comments and notices that look like it stand apart.
    """
    best = run = 0
    first, bounds = 0, (0, -1)
    for at, block in enumerate(blocks):
        if run <= 0:
            run, first = 0, at
        run += _weigh(block) if at in chosen else _OUTSIDE
        if run > best:
            best, bounds = run, (first, at)
    start, end = bounds
    while start - 1 in chosen:
        start -= 1
    while end + 1 in chosen:
        end += 1
    return frozenset(at for at in chosen if start <= at <= end)


def _weigh(block: Block) -> int:
    if block.kind in {"code", "table", "heading"}:
        return _BESIDE
    words = block.text.count(" ") + 1
    if _is_prose(block, words):
        return min(words, _MOST_WORDS)
    if block.kind == "item":
        return 0
    is_sentence = block.link_share < _LINKED_SENTENCE and _SENTENCE.search(block.text)
    return words // 2 if is_sentence else _BETWEEN


def _is_prose(block: Block, words: int) -> bool:
    """Whether this is a paragraph: long, and not made of links unless it reads as a sentence."""
    if words < _PROSE_WORDS or block.link_share >= _LINKED_SENTENCE:
        return False
    return block.link_share < _LINKED_PROSE or bool(_SENTENCE.search(block.text))


def match_lines(blocks: Sequence[Block], text: str) -> frozenset[int]:
    """The blocks that are lines of the text."""
    lines = {" ".join(line.split()) for line in text.split("\n")}
    return frozenset(at for at, block in enumerate(blocks) if block.text in lines)


def match_words(blocks: Sequence[Block], text: str) -> frozenset[int]:
    """The blocks most of whose word sequences stand in the text; short ones as whole lines."""
    shingles = set(_cut_shingles(_WORD.findall(text.lower())))
    lines = {tuple(_WORD.findall(line.lower())) for line in text.split("\n")}
    return frozenset(at for at, block in enumerate(blocks) if _is_in(block, shingles, lines))


def _is_in(
    block: Block, shingles: Collection[tuple[str, ...]], lines: Collection[tuple[str, ...]]
) -> bool:
    words = _WORD.findall(block.text.lower())
    if len(words) < _SHINGLE:
        return bool(words) and tuple(words) in lines
    found = [shingle in shingles for shingle in _cut_shingles(words)]
    return sum(found) >= _LEAST_SHARE * len(found)


def _cut_shingles(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[at:] for at in range(_SHINGLE)), strict=False)


def build_look(blocks: Sequence[Block], chosen: Collection[int]) -> Look:
    """How these blocks of the page look together."""
    taken = [blocks[at] for at in chosen if blocks[at].kind not in {"code", "table"}]
    counts = [len(block.text.split()) for block in taken]
    words = sum(counts)
    if not words:
        return Look(1.0, 1.0, 0)
    pairs = list(zip(taken, counts, strict=True))
    prose = sum(n for block, n in pairs if _is_prose(block, n))
    links = sum(block.link_share * n for block, n in pairs if not _is_prose(block, n))
    short = sum(n < _SHORT_WORDS for n in counts) / len(taken)
    return Look(1 - prose / words + links / words, short, words)


def _find_headings(blocks: Sequence[Block], chosen: Collection[int]) -> frozenset[int]:
    """The headings between chosen blocks, and those above the first one."""
    above: list[int] = []
    within: set[int] = set()
    first, last = min(chosen, default=0), max(chosen, default=-1)
    for at in range(last + 1):
        block = blocks[at]
        if block.kind == "heading" and at > first:
            within.add(at)
        elif block.kind == "heading":
            above = [up for up in above if blocks[up].level < block.level]
            above.append(at)
    return frozenset((*above, *within))


def _extract_carefully(html: str) -> str:
    from trafilatura.core import extract

    return extract(html, fast=True, include_comments=False, include_tables=True) or ""
