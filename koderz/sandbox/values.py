"""Plain values for case tests, as bytes."""

from __future__ import annotations

from collections.abc import Iterable

from koderz.sandbox.inside import codec, frames


def encode_values(values: Iterable[object]) -> bytes:
    """Values one after another: the inputs of `CaseTests`, or what is expected.

    Plain values only: None, bool, int, float, complex, str, bytes, bytearray, list, tuple, dict,
    set, frozenset, range, Ellipsis; deque, Counter, OrderedDict, defaultdict; Decimal, Fraction;
    datetime, date, time, timedelta. ValueError where a value holds anything else.
    """
    return codec.encode_frames(values)


def decode_values(encoded: bytes) -> list[object]:
    """The values again; an exception that a program raised, or a digest, stands there as its text.

    ValueError where the bytes are no values.
    """
    return [_decode(frame) for frame in codec.split_frames(encoded)]


def _decode(frame: bytes) -> object:
    if frame[:1] == frames.RAISED:
        return f"raised {frames.decode_raised(frame)}"
    if frame[:1] == frames.UNPORTABLE:
        return str(codec.decode(frame[1:]))
    if frames.is_digest(frame):
        return frames.get_words(frame)
    return codec.decode(frame)
