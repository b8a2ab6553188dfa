"""Conversations out of files: message lists, documents that hold one, transcripts a line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from koderz.errors import JobError
from koderz.extract.chat.messages import get_format, parse_message
from koderz.extract.chat.transcripts import Placed, read_events
from koderz.extract.chat.turns import Conversation

MAX_BYTES = 256 * 1024 * 1024

_UNREADABLE = (ValueError, RecursionError)  # msgspec's errors and Unicode's are ValueErrors.
_POSITION = re.compile(r"\(byte (\d+)\)")
_WANTED = "a list of messages, an object with `messages`, or a transcript as JSON lines"


def load_conversation(path: Path) -> Conversation:
    """The conversation in a file. Raises JobError where it cannot be read, or is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise JobError(f"{path} is larger than {MAX_BYTES >> 20} MB: split it")
        body = path.read_bytes()
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror}") from None
    return parse_conversation(body, str(path))


def parse_conversation(body: bytes, name: str = "the conversation") -> Conversation:
    """The conversation that a file's bytes hold. Raises JobError, which names the line."""
    body = body.removeprefix(b"\xef\xbb\xbf").rstrip()
    lines = body.splitlines()
    first, *more = [line for line in lines if line.strip()] or [b""]
    if not first:
        raise JobError(f"{name} is empty: {_WANTED} is wanted")
    if more and _is_object(first):
        return _build(_parse_lines(lines, name), name)
    document = _decode(body, name)
    if isinstance(document, Mapping) and isinstance(document.get("messages"), list):
        document = document["messages"]
    elif isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list):
        raise JobError(f"{name} is not a conversation: {_WANTED} is wanted")
    return parse_messages(document, name)


def parse_messages(messages: Sequence[Any], name: str = "the conversation") -> Conversation:
    """The conversation that a list of messages is. Raises JobError, which names the message."""
    if not messages:
        raise JobError(f"{name} has no messages: {_WANTED} is wanted")
    if all(
        isinstance(each, Mapping) and "role" in each and "type" not in each for each in messages
    ):
        return _finish([(_place(name, at), each) for at, each in enumerate(messages, 1)])
    for at, each in enumerate(messages, 1):
        if not isinstance(each, Mapping):
            raise JobError(f"{_place(name, at)} is not a message: an object is wanted")
    return _build(((_place(name, at), each) for at, each in enumerate(messages, 1)), name)


def _place(name: str, at: int) -> str:
    return f"{name}: message {at}"


def _parse_lines(lines: Sequence[bytes], name: str) -> Iterable[Placed]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = msgspec.json.decode(line)
        except _UNREADABLE:
            raise JobError(f"{name}: line {number} is not JSON: mend or remove it") from None
        if not isinstance(event, dict):
            raise JobError(f"{name}: line {number} is not a JSON object: mend or remove it")
        yield f"{name}: line {number}", event


def _build(events: Iterable[Placed], name: str) -> Conversation:
    messages, aside = read_events(events)
    if not messages:
        raise JobError(f"{name} is not a conversation: {_WANTED} is wanted")
    notes = (f"{aside:,} events of side conversations were passed over",) if aside else ()
    return _finish(messages, notes)


def _finish(messages: Iterable[Placed], notes: tuple[str, ...] = ()) -> Conversation:
    turns = tuple(parse_message(raw, at, place) for at, (place, raw) in enumerate(messages, 1))
    return Conversation(format=get_format(turns), turns=turns, notes=notes)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except _UNREADABLE:
        return False


def _decode(body: bytes, name: str) -> Any:
    try:
        body.decode()
        return msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise JobError(f"{name}: line {line} is not UTF-8 text: save the file as UTF-8") from None
    except _UNREADABLE as error:
        found = _POSITION.search(str(error))
        at = int(found[1]) if found else len(body)
        line = body[:at].count(b"\n") + 1
        raise JobError(f"{name}: line {line} is not JSON: {_WANTED} is wanted") from None
