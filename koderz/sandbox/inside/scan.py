"""Words for what an honest solution does not do: a reading of the program's text alone.

The reading proves nothing either way: a candidate that never shares a process with its tests
gains nothing by any of this. It tells a person what to look at, and where one process has to be
shared it turns a pass into `suspicious`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from . import codec, frames

# Words that tell of a way to forge a pass where candidate and tests share a process.
FORGING = frozenset({
    "frames", "gc", "ctypes", "os._exit", "__eq__", "builtins", "tracing", "object graph",
    "code objects", "test framework", "type checks", "unreadable",
})  # fmt: skip

_NAMES = {
    "_getframe": "frames", "_current_frames": "frames", "f_back": "frames",
    "f_locals": "frames", "f_globals": "frames", "tb_frame": "frames", "gi_frame": "frames",
    "cr_frame": "frames", "currentframe": "frames", "_exit": "os._exit",
    "settrace": "tracing", "setprofile": "tracing", "addaudithook": "tracing",
    "__builtins__": "builtins", "__subclasses__": "object graph", "__globals__": "object graph",
    "__closure__": "object graph", "__code__": "code objects",
    "get_objects": "gc", "get_referrers": "gc", "get_referents": "gc",
}  # fmt: skip
_SYSTEM_NAMES = {
    "abort": "os._exit", "fork": "processes", "forkpty": "processes", "execv": "processes",
    "execve": "processes", "execvp": "processes", "posix_spawn": "processes",
    "system": "processes", "popen": "processes", "kill": "signals", "killpg": "signals",
    "memfd_create": "processes",
}  # fmt: skip
_SYSTEM_MODULES = {"os", "posix"}
_MODULES = {
    "ctypes": "ctypes", "_ctypes": "ctypes", "cffi": "ctypes", "gc": "gc", "inspect": "frames",
    "builtins": "builtins", "socket": "network", "ptrace": "processes", "signal": "signals",
    "subprocess": "processes", "multiprocessing": "processes", "resource": "limits",
    "unittest": "test framework", "pytest": "test framework", "_testcapi": "ctypes",
    "__main__": "test framework", "importlib": "imports", "posix": "processes",
}  # fmt: skip
_BUILTIN_TYPES = {
    "int", "float", "complex", "str", "bytes", "list", "tuple", "dict", "set", "frozenset",
}  # fmt: skip
_TYPE_CHECKS = {"__instancecheck__", "__subclasscheck__", "__class__"}
_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"}


_WORDS = sorted({*_NAMES, *_SYSTEM_NAMES, *_MODULES, *_COMPARISONS, *_TYPE_CHECKS})
# Text that has none of this needs no closer look: a word, a path, or a way to write one otherwise.
_TELLING = re.compile(
    "|".join(_WORDS) + r"|/proc|/sys|/etc|/root|/home|/dev|\\[xuUN0-7]|[^\0-\x7f]"
)

_HARMLESS = frozenset({
    "", "bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions", "functools",
    "heapq", "itertools", "math", "operator", "re", "statistics", "string", "typing", "random",
})  # fmt: skip


_REACHING = frozenset({"setattr", "delattr", "vars", "globals", "exec", "eval", "__import__"})


def find_suspicions(source: str) -> list[str]:
    """The words, sorted; "unreadable" alone where the program cannot be read."""
    if not _TELLING.search(source):
        return []
    try:
        tree = ast.parse(source)
        return sorted({word for node in ast.walk(tree) for word in _words(node)})
    except SyntaxError:
        return []
    except (ValueError, RecursionError, MemoryError):
        return ["unreadable"]


def leaves_traces(source: str) -> bool:
    """Whether code of our own may change its process for what is run after it."""
    return bool(source) and may_change(ast.parse(source))


def may_change(tree: ast.Module) -> bool:
    """As `leaves_traces`, of code that is read already."""
    return any(_may_change(node) for node in ast.walk(tree))


def _may_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Name):
        return node.id in _REACHING
    if isinstance(node, ast.Import):
        return any(it.name not in _HARMLESS for it in node.names)
    return isinstance(node, ast.ImportFrom) and node.module not in _HARMLESS


def write_suspicions(payload: int, words: int) -> None:
    """Write those of the program in `payload`, read apart from wherever it is run."""
    source = codec.load(frames.read_all(payload))[0]
    frames.write_all(words, codec.encode(find_suspicions(source)))


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=name):
            yield from _attribute_words(node, name)
        case ast.Name(id=name):
            yield from _known(name)
        case ast.Constant(value=str(text)):
            yield from _text_words(text)
        case ast.Import(names=names):
            for imported in names:
                yield from _module_words(imported.name)
        case ast.ImportFrom():
            yield from _import_words(node)
        case ast.ClassDef():
            yield from _class_words(node)
        case _:
            pass


def _attribute_words(node: ast.Attribute, name: str) -> Iterator[str]:
    yield from _known(name)
    if isinstance(node.value, ast.Name) and node.value.id in _SYSTEM_MODULES:
        yield from _known(name, _SYSTEM_NAMES)
    if isinstance(node.ctx, ast.Store) and name in _COMPARISONS:
        yield "__eq__"


def _import_words(node: ast.ImportFrom) -> Iterator[str]:
    yield from _module_words(node.module or "")
    for name in node.names:
        yield from _known(name.name)
        if node.module in _SYSTEM_MODULES:
            yield from _known(name.name, _SYSTEM_NAMES)


def _known(name: str, words: Mapping[str, str] = _NAMES) -> Iterator[str]:
    if name in words:
        yield words[name]


def _text_words(text: str) -> Iterator[str]:
    """Names handed to `getattr` and the like, and paths nobody's solution reads."""
    if text.startswith("_"):
        yield from _known(text)
    if text.startswith(("/proc", "/sys", "/etc", "/root", "/home", "/dev")):
        yield "files"


def _module_words(name: str) -> Iterator[str]:
    top = name.partition(".")[0]
    if top in _MODULES:
        yield _MODULES[top]


def _class_words(node: ast.ClassDef) -> Iterator[str]:
    """Comparison made to lie: always the same answer, or a built-in type with one of its own."""
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    for part in node.body:
        if isinstance(part, ast.Assign):
            names = {it.id for it in part.targets if isinstance(it, ast.Name)}
            if names & _COMPARISONS:
                yield "__eq__"
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if part.name in _COMPARISONS and (bases & _BUILTIN_TYPES or _is_constant(part)):
            yield "__eq__"
        if part.name in _TYPE_CHECKS:
            yield "type checks"


def _is_constant(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether every answer of the function is one and the same constant."""
    answers = [it.value for it in ast.walk(function) if isinstance(it, ast.Return)]
    values = {it.value for it in answers if isinstance(it, ast.Constant)}
    return len(values) == 1 and all(isinstance(it, ast.Constant) for it in answers)
