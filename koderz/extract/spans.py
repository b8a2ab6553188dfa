"""What an extractive read is made of: spans of original lines, the gaps between, the digest."""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Lines `start` to `end` of a file (from 1, inclusive) with their cleaned original text.

    `text` is the lines joined with a line feed: colours, control characters and overwritten
    progress are gone, nothing is added. Where a single line is too long, `is_cut` says that
    `text` is a piece of line `start`, which begins at its character `column` (from 1).
    """

    start: int
    end: int
    text: str
    column: int = 1
    is_cut: bool = False

    @property
    def lines(self) -> list[str]:
        """The lines, one string each."""
        return self.text.split("\n")


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Lines `start` to `end` (from 1, inclusive) that were left out."""

    start: int
    end: int

    @property
    def line_count(self) -> int:
        """How many lines were left out."""
        return self.end - self.start + 1


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """The spans that were kept, in file order, and the gaps between and around them.

    `tokens_out` is the exact count of what `render_digest` gives for it.
    """

    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]
    tokens_out: int
