"""What a setting may be: its type and range in words, and a value that fits or a reason why not."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

TRUE_WORDS = ("true", "1", "yes", "on")
FALSE_WORDS = ("false", "0", "no", "off")
SHOWN_CHARS = 60


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """The type of a setting: `base`, its limits (`above` is not itself allowed) or its choices."""

    base: type
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def describe(self) -> str:
        """The kind in words: "a whole number from 1 to 1000000"."""
        if self.choices:
            return "one of " + ", ".join(choice for choice in self.choices if choice)
        if self.base is Decimal:
            return "an amount in USD, 0 or more"
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        return words[self.base] + self._describe_range()

    def fits(self, value: Any) -> bool:
        """Whether a value of the right type is within the limits."""
        if self.choices:
            return value in self.choices
        if isinstance(value, (float, Decimal)) and not math.isfinite(value):
            return False
        return (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
        )

    def _describe_range(self) -> str:
        low = self.above if self.least is None else self.least
        if low is None or self.most is None:
            return ""
        start = f" above {low:g} up to " if self.least is None else f" from {low:g} to "
        return start + f"{self.most:.0f}"


def get_kind(type_: Any) -> Kind:
    """The kind that a field's annotation stands for.

    msgspec knows no ranges of Decimals, so those stand in the annotation's `extra`.
    """
    origin = get_origin(type_)
    if origin in {Union, UnionType}:
        return get_kind(next(arg for arg in get_args(type_) if arg is not NoneType))
    if origin is Annotated:
        base, *notes = get_args(type_)
        meta = next(note for note in notes if isinstance(note, Meta))
        own = meta.extra or {}
        return Kind(base=base, least=own.get("ge", meta.ge), above=meta.gt, most=meta.le)
    if origin is Literal:
        return Kind(base=str, choices=get_args(type_))
    return Kind(base=type_)


def convert_value(value: Any, kind: Kind) -> Any:
    """The value as this kind has it; ValueError with what is allowed where it does not fit."""
    converted = _convert_type(value, kind.base)
    if converted is None or not kind.fits(converted):
        raise ValueError(f"{_show(value)} is not {kind.describe()}")
    return converted


def parse_text(text: str, kind: Kind) -> Any:
    """The value that a variable's text stands for; ValueError where it stands for none."""
    value: Any = text.strip()
    if kind.base is bool and value.lower() in TRUE_WORDS + FALSE_WORDS:
        return value.lower() in TRUE_WORDS
    try:
        if kind.base is int:
            value = int(value)
        elif kind.base in {float, Decimal}:
            value = Decimal(value)
    except (ValueError, InvalidOperation):
        raise ValueError(f"{_show(text)} is not {kind.describe()}") from None
    return convert_value(value, kind)


def _convert_type(value: Any, base: type) -> Any:
    """The value in its base type, None where it is of another: a bool is no number here."""
    if base in {bool, str}:
        return value if isinstance(value, base) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if base is int:
        return value if isinstance(value, int) else None
    try:
        return float(value) if base is float else Decimal(str(value))
    except (OverflowError, ValueError):
        return None


def _show(value: Any) -> str:
    """A value as a person wrote it, cut short where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."
