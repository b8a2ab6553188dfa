"""Plain values as bytes, and back: what may cross between a candidate and its tests.

Not pickle: bytes from a hostile process can only become plain values of exactly the types below,
whose methods are Python's own. One byte names the type; lengths are 32 bits, little-endian.

    N T F                None, True, False
    i I d c              int of 64 bits, longer int, float, complex
    s b B                str (lone surrogates too), bytes, bytearray
    l t S Z D            list, tuple, set, frozenset, dict: a count, then the items
    p q                  list of ints of 64 bits, list of floats: packed
    o                    another type of the standard library, by number, with its parts
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import struct
from collections.abc import Callable, Iterable
from typing import Any

MAX_DEPTH = 150

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_LENGTH, _INT, _FLOAT, _COMPLEX = (struct.Struct(form) for form in ("<I", "<q", "<d", "<2d"))

Decode = Callable[[bytes, int, int], tuple[Any, int]]


class CodecError(ValueError):
    """A value that cannot cross, or bytes that are no value."""


def _folded(kind: Any, text: str, fold: int) -> Any:
    """A moment, of the second passing of an hour that a clock shows twice where `fold` is 1."""
    return kind.fromisoformat(text).replace(fold=fold)


# Types beyond the basic ones: how to take one apart into basic values, and how to rebuild it.
_OTHERS: tuple[tuple[type, Callable[[Any], Any], Callable[..., Any]], ...] = (
    (collections.deque, lambda it: [list(it), it.maxlen], collections.deque),
    (collections.Counter, lambda it: [dict(it)], collections.Counter),
    (collections.OrderedDict, lambda it: [dict(it)], collections.OrderedDict),
    (
        collections.defaultdict,
        lambda it: [dict(it)],
        lambda items: collections.defaultdict(None, items),
    ),
    (decimal.Decimal, lambda it: [str(it)], decimal.Decimal),
    (fractions.Fraction, lambda it: [it.numerator, it.denominator], fractions.Fraction),
    (
        dt.datetime,
        lambda it: [it.isoformat(), it.fold],
        lambda text, fold: _folded(dt.datetime, text, fold),
    ),
    (dt.date, lambda it: [it.isoformat()], dt.date.fromisoformat),
    (
        dt.time,
        lambda it: [it.isoformat(), it.fold],
        lambda text, fold: _folded(dt.time, text, fold),
    ),
    (
        dt.timedelta,
        lambda it: [it.days, it.seconds, it.microseconds],
        dt.timedelta,
    ),
    (range, lambda it: [it.start, it.stop, it.step], range),
    (type(Ellipsis), lambda _: [], lambda: Ellipsis),
)
_OTHER_NUMBERS = {kind: number for number, (kind, _, _) in enumerate(_OTHERS)}


def encode(value: object) -> bytes:
    """The value as bytes; CodecError where it, or a part of it, is no plain value."""
    parts: list[bytes] = []
    try:
        _put(parts, value, 0)
    except struct.error as error:
        raise CodecError("a value too long to cross") from error
    return b"".join(parts)


def decode(encoded: bytes) -> Any:
    """The value that `encoded` holds, of exactly the plain types; CodecError if it holds none."""
    value, end = decode_at(encoded, 0)
    if end != len(encoded):
        raise CodecError("bytes are left over")
    return value


def decode_at(encoded: bytes, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends."""
    try:
        return _take(encoded, start, 0)
    except CodecError:
        raise
    # Whatever malformed bytes lead to (unhashable keys, bad dates, short buffers) is one thing.
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        raise CodecError(f"no value: {type(error).__name__}") from error


def plain_name(kind: type) -> str:
    """A type's name for a message, taken without running anything that the type defines."""
    return str(type.__dict__["__name__"].__get__(kind))


def _put(parts: list[bytes], value: Any, depth: int) -> None:
    put = _PUT.get(type(value))
    if put is not None:
        put(parts, value, depth)
    else:
        _put_subclass(parts, value, depth)


