"""Counting assertions: each `assert` of the tests is counted when it is executed.

The tests' source is rewritten so that a failing assertion is noted with both of its sides and
the run goes on to the next one, as every one counts. Within a `try`, a `with` or a class of the
tests a failing assertion is raised as ever, because something there may be waiting for it.
"""

from __future__ import annotations

import ast
import reprlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeGuard

from . import scan

_OBSERVE = "_koderz_observe"
_OBSERVED = "_koderz_observed"
_LEFT, _RIGHT = "_koderz_left", "_koderz_right"
_SHOWN_LIMIT = 300
NO_ANSWER = "no answer"

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "", ast.NotEq: "not ", ast.Lt: "less than ", ast.LtE: "at most ",
    ast.Gt: "more than ", ast.GtE: "at least ", ast.Is: "", ast.IsNot: "not ",
    ast.In: "one of ", ast.NotIn: "none of ",
}  # fmt: skip


def _no_call() -> str:
    return ""


class CandidateGoneError(BaseException):
    """The candidate's process ended while an answer was awaited; no test may catch this."""


class Checks:
    """What the assertions of one run came to; `asserts` are those of the tests, as written."""

    def __init__(self) -> None:
        self.passed = self.total = 0
        self.failure: list[str] | None = None
        self.error: BaseException | None = None
        self.last_call: Callable[[], str] = _no_call
        self.asserts: list[ast.Assert] = []
        self.look_at: Callable[[object], None] | None = None

    def observe(self, number: int, is_caught: bool) -> Observation:
        """Count one assertion; the answer is entered around it."""
        self.total += 1
        self.last_call = _no_call
        return Observation(self, self.asserts[number], is_caught=is_caught)

    def fail(self, call: str, expected: str, actual: str, source: str = "") -> None:
        """Note a failing case; the first one stays."""
        if self.failure is None:
            self.failure = [call, expected, actual, source]


