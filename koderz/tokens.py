"""Exact token counts, offline.

The vocabulary is OpenAI's o200k_base, whose merges come with the tokenizer. Other vendors'
vocabularies are not public: their own counts, reported with each answer, are what a call is
billed by, and these are what sizes are compared with.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol, cast

VOCABULARY = "o200k_base"


class Tokenizer(Protocol):
    """The part of the tokenizer that is used here."""

    def encode(self, text: str) -> list[int]:
        """Token ids of one text."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Token ids of one text in which nothing is a special token."""

    def decode_bytes(self, ids: list[int]) -> bytes:
        """The text of these tokens in UTF-8, which may begin or end within a character."""

    def encode_flat(self, text: str) -> bytes:
        """Token ids of one text as little-endian integers of four bytes each."""

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """Token ids of many texts, on all cores."""


@cache
def get_tokenizer() -> Tokenizer:
    """The tokenizer, loaded once: about 50 ms."""
    from splintr import Tokenizer as SplintrTokenizer

    return cast("Tokenizer", SplintrTokenizer.from_pretrained(VOCABULARY))


def count_tokens(text: str) -> int:
    """How many tokens of `VOCABULARY` the text has; a special token's name in it is plain text."""
    return len(get_tokenizer().encode_ordinary(text))
