"""Comparing a candidate's outputs with the expected ones, after the candidate has ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from . import codec, frames, judge, scan
from .checks import Checks, shown, shown_call

RELATIVE_TOLERANCE = 1e-7
FLOAT_TOLERANCE = 1e-6

Oracle = Callable[[Any, Any, Any], bool]


def compare(payload: int, outputs: int, report: int) -> bool:
    """Judge every output against its expected one and write what came of it to `report`.

    The answer says that this has left nothing behind in this process.
    """
    candidate, entry_point, inputs, expected, atol, oracle = codec.load(frames.read_all(payload))
    answer: dict[str, Any] = {"suspicions": scan.find_suspicions(candidate)}
    checks = Checks()
    try:
        answers = frames.iterate(outputs)
        first = next(answers, b"")
        cases = Cases(entry_point, inputs, expected, atol, oracle)
        if first[:1] in {frames.RAISED, frames.MALFORMED}:
            answer |= judge.unloaded_facts(first)
        elif cases.are_met(outputs):
            checks.passed = checks.total = cases.count
        else:
            answer |= cases.judge(answers, checks)
    except codec.CodecError as problem:
        answer |= {"is_forged": True, "error": str(problem)}
    frames.write_all(report, codec.encode(answer | judge.outcome(checks)))
    return not scan.leaves_traces(oracle)


class Cases:
    """The inputs of one problem with what is expected of each."""

    def __init__(
        self, entry_point: str, inputs: bytes, expected: bytes, atol: float, oracle: str
    ) -> None:
        self._entry_point, self._atol = entry_point, atol
        self._inputs = codec.split_frames(inputs)
        self._joined, self._expected = expected, codec.split_frames(expected)
        self._oracle = _load_oracle(oracle) if oracle else None
        self._undecided: list[int] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._inputs)

    def are_met(self, outputs: int) -> bool:
        """Whether the file of outputs is, byte for byte, what is expected, with nothing missing."""
        if self._oracle is not None or len(self._expected) != self.count:
            return False
        if any(frames.is_digest(frame) for frame in self._expected):
            return False
        return frames.is_file(outputs, codec.encode_frame(frames.LOADED) + self._joined)

    def judge(self, outputs: Iterator[bytes], checks: Checks) -> dict[str, Any]:
        """Count the cases that hold; the answer is the first error among the others.

        Undecided are those where a digest alone is expected, and it is another than the output's:
        the values might be equal all the same. They count as failing.
        """
        checks.total = self.count
        error: dict[str, Any] = {}
        for index in range(self.count):
            output = next(outputs, b"")
            expected = self._expected[index] if index < len(self._expected) else b""
            if output and self._holds(index, output, expected):
                checks.passed += 1
                continue
            if checks.failure is None:
                self._note(checks, index, output, expected)
            if output[:1] == frames.RAISED and not error:
                error = judge.raised_facts(frames.decode_raised(output))
        return error | {"undecided": self._undecided}

    def _holds(self, index: int, output: bytes, expected: bytes) -> bool:
        if frames.is_digest(output):
            raise codec.CodecError("a digest in place of an output")
        if self._oracle is None and output == expected:
            return True
        if frames.RAISED in {output[:1], expected[:1]}:
            return _kind(output) == _kind(expected)
        if frames.UNPORTABLE in {output[:1], expected[:1]} or not expected:
            return False
        if frames.is_digest(expected):
            return self._is_known(index, output, expected)
        try:
            return self._is_right(index, codec.decode(output), codec.decode(expected))
        except codec.DepthError:
            return False

    def _is_known(self, index: int, output: bytes, expected: bytes) -> bool:
        if self._oracle is None and frames.is_digest_of(expected, output):
            return True
        self._undecided.append(index)
        return False

    def _is_right(self, index: int, given: Any, wanted: Any) -> bool:
        if self._oracle is None:
            return is_equal(given, wanted, self._atol)
        try:
            return bool(self._oracle(codec.load(self._inputs[index]), given, wanted))
        except Exception:  # noqa: BLE001 - an output that the rule cannot even be applied to.
            return False

    def _note(self, checks: Checks, index: int, output: bytes, expected: bytes) -> None:
        call = shown_call(self._entry_point, codec.load(self._inputs[index]))
        checks.fail(call, _shown_frame(expected), _shown_frame(output))


def _load_oracle(source: str) -> Oracle:
    names: dict[str, Any] = {}
    exec(compile(source, "<oracle>", "exec", dont_inherit=True), names)  # noqa: S102 - the benchmark's own rule.
    oracle: Oracle = names["is_correct"]
    return oracle


def _kind(frame: bytes) -> str:
    return frames.decode_raised(frame).name if frame[:1] == frames.RAISED else ""


def _shown_frame(frame: bytes) -> str:
    if not frame:
        return judge.NO_ANSWER
    if frame[:1] == frames.RAISED:
        return f"raised {frames.decode_raised(frame)}"
    if frame[:1] == frames.UNPORTABLE:
        return str(codec.decode(frame[1:]))[:200]
    if frames.is_digest(frame):
        return frames.get_words(frame)
    try:
        return shown(codec.decode(frame))
    except codec.DepthError as error:
        return str(error)


def is_equal(given: Any, wanted: Any, atol: float) -> bool:
    """Whether an output is the expected one.

    Equal as Python has it; else, where floats are expected (or the problem has a tolerance),
    of the same type and shape with every number within `atol` plus 1e-7 of its size. These are
    the rules of EvalPlus, except that NaN equals NaN.
    """
    if given == wanted:
        return True
    tolerance = atol or (FLOAT_TOLERANCE if _is_floats(wanted) else 0.0)
    return bool(tolerance) and type(given) is type(wanted) and _is_close(given, wanted, tolerance)


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _is_close(given: Any, wanted: Any, atol: float) -> bool:
    if isinstance(wanted, list | tuple):
        return (
            isinstance(given, list | tuple)
            and len(given) == len(wanted)
            and all(
                _is_close(mine, theirs, atol) for mine, theirs in zip(given, wanted, strict=True)
            )
        )
    if isinstance(given, complex) or isinstance(wanted, complex):
        return isinstance(given, int | float | complex) and _is_near(given, wanted, atol)
    if isinstance(given, int | float) and isinstance(wanted, int | float):
        return _is_near(given, wanted, atol)
    return bool(given == wanted)


def _is_near(given: complex, wanted: complex, atol: float) -> bool:
    if given == wanted or (given != given and wanted != wanted):  # noqa: PLR0124 - NaN is what differs from itself.
        return True
    try:
        size = abs(wanted)
        return math.isfinite(size) and abs(given - wanted) <= atol + RELATIVE_TOLERANCE * size
    except (OverflowError, TypeError):
        return False
