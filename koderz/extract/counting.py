"""Exact token counts of a text that comes in blocks."""

from __future__ import annotations

import re

from koderz.tokens import get_tokenizer

_MAX_HELD_BYTES = 1 << 22

# Where o200k_base's splitting pattern always begins a new piece, so that counts add up: behind a
# line feed before anything but white space and "/" (by its first byte), and between an ASCII letter
# or digit and one space with something behind it.
_SEAM = re.compile(rb"(?s:.*)(?:\n(?=[!-.0-~\xc3-\xdf\xe4-\xed\xf0-\xf4])|[0-9A-Za-z](?= [!-~]))")
_CHARACTER = re.compile(rb"(?s:.*)(?=[\x00-\x7f\xc0-\xff])")


class TokenCounter:
    """Counts the tokens of a text that comes in blocks, in bounded memory.

    `is_exact` turns False where a text went on for megabytes without a place to cut it at.
    """

    def __init__(self) -> None:
        self._held = b""
        self._tokens = 0
        self.is_exact = True

    def feed(self, block: bytes) -> None:
        """Takes the next block of valid UTF-8."""
        held = self._held + block
        seam = _SEAM.match(held)
        if seam is None and len(held) > _MAX_HELD_BYTES:
            self.is_exact = False
            seam = _CHARACTER.match(held)
        end = seam.end() if seam else 0
        self._tokens += _count(held[:end])
        self._held = held[end:]

    def finish(self) -> int:
        """The count of everything fed."""
        self._tokens += _count(self._held)
        self._held = b""
        return self._tokens


def _count(text: bytes) -> int:
    if b"<|" in text:  # A special token's name in a file is plain text.
        return len(get_tokenizer().encode_ordinary(text.decode()))
    return len(get_tokenizer().encode_flat(text.decode())) // 4
