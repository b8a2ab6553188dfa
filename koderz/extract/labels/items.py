"""What is labelled and what is learned from."""

from __future__ import annotations

import msgspec


class Item(msgspec.Struct, frozen=True):
    """A text that wants a label, under an id of its own."""

    id: str
    text: str


class Example(msgspec.Struct, frozen=True):
    """A text whose label is known."""

    text: str
    label: str
