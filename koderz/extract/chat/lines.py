"""A ledger's entries as lines of text, and back: what a summary says in place of the turns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias, get_args

import msgspec

from koderz.extract.chat.ledger import (
    ChatLedger,
    CommandOutcome,
    Decision,
    FileState,
    OpenItem,
    RunCommand,
    SeenError,
    Speaker,
    TouchedFile,
)

Entry: TypeAlias = tuple[str, int, str]
"""A section's name, the turn, the text."""

_JSON = json.JSONDecoder()
_FILE = re.compile(rf"({'|'.join(get_args(FileState))}) x(\d+): (.+)")
_COMMAND = re.compile(rf"({'|'.join(get_args(CommandOutcome))}) x(\d+): (?=\")")
_ERROR = re.compile(r"(open|fixed in \[(\d+)\]): (?=\")")
_DECISION = re.compile(rf"({'|'.join(get_args(Speaker))}): (.+)", re.DOTALL)


def write_entries(ledger: ChatLedger) -> Iterator[Entry]:
    """The ledger, an entry a line."""
    if ledger.goal:
        yield "GOAL", 0, ledger.goal
    for item in ledger.open_items:
        yield "OPEN", item.turn, item.text
    for decision in ledger.decisions:
        yield "DECISIONS", decision.turn, f"{decision.by}: {decision.text}"
    for file in ledger.files:
        yield "FILES", file.turn, f"{file.state} x{file.times}: {file.path}"
    for run in ledger.commands:
        detail = f" => {run.detail}" if run.detail else ""
        text = f"{run.outcome} x{run.times}: {_quote(run.command)}{detail}"
        yield "COMMANDS", run.turn, text
    for error in ledger.errors:
        state = "open" if error.fixed_turn is None else f"fixed in [{error.fixed_turn}]"
        yield "ERRORS", error.turn, f"{state}: {_quote(error.source)} => {error.text}"


def read_entries(entries: Iterable[Entry]) -> ChatLedger:
    """The ledger that the entries say; those in another form are passed over."""
    goal = ""
    decisions: list[Decision] = []
    files: list[TouchedFile] = []
    commands: list[RunCommand] = []
    errors: list[SeenError] = []
    items: list[OpenItem] = []
    for section, turn, text in entries:
        if section == "GOAL":
            goal = goal or text
        elif section == "OPEN":
            items.append(OpenItem(turn=turn, text=text))
        elif section == "DECISIONS" and (found := _DECISION.fullmatch(text)):
            by = msgspec.convert(found[1], Speaker)
            decisions.append(Decision(turn=turn, by=by, text=found[2]))
        elif section == "FILES" and (found := _FILE.fullmatch(text)):
            state = msgspec.convert(found[1], FileState)
            files.append(TouchedFile(path=found[3], state=state, turn=turn, times=int(found[2])))
        elif section == "COMMANDS" and (run := _read_command(turn, text)):
            commands.append(run)
        elif section == "ERRORS" and (error := _read_error(turn, text)):
            errors.append(error)
    return ChatLedger(
        goal=goal,
        decisions=tuple(decisions),
        files=tuple(files),
        commands=tuple(commands),
        errors=tuple(errors),
        open_items=tuple(items),
    )


def _read_command(turn: int, text: str) -> RunCommand | None:
    found = _COMMAND.match(text)
    quoted = _unquote(text, found.end()) if found else None
    if found is None or quoted is None:
        return None
    outcome = msgspec.convert(found[1], CommandOutcome)
    command, detail = quoted
    return RunCommand(
        command=command, outcome=outcome, turn=turn, times=int(found[2]), detail=detail
    )


def _read_error(turn: int, text: str) -> SeenError | None:
    found = _ERROR.match(text)
    quoted = _unquote(text, found.end()) if found else None
    if found is None or quoted is None:
        return None
    fixed = int(found[2]) if found[2] else None
    return SeenError(turn=turn, source=quoted[0], text=quoted[1], fixed_turn=fixed)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _unquote(text: str, at: int) -> tuple[str, str] | None:
    """The quoted text that begins here, and what stands behind the arrow after it."""
    try:
        value, end = _JSON.raw_decode(text, at)
    except ValueError:
        return None
    return str(value), text[end:].removeprefix(" => ")
