"""Shapes: what lines have in common once numbers, ids and paths are taken out.

A log has few shapes however long it is, so everything that is costly to tell about a line is told
once a shape. A line's key is the line with each digit and each letter from a to f as 0, made for a
whole block at once, so that ids don't matter; only a key that was not seen before is looked at more
closely. (That "bad" and "add" have one key is a price worth paying.)
"""

from __future__ import annotations

from collections.abc import Sequence

from koderz.extract.numbers import Number, locate_numbers, may_have_numbers
from koderz.extract.severity import may_be_severe, score_severity
from koderz.extract.words import split_words

MAX_SHAPES = 40_000
_MAX_KEY_BYTES = 24_000_000  # Twice: the newer keys, and those before them.
_KEY_OVERHEAD = 150
_TEMPLATE_BYTES = 400
_FIRSTS = 3

_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_IDS = bytes.maketrans(b"123456789abcdef", b"0" * 15)
_ZERO, _SLASH = b"0/"  # As numbers: bytes are looked up in bytes much more slowly.
_NOT_ASCII = 0x80
_WORD_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/0"
_TO_WORDS = bytes(
    code if code in _WORD_BYTES or code >= _NOT_ASCII else ord(" ") for code in _DIGITS
)


class Shape:
    """One shape: how often and where it stands, and how severe it is (0 to 1).

    `template` is its words; positions are ordinals of records. `variants` hold the lines apart
    whose numbers say something: "0 errors" and "3 errors" have one template.
    """

    __slots__ = ("count", "firsts", "last", "may_have_numbers", "severity", "template", "variants")

    def __init__(self, template: bytes, severity: float) -> None:
        self.template = template
        self.severity = severity
        self.may_have_numbers = False
        self.variants: dict[str, Shape] = {}
        self.count = 0
        self.firsts: list[int] = []
        self.last = -1


class Probe:
    """A key whose lines have numbers that tell how it went, and where in the line they stand."""

    __slots__ = ("_numbers", "_shape")

    def __init__(self, shape: Shape, numbers: Sequence[Number]) -> None:
        self._shape = shape
        self._numbers = numbers

    def get(self, line: bytes) -> Shape:
        """The shape of a line with this key, by what its numbers say."""
        classes = "".join([number.classify(line) for number in self._numbers])
        variant = self._shape.variants.get(classes)
        if variant is None:
            severity = score_severity(line, split_words(line), classes)
            variant = Shape(self._shape.template, severity)
            self._shape.variants[classes] = variant
        return variant


def mask_ids(text: bytes) -> bytes:
    """The text with each digit and each letter from a to f as 0; nothing moves."""
    return text.translate(_IDS)


def build_template(line: bytes) -> bytes:
    """The words of a line, without those that hold a digit or are a path."""
    words = line.translate(_TO_WORDS).split()
    kept = [word for word in words if _ZERO not in word and _SLASH not in word]
    return b" ".join(kept)[:_TEMPLATE_BYTES]


class ShapeTable:
    """All shapes of a file, counted as its lines come in.

    Memory is bounded: where a file has more than `MAX_SHAPES`, the mild ones seen only once are
    forgotten and new mild ones count as one, as being one of so many no longer tells anything.
    """

    def __init__(self) -> None:
        self._by_key: dict[bytes, Shape | Probe] = {}
        self._older: dict[bytes, Shape | Probe] = {}
        self._key_bytes = 0
        self._by_template: dict[bytes, Shape] = {}
        self._any = Shape(b"", 0.0)
        self._is_flooded = False

    def add_lines(self, keys: Sequence[bytes], lines: Sequence[bytes], position: int) -> None:
        """Counts a block's lines, the first of which stands at `position`."""
        by_key = self._by_key
        for place, key in enumerate(keys):
            found = by_key.get(key) or self._recall(key, lines[place])
            shape = found.get(lines[place]) if isinstance(found, Probe) else found
            count = shape.count
            if count < _FIRSTS:
                shape.firsts.append(place + position)
            shape.count = count + 1
            shape.last = place + position
        self._bound()

    def get(self, line: bytes) -> Shape:
        """The shape of a line, which is not counted again."""
        key = mask_ids(line)
        shape = self._by_key.get(key) or self._recall(key, line)
        return shape.get(line) if isinstance(shape, Probe) else shape

    def shapes(self) -> list[Shape]:
        """All shapes that were counted."""
        return [
            shape
            for known in self._by_template.values()
            for shape in (known, *known.variants.values())
            if shape.count
        ]

    def _recall(self, key: bytes, line: bytes) -> Shape | Probe:
        known = self._older.get(key)
        if known is None:
            return self._learn(key, line)
        self._by_key[key] = known
        self._key_bytes += len(key) + _KEY_OVERHEAD
        return known

    def _learn(self, key: bytes, line: bytes) -> Shape | Probe:
        template = build_template(line)
        shape = self._by_template.get(template) or self._make(template, line)
        found: Shape | Probe = shape
        if shape.may_have_numbers and (numbers := locate_numbers(line)):
            found = Probe(shape, numbers)
        if shape is not self._any:
            self._by_key[key] = found
            self._key_bytes += len(key) + _KEY_OVERHEAD
        return found

    def _make(self, template: bytes, line: bytes) -> Shape:
        words = split_words(line)
        if self._is_flooded and not may_be_severe(line, words):
            return self._any
        shape = Shape(template, score_severity(line, words))
        shape.may_have_numbers = may_have_numbers(words)
        self._by_template[template] = shape
        return shape

    def _bound(self) -> None:
        if self._key_bytes > _MAX_KEY_BYTES:
            self._older, self._by_key, self._key_bytes = self._by_key, {}, 0
        if len(self._by_template) <= MAX_SHAPES:
            return
        kept = [each for each in self._by_template.values() if _is_telling(each)]
        if len(kept) > MAX_SHAPES // 2:
            kept.sort(key=lambda shape: (shape.severity, shape.last))
        self._by_template = {shape.template: shape for shape in kept[-MAX_SHAPES // 2 :]}
        self._older, self._by_key, self._key_bytes = {}, {}, 0
        self._is_flooded = True


def _is_telling(shape: Shape) -> bool:
    return shape.count > 1 or bool(shape.variants) or shape.severity > 0
