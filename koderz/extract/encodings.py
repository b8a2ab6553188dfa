"""Which encoding a file is in, and its bytes as UTF-8."""

from __future__ import annotations

import codecs
from typing import Literal

Encoding = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]

LATIN_1 = "lines that are not UTF-8 read as Latin-1"
REPLACED = "bytes that are no text replaced by U+FFFD"

_BOMS: dict[Encoding, bytes] = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}

_WIDE_SHARE = 0.3  # Of every second byte being NUL: Latin text in UTF-16 has far more.
_JUNK_SHARE = 0.15  # Text has next to none; compressed bytes have about a third.
_MIXED_SHARE = 0.02
_CONTROLS = bytes(code for code in range(32) if code not in b"\b\t\n\f\r\x1b") + b"\x7f"


def get_bom(head: bytes) -> bytes:
    """The byte order mark that a file begins with, or nothing."""
    return next((bom for bom in _BOMS.values() if head.startswith(bom)), b"")


def get_encoding(head: bytes) -> Encoding:
    """The encoding that a file's first bytes tell: by byte order mark, or by UTF-16's zeros."""
    for encoding, bom in _BOMS.items():
        if head.startswith(bom):
            return encoding
    even, odd = head[0::2], head[1::2]
    if _is_wide(even, odd):
        return "utf-16-le"
    if _is_wide(odd, even):
        return "utf-16-be"
    return "utf-8"


def is_junk(sample: bytes) -> bool:
    """Whether a sample is no text in any encoding read here: too many control and stray bytes."""
    if not sample or get_encoding(sample).startswith("utf-16"):
        return False
    controls = _control_share(sample)
    strays = sample.decode(errors="replace").count("\N{REPLACEMENT CHARACTER}") / len(sample)
    # Latin-1 text has stray bytes and no controls; binary content has both, or many controls.
    return controls > _JUNK_SHARE or min(controls, strays) > _MIXED_SHARE


def _is_wide(low: bytes, high: bytes) -> bool:
    """Whether these are the halves of Latin text in UTF-16: characters, and mostly zeros."""
    return high.count(0) > _WIDE_SHARE * max(1, len(high)) and _control_share(low) < _MIXED_SHARE


def _control_share(sample: bytes) -> float:
    return 1 - len(sample.translate(None, _CONTROLS)) / max(1, len(sample))


def encode_utf8(raw: bytes, encoding: Encoding) -> tuple[bytes, frozenset[str]]:
    """A block of whole lines as valid UTF-8, and what had to be done for it."""
    if encoding.startswith("utf-16"):
        text = raw.decode(encoding, "replace")
        notes = {REPLACED} if "\N{REPLACEMENT CHARACTER}" in text else set()
        return text.encode("utf-8", "replace"), frozenset(notes)
    if raw.isascii():
        return raw, frozenset()
    try:
        raw.decode()
    except UnicodeDecodeError:
        return _repair_lines(raw)
    return raw, frozenset()


def _repair_lines(raw: bytes) -> tuple[bytes, frozenset[str]]:
    """Line for line: UTF-8 stays, other text is Latin-1, lines with junk get U+FFFD."""
    lines, notes = raw.split(b"\n"), set()
    for index, line in enumerate(lines):
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            has_controls = len(line.translate(None, _CONTROLS)) != len(line)
            notes.add(REPLACED if has_controls else LATIN_1)
            text = line.decode(errors="replace") if has_controls else line.decode("latin-1")
            lines[index] = text.encode()
    return b"\n".join(lines), frozenset(notes)
