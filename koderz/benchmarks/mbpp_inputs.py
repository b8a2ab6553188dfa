"""MBPP+'s inputs, turned from what JSON can hold into what they stand for.

JSON has no tuples, sets and complex numbers; which lists are to become what is a fact about each
problem, fixed by EvalPlus (`mbpp_deserialize_inputs` of its version 0.3). Each form below names
the shapes of the arguments, and lists the problems that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

Argument = Callable[[Any], Any]
Form = Callable[[Sequence[Any]], Sequence[Any]]


def _keep(value: Any) -> Any:
    return value


def _deep_tuple(value: Any) -> Any:
    return tuple(_deep_tuple(item) for item in value) if isinstance(value, list) else value


def _list_of(kind: Argument) -> Argument:
    return lambda value: [kind(item) for item in value]


def _tuple_of(kind: Argument) -> Argument:
    return lambda value: tuple(kind(item) for item in value)


def _tuple_if_list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _set_if_full(value: Any) -> Any:
    """An empty set was written as an empty dict, and is read as one."""
    return set(value) if isinstance(value, list) and value else {}


def _dict_of_tuples(value: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(item) for key, item in value.items()}


def _every(kind: Argument) -> Form:
    """All arguments are of that shape."""
    return lambda arguments: [kind(argument) for argument in arguments]


def _first(*kinds: Argument) -> Form:
    """The first arguments are of these shapes, the rest stay as they are."""

    def decode(arguments: Sequence[Any]) -> Sequence[Any]:
        shaped = [kind(argument) for kind, argument in zip(kinds, arguments, strict=False)]
        return [*shaped, *arguments[len(kinds) :]]

    return decode


_FORMS: Final[tuple[tuple[Form, str], ...]] = (
    (
        _every(tuple),
        "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809",
    ),
    (_every(_list_of(tuple)), "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780"),
    (_every(_tuple_of(tuple)), "259 401 445"),
    (_every(_tuple_of(_tuple_if_list)), "278"),
    (_every(_deep_tuple), "580 615 791"),
    (_first(_list_of(tuple)), "75 413 444 753"),
    (_first(_keep, tuple), "106 750"),
    (_first(tuple), "250 307 405 446 617 720 763 808"),
    (_first(_list_of(_set_if_full)), "115"),
    (_first(_dict_of_tuples), "722"),
    (_first(float, complex), "124"),
    (_first(complex), "252"),
)
_FORM_BY_PROBLEM: Final = {
    f"Mbpp/{number}": form for form, numbers in _FORMS for number in numbers.split()
}


def decode_mbpp_inputs(task_id: str, inputs: Iterable[Sequence[object]]) -> list[Sequence[object]]:
    """The inputs of the problem as its functions expect them, each a list of arguments."""
    form = _FORM_BY_PROBLEM.get(task_id)
    return [form(arguments) for arguments in inputs] if form else list(inputs)
