"""The candidate's process: it loads the program and answers calls with plain values."""

from __future__ import annotations

import contextlib
import linecache
import sys
import types
from collections import deque
from collections.abc import Callable
from typing import Any

from . import checks, codec, frames

_MODULE = "solution"
_MUTABLE = {list, dict, set, bytearray, deque}


def serve_calls(payload: int, requests: int, replies: int) -> None:
    """Answer one call after another until the tests' process closes its end."""
    source, _ = codec.load(frames.take_all(payload))
    names = load(source, lambda frame: frames.write_frame(replies, frame))
    if names is None:
        return
    output = sys.stdout
    frames.write_frame(replies, frames.LOADED)
    while (request := frames.read_frame(requests)) is not None:
        reply = _answer(names, request)
        _flush(output)
        frames.write_frame(replies, reply)


def serve_cases(payload: int, outputs: int) -> None:
    """Write the output for every input, in order, to a file.

    Those of a reference are shortened where they are long, save those that `whole` asks for;
    those of a candidate (`whole` is None) never are.
    """
    source, entry_point, inputs, whole = codec.load(frames.take_all(payload))
    output = sys.stdout
    names = load(source, lambda frame: frames.write_frame(outputs, frame))
    if names is None:
        return
    frames.write_frame(outputs, frames.LOADED)
    for index, frame in enumerate(codec.split_frames(inputs)):
        is_whole = whole is None or index in whole
        encode = frames.encode_reply if is_whole else _encode_shortened
        frames.write_frame(outputs, _call(names, entry_point, codec.load(frame), {}, encode))
    _flush(output)


def _encode_shortened(value: object) -> bytes:
    reply = frames.encode_reply(value)
    return frames.shorten(reply, checks.shown(value)) if frames.is_long(reply) else reply


def load(source: str, report: Any) -> dict[str, Any] | None:
    """The names that the program defines, or None after `report` was given the reason."""
    linecache.cache[frames.SOURCE_NAME] = (
        len(source),
        None,
        source.splitlines(keepends=True),
        frames.SOURCE_NAME,
    )
    try:
        code = compile(source, frames.SOURCE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        report(frames.MALFORMED + codec.encode(_syntax_message(error)))
        return None
    module = types.ModuleType(_MODULE)
    sys.modules[_MODULE] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the candidate is the point.
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the verdict's to say.
        report(frames.encode_raised(error))
        return None
    return module.__dict__


def _syntax_message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        line = (error.text or "").strip()[:200]
        return f"line {error.lineno}: {error.msg}" + (f": {line}" if line else "")
    return f"{type(error).__name__}: {error}"


def _answer(names: dict[str, Any], request: bytes) -> bytes:
    name, arguments, options = codec.load(request)
    before = _state(arguments)
    reply = _call(names, name, arguments, options)
    after = _state(arguments)
    if before == after or reply[:1] in {frames.UNPORTABLE, frames.RAISED}:
        return reply
    return frames.CHANGED + codec.encode([reply, after])


def _state(arguments: list[Any]) -> bytes | None:
    """The arguments as they are, where one could be changed in place and is still plain."""
    if not any(type(it) in _MUTABLE for it in arguments):
        return None
    try:
        return codec.encode(arguments)
    except codec.CodecError:
        return None


def _call(
    names: dict[str, Any],
    name: str,
    arguments: list[Any],
    options: dict[str, Any],
    encode: Callable[[object], bytes] = frames.encode_reply,
) -> bytes:
    try:
        if name not in names:
            raise NameError(f"name {name!r} is not defined")  # noqa: TRY301 - as Python would.
        return encode(names[name](*arguments, **options))
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the verdict's to say.
        return frames.encode_raised(error)


def _flush(output: Any) -> None:
    with contextlib.suppress(OSError, ValueError):  # Closed by the candidate: its own affair.
        output.flush()
