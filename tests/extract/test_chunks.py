"""Chunks hold original lines, fit their limit, begin with a record, and reach what tells most."""

from __future__ import annotations

from pathlib import Path

import pytest

from koderz.extract import Survey, load_chunks, load_survey
from koderz.tokens import count_tokens


def survey_of(tmp_path: Path, text: str) -> Survey:
    path = tmp_path / "some.log"
    path.write_bytes(text.encode())
    return load_survey(path)


def made_log() -> list[str]:
    lines = []
    for number in range(3_000):
        lines.append(f"12:00:{number % 60:02d} INFO item {number} stored in place {number % 11}")
        if number % 10 == 0:
            lines += ["    with a detail", "    and one more"]
    lines[4_000:4_000] = ["12:00:00 ERROR no place left", "    at shelf.put(Shelf.java:3)"]
    return lines


@pytest.mark.parametrize(
    ("chunk_tokens", "max_chunks"), [(200, 3), (1_000, 5), (8_000, 30), (50, 1)]
)
def test_chunks_are_original_lines_within_their_limits(
    tmp_path: Path, chunk_tokens: int, max_chunks: int
) -> None:
    lines = made_log()
    survey = survey_of(tmp_path, "\n".join(lines) + "\n")
    chunks = load_chunks(survey, chunk_tokens=chunk_tokens, max_chunks=max_chunks)
    assert 0 < len(chunks) <= max_chunks
    last = 0
    for chunk in chunks:
        assert count_tokens(chunk.text) <= chunk_tokens
        assert chunk.text == "\n".join(lines[chunk.start - 1 : chunk.end])
        assert chunk.start > last
        assert not chunk.text.startswith(" ")
        last = chunk.end
    assert last == len(lines)


def test_a_file_that_fits_is_given_whole(tmp_path: Path) -> None:
    lines = made_log()
    survey = survey_of(tmp_path, "\n".join(lines))
    chunks = load_chunks(survey, chunk_tokens=8_000, max_chunks=30)
    assert "\n".join(chunk.text for chunk in chunks) == "\n".join(lines)


def test_the_gravest_line_is_in_a_chunk(tmp_path: Path) -> None:
    survey = survey_of(tmp_path, "\n".join(made_log()))
    chunks = load_chunks(survey, chunk_tokens=500, max_chunks=2)
    assert any("no place left\n    at shelf" in chunk.text for chunk in chunks)


def test_one_long_line_is_given_in_pieces(tmp_path: Path) -> None:
    line = "[" + ",".join(f'{{"id":{n},"level":"info"}}' for n in range(20_000)) + "]"
    survey = survey_of(tmp_path, line)
    whole = load_chunks(survey, chunk_tokens=20_000, max_chunks=20)
    assert "".join(chunk.text for chunk in whole) == line
    some = load_chunks(survey, chunk_tokens=1_000, max_chunks=3)
    assert len(some) == 3
    for chunk in (*whole, *some):
        assert chunk.is_cut
        assert line[chunk.column - 1 :].startswith(chunk.text)
    assert all(count_tokens(chunk.text) <= 1_000 for chunk in some)
