"""A line is grave by what it says, not by the letters in it."""

from __future__ import annotations

import pytest

from koderz.extract.numbers import find_numbers
from koderz.extract.severity import find_trouble, score_severity
from koderz.extract.words import split_words

GRAVE = [
    "FAILED tests/test_x.py::test_y - assert 1 == 2",
    "E       assert 1 == 2",
    "ValueError: not enough values to unpack",
    "java.lang.NullPointerException: null",
    '{"level":"error","msg":"x"}',
    '{"severity": "CRITICAL", "message": "x"}',
    "level=fatal msg=x",
    "make: *** [all] Error 2",
    "Process exited with code 137",
    "npm ERR! code ELIFECYCLE",
    '127.0.0.1 - - "GET / HTTP/1.1" 503 123',
    "cp: cannot stat '/tmp/x': No such file or directory",
    "thread 'main' panicked at src/main.rs:3:5",
    "error[E0382]: borrow of moved value",
    "src/main.c:3:5: error: expected ';'",
    "Traceback (most recent call last):",
    "E0412 12:00:00.000 1 x.go:1] pod stuck",
    "panic: runtime error: index out of range",
    "== 1 failed, 300 passed in 3.2s ==",
    "localhost : ok=3 changed=1 unreachable=0 failed=1",
    "kernel: Out of memory: Killed process 123",
    "Segmentation fault (core dumped)",
    "Connection refused",
    "3 errors generated.",
    "--- FAIL: TestThing (0.00s)",
    "java.lang.Exception: boom",
]
MILD = [
    "0 errors, 0 warnings",
    "no failures",
    "error_log /var/log/nginx/error.log;",
    "errors=0 failed=0",
    '{"level":"info","error":null,"failed":0}',
    "localhost : ok=3 changed=1 unreachable=0 failed=0",
    "Installing libgpg-error-1.12",
    "tests/test_error_handling.py::test_fail PASSED [ 12%]",
    "test_failure (x.Y) ... ok",
    "gcc -Wall -Werror -c error.c",
    "Process exited with code 0",
    '127.0.0.1 - - "GET /error.html HTTP/1.1" 200 123',
    "Finished with result: success",
    "Tests run: 12, Failures: 0, Errors: 0, Skipped: 0",
    "copying build/lib/errors.py",
    "completed without errors",
]


def score(line: str) -> float:
    content = line.encode()
    words = split_words(content)
    numbers = "".join(number.classify(content) for number in find_numbers(content, words))
    return score_severity(content, words, numbers)


@pytest.mark.parametrize("line", GRAVE)
def test_trouble_is_grave(line: str) -> None:
    assert score(line) >= 0.5


@pytest.mark.parametrize("line", MILD)
def test_the_mention_of_trouble_is_not(line: str) -> None:
    assert score(line) <= 0.2


def test_levels_stand_in_order() -> None:
    scores = [
        score(f"2025-01-01 12:00 {level} x y z") for level in ("FATAL", "ERROR", "WARN", "INFO")
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_the_place_of_trouble_is_counted_in_characters() -> None:
    assert find_trouble(
        "ünïcöde: no errors, but a failure"
    ) == "ünïcöde: no errors, but a failure".index("failure")
    assert find_trouble("all is well") == 0
