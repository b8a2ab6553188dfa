"""Problem sets: the bundled one, the public ones, your own; and code out of a model's answer.

for problem in get_benchmark("starter").load_problems():
    ...                                        # ask a model problem.prompt
    extraction = extract_code(answer, problem)  # a module to run in the sandbox
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from koderz.benchmarks.answers import Extraction as Extraction
    from koderz.benchmarks.answers import Found as Found
    from koderz.benchmarks.answers import extract_code as extract_code
    from koderz.benchmarks.problems import AssertTests as AssertTests
    from koderz.benchmarks.problems import InputTests as InputTests
    from koderz.benchmarks.problems import Problem as Problem
    from koderz.benchmarks.problems import Tests as Tests
    from koderz.benchmarks.problems import UnitTests as UnitTests
    from koderz.benchmarks.registry import Benchmark as Benchmark
    from koderz.benchmarks.registry import get_benchmark as get_benchmark
    from koderz.benchmarks.registry import list_names as list_names

_HOMES = {
    "AssertTests": "problems",
    "Benchmark": "registry",
    "Extraction": "answers",
    "Found": "answers",
    "InputTests": "problems",
    "Problem": "problems",
    "Tests": "problems",
    "UnitTests": "problems",
    "extract_code": "answers",
    "get_benchmark": "registry",
    "list_names": "registry",
}

__all__ = [
    "AssertTests",
    "Benchmark",
    "Extraction",
    "Found",
    "InputTests",
    "Problem",
    "Tests",
    "UnitTests",
    "extract_code",
    "get_benchmark",
    "list_names",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
