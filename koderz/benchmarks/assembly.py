"""Putting a whole module together: of pieces of code, of a prompt and a body, without demos."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable
from typing import Final

from koderz.benchmarks.syntax import (
    get_lines,
    has_answer,
    is_stub,
    list_bound_names,
    list_loaded_names,
    list_statements,
    parse_beginning,
    parse_module,
    split_lines,
)

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DOING: Final = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
_INDENT: Final = "    "


def join_pieces(pieces: Iterable[str]) -> str:
    """The pieces of code as one module; what they import from `__future__` comes first."""
    futures: list[str] = []
    parts: list[str] = []
    for piece in pieces:
        future, rest = _split_futures(piece)
        futures += [line for line in future if line not in futures]
        if rest.strip():
            parts.append(rest.strip("\n") + "\n")
    return "".join(futures) + "\n".join(parts)


def _split_futures(piece: str) -> tuple[list[str], str]:
    tree = parse_module(piece) if "__future__" in piece else None
    found = [
        statement
        for statement in (tree.body if tree else ())
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    ]
    lines = split_lines(piece)
    futures = [lines[at].rstrip() + "\n" for each in found for at in get_lines(each)]
    return futures, drop_statements(piece, found)


def drop_statements(source: str, statements: Iterable[ast.stmt]) -> str:
    """The source without the lines of these statements."""
    lines = split_lines(source)
    for statement in statements:
        for at in get_lines(statement):
            lines[at] = ""
    return "".join(lines)


def continue_prompt(prompt: str, bodies: Iterable[str], entry_point: str) -> str:
    """The prompt continued by the first of the bodies that fits, whatever its indent.

    A body fits as a whole, or else up to where it is no Python any more; "" where none does.
    """
    start = "" if prompt.endswith(("\n", " ", "\t")) else "\n"
    texts = []
    for body in bodies:
        indented = textwrap.indent(textwrap.dedent(body.strip("\n")), _INDENT)
        texts += [prompt + start + body, prompt.rstrip(" \t") + start + indented]
    for text in texts:
        tree = parse_module(text)
        if tree and has_answer(tree, entry_point):
            return text
    for text in texts:
        beginning = parse_beginning(text)
        if beginning and has_answer(beginning[1], entry_point):
            return beginning[0]
    return ""


def drop_demos(source: str, entry_point: str) -> str:
    """The module without what only shows the function at work when it is loaded.

    That is the part under `if __name__ == "__main__"`, printing, statements that call the entry
    point, and those that use what these gave; also expressions that do nothing, and the entry
    point's bare signature where it is repeated. Everything stays where a function would miss
    something.
    """
    tree = parse_module(source)
    if tree is None:
        return source
    demos = [*_list_demos(tree, entry_point), *_list_stubs(tree, entry_point)]
    kept = [statement for statement in tree.body if statement not in demos]
    lost = list_bound_names(demos) - list_bound_names(kept)
    if not demos or lost & {name for each in kept for name in list_loaded_names(each)}:
        return source
    taken = {at for each in kept for at in get_lines(each)}
    return drop_statements(source, [each for each in demos if taken.isdisjoint(get_lines(each))])


def _list_demos(tree: ast.Module, entry_point: str) -> list[ast.stmt]:
    demos: list[ast.stmt] = []
    given: set[str] = set()
    is_defined = False
    for statement in tree.body:
        if isinstance(statement, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
            is_defined = is_defined or getattr(statement, "name", "") == entry_point
            continue
        is_call = is_defined and _calls(statement, entry_point)
        uses_given = bool(given & list_loaded_names(statement))
        is_shown = _is_main_part(statement) or _is_print(statement) or _is_idle(statement)
        if is_call or uses_given or is_shown:
            demos.append(statement)
            given |= list_bound_names([statement])
    return demos


def _list_stubs(tree: ast.Module, entry_point: str) -> list[ast.stmt]:
    """Signatures of the entry point, where it has a body elsewhere."""
    definitions = [
        statement
        for statement in tree.body
        if isinstance(statement, _DEFINITIONS) and statement.name == entry_point
    ]
    stubs: list[ast.stmt] = [each for each in definitions if is_stub(each)]
    return stubs if len(stubs) < len(definitions) else []


def _is_main_part(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    names = {each.id for each in ast.walk(statement.test) if isinstance(each, ast.Name)}
    values = [each.value for each in ast.walk(statement.test) if isinstance(each, ast.Constant)]
    return names == {"__name__"} and values == ["__main__"]


def _is_print(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"print", "input"}
    )


def _is_idle(statement: ast.stmt) -> bool:
    """An expression that does nothing: a word of prose, or a mark like [DONE], taken for Python."""
    return (
        isinstance(statement, ast.Expr)
        and not isinstance(statement.value, ast.Constant)
        and not any(isinstance(each, _DOING) for each in ast.walk(statement))
    )


def _calls(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(statement)
    )


def get_missing_part(preamble: str, source: str) -> str:
    """The statements of a prompt's preamble whose names the source does not define itself."""
    tree = parse_module(preamble)
    own = parse_module(source)
    bound = list_bound_names(own.body) if own else set()
    lines = split_lines(preamble)
    missing = [each for each in (tree.body if tree else ()) if _is_missing(each, bound)]
    return "".join(lines[at] for each in missing for at in get_lines(each))


def _is_missing(statement: ast.stmt, bound: set[str]) -> bool:
    names = list_bound_names([statement])
    if not names:
        return any(isinstance(each, ast.Call) for each in ast.walk(statement))
    return not names <= bound


def has_definition(tree: ast.Module) -> bool:
    """Whether the module defines a function or a class."""
    return any(isinstance(each, _DEFINITIONS) for each in list_statements(tree.body))
