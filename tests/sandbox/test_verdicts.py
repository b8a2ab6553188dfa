"""What is read from what happened."""

from __future__ import annotations

import signal
from typing import Any

import msgspec
import pytest

from koderz.errors import SandboxUnavailableError
from koderz.sandbox import Isolation, Status
from koderz.sandbox.base import build_layers, check_layers
from koderz.sandbox.inside.scan import find_suspicions, leaves_traces
from koderz.sandbox.verdicts import Facts, Report, build_verdict

CALM = Facts(
    fault="", stopped="", exit_code=0, was_killed=False, cpu_s=0.1, has_tests_lost=False,
    wall_s=0.2, stdout=b"", stderr=b"", words=b"", report_size=0, outputs_size=0,
)  # fmt: skip
GOOD = Report(passed=3, total=3)
UNANSWERED = Report(passed=1, total=2, failure=["f(1)", "1", "no answer", ""])


@pytest.mark.parametrize(
    ("facts", "report", "status"),
    [
        ({}, GOOD, Status.PASSED),
        ({}, Report(passed=2, total=3), Status.FAILED),
        ({}, Report(passed=0, total=0), Status.FAILED),
        ({"stopped": "cpu"}, GOOD, Status.TIMEOUT),
        ({"stopped": "wall"}, GOOD, Status.TIMEOUT),
        ({}, None, Status.CRASHED),
        ({"has_tests_lost": True}, None, Status.TIMEOUT),
        ({}, Report(passed=3, total=3, is_forged=True), Status.SUSPICIOUS),
        ({}, Report(passed=0, total=0, error="line 1", is_malformed=True), Status.SYNTAX_ERROR),
        ({}, Report(passed=0, total=1, error="x", raised="MemoryError"), Status.MEMORY),
        ({}, Report(passed=0, total=1, error="x", raised="PermissionError"), Status.DENIED),
        ({}, Report(passed=0, total=1, error="OSError: [Errno 30] Read-only"), Status.DENIED),
        ({}, UNANSWERED, Status.CRASHED),
        ({"was_killed": True, "exit_code": -9}, UNANSWERED, Status.CRASHED),
        ({"exit_code": -signal.SIGKILL}, UNANSWERED, Status.MEMORY),
        ({"exit_code": -signal.SIGKILL, "cpu_s": 9.0}, UNANSWERED, Status.TIMEOUT),
        ({"exit_code": -signal.SIGSYS}, UNANSWERED, Status.DENIED),
        ({"exit_code": -signal.SIGSEGV}, UNANSWERED, Status.CRASHED),
    ],
)
def test_a_status_is_read_from_the_facts(
    facts: dict[str, Any], report: Report | None, status: Status
) -> None:
    happened = msgspec.structs.replace(CALM, **facts)
    verdict = build_verdict(happened, report, Isolation.SEPARATE, 5.0, is_shared=False)
    assert verdict.status is status
    assert verdict.is_passed is (status is Status.PASSED)
    assert bool(verdict.error) or verdict.is_passed


def test_a_suspicion_decides_in_a_shared_process_alone() -> None:
    report = Report(passed=1, total=1, suspicions=["frames", "processes"])
    apart = build_verdict(CALM, report, Isolation.SEPARATE, 5.0, is_shared=False)
    assert (apart.status, apart.suspicions) == (Status.PASSED, ("frames", "processes"))
    together = build_verdict(CALM, report, Isolation.SHARED, 5.0, is_shared=True)
    assert together.status is Status.SUSPICIOUS
    harmless = Report(passed=1, total=1, suspicions=["processes"])
    assert build_verdict(CALM, harmless, Isolation.SHARED, 5.0, is_shared=True).is_passed


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(x): return x", []),
        ("class P:\n    def __eq__(self, other): return self.x == other.x", []),
        ("class P:\n    def __eq__(self, other): return True", ["__eq__"]),
        ("class P(str):\n    def __eq__(self, other): return other", ["__eq__"]),
        ("class P:\n    __eq__ = lambda *_: True", ["__eq__"]),
        ("P.__eq__ = g", ["__eq__"]),
        ("import os\nos._exit(0)", ["os._exit"]),
        ("from os import _exit", ["os._exit"]),
        ("import sys\nsys._getframe()", ["frames"]),
        ("getattr(s, '_getframe')", ["frames"]),
        ("getattr(s, '\\x5fgetframe')", ["frames"]),
        ("import gc", ["gc"]),
        ("from ctypes import *", ["ctypes"]),
        ("open('/proc/self/environ')", ["files"]),
        ("import subprocess", ["processes"]),
        ("kill = 3\nsystem = 4", []),
        ("not python at all", []),
    ],
)
def test_words_for_what_honest_programs_seldom_do(source: str, words: list[str]) -> None:
    assert find_suspicions(source) == words


def test_text_that_cannot_be_read_says_so() -> None:
    assert find_suspicions("import gc\nx = " + "-" * 200_000 + "1") == ["unreadable"]


@pytest.mark.parametrize(
    ("source", "may_leave"),
    [
        ("import math\nassert f(math.pi)", False),
        ("import math\nmath.pi = 3", True),
        ("import sys", True),
        ("setattr(x, 'y', 1)", True),
    ],
)
def test_tests_that_may_leave_traces_are_told_apart(source: str, may_leave: bool) -> None:
    assert leaves_traces(source) is may_leave


@pytest.mark.parametrize(
    ("reasons", "is_enough"),
    [
        (("", "", ""), True),
        (("", "no", "no"), True),
        (("no", "", ""), True),
        (("no", "no", ""), False),
        (("no", "", "no"), False),
        (("no", "no", "no"), False),
    ],
)
def test_untrusted_code_is_refused_without_layers(
    reasons: tuple[str, ...], is_enough: bool
) -> None:
    layers = build_layers(reasons)
    assert [layer.is_on for layer in layers] == [not reason for reason in reasons] + [True]
    assert all(layer.missing for layer in layers if not layer.is_on)
    if is_enough:
        check_layers(layers)
    else:
        with pytest.raises(SandboxUnavailableError, match="--sandbox none"):
            check_layers(layers)
