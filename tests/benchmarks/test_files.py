"""Problem files: where they are found, and what is said of broken ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from koderz.benchmarks.files import (
    find_problem_file,
    get_data_folder,
    load_numbered_records,
    load_records,
)
from koderz.errors import ConfigError, JobError

LINES = b'{"task_id": "a"}\n\n{"task_id": "b", "value": NaN}\n'


@pytest.fixture
def own_folder(clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, in a home of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(clean_environment / "data"))
    folder = get_data_folder()
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_records_are_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES) if name.endswith("gz") else LINES)
    assert [record["task_id"] for record in load_records(path)] == ["a", "b"]
    assert [number for number, _ in load_numbered_records(path)] == [1, 3]


def test_records_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"task_id": "a"}\nbroken\n')
    records = load_records(path)
    assert next(records) == {"task_id": "a"}
    with pytest.raises(JobError, match=r"x\.jsonl, line 2: not JSON"):
        next(records)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"task_id": "a"}\n{"task_id": \n', "line 2: not JSON"),
        (b"\xff\xfe\n", "line 1: not JSON"),
        (b"[1, 2]\n", "line 1: not a JSON object, but list"),
        (b"[" * 100_000 + b"\n", "line 1: not JSON"),
    ],
)
def test_a_broken_line_names_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(JobError, match=rf"x\.jsonl, {message}"):
        list(load_records(path))


def test_a_compressed_file_that_ends_early_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    whole = gzip.compress("\n".join(json.dumps({"n": n}) for n in range(5000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JobError, match=r"x\.jsonl\.gz cannot be read after line \d+"):
        list(load_records(path))


@pytest.mark.parametrize("content", [b"no gzip at all", b""])
def test_a_file_that_is_not_compressed_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(content)
    if content:
        with pytest.raises(JobError, match="cannot be read"):
            list(load_records(path))
    else:
        assert list(load_records(path)) == []


def test_a_missing_file_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "no.jsonl", tmp_path):
        with pytest.raises(JobError, match="cannot be read"):
            list(load_records(path))


def test_a_path_wins_over_the_variable_and_that_over_the_users_folder(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "elsewhere.jsonl"
    variable = tmp_path / "data"
    variable.mkdir()
    monkeypatch.setenv("KODERZ_DATA", str(variable))
    for file in (named, variable / "x.jsonl.gz", own_folder / "x.jsonl.gz"):
        file.touch()
    assert find_problem_file("x", "x.jsonl.gz", named) == named
    assert find_problem_file("x", "x.jsonl.gz") == variable / "x.jsonl.gz"
    (variable / "x.jsonl.gz").unlink()
    assert find_problem_file("x", "x.jsonl.gz") == own_folder / "x.jsonl.gz"


def test_an_unpacked_file_and_a_folder_of_benchmarks_are_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KODERZ_DATA", str(tmp_path))
    (tmp_path / "benchmarks").mkdir()
    file = tmp_path / "benchmarks" / "x.jsonl"
    file.touch()
    assert find_problem_file("x", "x.jsonl.gz") == file
    assert find_problem_file("x", "x.jsonl.gz", tmp_path) == file


def test_a_file_that_is_nowhere_says_how_to_get_it_and_where_to_put_it(own_folder: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        find_problem_file("humaneval", "HumanEval.jsonl.gz")
    message = str(raised.value)
    assert "koderz download-data humaneval" in message
    assert str(own_folder) in message
    assert "HumanEval.jsonl.gz" in message


def test_a_named_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--problems"):
        find_problem_file("x", "x.jsonl.gz", tmp_path / "no.jsonl")
