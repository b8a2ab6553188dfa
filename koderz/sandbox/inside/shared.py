"""Candidate and tests in one process, for tests that need the candidate's own objects.

Nothing that runs here can be trusted as it can with two processes, so this is done only where a
benchmark asks for it and the verdict says so. What can be done is done: the parts that decide
are held before the candidate is loaded and compared afterwards, a comparison has to turn down a
stranger, the interpreter's audit events are watched, and the result carries a secret.
"""

from __future__ import annotations

import builtins
import io
import itertools
import os
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any

from . import candidate, checks, codec, frames, judge, plain

_TESTS_NAME = "<tests>"
_WATCHED_EVENTS = {
    "sys._getframe": "frames", "sys._current_frames": "frames", "sys.settrace": "tracing",
    "sys.setprofile": "tracing", "sys.addaudithook": "tracing", "gc.get_objects": "gc",
    "gc.get_referrers": "gc", "gc.get_referents": "gc", "ctypes.dlopen": "ctypes",
    "ctypes.dlsym": "ctypes", "code.__new__": "code objects", "function.__new__": "code objects",
    "marshal.loads": "code objects",
}  # fmt: skip
_WATCHED_ATTRIBUTES = {"tb_frame", "gi_frame", "cr_frame", "ag_frame", "__code__", "__closure__"}


class _StrangerProbe:
    """Notes a value, or a part of one, that claims to be equal to an object it cannot know."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._stranger = tell, object()

    def __call__(self, value: object, depth: int = 3) -> None:
        if isinstance(value, list | tuple | set | frozenset | dict) and depth:
            parts = value.values() if isinstance(value, dict) else value
            for part in itertools.islice(parts, 100):
                self(part, depth - 1)
        if type(value).__module__.partition(".")[0] in sys.stdlib_module_names:
            return  # Those that equal everything, as unittest.mock.ANY does, do so by design.
        try:
            is_lying = (value == self._stranger) is True
        except Exception:  # noqa: BLE001 - an honest comparison may refuse a stranger so.
            return
        if is_lying:
            self._tell("__eq__")


def _look_at_equals(look_at: Callable[[object], None]) -> None:
    case: Any = _load_unittest().TestCase
    original = case.assertEqual

    def assert_equal(self: Any, first: Any, second: Any, msg: Any = None) -> None:
        look_at((first, second))
        original(self, first, second, msg)

    case.assertEqual = assert_equal


def _load_unittest() -> Any:
    """unittest, loaded in this child alone: it is a third of what a server would load."""
    import unittest

    return unittest


def run_shared(payload: int, report: int, told: int) -> None:
    """Run the candidate and its tests and write what came of them to `report`.

    Each suspicion is written to `told` when it arises: what is in a pipe cannot be taken back.
    """
    source, tests, entry_point, secret = codec.load(frames.take_all(payload))
    answer: dict[str, Any] = {}
    tell = _Teller(told)
    counted = checks.Checks()
    counted.look_at = _StrangerProbe(tell)
    _look_at_equals(counted.look_at)
    held = _hold()
    _watch(tell)
    unloaded: list[bytes] = []
    names = candidate.load(source, unloaded.append)
    if names is None:
        answer |= judge.unloaded_facts(unloaded[0])
    else:
        error = _run_tests(names, tests, entry_point, counted)
        if error is not None:
            answer |= _facts(error)
    # What is new is none of theirs: loading unittest.mock adds a name, for one.
    if any(now | before != now for before, now in zip(held, _hold(), strict=True)):
        tell("test framework")
    frames.write_all(report, secret + codec.encode(answer | judge.outcome(counted)))


class _Teller:
    """Writes words to a pipe, each once."""

    def __init__(self, told: int) -> None:
        self._told, self._words = told, set[str]()

    def __call__(self, word: str) -> None:
        if word not in self._words:
            self._words.add(word)
            os.write(self._told, word.encode() + b"\n")


def _hold() -> list[dict[str, int]]:
    """The identities of everything that decides a verdict."""
    framework = _load_unittest()
    holders = (
        *(builtins, checks, checks.Checks, checks.Observation),
        *(codec, codec.Packer, plain, frames, io, pickle),
        *(framework, framework.case, framework.result, framework.suite, framework.loader),
        *(framework.TestCase, framework.TestResult, framework.TestSuite, framework.TestLoader),
    )
    held = [
        {name: id(getattr(value, "__code__", value)) for name, value in vars(it).items()}
        for it in holders
    ]
    # A name that is new in this class would stand before the one in its base.
    return [*held, {"": len(vars(codec.Packer))}]


def _watch(tell: Callable[[str], None]) -> None:
    """Tell of audit events that the candidate's own code causes."""
    get_frame = sys._getframe  # noqa: SLF001 - only frames tell who caused an event.
    is_looking = False

    def hook(event: str, details: tuple[Any, ...]) -> None:
        nonlocal is_looking
        word = _WATCHED_EVENTS.get(event) or _word_for(event, details)
        if not word or is_looking:
            return
        is_looking = True  # Looking at a frame is an event itself.
        caller = get_frame(1).f_code.co_filename
        is_looking = False
        if _is_foreign(caller):
            tell(word)

    sys.addaudithook(hook)


