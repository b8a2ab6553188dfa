"""A file as a stream of blocks of whole lines, each of which can be read again alone."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from koderz.errors import JobError
from koderz.extract.encodings import Encoding, encode_utf8, get_bom, get_encoding, is_junk

BLOCK_BYTES = 1 << 19
_SAMPLE_BYTES = 1 << 16
_BREAKS = (b",", b" ", b";", b"}")
_BREAK_REACH = 4096


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a block stands: `offset` and `size` in bytes of the file, and its first line.

    `column` is above 1 where the block begins inside a line that is longer than a block;
    `record` is the ordinal (from 0) of its first record. `checksum` tells a later reader whether
    the file still has the same content there.
    """

    offset: int
    size: int
    line: int
    column: int
    record: int
    checksum: int


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a block as UTF-8, not yet cleaned, with its size in bytes of the file."""

    offset: int
    size: int
    text: bytes
    checksum: int
    notes: frozenset[str]


def open_text(path: Path) -> tuple[BinaryIO, Encoding, int]:
    """The open file at its first character, its encoding, and the byte where to end.

    What is written to the file from now on is not read.

    Raises:
        JobError: it is missing, a directory, not a regular file, unreadable, empty or binary.
    """
    try:
        if path.is_dir():
            raise JobError(f"{path} is a directory: name a file in it")
        if path.exists() and not path.is_file():
            raise JobError(f"{path} is not a regular file: save what it gives to a file first")
        file = path.open("rb")
    except FileNotFoundError:
        raise JobError(f"{path} does not exist: check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise JobError(f"cannot read {path}: {reason}: check the path and its rights") from None
    try:
        encoding, size_bytes = _sniff(path, file)
    except BaseException:
        file.close()
        raise
    return file, encoding, size_bytes


def load_blocks(file: BinaryIO, encoding: Encoding, end: int) -> Iterator[Block]:
    """The blocks from the file's position up to byte `end`, each cut behind a line's end.

    Inside a line that is longer than a block it is cut where a value or word ends.
    """
    offset, rest = file.tell(), b""
    while True:
        chunk = file.read(min(BLOCK_BYTES, max(0, end - offset - len(rest))))
        raw = rest + chunk
        if not raw:
            return
        size = _cut(raw, encoding) if chunk else len(raw)
        yield decode_block(raw[:size], offset, encoding)
        offset, rest = offset + size, raw[size:]


def load_block(file: BinaryIO, place: Place, encoding: Encoding) -> Block | None:
    """One block again, or None where the file has other content there by now."""
    file.seek(place.offset)
    block = decode_block(file.read(place.size), place.offset, encoding)
    return block if block.checksum == place.checksum else None


def decode_block(raw: bytes, offset: int, encoding: Encoding) -> Block:
    """The block of these bytes of a file."""
    text, notes = encode_utf8(raw, encoding)
    return Block(offset=offset, size=len(raw), text=text, checksum=zlib.crc32(raw), notes=notes)


def _sniff(path: Path, file: BinaryIO) -> tuple[Encoding, int]:
    size_bytes = file.seek(0, 2)
    samples = []
    for offset in (0, size_bytes // 2, max(0, size_bytes - _SAMPLE_BYTES)):
        file.seek(offset)
        samples.append(file.read(_SAMPLE_BYTES))
    encoding = get_encoding(samples[0])
    bom = get_bom(samples[0])
    if len(samples[0]) == len(bom):
        raise JobError(f"{path} is empty: there is nothing to read")
    if not encoding.startswith("utf-16") and all(map(is_junk, samples)):
        raise JobError(
            f"{path} is binary: give a text file (unpack an archive, or export the log as text)"
        )
    file.seek(len(bom))
    return encoding, size_bytes or sys.maxsize  # Files under /proc state a size of 0.


def _cut(raw: bytes, encoding: Encoding) -> int:
    """How many bytes to take: up to the last line's end, else up to a break, else nearly all."""
    if encoding.startswith("utf-16"):
        return _cut_wide(raw, encoding)
    if newline := raw.rfind(b"\n") + 1:
        return newline
    if len(raw) < BLOCK_BYTES:
        return len(raw)
    reach = len(raw) - _BREAK_REACH
    if best := max(raw.rfind(mark, reach) + 1 for mark in _BREAKS):
        return best
    size = len(raw)
    while size > reach and _is_continuation(raw[size - 1]):
        size -= 1
    return max(size - 1, 1)


def _cut_wide(raw: bytes, encoding: Encoding) -> int:
    newline = "\n".encode(encoding)
    at = raw.rfind(newline)
    while at % 2 and at > 0:
        at = raw.rfind(newline, 0, at + 1)
    if at >= 0 and at % 2 == 0:
        return at + 2
    size = len(raw) - len(raw) % 2
    last = raw[size - 2 : size].decode(encoding, "surrogatepass")
    return max(size - 2 if "\ud800" <= last <= "\udbff" else size, 1)


def _is_continuation(byte: int) -> bool:
    """Whether the byte goes on with a character of UTF-8."""
    return byte in range(0x80, 0xC0)
