"""A survey tells a file's size, encoding and tokens, and has lines as a terminal shows them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from koderz.extract import Survey, load_lines, load_survey
from koderz.extract.cleaning import COLOURS, CONTROLS, PROGRESS
from koderz.extract.encodings import LATIN_1, REPLACED
from koderz.tokens import count_tokens


def survey_of(tmp_path: Path, content: bytes, question: str = "") -> Survey:
    path = tmp_path / "some.log"
    path.write_bytes(content)
    return load_survey(path, question)


def lines_of(survey: Survey) -> list[str]:
    return load_lines(survey, 1, survey.line_count).lines


@pytest.mark.parametrize(
    ("content", "lines", "encoding", "notes"),
    [
        (b"one\ntwo\n", ["one", "two"], "utf-8", ()),
        (b"one\ntwo", ["one", "two"], "utf-8", ()),
        (b"\n\n", ["", ""], "utf-8", ()),
        (b"one\r\ntwo\r\n", ["one", "two"], "utf-8", ()),
        (codecs.BOM_UTF8 + "é\n".encode(), ["é"], "utf-8-sig", ()),
        (codecs.BOM_UTF16_LE + "é\nü\n".encode("utf-16-le"), ["é", "ü"], "utf-16-le", ()),
        (codecs.BOM_UTF16_BE + "é\r\nü".encode("utf-16-be"), ["é", "ü"], "utf-16-be", ()),
        ("no mark\n".encode("utf-16-le"), ["no mark"], "utf-16-le", ()),
        ("caf\xe9\nplain\n".encode("latin-1"), ["café", "plain"], "latin-1", (LATIN_1,)),
        (b"\x1b[1;31mred\x1b[0m\n\x1b]0;title\x07x\n", ["red", "x"], "utf-8", (COLOURS,)),
        (b" 10%\r 55%\r100%\ndone\n", ["100%", "done"], "utf-8", (PROGRESS,)),
        (b"100%\r\x1b[K\rready\r\n", ["ready"], "utf-8", (COLOURS, PROGRESS)),
        (b"|\x08/\x08-\x08ok\n", ["ok"], "utf-8", (PROGRESS,)),
        (b"nul\x00 and bell\x07\n", ["nul and bell"], "utf-8", (CONTROLS,)),
        (
            b"text\nju\x01\xff\xfenk\n" * 9 + b"more text\n" * 99,
            None,
            "utf-8",
            (REPLACED, CONTROLS),
        ),
        ("zwölf Grüße\n".encode() * 3, ["zwölf Grüße"] * 3, "utf-8", ()),
    ],
)
def test_lines_are_what_a_terminal_shows(
    tmp_path: Path, content: bytes, lines: list[str] | None, encoding: str, notes: tuple[str, ...]
) -> None:
    survey = survey_of(tmp_path, content)
    assert survey.encoding == encoding
    assert set(survey.notes) == set(notes)
    assert survey.size_bytes == len(content)
    if lines is not None:
        assert survey.line_count == len(lines)
        assert lines_of(survey) == lines


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    numbered = [
        f"line {number} \x1b[32mok\x1b[0m\r progress {number}" for number in range(1, 90_001)
    ]
    survey = survey_of(tmp_path, "\n".join(numbered).encode())
    assert survey.line_count == 90_000
    for at in (1, 7_777, 33_333, 89_999, 90_000):
        assert load_lines(survey, at, at).text == f" progress {at}"
    assert load_lines(survey, 44_000, 44_002).lines == [
        f" progress {n}" for n in range(44_000, 44_003)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blocks_join_without_a_seam(tmp_path: Path, encoding: str) -> None:
    text = "".join(f"№ {number} ünïcode 🙂 {'x' * (number % 97)}\n" for number in range(30_000))
    survey = survey_of(tmp_path, text.encode(encoding))
    assert len(survey.places) > 2
    assert "\n".join(lines_of(survey)) + "\n" == text
    assert survey.tokens_in == count_tokens(text)


def test_tokens_are_those_of_the_whole_file(tmp_path: Path) -> None:
    text = "  indented\n\n\n/path/x:\n/path/y\r\n\n  \n<|endoftext|> 1234567 names\n" * 20_000
    survey = survey_of(tmp_path, text.encode())
    assert survey.is_tokens_exact
    assert survey.tokens_in == count_tokens(text)


@pytest.mark.parametrize("unit", ["ab ", "a,b;", "é", "0123456789", "x"])
def test_a_line_of_megabytes_is_ranked_in_pieces(tmp_path: Path, unit: str) -> None:
    line = unit * (1_500_000 // len(unit.encode()))
    survey = survey_of(tmp_path, f"first\n{line}\nlast\n".encode())
    assert survey.line_count == 3
    assert lines_of(survey)[0] == "first"
    assert lines_of(survey)[1] == line[:1_000_000]
    assert lines_of(survey)[2] == "last"
    assert any("pieces" in note for note in survey.notes)


def test_pieces_of_a_long_line_know_their_place(tmp_path: Path) -> None:
    line = (
        "[" + ", ".join(f'{{"id": {number}, "näme": "x{number}"}}' for number in range(3_000)) + "]"
    )
    survey = survey_of(tmp_path, f"{line}\nnext\n".encode())
    pieces = [each for each in survey.candidates if each.number == 1]
    assert "".join(each.text for each in pieces) == line
    assert all(line[each.column - 1 :].startswith(each.text) for each in pieces)


def test_progress_tells_the_bytes_read(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(b"a line of the log\n" * 100_000)
    told: list[int] = []
    load_survey(path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_what_is_written_while_reading_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(b"a line of the log\n" * 100_000)

    def write_more(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"another line\n" * 1_000)

    survey = load_survey(path, progress=write_more)
    assert survey.line_count == 100_000
    assert load_lines(survey, 99_999, 100_000).lines == ["a line of the log"] * 2


def test_a_file_that_shrinks_while_it_is_read_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(b"a line of the log\n" * 100_000)

    def rotate(_: int) -> None:
        path.write_bytes(b"rotated\n")

    survey = load_survey(path, progress=rotate)
    assert 0 < survey.line_count < 100_000
