"""The words of a line, for quick questions about it before slow ones."""

from __future__ import annotations

_LETTERS = b"abcdefghijklmnopqrstuvwxyz_"
_TO_LETTERS = bytes(
    code if code in _LETTERS else code + 32 if chr(code).isascii() and chr(code).isupper() else 32
    for code in range(256)
)


def split_words(line: bytes) -> list[bytes]:
    """The runs of ASCII letters in a line, lower case."""
    return line.translate(_TO_LETTERS).split()