def _word_for(event: str, details: tuple[Any, ...]) -> str:
    if event == "object.__getattr__" and details[1] in _WATCHED_ATTRIBUTES:
        return "frames"
    if event == "compile" and not str(details[1]).startswith("<"):
        return "code objects"  # Code that claims to come from a file.
    return ""


def _is_foreign(name: str) -> bool:
    return name.startswith("<") and not name.startswith(("<frozen", _TESTS_NAME))


def _run_tests(
    names: dict[str, Any], tests: str, entry_point: str, counted: checks.Checks
) -> BaseException | None:
    """Run tests of whatever form in the candidate's own module; the answer is what they met."""
    found = sys.modules["tests"] = types.ModuleType("tests")
    found.__dict__.update({key: it for key, it in names.items() if not key.startswith("__")})
    found.__dict__.update(checks.observing(counted))
    try:
        exec(checks.Tests(tests, _TESTS_NAME, counted).code, found.__dict__)  # noqa: S102 - the tests are ours.
        if _has_cases(found):
            return _run_cases(found, counted)
        if callable(check := found.__dict__.get("check")):
            check(found.__dict__.get(entry_point))
    except BaseException as error:  # noqa: BLE001 - an exception of the tests is their failing.
        counted.total += 1
        counted.fail(entry_point, "an answer", "raised " + checks.exception_text(error))
        return error
    return counted.error


def _has_cases(module: types.ModuleType) -> bool:
    case = _load_unittest().TestCase
    return any(isinstance(it, type) and issubclass(it, case) for it in vars(module).values())


def _run_cases(module: types.ModuleType, counted: checks.Checks) -> BaseException | None:
    """Run a unittest suite; each test method counts once, whatever it asserts inside."""
    framework = _load_unittest()
    failing: dict[str, BaseException] = {}

    class Result(framework.TestResult):  # type: ignore[misc, name-defined] # Loaded late.
        """Keeps the exceptions themselves; what a text of them would hold is thrown away."""

        def addError(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name.
            failing.setdefault(test.id(), err[1])

        def addSubTest(self, test: Any, _: Any, err: Any) -> None:  # noqa: N802 - unittest's name.
            if err is not None:
                failing.setdefault(test.id(), err[1])

        def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name.
            failing.setdefault(test.id(), AssertionError("an expected failure passed"))

        addFailure = addError  # noqa: N815 - unittest's name.

    result = Result()
    framework.defaultTestLoader.loadTestsFromModule(module).run(result)
    counted.total, counted.passed = result.testsRun, result.testsRun - len(failing)
    for name, error in itertools.islice(failing.items(), 1):
        kind = "" if isinstance(error, AssertionError) else "raised "
        shown = name.removeprefix("tests.")
        counted.failure = [shown, "the test passes", kind + checks.exception_text(error), shown]
    return next(iter(failing.values()), None)


def _facts(error: BaseException) -> dict[str, Any]:
    try:
        return judge.raised_facts(frames.decode_raised(frames.encode_raised(error)))
    except BaseException:  # noqa: BLE001 - a candidate's own exception may do anything.
        return {"error": type(error).__name__}