def _put_subclass(parts: list[bytes], value: Any, depth: int) -> None:
    """An instance of a subclass crosses as the plain value under it, taken past its own methods."""
    kind = type(value)
    for base in type.mro(kind):
        if base in _TRUE_VALUE:
            _put(parts, _TRUE_VALUE[base](value), depth)
            return
    module = type.__dict__["__module__"].__get__(kind)
    if module == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        plain = value.item()
        if type(plain) in _PUT:
            _put(parts, plain, depth)
            return
    raise CodecError(f"a value of type {plain_name(kind)} cannot cross to the tests")


def _put_int(parts: list[bytes], value: int, _: int) -> None:
    if _INT_MIN <= value <= _INT_MAX:
        parts.append(b"i" + _INT.pack(value))
    else:
        size = value.bit_length() // 8 + 1
        digits = value.to_bytes(size, "little", signed=True)
        parts.append(b"I" + _LENGTH.pack(size) + digits)


def _put_str(parts: list[bytes], value: str, _: int) -> None:
    encoded = value.encode("utf-8", "surrogatepass")
    parts.append(b"s" + _LENGTH.pack(len(encoded)) + encoded)


def _put_list(parts: list[bytes], value: list[Any], depth: int) -> None:
    kinds = set(map(type, value))
    if kinds == {float}:
        parts.append(b"q" + _LENGTH.pack(len(value)) + struct.pack(f"<{len(value)}d", *value))
    elif kinds == {int} and min(value) >= _INT_MIN and max(value) <= _INT_MAX:
        parts.append(b"p" + _LENGTH.pack(len(value)) + struct.pack(f"<{len(value)}q", *value))
    else:
        _put_items(parts, b"l", value, depth)


def _put_items(parts: list[bytes], tag: bytes, value: Any, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise CodecError("a value nested too deeply (or within itself) cannot cross")
    parts.append(tag + _LENGTH.pack(len(value)))
    for item in value:
        _put(parts, item, depth + 1)


def _put_dict(parts: list[bytes], value: dict[Any, Any], depth: int) -> None:
    _put_items(parts, b"D", value, depth)
    for item in value.values():
        _put(parts, item, depth + 1)


def _put_other(parts: list[bytes], value: Any, depth: int) -> None:
    number = _OTHER_NUMBERS[type(value)]
    parts.append(b"o" + bytes([number]))
    try:
        _put_items(parts, b"l", _OTHERS[number][1](value), depth)
    except (AttributeError, TypeError) as error:
        raise CodecError(f"this {type(value).__name__} cannot cross to the tests") from error


def _put_bytes(tag: bytes) -> Callable[[list[bytes], Any, int], None]:
    def put(parts: list[bytes], value: bytes, _: int) -> None:
        parts.append(tag + _LENGTH.pack(len(value)) + value)

    return put


def _put_sequence(tag: bytes) -> Callable[[list[bytes], Any, int], None]:
    def put(parts: list[bytes], value: Any, depth: int) -> None:
        _put_items(parts, tag, value, depth)

    return put


def _put_fixed(packed: Callable[[Any], bytes]) -> Callable[[list[bytes], Any, int], None]:
    def put(parts: list[bytes], value: Any, _: int) -> None:
        parts.append(packed(value))

    return put


_PUT: dict[type, Callable[[list[bytes], Any, int], None]] = {
    type(None): _put_fixed(lambda _: b"N"),
    bool: _put_fixed(lambda value: b"T" if value else b"F"),
    int: _put_int,
    float: _put_fixed(lambda value: b"d" + _FLOAT.pack(value)),
    complex: _put_fixed(lambda value: b"c" + _COMPLEX.pack(value.real, value.imag)),
    str: _put_str,
    bytes: _put_bytes(b"b"),
    bytearray: _put_bytes(b"B"),
    list: _put_list,
    tuple: _put_sequence(b"t"),
    set: _put_sequence(b"S"),
    frozenset: _put_sequence(b"Z"),
    dict: _put_dict,
    **dict.fromkeys(_OTHER_NUMBERS, _put_other),
}

# The plain value under an instance of a subclass, by the base's own method.
_TRUE_VALUE: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    complex: lambda value: complex(complex.real.__get__(value), complex.imag.__get__(value)),
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytearray.__getitem__(value, slice(None)),
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}


