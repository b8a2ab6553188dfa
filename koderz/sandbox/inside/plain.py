"""Which values are plain, beyond those that need no words: taken apart, and put together again.

None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set and frozenset, of exactly
these types, cross as they are. What is here crosses as a number and parts of those types.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
from collections.abc import Callable
from typing import Any

_SIMPLE = {type(None), bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset}


class CodecError(ValueError):
    """A value that cannot cross, or bytes that are no value."""


class DepthError(CodecError):
    """A value nested too deeply to be worked with."""


def _folded(kind: Any, text: str, fold: int) -> Any:
    """A moment, of the second passing of an hour that a clock shows twice where `fold` is 1."""
    return kind.fromisoformat(text).replace(fold=fold)


# How to take each type apart, and how to rebuild it. The first is what a subclass crosses as.
_OTHERS: tuple[tuple[type, Callable[[Any], Any], Callable[..., Any]], ...] = (
    (object, lambda it: [it], lambda it: it),
    (complex, lambda it: [it.real, it.imag], complex),
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
    (dt.timedelta, lambda it: [it.days, it.seconds, it.microseconds], dt.timedelta),
    (range, lambda it: [it.start, it.stop, it.step], range),
    (type(Ellipsis), lambda _: [], lambda: Ellipsis),
)
_NUMBERS = {kind: number for number, (kind, _, _) in enumerate(_OTHERS)}
_UNDERLYING = 0

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


def rebuild(number: int, *parts: Any) -> Any:
    """The value that was taken apart."""
    if number < 0:
        raise CodecError("no type has that number")
    return _OTHERS[number][2](*parts)


def take_apart(value: Any) -> tuple[Any, ...]:
    """A number and parts, for `rebuild`; CodecError where the value is no plain one.

    An instance of a subclass becomes the plain value under it, taken past its own methods.
    """
    kind = type(value)
    number = _NUMBERS.get(kind, _UNDERLYING)
    if number != _UNDERLYING:
        try:
            return (number, *_OTHERS[number][1](value))
        except (AttributeError, TypeError) as error:
            raise CodecError(f"this {kind.__name__} cannot cross to the tests") from error
    for base in type.mro(kind):
        if base in _TRUE_VALUE:
            return (_UNDERLYING, _TRUE_VALUE[base](value))
    return (_UNDERLYING, _number_of_an_array(value))


def _number_of_an_array(value: Any) -> Any:
    """A scalar of numpy's as a number of Python's."""
    kind = type(value)
    module = type.__dict__["__module__"].__get__(kind)
    if module == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        plain = value.item()
        if type(plain) in _SIMPLE or type(plain) in _NUMBERS:
            return plain
    raise CodecError(f"a value of type {plain_name(kind)} cannot cross to the tests")


def plain_name(kind: type) -> str:
    """A type's name for a message, taken without running anything that the type defines."""
    return str(type.__dict__["__name__"].__get__(kind))