class Observation:
    """One assertion being executed. Words for it are made only where it fails."""

    def __init__(self, checks: Checks, node: ast.Assert, *, is_caught: bool) -> None:
        self._checks, self._node, self._is_caught = checks, node, is_caught
        self._sides: tuple[Any, Any] | None = None

    def sides(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Keep both sides of a comparison as they were compared."""
        self._sides = (left, right)
        if self._checks.look_at is not None:
            self._checks.look_at(self._sides)
        return self._sides

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            self._checks.passed += 1
            return False
        if self._checks.failure is None:
            self._note(error)
        return not self._is_caught and not isinstance(error, CandidateGoneError)

    def _note(self, error: BaseException) -> None:
        actual = "raised " + exception_text(error)
        operator, expected, is_swapped = _expectation(self._node.test)
        if isinstance(error, CandidateGoneError):
            actual = NO_ANSWER
        elif not isinstance(error, AssertionError):
            self._checks.error = error
        elif self._sides is None:
            actual = "a false value"
        else:
            left, right = reversed(self._sides) if is_swapped else self._sides
            expected, actual = shown(right), shown(left)
        source = ast.unparse(self._node)[:_SHOWN_LIMIT]
        self._checks.fail(self._checks.last_call(), operator + expected, actual, source)


def _expectation(test: ast.expr) -> tuple[str, str, bool]:
    """Words for the operator and for what is expected, and whether that stands on the left."""
    if not _is_comparison(test):
        return "", "a true value", False
    is_swapped = _has_call(test.comparators[0]) and not _has_call(test.left)
    side = test.left if is_swapped else test.comparators[0]
    return _OPERATORS[type(test.ops[0])], ast.unparse(side)[:_SHOWN_LIMIT], is_swapped


def _is_comparison(test: ast.expr) -> TypeGuard[ast.Compare]:
    return isinstance(test, ast.Compare) and len(test.ops) == 1


def _has_call(tree: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(tree))


class Tests:
    """Tests, read: their code with every assertion observed, and what they use.

    `foreign` are the names that they use and nobody on their side defines. `leaves_traces` says
    that they may change the process for what is run after them.
    """

    def __init__(self, source: str, name: str, checks: Checks) -> None:
        tree = ast.parse(source, name)
        used, defined = _names(tree)
        self.foreign = used - defined
        self.leaves_traces = scan.may_change(tree)
        self._asserts = checks.asserts
        self._observe(tree.body, is_caught=False)
        self.code = compile(tree, name, "exec", dont_inherit=True)

    def _observe(self, body: list[ast.stmt], *, is_caught: bool) -> None:
        """Put each assertion among these statements, and below them, inside an observation."""
        for index, node in enumerate(body):
            if isinstance(node, ast.Assert):
                body[index] = self._observed(node, is_caught=is_caught)
                continue
            is_waiting = is_caught or isinstance(node, _CATCHING)
            for part in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                for field in ("body", "orelse", "finalbody"):
                    self._observe(getattr(part, field, []), is_caught=is_waiting)

    def _observed(self, node: ast.Assert, *, is_caught: bool) -> ast.stmt:
        place = _Place(node)
        test = node.test
        body: list[ast.stmt] = []
        if _is_comparison(test):
            body.append(place.keep_sides(test.left, test.comparators[0]))
            left, right = place.name(_LEFT), place.name(_RIGHT)
            test = ast.Compare(left, test.ops, [right], **place.where)
        body.append(ast.Assert(test, node.msg, **place.where))
        arguments: list[ast.expr] = [
            ast.Constant(len(self._asserts), **place.where),
            ast.Constant(is_caught, **place.where),
        ]
        self._asserts.append(node)
        entered = ast.Call(place.name(_OBSERVE), arguments, [], **place.where)
        item = ast.withitem(entered, place.name(_OBSERVED, ast.Store()))
        return ast.With([item], body, **place.where)


_CATCHING = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.ClassDef)


class _Place:
    """Makes nodes that stand where an assertion stood."""

    def __init__(self, node: ast.stmt) -> None:
        self.where: Any = {"lineno": node.lineno, "col_offset": node.col_offset}

    def name(self, name: str, context: ast.expr_context | None = None) -> ast.Name:
        return ast.Name(name, context or ast.Load(), **self.where)

    def keep_sides(self, left: ast.expr, right: ast.expr) -> ast.stmt:
        kept = ast.Attribute(self.name(_OBSERVED), "sides", ast.Load(), **self.where)
        names: list[ast.expr] = [self.name(it, ast.Store()) for it in (_LEFT, _RIGHT)]
        target = ast.Tuple(names, ast.Store(), **self.where)
        call = ast.Call(kept, [left, right], [], **self.where)
        return ast.Assign([target], call, **self.where)


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that are used and those that are defined, anywhere."""
    used, defined = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.alias):
            defined.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler):
            defined.add(node.name or "")
    return used, defined


def observing(checks: Checks) -> dict[str, Any]:
    """The one name that rewritten tests need."""
    return {_OBSERVE: checks.observe}


_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxfrozenset = _SHORT.maxdict = 30
_SHORT.maxdeque = 30
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SHORT.maxlevel = 5


def shown(value: object) -> str:
    """A value for a reader: short, and never an error."""
    try:
        text = _SHORT.repr(value)
    except ValueError:  # Python writes no ints of many thousands of digits.
        bits = value.bit_length() if isinstance(value, int) else 0
        text = f"an int of {bits} bits" if bits else f"a {type(value).__name__} of huge numbers"
    except Exception as error:  # noqa: BLE001 - a candidate's own __repr__ may do anything.
        text = f"a {type(value).__name__} whose repr raised {type(error).__name__}"
    return text if len(text) <= _SHOWN_LIMIT else text[: _SHOWN_LIMIT - 3] + "..."


def shown_call(name: str, arguments: Any, options: dict[str, Any] | None = None) -> str:
    """A call as it would be written."""
    parts = [shown(argument) for argument in arguments]
    parts += [f"{key}={shown(value)}" for key, value in (options or {}).items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= 2 * _SHOWN_LIMIT else text[: 2 * _SHOWN_LIMIT - 4] + "...)"


def exception_text(error: BaseException) -> str:
    """An exception as its last line would show it; one that crossed shows its own name."""
    crossed = getattr(error, "crossed", None)
    if crossed is not None:
        return str(crossed)[:_SHOWN_LIMIT]
    message = str(error)
    return f"{type(error).__name__}: {message}"[:_SHOWN_LIMIT] if message else type(error).__name__
