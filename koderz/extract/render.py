"""The text of a digest, as a main model reads it."""

from __future__ import annotations

from collections.abc import Iterator

from koderz.extract.spans import Digest, Gap, Span


def render_digest(digest: Digest) -> str:
    """The digest as text: each line behind its number and a colon, each gap stated.

    A piece of a long line stands behind the line's number, an @ and its first character's place.
    """
    parts: list[Span | Gap] = [*digest.spans, *digest.gaps]
    parts.sort(key=lambda part: (part.start, _column(part)))
    return "\n".join(line for part in parts for line in _render(part))


def render_line(number: int, text: str, column: int = 1, *, is_cut: bool = False) -> str:
    """A line of a digest, without its end."""
    return f"{number}@{column}:{text}" if is_cut else f"{number}:{text}"


def render_gap(line_count: int) -> str:
    """The statement of a gap, without its end."""
    return f"[{line_count} line{'s' if line_count > 1 else ''} omitted]"


def _render(part: Span | Gap) -> Iterator[str]:
    if isinstance(part, Gap):
        yield render_gap(part.line_count)
        return
    for number, text in enumerate(part.lines, part.start):
        yield render_line(number, text, part.column, is_cut=part.is_cut)


def _column(part: Span | Gap) -> int:
    return part.column if isinstance(part, Span) else 0
