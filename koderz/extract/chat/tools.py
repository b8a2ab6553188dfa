"""What tool calls touched and ran, by the names of tools and arguments that agents use."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from koderz.extract.chat.ledger import CommandOutcome, FileState
from koderz.extract.chat.turns import Piece
from koderz.extract.chat.wording import flatten

COMMAND_CHARS = 200
DETAIL_CHARS = 160
LONGEST_REPORT = 2000

_PATH_KEYS = ("file_path", "path", "filename", "file", "notebook_path", "filepath", "target_file")
_COMMAND_KEYS = ("command", "cmd", "script", "commands")
_PATCH = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$", re.MULTILINE)
_PATCHED: Mapping[str, FileState] = {"Add": "created", "Update": "edited", "Delete": "deleted"}
_STATES: Sequence[tuple[re.Pattern[str], FileState]] = (
    (re.compile(r"delete|remove|unlink", re.IGNORECASE), "deleted"),
    (re.compile(r"edit|replace|patch|update|insert|modify|append|undo", re.IGNORECASE), "edited"),
    (re.compile(r"write|create|save|new_?file", re.IGNORECASE), "created"),
    (re.compile(r"read|view|open|cat|show|get_file", re.IGNORECASE), "read"),
)
_REDIRECT = re.compile(r"(?<![0-9&<>-])>>?\s*([\w./~-]+)")
_DONE_TO: Mapping[str, FileState] = {"rm": "deleted", "touch": "created", "cat": "read"}

_EXIT = re.compile(
    r"(?:exit(?:ed)?(?: with)?(?: code| status)?|return ?code|\"exit_code\")[:=\s]+(-?\d+)",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"^(?!.*\b(?:0|no) (?:errors?|fail(?:ed|ures?))\b).*?(?:"
    r"\b[A-Z]\w*(?:Error|Exception)\b|^\s*(?:\w+: )*(?:error|fatal|panic|FATAL)\b\s*[:\[(]|"
    r"\berror\b(?:\[\w+\])?:|\bFAILED\b|\b[1-9]\d* failed\b|command not found|"
    r"No such file or directory|Permission denied|npm ERR!|Segmentation fault|"
    r"undefined reference|AssertionError)",
    re.MULTILINE,
)
_NAMED = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b|\berror\b(?:\[\w+\])?:|\bFAILED\b")
_SUCCESS = re.compile(
    r"\b\d+ passed\b|\bBUILD SUCCESS|\b(?:all )?tests? pass(?:ed)?\b|^OK\b", re.MULTILINE
)


def list_files(call: Piece) -> Iterator[tuple[str, FileState]]:
    """The paths that a call touches, and what it does to each."""
    for value in call.arguments.values():
        if isinstance(value, str) and "*** " in value:
            yield from ((path.strip(), _PATCHED[verb]) for verb, path in _PATCH.findall(value))
    paths = [call.arguments[key] for key in _PATH_KEYS if isinstance(call.arguments.get(key), str)]
    # Some tools name what they do in an argument.
    verbs = [str(call.arguments.get("command", "")), call.name]
    found = (state for verb in verbs for pattern, state in _STATES if pattern.search(verb))
    state = next(found, None)
    if paths and state:
        yield flatten(paths[0]), state
    elif command := get_command(call):
        yield from _list_shell_files(command)


def _list_shell_files(command: str) -> Iterator[tuple[str, FileState]]:
    for part in re.split(r"&&|\|\||[;|\n]", command):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        names = [word for word in words[1:] if not word.startswith("-")]
        if words[:1] and words[0] in _DONE_TO:
            named = [name for name in names if _looks_like_file(name)]
            yield from ((name, _DONE_TO[words[0]]) for name in named)
        elif words[:1] == ["sed"] and any(word.startswith("-i") for word in words):
            yield from ((name, "edited") for name in names[-1:] if _looks_like_file(name))
        elif words[:1] == ["mv"] and len(names) == 2:  # noqa: PLR2004 - from one name to another
            yield names[0], "deleted"
            yield names[1], "created"
    for path in _REDIRECT.findall(command):
        if not path.startswith("/dev/"):
            yield path, "created"


def _looks_like_file(name: str) -> bool:
    return bool(re.fullmatch(r"[\w./~@+-]+", name))


def get_command(call: Piece) -> str:
    """The command line that a call runs, "" where it runs none."""
    if any(key in call.arguments for key in _PATH_KEYS):
        return ""
    for key in _COMMAND_KEYS:
        value: Any = call.arguments.get(key)
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            # `bash -lc "…"` is the command that it wraps.
            value = value[-1] if len(value) > 1 and value[1] in {"-lc", "-c"} else shlex.join(value)
        if isinstance(value, str) and value.strip():
            return flatten(value, COMMAND_CHARS)
    return ""


def judge_result(result: Piece | None) -> tuple[CommandOutcome, str]:
    """How a command ended, by its exit code, else by what it printed; with the telling line."""
    if result is None:
        return "unknown", ""
    lines = [line for line in result.text.splitlines() if line.strip()]
    failure = find_failure(result.text)
    codes = _EXIT.findall(result.text)
    last = flatten(lines[-1], DETAIL_CHARS) if lines else ""
    if result.is_error or (codes and codes[-1] != "0"):
        return "failed", failure or last
    if codes or _SUCCESS.search(result.text):
        return ("failed", failure) if failure and not codes else ("ok", last)
    if failure:
        return "failed", failure
    return "ok", last


def find_failure(text: str) -> str:
    """The last line that names an error, else the last that reports one, "" where none does."""
    lines = [line for line in text.splitlines() if len(line) < LONGEST_REPORT]
    found = [line for line in lines if _FAILURE.search(line)]
    named = [line for line in found if _NAMED.search(line)]
    return flatten((named or found or [""])[-1], DETAIL_CHARS)
