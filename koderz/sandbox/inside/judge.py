"""The tests' process: it runs the tests against a candidate that lives elsewhere."""

from __future__ import annotations

import builtins
import sys
import types
from collections import deque
from collections.abc import Callable
from typing import Any

from . import checks as counting
from . import codec, frames, scan

_TESTS_NAME = "<tests>"
NO_ANSWER = counting.NO_ANSWER

Proxy = Callable[..., Any]


class Channel:
    """Calls to the candidate, one at a time, over a pipe each way."""

    def __init__(self, requests: int, replies: int, checks: counting.Checks) -> None:
        self._requests, self._replies, self._checks = requests, replies, checks
        self.is_forged, self.leaves_traces = False, False

    def await_loaded(self) -> bytes:
        """The candidate's first frame: that it is loaded, or why not."""
        return self._read()

    def proxy(self, name: str) -> Proxy:
        """A function that stands for the candidate's function of that name."""

        def call(*arguments: Any, **options: Any) -> Any:
            return self._call(name, list(arguments), options)

        call.__name__ = call.__qualname__ = name
        return call

    def _call(self, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        try:
            request = codec.encode([name, arguments, options])
        except codec.CodecError as error:
            raise TypeError(f"an argument of {name}: {error}") from None
        # As the arguments are now: the candidate may change them.
        self._checks.last_call = lambda: counting.shown_call(*codec.load(request))
        try:
            frames.write_frame(self._requests, request)
        except BrokenPipeError:
            raise counting.CandidateGoneError from None
        try:
            return self._decode(self._read(), arguments)
        except codec.DepthError as error:
            raise TypeError(str(error)) from None
        except codec.CodecError as error:
            self.is_forged = True
            raise counting.CandidateGoneError(str(error)) from None

    def _read(self) -> bytes:
        frame = frames.read_frame(self._replies)
        if frame is None:
            raise counting.CandidateGoneError
        return frame

    def _decode(self, frame: bytes, arguments: list[Any]) -> Any:
        mark = frame[:1]
        if mark == frames.CHANGED:
            inner, after = codec.decode(frame[1:])
            _change(arguments, codec.decode(after))
            return codec.decode(inner)
        if mark == frames.RAISED:
            raised = frames.decode_raised(frame)
            error = raised.build()
            error.crossed = raised  # type: ignore[attr-defined] # exceptions take attributes.
            raise error
        if mark == frames.UNPORTABLE:
            raise TypeError(str(codec.decode(frame[1:]))[:200])
        return codec.decode(frame)


def _change(arguments: list[Any], after: list[Any]) -> None:
    """Bring what the candidate did to its arguments in place to the tests' own."""
    for mine, theirs in zip(arguments, after, strict=False):
        if type(mine) is not type(theirs):
            continue
        if isinstance(mine, (list, bytearray)):
            mine[:] = theirs
        elif isinstance(mine, (dict, set)):
            mine.clear()
            mine.update(theirs)
        elif isinstance(mine, deque):
            mine.clear()
            mine.extend(theirs)


def run_tests(payload: int, requests: int, replies: int, report: int) -> bool:
    """Run the tests and write what came of them to `report`.

    The answer says that these tests have left nothing behind in this process.
    """
    source, preamble, entry_point, candidate = codec.load(frames.read_all(payload))
    checks = counting.Checks()
    channel = Channel(requests, replies, checks)
    answer: dict[str, Any] = {"suspicions": scan.find_suspicions(candidate)}
    try:
        first = channel.await_loaded()
        if first == frames.LOADED:
            error = _run(source, preamble, entry_point, channel, checks)
            answer |= error_facts(error) if error is not None else {}
        else:
            answer |= unloaded_facts(first)
    except counting.CandidateGoneError:
        checks.fail("", "an answer", NO_ANSWER)
    except codec.CodecError as problem:
        answer["error"], channel.is_forged = str(problem), True
    answer["is_forged"] = channel.is_forged
    frames.write_all(report, codec.encode(answer | outcome(checks)))
    return not (channel.leaves_traces or scan.leaves_traces(preamble))


def unloaded_facts(frame: bytes) -> dict[str, Any]:
    """Why a program could not be loaded, for a report."""
    if frame[:1] == frames.MALFORMED:
        return {"error": str(codec.decode(frame[1:]))[:500], "is_malformed": True}
    return raised_facts(frames.decode_raised(frame))


def raised_facts(raised: frames.Raised) -> dict[str, Any]:
    """An exception that crossed, with the candidate's lines that led to it, for a report."""
    return {"error": f"{raised}\n{raised.trace}".strip()[:1500], "raised": raised.kind}


def error_facts(error: BaseException) -> dict[str, Any]:
    """An exception that the tests met, for a report."""
    crossed = getattr(error, "crossed", None)
    if crossed is not None:
        return raised_facts(crossed)
    return {"error": counting.exception_text(error)}


def outcome(checks: counting.Checks) -> dict[str, Any]:
    """What the assertions came to, for a report."""
    return {"passed": checks.passed, "total": checks.total, "failure": checks.failure}


def _run(
    source: str, preamble: str, entry_point: str, channel: Channel, checks: counting.Checks
) -> BaseException | None:
    """Run the tests; the answer is the first error that they met."""
    candidate = channel.proxy(entry_point)
    try:
        tests = counting.Tests(source, _TESTS_NAME, checks)
        channel.leaves_traces |= tests.leaves_traces
        names = _tests_module(preamble, checks)
        for name in tests.foreign - set(names) - set(dir(builtins)):
            names[name] = channel.proxy(name)
        names[entry_point] = candidate
        exec(tests.code, names)  # noqa: S102 - the tests are ours, and sandboxed all the same.
        if callable(check := names.get("check")):
            check(candidate)
    except counting.CandidateGoneError:
        checks.fail(checks.last_call(), "an answer", NO_ANSWER)
    except BaseException as error:  # noqa: BLE001 - an exception of the tests is their failing.
        checks.total += 1
        checks.error = checks.error or error
        checks.fail(checks.last_call(), "an answer", "raised " + counting.exception_text(error))
    return checks.error


def _tests_module(preamble: str, checks: counting.Checks) -> dict[str, Any]:
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    names = module.__dict__
    exec(compile(preamble, "<preamble>", "exec", dont_inherit=True), names)  # noqa: S102 - as above.
    names.update(counting.observing(checks))
    return names
