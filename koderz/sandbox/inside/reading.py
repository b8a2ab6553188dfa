"""Reading plain values out of bytes that a hostile process may have written.

The format is a part of pickle's fifth: commands for a machine with one stack. Commands that name
things, call them or refer back are not among those known here, save one name, for the types of
`plain`. So every value is built of its own bytes alone: a tree, no larger than they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from . import plain
from .plain import CodecError, DepthError

PROTOCOL = 5
MAX_DEPTH = 150

_START = bytes([0x80, PROTOCOL])
_STOP = ord(".")
_LENGTHS = {
    size: struct.Struct(form) for size, form in ((1, "<B"), (2, "<H"), (4, "<I"), (8, "<Q"))
}
_FLOAT, _BYTE, _INT, _WORD = b"GKJ\x8c"
_FLOATS, _INTS = struct.Struct(">d"), struct.Struct("<i")
_REBUILD = object()


def read(encoded: bytes) -> Any:
    """The value; CodecError, or an error of Python's own, where the bytes are none."""
    if encoded[: len(_START)] != _START:
        raise CodecError("no value")
    reading = _Reading(encoded)
    while encoded[reading.read_simple()] != _STOP:
        command = encoded[reading.at]
        reading.at += 1
        _COMMANDS[command](reading)
    return reading.finish()


class _Reading:
    """How far the reading has come: the stack, and where on it nested values are, how deep."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded, self.at = encoded, len(_START)
        self._values: list[Any] = []
        self._nested: list[tuple[int, int]] = []
        self._marks: list[int] = []
        self._named = 0

    def read_simple(self) -> int:
        """Read on to the next command for anything but a number or a short text; most are such."""
        encoded, at, push = self._encoded, self.at, self._values.append
        while True:
            command = encoded[at]
            if command == _FLOAT:
                push(_FLOATS.unpack_from(encoded, at + 1)[0])
                at += 9
            elif command == _BYTE:
                push(encoded[at + 1])
                at += 2
            elif command == _INT:
                push(_INTS.unpack_from(encoded, at + 1)[0])
                at += 5
            elif command == _WORD:
                start, at = at + 2, at + 2 + encoded[at + 1]
                if at > len(encoded):
                    raise CodecError("bytes are missing")
                push(_text(encoded[start:at]))
            else:
                self.at = at
                return at

    def finish(self) -> Any:
        """The one value that is left when the bytes are over."""
        is_over = self.at + 1 == len(self._encoded) and len(self._values) == 1
        if not is_over or self._marks or self._named:
            raise CodecError("no single value")
        return self._values[0]

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        end = self.at + size
        if end > len(self._encoded):
            raise CodecError("bytes are missing")
        content = self._encoded[self.at : end]
        self.at = end
        return content

    def take_sized(self, size: int) -> bytes:
        """Bytes behind their length, which is itself of `size` bytes."""
        return self.take(_LENGTHS[size].unpack(self.take(size))[0])

    def skip_size(self) -> None:
        """Pass over the size of what pickle calls a frame, which says nothing about values."""
        self.take(8)

    def push(self, value: Any, depth: int = 0) -> None:
        """Put a value on the stack."""
        if depth > MAX_DEPTH:
            raise DepthError("a value nested too deeply")
        if depth:
            self._nested.append((len(self._values), depth))
        self._values.append(value)

    def mark(self) -> None:
        """Remember how high the stack is."""
        self._marks.append(len(self._values))

    def take_items(self, count: int | None = None) -> tuple[list[Any], int]:
        """The last values, or all since the last mark, and how deep the deepest is nested."""
        start = self._marks.pop() if count is None else len(self._values) - count
        if start < 0:
            raise CodecError("values are missing")
        items, depth = self._values[start:], 0
        del self._values[start:]
        while self._nested and self._nested[-1][0] >= start:
            depth = max(depth, self._nested.pop()[1])
        return items, depth

    def push_built(self, build: Callable[[list[Any]], Any], count: int | None = None) -> None:
        """Put the last values on the stack again as one."""
        items, depth = self.take_items(count)
        self.push(build(items), depth + 1)

    def add(self, kind: type, put: Callable[[Any, list[Any]], None], count: int | None) -> None:
        """Put the last values into the collection below them."""
        items, depth = self.take_items(count)
        (collection,), own = self.take_items(1)
        if type(collection) is not kind:
            raise CodecError("values that belong nowhere")
        put(collection, items)
        self.push(collection, max(own, depth + 1))

    def name(self) -> None:
        """Take a name from the stack: the only one there is."""
        (_, name), _ = self.take_items(2)
        if name != plain.rebuild.__name__:
            raise CodecError("a name")
        self._named += 1
        self.push(_REBUILD)

    def rebuild(self) -> None:
        """Put together what was taken apart; its parts stand behind the name."""
        (named, parts), depth = self.take_items(2)
        if named is not _REBUILD or type(parts) is not tuple:
            raise CodecError("a call")
        self._named -= 1
        self.push(plain.rebuild(*parts), depth)


def _put_pairs(target: dict[Any, Any], items: list[Any]) -> None:
    target.update(zip(items[::2], items[1::2], strict=True))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _whole(content: bytes) -> int:
    return int.from_bytes(content, "little", signed=True)


Command = Callable[[_Reading], None]


def _constant(value: Any) -> Command:
    return lambda reading: reading.push(value)


def _empty(build: Callable[[], Any]) -> Command:
    return lambda reading: reading.push(build())


def _sized(size: int, build: Callable[[bytes], Any]) -> Command:
    return lambda reading: reading.push(build(reading.take_sized(size)))


def _fixed(form: struct.Struct) -> Command:
    return lambda reading: reading.push(form.unpack(reading.take(form.size))[0])


def _built(build: Callable[[list[Any]], Any], count: int | None = None) -> Command:
    return lambda reading: reading.push_built(build, count)


def _added(kind: type, put: Callable[[Any, list[Any]], None], count: int | None = None) -> Command:
    return lambda reading: reading.add(kind, put, count)


_COMMANDS: dict[int, Command] = {
    0x95: _Reading.skip_size,
    ord("("): _Reading.mark,
    ord("N"): _constant(None),
    0x88: _constant(True),  # noqa: FBT003 - the value itself, not a flag.
    0x89: _constant(False),  # noqa: FBT003 - the value itself, not a flag.
    ord("M"): _fixed(_LENGTHS[2]),
    0x8A: _sized(1, _whole),
    0x8B: _sized(4, _whole),
    ord("X"): _sized(4, _text),
    ord("C"): _sized(1, bytes),
    ord("B"): _sized(4, bytes),
    0x96: _sized(8, bytearray),
    ord(")"): _constant(()),
    0x85: _built(tuple, 1),
    0x86: _built(tuple, 2),
    0x87: _built(tuple, 3),
    ord("t"): _built(tuple),
    0x91: _built(frozenset),
    ord("]"): _empty(list),
    ord("a"): _added(list, list.extend, 1),
    ord("e"): _added(list, list.extend),
    ord("}"): _empty(dict),
    ord("s"): _added(dict, _put_pairs, 2),
    ord("u"): _added(dict, _put_pairs),
    0x8F: _empty(set),
    0x90: _added(set, set.update),
    0x93: _Reading.name,
    ord("R"): _Reading.rebuild,
}
