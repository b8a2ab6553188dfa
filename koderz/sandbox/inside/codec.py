"""Plain values as bytes, and back: what may cross between a candidate and its tests.

They are written in a part of pickle's format by Python's own pickler, which is fast and exact about
types; with nothing remembered, so that equal values mostly make equal bytes. They are never
unpickled where a candidate could have written them: `decode` reads that part of the format and no
more, so that such bytes can only become plain values, whose methods are Python's own.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Iterable
from typing import Any

from . import plain, reading
from .plain import CodecError, DepthError, plain_name

__all__ = [
    "CodecError",
    "DepthError",
    "Packer",
    "decode",
    "encode",
    "encode_frame",
    "encode_frames",
    "join_frames",
    "load",
    "plain_name",
    "split_frames",
]

_LENGTH = struct.Struct("<I")
_NAME = plain.rebuild.__name__.encode()


class Packer(pickle.Pickler):
    """Writes plain values; it asks for words about all but the simple ones."""

    def reducer_override(self, value: Any) -> Any:
        """How to write a value that is not of exactly a simple type."""
        return (
            NotImplemented if value is plain.rebuild else (plain.rebuild, plain.take_apart(value))
        )


class _Unpacker(pickle.Unpickler):
    """Reads what our own side has written."""

    def find_class(self, _: str, name: str) -> Any:
        """The one function that is ever named."""
        if name != _NAME.decode():
            raise CodecError("no value")
        return plain.rebuild


def encode(value: object) -> bytes:
    """The value as bytes; CodecError where it, or a part of it, is no plain value."""
    written = io.BytesIO()
    _dump(_open_packer(written), value)
    return written.getvalue()


def encode_frames(values: Iterable[object]) -> bytes:
    """Values one after another, each as a frame; CodecError as `encode`."""
    written = io.BytesIO()
    packer = _open_packer(written)
    for value in values:
        start = written.tell()
        written.write(_LENGTH.pack(0))
        _dump(packer, value)
        end = written.tell()
        written.seek(start)
        written.write(_LENGTH.pack(end - start - _LENGTH.size))
        written.seek(end)
    return written.getvalue()


def _open_packer(written: io.BytesIO) -> Packer:
    packer = Packer(written, reading.PROTOCOL)
    packer.fast = True
    return packer


def _dump(packer: Packer, value: object) -> None:
    try:
        packer.dump(value)
    except CodecError:
        raise
    except (RecursionError, ValueError) as error:
        raise CodecError("a value nested too deeply (or within itself) cannot cross") from error
    except (pickle.PicklingError, OverflowError) as error:
        raise CodecError(f"a value that cannot cross: {error}") from error


def decode(encoded: bytes) -> Any:
    """The value that `encoded` holds, of exactly the plain types; CodecError if it holds none."""
    try:
        return reading.read(encoded)
    except CodecError:
        raise
    # Whatever malformed bytes lead to (unhashable keys, bad dates, short buffers) is one thing.
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        raise CodecError(f"no value: {type(error).__name__}") from error


def load(encoded: bytes) -> Any:
    """As `decode`, much faster, of bytes that no candidate can have written."""
    if _NAME in encoded:
        return _Unpacker(io.BytesIO(encoded)).load()
    return pickle.loads(encoded)  # noqa: S301 - they are our own, and name nothing.


def encode_frame(content: bytes) -> bytes:
    """The content behind its length."""
    return _LENGTH.pack(len(content)) + content


def split_frames(joined: bytes) -> list[bytes]:
    """The whole frames of `joined`; one that was cut off at the end is left out."""
    frames, at = [], 0
    while at + 4 <= len(joined):
        end = at + 4 + _LENGTH.unpack_from(joined, at)[0]
        if end > len(joined):
            break
        frames.append(joined[at + 4 : end])
        at = end
    return frames


def join_frames(frames: Iterable[bytes]) -> bytes:
    """Frames one after another, each behind its length."""
    return b"".join(encode_frame(frame) for frame in frames)
