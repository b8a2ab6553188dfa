"""What a simulated coder knows: the starter problems' solutions, and how to get them wrong.

A program is seen as the lines of its entry point, written in one way whatever it looked like; a
bug is one of these lines with something else in it. So what is wrong with a program, and whether
a prompt says how to mend it, can be read off line by line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache

import msgspec

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_NAMES = {
    "min": "max",
    "max": "min",
    "sorted": "list",
    "any": "all",
    "all": "any",
    "abs": "int",
    "upper": "lower",
    "lower": "upper",
}


class Bug(msgspec.Struct, frozen=True):
    """A line that is wrong: its place, and what stands there instead."""

    at: int
    line: str


class Known(msgspec.Struct, frozen=True):
    """A problem whose solution is known, as lines."""

    prompt: str
    entry_point: str
    lines: tuple[str, ...]
    bugs: tuple[Bug, ...]


@cache
def list_known() -> tuple[Known, ...]:
    """The starter problems."""
    from koderz.benchmarks import get_benchmark

    return tuple(
        Known(
            problem.prompt,
            problem.entry_point,
            tuple(lines),
            tuple(list_bugs(problem.reference, problem.entry_point)),
        )
        for problem in get_benchmark("starter").load_problems()
        if (lines := list_lines(problem.reference, problem.entry_point))
    )


def find_known(problem: str) -> Known | None:
    """The starter problem with this prompt, None where it is none of them."""
    wanted = problem.strip()
    return next((known for known in list_known() if known.prompt.strip() == wanted), None)


def list_lines(source: str, entry_point: str) -> list[str]:
    """The lines of the function without its docstring; empty where there is none."""
    function = _find_function(source, entry_point)
    return ast.unparse(function).split("\n") if function else []


def list_bugs(source: str, entry_point: str) -> Iterator[Bug]:
    """Every bug that changes one line of the function, in the order of the lines."""
    function = _find_function(source, entry_point)
    if function is None:
        return
    lines = ast.unparse(function).split("\n")
    seen: set[Bug] = set()
    for changed in _mutate(function):
        if len(changed) != len(lines):
            continue
        places = [at for at, line in enumerate(lines) if line != changed[at]]
        if len(places) == 1 and (bug := Bug(places[0], changed[places[0]])) not in seen:
            seen.add(bug)
            yield bug


def list_differences(known: Known, lines: Sequence[str]) -> list[int] | None:
    """The places at which lines differ from the solution; None where they are another program."""
    if len(lines) != len(known.lines):
        return None
    return [at for at, line in enumerate(lines) if line != known.lines[at]]


def _find_function(source: str, entry_point: str) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point
    ]
    if not found:
        return None
    function = found[-1]
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        del function.body[0]
    return function


def _mutate(function: ast.FunctionDef) -> Iterator[list[str]]:
    """The function's lines with one thing changed, for each that can be."""
    for node in _list_places(function):
        change = _find_change(node)
        if change:
            name, value = change
            kept = getattr(node, name)
            setattr(node, name, value)
            yield ast.unparse(function).split("\n")
            setattr(node, name, kept)


def _list_places(function: ast.FunctionDef) -> list[ast.AST]:
    """The nodes that may be changed: none that could keep a program from ending."""
    kept: set[int] = set()
    for node in ast.walk(function):
        is_risky = isinstance(node, ast.While | ast.AugAssign | ast.AnnAssign)
        if is_risky or _is_recursive(node):
            kept.update(id(each) for each in ast.walk(node))
    nodes = [node for statement in _list_safe(function) for node in ast.walk(statement)]
    return [node for node in nodes if id(node) not in kept]


def _list_safe(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements from the last one with a `while` on: what is before could keep it going."""
    loops = [
        at
        for at, statement in enumerate(function.body)
        if any(isinstance(node, ast.While) for node in ast.walk(statement))
    ]
    return function.body[max(loops, default=0) :]


def _is_recursive(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(each, ast.Name) and each.id == node.name for each in ast.walk(node)
    )


def _find_change(node: ast.AST) -> tuple[str, object] | None:
    """What of the node is to be changed, and into what; None where nothing is."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _SWAPS:
            change: tuple[str, object] | None = ("ops", [_SWAPS[type(op)]()])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in _SWAPS:
            change = ("op", _SWAPS[type(op)]())
        case ast.Constant(value=bool() as value):
            change = ("value", not value)
        case ast.Constant(value=int() as value):
            change = ("value", value + 1)
        case ast.Name(id=name) if name in _NAMES:
            change = ("id", _NAMES[name])
        case ast.Attribute(attr=name) if name in _NAMES:
            change = ("attr", _NAMES[name])
        case _:
            change = None
    return change
