"""The most telling piece of a line that is too long for a budget."""

from __future__ import annotations

import msgspec

from koderz.extract.selection import Choice, line_cost
from koderz.extract.severity import find_trouble

_LEAD = 0.3  # Share of a piece that stands before what is telling in it.


def cut_line(choice: Choice, limit_tokens: int) -> Choice:
    """The choice as it is where it takes at most `limit_tokens`, else a piece of it that does.

    The piece is the line's beginning, or what stands around its first word of trouble where the
    beginning does not reach that far.
    """
    # A token has one byte at least, so short lines need no counting.
    if len(choice.text) * 4 < limit_tokens or line_cost(choice) <= limit_tokens:
        return choice
    trouble = find_trouble(choice.text)
    size = min(len(choice.text), limit_tokens * 8)
    while True:
        start = max(0, min(trouble - int(size * _LEAD), len(choice.text) - size))
        start = 0 if trouble < size * 0.8 else start
        piece = msgspec.structs.replace(
            choice,
            column=choice.column + start,
            text=choice.text[start : start + size],
            is_cut=True,
        )
        if size <= 1 or line_cost(piece) <= limit_tokens:
            return piece
        size = int(size * 0.85)
