"""Tables of text, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the first column names what a row is about, the others hold figures.

    `notes` are sentences that belong below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def build_table(
    title: str,
    columns: Mapping[str, Callable[[T], str]],
    values: Sequence[T],
    notes: Iterable[str] = (),
) -> Table:
    """A table with a row a value; each column says what it tells of one."""
    return Table(
        title=title,
        columns=tuple(columns),
        rows=tuple(tuple(tell(value) for tell in columns.values()) for value in values),
        notes=tuple(notes),
    )
