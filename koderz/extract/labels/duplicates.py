"""Texts that say the same: one of them is labelled for all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from koderz.extract.labels.items import Item

# Long numbers and codes tell orders and machines apart, short ones may be what a label goes by.
_CODES = re.compile(r"\b(?=[0-9a-f-]*[0-9])[0-9a-f]{8}(?:-?[0-9a-f]{4,})*\b|\b[0-9]{4,}\b")
_PUNCTUATION = re.compile(r"[\s.,;!\"'\N{RIGHT SINGLE QUOTATION MARK}\N{HORIZONTAL ELLIPSIS}]+")


def build_key(text: str) -> str:
    """What near duplicates share: the words in their order, without case and light punctuation.

    Numbers of four digits and more and hexadecimal codes count as alike; question marks, smileys
    and all other signs stay, and a text of nothing but punctuation is itself.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    words = _PUNCTUATION.sub(" ", _CODES.sub("#", plain.casefold())).strip()
    return words or text


def group_duplicates(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items by what near duplicates share, both in the order of their first item."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(build_key(item.text), []).append(item)
    return groups
