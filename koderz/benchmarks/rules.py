"""When an output is right although it is not equal to the expected one.

These are facts about single problems, fixed by EvalPlus (version 0.3): a root of a polynomial is
any zero of it, some lists are sets, and two MBPP problems can be read in two ways.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An oracle and an adapter, as `InputTests` takes them; empty: equality is the rule."""

    oracle: str = ""
    adapter: str = ""


EQUALITY: Final = Rule()

_ANY_ROOT: Final = """
def is_correct(inputs, output, expected):
    coefficients, = inputs
    value = sum(each * output**power for power, each in enumerate(coefficients))
    return abs(value) <= {atol!r}
"""

_SAME_SET: Final = """
def is_correct(inputs, output, expected):
    return set(output) == set(expected)
"""

_SLANT_OR_HEIGHT: Final = """
def is_correct(inputs, output, expected):
    edge, height = inputs
    slant = (height**2 + (edge / 2) ** 2) ** 0.5
    return output == expected or abs(output - round(edge**2 + 2 * edge * slant)) <= {atol!r}
"""

_DIGITS_IN_PLACE: Final = """
def is_correct(inputs, output, expected):
    first, second = map(str, inputs)
    width = max(len(first), len(second))
    pairs = zip(first.zfill(width), second.zfill(width))
    return output == expected or output == sum(abs(int(a) - int(b)) for a, b in pairs)
"""

_ZERO_TOO: Final = """
def is_correct(inputs, output, expected):
    return output == expected or output == 0
"""

_ANYTHING: Final = """
def is_correct(inputs, output, expected):
    return True
"""

# A match of `re` cannot leave its process: whether there is one can.
_IS_FOUND: Final = """

def {name}(*arguments, _asked={name}):
    answer = _asked(*arguments)
    return answer if isinstance(answer, bool) else answer is not None
"""

_SETS: Final = frozenset({
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
    "intersection_array", "find_dissimilar", "Diff",
})  # fmt: skip
_MATCHES: Final = frozenset({"check_str", "text_match_three", "text_starta_endb"})
_OTHERS: Final = {
    "are_equivalent": _ANYTHING,
    "digit_distance_nums": _DIGITS_IN_PLACE,
    "sum_div": _ZERO_TOO,
    "surface_Area": _SLANT_OR_HEIGHT,
}


def get_humaneval_rule(entry_point: str, atol: float) -> Rule:
    """The rule of a HumanEval+ problem with that absolute tolerance."""
    if entry_point == "find_zero":
        return Rule(oracle=_ANY_ROOT.format(atol=atol))
    return EQUALITY


def get_mbpp_rule(entry_point: str, atol: float) -> Rule:
    """The rule of an MBPP+ problem with that absolute tolerance."""
    if entry_point in _SETS:
        return Rule(oracle=_SAME_SET)
    if entry_point in _MATCHES:
        return Rule(adapter=_IS_FOUND.format(name=entry_point))
    if oracle := _OTHERS.get(entry_point):
        return Rule(oracle=oracle.format(atol=atol))
    return EQUALITY
