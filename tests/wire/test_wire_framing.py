"""Lines and server-sent events out of any split of bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.wire.framing import Event, EventReader, LineReader, encode_event

STREAM = (
    b"\xef\xbb\xbf: a comment\n\n"
    b"event: first\ndata: one\n\n"
    b"data:two\r\ndata: lines\r\nid: 7\r\n\r\n"
    b"retry: 10\r\revent: empty\n\n"
    b"data: caf\xc3\xa9\r\r"
    b"data: last"
)
EVENTS = [
    Event("first", b"one"),
    Event("", b"two\nlines"),
    Event("", b"caf\xc3\xa9"),
    Event("", b"last"),
]


def pieces(content: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(min(cut, len(content)) for cut in cuts)
    return [content[start:end] for start, end in pairwise([0, *places, len(content)])]


def read_events(chunks: list[bytes]) -> list[Event]:
    reader = EventReader()
    return [*(event for chunk in chunks for event in reader.feed(chunk)), *reader.close()]


def read_lines(chunks: list[bytes]) -> list[bytes]:
    reader = LineReader()
    return [*(line for chunk in chunks for line in reader.feed(chunk)), reader.close()]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_events_do_not_depend_on_the_split(cuts: list[int]) -> None:
    assert read_events(pieces(STREAM, cuts)) == EVENTS


def test_events_come_out_of_single_bytes() -> None:
    assert read_events([bytes([byte]) for byte in STREAM]) == EVENTS


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    reader = EventReader()
    assert reader.feed(b"data: x\n") == []
    assert reader.feed(b"\n") == [Event("", b"x")]
    assert reader.close() == []


@given(
    lines=st.lists(st.text(alphabet="ab\x0b\x85é", max_size=5).map(str.encode), max_size=6),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(0, 60), max_size=10),
)
def test_lines_do_not_depend_on_the_split(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    content = b"".join(line + end for line in lines) + b"rest"
    assert read_lines(pieces(content, cuts)) == [*lines, b"rest"]


@pytest.mark.parametrize("name", ["", "message_start"])
def test_a_written_event_is_read_back(name: str) -> None:
    assert read_events([encode_event(b'{"a":1}', name)]) == [Event(name, b'{"a":1}')]
