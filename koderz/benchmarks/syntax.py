"""What can be told of Python source without running it. Nothing here raises on any text."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

_BUILTINS: Final = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}
_MOST_CUTS: Final = 12

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS: Final = (ast.If, ast.Try, ast.With, ast.For, ast.While)


def parse_module(source: str) -> ast.Module | None:
    """The syntax tree of a module, None where the source is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parse_beginning(source: str) -> tuple[str, ast.Module] | None:
    """The longest beginning of the source that is a module, cut where an error is reported.

    None where nothing but blank lines and comments would be left, or where the errors lie too
    far apart to be sure of anything.
    """
    lines = split_lines(source)
    for _ in range(_MOST_CUTS):
        text = "".join(lines)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except SyntaxError as error:
            del lines[max((error.lineno or 1) - 1, 0) :]
        except (ValueError, RecursionError, MemoryError):
            return None
        else:
            return (text, tree) if tree.body else None
    return None


def list_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is loaded: those within `if`, `try` and `with` too."""
    for statement in body:
        yield statement
        if isinstance(statement, _BLOCKS):
            parts = [statement.body, getattr(statement, "orelse", [])]
            if isinstance(statement, ast.Try):
                parts += [statement.finalbody, *(each.body for each in statement.handlers)]
            for part in parts:
                yield from list_statements(part)


def list_bound_names(body: Iterable[ast.stmt]) -> set[str]:
    """The names that a module with that body has once it is loaded."""
    names: set[str] = set()
    for statement in list_statements(body):
        if isinstance(statement, _DEFINITIONS):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update(_list_imported(statement))
        else:
            names.update(_list_stored(statement))
    return names


def _list_imported(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in statement.names:
        yield alias.asname or alias.name.partition(".")[0]


def _list_stored(statement: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [statement.target]
    elif isinstance(statement, ast.With):
        targets = [item.optional_vars for item in statement.items if item.optional_vars]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def list_loaded_names(node: ast.AST) -> set[str]:
    """Every name that is read somewhere in the node."""
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }


def list_missing_names(tree: ast.Module) -> set[str]:
    """The names that a module reads and that neither it nor Python defines, anywhere in it."""
    defined = list_bound_names(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            defined.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined.update(_list_imported(node))
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            defined.add(node.name)
    return list_loaded_names(tree) - defined - _BUILTINS


def has_answer(tree: ast.Module, name: str) -> bool:
    """Whether the module gives `name` a meaning: not only a signature with a docstring."""
    return any(_gives(statement, name) for statement in list_statements(tree.body))


def _gives(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, _DEFINITIONS):
        return statement.name == name and not is_stub(statement)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return name in _list_imported(statement)
    return name in _list_stored(statement)


def is_stub(definition: Definition) -> bool:
    """Whether a definition has no body to speak of: a docstring, `pass`, `...`."""
    return all(_is_nothing(statement) for statement in definition.body)


def _is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def has_return(tree: ast.Module) -> bool:
    """Whether the module returns or yields outside of any function: the body of one."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))
    return False


def get_lines(statement: ast.stmt) -> range:
    """The statement's lines, decorators included, as indexes into the source's lines."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(each.lineno for each in decorators)])
    return range(first - 1, statement.end_lineno or statement.lineno)


def split_lines(source: str) -> list[str]:
    """The source's lines as Python counts them, each with its line break."""
    parts = source.split("\n")
    return [*(f"{part}\n" for part in parts[:-1]), *parts[-1:]]


def get_preamble(prompt: str, entry_point: str) -> str:
    """The part of a prompt before the definition of its entry point: imports and functions.

    "" where there is none, or where it is no Python.
    """
    heads = (f"def {entry_point}(", f"async def {entry_point}(", f"class {entry_point}(")
    marks = (*heads, f"class {entry_point}:")
    at = max(f"\n{prompt}".rfind(f"\n{mark}") for mark in marks)
    lines = split_lines(prompt[: max(at, 0)])
    while lines and (not lines[-1] or lines[-1].startswith("@")):
        del lines[-1]
    preamble = "".join(lines)
    return preamble if parse_module(preamble) else ""


def list_foreign_modules(sources: Iterable[str]) -> tuple[str, ...]:
    """The modules that the sources import and the standard library does not have, sorted.

    A source that is no Python counts as importing nothing.
    """
    modules: set[str] = set()
    for source in sources:
        modules.update(_list_modules(source))
    return tuple(sorted(modules - sys.stdlib_module_names))


def _list_modules(source: str) -> Iterator[str]:
    if "import" not in source:
        return
    tree = parse_module(source)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
