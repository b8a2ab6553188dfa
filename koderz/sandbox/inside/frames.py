"""What a candidate's process answers: a value, or one of a few marks and what goes with it."""

from __future__ import annotations

import builtins
import hashlib
import os
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import codec

# None of these begins a value, so a bare value needs no mark of its own.
RAISED, UNPORTABLE, CHANGED, LOADED, MALFORMED = b"!", b"?", b"*", b"+", b"-"
# What is expected, where it is long, is known by its digest alone.
DIGEST = b"#"

MAX_FRAME = 64 * 1024 * 1024
SOURCE_NAME = "<candidate>"

_LONG = 1024
_DIGEST_SIZE = 1 + 8 + 32
_CHUNK = 1 << 20

_MESSAGE_LIMIT = 500
_TRACE_LIMIT = 6


class Raised(NamedTuple):
    """An exception that crossed: the built-in type it is, its own name, and where it arose."""

    kind: str
    name: str
    arguments: list[Any]
    message: str
    trace: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name

    def build(self) -> BaseException:
        """The exception as one of the built-in types, to be raised again."""
        kind = getattr(builtins, self.kind, RuntimeError)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            kind = RuntimeError
        try:
            return kind(*self.arguments)
        except (TypeError, ValueError):
            return RuntimeError(str(self))


def encode_raised(error: BaseException) -> bytes:
    """A frame that tells of an exception."""
    kind = type(error)
    name = codec.plain_name(kind)
    builtin = next(
        (base.__name__ for base in type.mro(kind) if base.__module__ == "builtins"), "Exception"
    )
    message = _message(error)
    trace = _trace(error)
    try:
        return RAISED + codec.encode([builtin, name, list(error.args), message, trace])
    except codec.CodecError:
        return RAISED + codec.encode([builtin, name, [message], message, trace])


def decode_raised(frame: bytes) -> Raised:
    """What `encode_raised` told, held to its form; CodecError where it has another."""
    parts = codec.decode(frame[1:])
    if not isinstance(parts, list) or [type(part) for part in parts] != [str, str, list, str, str]:
        raise codec.CodecError("no exception")
    return Raised(*parts)


def encode_reply(value: object) -> bytes:
    """A frame with the value, or one that says why it cannot cross."""
    try:
        return codec.encode(value)
    except codec.CodecError as error:
        return UNPORTABLE + codec.encode(str(error))


def is_long(frame: bytes) -> bool:
    """Whether a frame holds a value that is better known by its digest."""
    return len(frame) >= _LONG and frame[:1] not in {RAISED, UNPORTABLE}


def shorten(frame: bytes, words: str) -> bytes:
    """A value's digest, with words for a person."""
    return _digest(frame) + words.encode("utf-8", "backslashreplace")


def is_digest(frame: bytes) -> bool:
    """Whether a frame holds no value, but a value's digest."""
    return frame[:1] == DIGEST


def is_digest_of(expected: bytes, frame: bytes) -> bool:
    """Whether an output is the value whose digest is expected."""
    return expected[:_DIGEST_SIZE] == _digest(frame)


def _digest(frame: bytes) -> bytes:
    return DIGEST + len(frame).to_bytes(8, "little") + hashlib.sha256(frame).digest()


def whole_size(frame: bytes) -> int:
    """The size of a frame, of the whole one where it is a digest."""
    return int.from_bytes(frame[1:9], "little") if is_digest(frame) else len(frame)


def get_words(frame: bytes) -> str:
    """The words of a digest."""
    return frame[_DIGEST_SIZE:].decode("utf-8", "replace")


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE_LIMIT]
    except BaseException:  # noqa: BLE001 - a candidate's own __str__ may do anything.
        return ""


def _trace(error: BaseException) -> str:
    """The candidate's own lines on the way to the exception."""
    try:
        steps = traceback.extract_tb(error.__traceback__)
        own = [step for step in steps if step.filename == SOURCE_NAME][-_TRACE_LIMIT:]
        return "\n".join(f"line {step.lineno}, in {step.name}: {step.line}" for step in own)
    except BaseException:  # noqa: BLE001 - as above.
        return ""


def read_all(descriptor: int) -> bytes:
    """The whole file from its beginning, wherever its offset stands."""
    size = os.fstat(descriptor).st_size
    parts, at = [], 0
    while at < size:
        part = os.pread(descriptor, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def iterate(descriptor: int) -> Iterator[bytes]:
    """The whole frames of a file from its beginning, one at a time."""
    left = os.fstat(descriptor).st_size
    with open(descriptor, "rb", buffering=_CHUNK, closefd=False) as file:
        file.seek(0)
        while (left := left - 4) >= 0:
            length = int.from_bytes(file.read(4), "little")
            if (left := left - length) < 0:
                return
            yield file.read(length)


def is_file(descriptor: int, content: bytes) -> bool:
    """Whether a file holds exactly that."""
    return os.fstat(descriptor).st_size == len(content) and read_all(descriptor) == content


def take_all(descriptor: int) -> bytes:
    """The whole file; it is closed, so that a candidate never has it."""
    content = read_all(descriptor)
    os.close(descriptor)
    return content


def write_all(descriptor: int, content: bytes) -> None:
    """Write everything, in as many pieces as it takes."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def write_frame(descriptor: int, content: bytes) -> None:
    """Write one frame behind its length, in one piece where the system takes it so."""
    length = len(content).to_bytes(4, "little")
    written = os.writev(descriptor, (length, content))
    if written < len(length) + len(content):
        write_all(descriptor, (length + content)[written:])


def read_frame(descriptor: int) -> bytes | None:
    """The next frame, None at the end; CodecError where its length is absurd."""
    header = _read_exactly(descriptor, 4)
    if header is None:
        return None
    length = int.from_bytes(header, "little")
    if length > MAX_FRAME:
        raise codec.CodecError("a frame too long")
    return _read_exactly(descriptor, length)


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    first = os.read(descriptor, size) if size else b""
    if len(first) == size:
        return first
    parts, missing = [first], size - len(first)
    while missing and parts[-1]:
        parts.append(os.read(descriptor, missing))
        missing -= len(parts[-1])
    return None if missing else b"".join(parts)
