"""A text as hashed n-grams: its words, pairs of them, and their beginnings."""

from __future__ import annotations

import re
from zlib import crc32

BUCKETS = 1 << 20
MOST_WORDS = 400
STEM_CHARS = 5

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[^\w\s]+")


def build_ngrams(text: str) -> frozenset[int]:
    """The buckets of a text's n-grams, the same in every process; of long texts the first words.

    Beginnings of words make "cards" and "card" meet. Words in other than ASCII letters also give
    pairs of characters, for scripts without spaces; a text without words gives its marks.
    """
    words = (_WORD.findall(text.casefold()) or _MARKS.findall(text))[:MOST_WORDS]
    grams = [f"w {word}" for word in words]
    grams += [
        f"p {first} {second}" for first, second in zip(["", *words], [*words, ""], strict=True)
    ]
    grams += [f"s {word[:STEM_CHARS]}" for word in words if len(word) > STEM_CHARS]
    if not text.isascii():
        grams += [f"c {pair}" for word in words for pair in _split_pairs(word)]
    mask = BUCKETS - 1
    return frozenset([crc32(gram.encode(errors="replace")) & mask for gram in grams])


def _split_pairs(word: str) -> list[str]:
    """Its characters two by two, overlapping, where it is in other than ASCII letters."""
    return [] if word.isascii() else [word[at : at + 2] for at in range(len(word))]
