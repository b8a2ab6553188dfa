"""Bad input is one clear line that says what to do."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path

import pytest

from koderz.errors import JobError
from koderz.extract import build_digest, load_chunks, load_lines, load_survey


def check_refusal(path: Path, words: str) -> None:
    with pytest.raises(JobError, match=words) as caught:
        load_survey(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    check_refusal(tmp_path / "none.log", "does not exist")


def test_a_directory(tmp_path: Path) -> None:
    check_refusal(tmp_path, "is a directory")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.log"
    path.write_bytes(content)
    check_refusal(path, "is empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.log"
    path.write_text("x\n")
    path.chmod(0)
    check_refusal(path, "Permission denied")


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_refusal(path, "not a regular file")


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot read|does not exist"):
        load_survey(tmp_path / "nul\0.log")


@pytest.mark.parametrize(
    "content",
    [
        random.Random(3).randbytes(300_000),
        zlib.compress(random.Random(4).randbytes(50_000)),
        b"\x7fELF" + bytes(200_000),
        b"\x89PNG\r\n\x1a\n" + random.Random(5).randbytes(2_000),
    ],
)
def test_a_binary_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "binary"
    path.write_bytes(content)
    check_refusal(path, "is binary")


def test_a_log_with_some_junk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "junk.log"
    path.write_bytes(random.Random(6).randbytes(100_000) + b"\nERROR it broke\n" * 20_000)
    digest = build_digest(load_survey(path), 200)
    assert "ERROR it broke" in digest.spans[-1].text


@pytest.mark.parametrize("budget", [-5, 0, 1, 19])
def test_a_budget_that_holds_no_line(tmp_path: Path, budget: int) -> None:
    path = tmp_path / "some.log"
    path.write_text("x\n")
    with pytest.raises(JobError, match="give at least 20"):
        build_digest(load_survey(path), budget)


def test_lines_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_text("x\ny\n")
    survey = load_survey(path)
    with pytest.raises(JobError, match="has 2 lines"):
        load_lines(survey, 3, 9)
    with pytest.raises(JobError, match="give 1 or more"):
        load_chunks(survey, chunk_tokens=0, max_chunks=3)


def test_a_file_that_changed_since(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_text("x\ny\n")
    survey = load_survey(path)
    path.write_text("z\ny\n")
    with pytest.raises(JobError, match="has changed since it was read"):
        load_lines(survey, 1, 2)
    path.unlink()
    with pytest.raises(JobError, match="cannot read"):
        load_lines(survey, 1, 2)
    assert build_digest(survey, 100).spans[0].text == "x\ny"
