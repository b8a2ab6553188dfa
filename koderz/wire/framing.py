"""Streams cut into frames: lines, and server-sent events over lines, from any split of bytes.

Server-sent events as the standard has them: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import msgspec

SSE_CONTENT_TYPE = "text/event-stream"
NDJSON_CONTENT_TYPE = "application/x-ndjson"

_BOM = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True):
    """One server-sent event: its name (often none) and its content."""

    name: str
    content: bytes


class LineReader:
    r"""Whole lines out of pieces of bytes; `\n`, `\r\n` and `\r` end one."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._is_after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this piece completes, without their ends."""
        if self._is_after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._is_after_cr = False
        if b"\n" not in chunk and b"\r" not in chunk:
            self._rest.append(chunk)
            return []
        self._is_after_cr = chunk.endswith(b"\r")
        lines = b"".join((*self._rest, chunk)).splitlines()
        self._rest = [] if chunk.endswith((b"\n", b"\r")) else [lines.pop()]
        return lines

    def close(self) -> bytes:
        """What is left after the last line's end, at the end of the stream."""
        rest, self._rest = b"".join(self._rest), []
        return rest


class EventReader:
    """Server-sent events out of pieces of bytes."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._name = ""
        self._content: list[bytes] = []
        self._is_first = True

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this piece completes."""
        events = []
        for line in self._lines.feed(chunk):
            if line:
                self._read(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        return events

    def close(self) -> list[Event]:
        """The event that no blank line ended: some hosts leave the last one out."""
        self._read(self._lines.close())
        event = self._dispatch()
        return [] if event is None else [event]

    def _read(self, line: bytes) -> None:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._content.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")

    def _dispatch(self) -> Event | None:
        name, content = self._name, self._content
        self._name, self._content = "", []
        return Event(name, b"\n".join(content)) if content else None


def encode_event(content: bytes, name: str = "") -> bytes:
    """One server-sent event; the content holds no line ends, as JSON does not."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return b"%bdata: %b\n\n" % (head, content)
