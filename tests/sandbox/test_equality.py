"""When an output is the expected one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from koderz.sandbox.inside.cases import is_equal


@pytest.mark.parametrize(
    ("given", "wanted", "atol", "holds"),
    [
        (1, 1, 0, True),
        (1, 1.0, 0, True),
        (True, 1, 0, True),
        ([1], (1,), 0, False),
        (1.0 + 5e-7, 1.0, 0, True),
        (1.0 + 5e-6, 1.0, 0, False),
        (1.0 + 5e-5, 1.0, 1e-4, True),
        (1e12, 1e12 + 1e4, 0, True),
        (1, 1.0000001, 0, False),
        ([1.0000001, 2.0], [1.0, 2.0], 0, True),
        ([1.0], [1.0, 2.0], 0, False),
        ((1.0, 2.0), [1.0, 2.0], 0, False),
        ([[1.0000001]], [[1.0]], 0, False),
        ([[1.0000001]], [[1.0]], 1e-4, True),
        (math.nan, math.nan, 0, True),
        ([math.nan], [math.nan], 0, True),
        (math.inf, math.inf, 0, True),
        (math.inf, 1.0, 0, False),
        (1.0, math.inf, 1e-4, False),
        ("a", "b", 1e-4, False),
        (None, 1.0, 0, False),
        (1e-5 + 0j, 0j, 1e-4, True),
        pytest.param(10**400, 1.0, 1e-4, False, id="beyond a float"),
        ({"a": 1.0000001}, {"a": 1.0}, 0, False),
    ],
)
def test_the_rules_of_equality(given: Any, wanted: Any, atol: float, holds: bool) -> None:
    assert is_equal(given, wanted, atol) is holds