def _take(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
    return _TAKE[encoded[at]](encoded, at + 1, depth)


def _take_length(encoded: bytes, at: int, size: int = 1) -> tuple[int, int]:
    """A count, held against what is left, so that a lie cannot ask for memory."""
    (length,) = _LENGTH.unpack_from(encoded, at)
    if length * size > len(encoded) - at - 4:
        raise CodecError("bytes are missing")
    return length, at + 4


def _take_slice(encoded: bytes, at: int) -> tuple[bytes, int]:
    length, at = _take_length(encoded, at)
    return encoded[at : at + length], at + length


def _take_items(encoded: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    length, at = _take_length(encoded, at)
    if depth >= MAX_DEPTH:
        raise CodecError("nested too deeply")
    items: list[Any] = []
    for _ in range(length):
        item, at = _take(encoded, at, depth + 1)
        items.append(item)
    return items, at


def _take_dict(encoded: bytes, at: int, depth: int) -> tuple[dict[Any, Any], int]:
    keys, at = _take_items(encoded, at, depth)
    values: list[Any] = []
    for _ in keys:
        value, at = _take(encoded, at, depth + 1)
        values.append(value)
    return dict(zip(keys, values, strict=True)), at


def _take_other(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
    rebuild = _OTHERS[encoded[at]][2]
    if encoded[at + 1 : at + 2] not in {b"l", b"p", b"q"}:
        raise CodecError("parts are missing")
    parts, end = _take(encoded, at + 1, depth)
    return rebuild(*parts), end


def _take_packed(code: str) -> Decode:
    def take(encoded: bytes, at: int, _: int) -> tuple[list[Any], int]:
        length, at = _take_length(encoded, at, 8)
        return list(struct.unpack_from(f"<{length}{code}", encoded, at)), at + 8 * length

    return take


def _take_built(build: Callable[[list[Any]], Any]) -> Decode:
    def take(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
        items, at = _take_items(encoded, at, depth)
        return build(items), at

    return take


def _take_sliced(build: Callable[[bytes], Any]) -> Decode:
    def take(encoded: bytes, at: int, _: int) -> tuple[Any, int]:
        content, at = _take_slice(encoded, at)
        return build(content), at

    return take


def _take_constant(value: object) -> Decode:
    return lambda _encoded, at, _depth: (value, at)


_TAKE: dict[int, Decode] = {
    ord(tag): take
    for tag, take in {
        "N": _take_constant(None),
        "T": _take_constant(True),  # noqa: FBT003 - the value itself, not a flag.
        "F": _take_constant(False),  # noqa: FBT003 - the value itself, not a flag.
        "i": lambda encoded, at, _: (_INT.unpack_from(encoded, at)[0], at + 8),
        "I": _take_sliced(lambda content: int.from_bytes(content, "little", signed=True)),
        "d": lambda encoded, at, _: (_FLOAT.unpack_from(encoded, at)[0], at + 8),
        "c": lambda encoded, at, _: (complex(*_COMPLEX.unpack_from(encoded, at)), at + 16),
        "s": _take_sliced(lambda content: content.decode("utf-8", "surrogatepass")),
        "b": _take_sliced(bytes),
        "B": _take_sliced(bytearray),
        "l": _take_items,
        "t": _take_built(tuple),
        "S": _take_built(set),
        "Z": _take_built(frozenset),
        "D": _take_dict,
        "p": _take_packed("q"),
        "q": _take_packed("d"),
        "o": _take_other,
    }.items()
}


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
