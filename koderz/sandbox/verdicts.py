"""What the sandbox answers, and how it is read from what happened."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Any

import msgspec

from koderz.sandbox.inside import checks, scan

_READ_ONLY = "[Errno 30]"


class Status(StrEnum):
    """How a program did. Only `passed` is a pass."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    SYNTAX_ERROR = "syntax_error"
    NO_CODE = "no_code"
    DENIED = "denied"
    SUSPICIOUS = "suspicious"


class Isolation(StrEnum):
    """What stood between a candidate, its tests and the machine.

    `separate`: sandboxed, in another process than its tests. `shared`: sandboxed, in one process
    with them. `none`: not sandboxed, because somebody asked for that.
    """

    SEPARATE = "separate"
    SHARED = "shared"
    NONE = "none"


class FailedCase(msgspec.Struct, frozen=True, kw_only=True):
    """The first case that failed, shortened: the call, what was expected of it, what came.

    `source` is the assertion's text, empty where there is none.
    """

    call: str
    expected: str
    actual: str
    source: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a program's tests came to.

    `tests_passed` and `tests_total` count assertions (or cases, or test methods) as they were
    executed. `error` is the exception's last line with the candidate's own lines that led to it.
    `cpu_s` is the candidate's, `wall_s` of the whole run. `suspicions` are words for what honest
    programs seldom do; they decide nothing but in a shared process.
    """

    status: Status
    tests_passed: int = 0
    tests_total: int = 0
    failure: FailedCase | None = None
    error: str = ""
    stdout: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    isolation: Isolation = Isolation.SEPARATE
    suspicions: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether every test was executed and held."""
        return self.status is Status.PASSED


class CaseOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a program gave for a list of inputs; `outputs` is `CaseTests.expected` for others.

    `status` is `passed` where every input got an answer, an exception being one; `count` says
    how many did, and `size_bytes` how long all of them are, whether they are whole or digests.
    """

    outputs: bytes
    count: int
    status: Status
    size_bytes: int = 0
    error: str = ""
    cpu_s: float = 0.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a server saw of one run.

    `stopped` is "cpu" or "wall" where a limit ended it, `fault` why the sandbox itself failed;
    `exit_code` is minus the signal's number where one ended the candidate, and `was_killed` says
    that it was still alive when its run was over. `has_tests_lost` that the
    tests did not get done. `words` are suspicions that arose in a shared
    process, one a line.
    """

    fault: str
    stopped: str
    exit_code: int
    was_killed: bool
    cpu_s: float
    has_tests_lost: bool
    wall_s: float
    stdout: bytes
    stderr: bytes
    words: bytes
    report_size: int
    outputs_size: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests' process wrote; it writes nothing where it did not get to its end."""

    passed: int
    total: int
    failure: list[str] | None = None
    error: str = ""
    raised: str = ""
    is_malformed: bool = False
    is_forged: bool = False
    suspicions: list[str] = []
    undecided: list[int] = []


def build_verdict(
    facts: Facts, report: Report | None, isolation: Isolation, cpu_s: float, *, is_shared: bool
) -> Verdict:
    """The verdict on a run; `cpu_s` is the limit it had, `report` None where none came."""
    shown = report or Report(passed=0, total=0)
    status, reason = _read_status(facts, report, cpu_s, is_shared=is_shared)
    failure = shown.failure
    return Verdict(
        status=status,
        tests_passed=shown.passed,
        tests_total=shown.total,
        failure=_build_failure(failure) if failure and status is not Status.PASSED else None,
        error=shown.error or reason,
        stdout=facts.stdout.decode(errors="replace"),
        stderr=facts.stderr.decode(errors="replace"),
        cpu_s=facts.cpu_s,
        wall_s=facts.wall_s,
        isolation=isolation,
        suspicions=tuple(shown.suspicions),
    )


def _build_failure(parts: list[str]) -> FailedCase:
    call, expected, actual, source = parts
    return FailedCase(call=call, expected=expected, actual=actual, source=source)


def _read_status(
    facts: Facts, report: Report | None, cpu_s: float, *, is_shared: bool
) -> tuple[Status, str]:
    """The status, and the reason where no exception gives one."""
    if facts.stopped:
        return Status.TIMEOUT, _timeout_reason(facts.stopped)
    if report is None:
        return _read_end(facts, cpu_s) if is_shared else _read_tests_end(facts)
    if report.is_forged:
        return Status.SUSPICIOUS, "the program wrote what was not its own to write"
    if report.failure is not None and report.failure[2] == checks.NO_ANSWER:
        return _read_end(facts, cpu_s)
    if report.failure is None and not report.error:
        return _read_success(report, is_shared=is_shared)
    return _read_failure(report), ""


def _read_failure(report: Report) -> Status:
    if report.is_malformed:
        return Status.SYNTAX_ERROR
    if report.raised == "MemoryError":
        return Status.MEMORY
    if report.raised == "PermissionError" or _READ_ONLY in report.error:
        return Status.DENIED
    return Status.FAILED


def _read_success(report: Report, *, is_shared: bool) -> tuple[Status, str]:
    if report.total == 0 or report.passed != report.total:
        return Status.FAILED, "no test was executed" if report.total == 0 else "not all tests held"
    forging = sorted(scan.FORGING.intersection(report.suspicions))
    if is_shared and forging:
        return Status.SUSPICIOUS, f"passed, with what could forge a pass: {', '.join(forging)}"
    return Status.PASSED, ""


def _read_end(facts: Facts, cpu_s: float) -> tuple[Status, str]:
    """How a candidate ended before its tests did."""
    code = facts.exit_code
    if facts.was_killed:
        return Status.CRASHED, "the program closed the channel to its tests"
    if code in {-signal.SIGKILL, -signal.SIGXCPU} and facts.cpu_s >= cpu_s:
        return Status.TIMEOUT, _timeout_reason("cpu")
    if code == -signal.SIGKILL:
        return Status.MEMORY, "the machine ran out of memory"
    if code == -getattr(signal, "SIGSYS", 31):
        return Status.DENIED, "the program made a forbidden system call"
    if code < 0:
        return Status.CRASHED, f"the program was ended by {signal.Signals(-code).name}"
    return Status.CRASHED, "the program ended its own process before its tests had ended"


def _read_tests_end(facts: Facts) -> tuple[Status, str]:
    """How it came that the tests' process wrote no report."""
    if facts.has_tests_lost:
        return Status.TIMEOUT, "the tests did not end with what the program answered"
    return Status.CRASHED, "the tests' process broke over what the program answered"


def _timeout_reason(stopped: str) -> str:
    return {
        "cpu": "the program used up its CPU time",
        "wall": "the program was not done in time",
    }[stopped]


def decode_report(content: Any) -> Report | None:
    """The report that these plain values are; None where they are none."""
    try:
        return msgspec.convert(content, Report)
    except msgspec.ValidationError:
        return None
