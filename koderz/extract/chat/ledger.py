"""What a conversation decided, touched, ran and left open: values, and how two are merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

Speaker = Literal["user", "assistant"]
FileState = Literal["read", "created", "edited", "deleted", "failed"]
CommandOutcome = Literal["ok", "failed", "unknown"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in which a choice or a rule was made, as it was said in this turn."""

    turn: int
    by: Speaker
    text: str


class TouchedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that tools touched, with its last state; a later read does not undo a change."""

    path: str
    state: FileState
    turn: int
    times: int = 1


class RunCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was run, with its last outcome and what it said in a line."""

    command: str
    outcome: CommandOutcome
    turn: int
    times: int = 1
    detail: str = ""


class SeenError(msgspec.Struct, frozen=True, kw_only=True):
    """An error that a tool reported; `source` is the command or file that it came from.

    `fixed_turn` is where the same command or file next went well, None where that was not seen.
    """

    turn: int
    source: str
    text: str
    fixed_turn: int | None = None


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was left to do, as it was said in this turn."""

    turn: int
    text: str


class ChatLedger(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation comes to; `goal` is what the user asked first, `request` last."""

    goal: str = ""
    request: str = ""
    decisions: tuple[Decision, ...] = ()
    files: tuple[TouchedFile, ...] = ()
    commands: tuple[RunCommand, ...] = ()
    errors: tuple[SeenError, ...] = ()
    open_items: tuple[OpenItem, ...] = ()


Told = TypeVar("Told", Decision, OpenItem)


def merge_ledgers(earlier: ChatLedger, later: ChatLedger) -> ChatLedger:
    """The ledger of both parts of a conversation: what comes later has the last word."""
    good = {each.command: each.turn for each in later.commands if each.outcome == "ok"}
    good |= {each.path: each.turn for each in later.files if each.state in {"created", "edited"}}
    errors = tuple(
        msgspec.structs.replace(error, fixed_turn=good[error.source])
        if error.fixed_turn is None and error.source in good
        else error
        for error in earlier.errors
    )
    return ChatLedger(
        goal=earlier.goal or later.goal,
        request=later.request or earlier.request,
        decisions=merge_told((*earlier.decisions, *later.decisions)),
        files=merge_files((*earlier.files, *later.files)),
        commands=merge_commands((*earlier.commands, *later.commands)),
        errors=merge_errors((*errors, *later.errors)),
        open_items=merge_told((*earlier.open_items, *later.open_items)),
    )


def merge_told(told: Iterable[Told]) -> tuple[Told, ...]:
    """Each sentence once, where it was said last, in order."""
    last: dict[str, Told] = {}
    for each in told:
        last.pop(each.text.casefold(), None)
        last[each.text.casefold()] = each
    return tuple(last.values())


def merge_files(files: Iterable[TouchedFile]) -> tuple[TouchedFile, ...]:
    """Each path once with its last state; reading, and failing to change, change nothing."""
    merged: dict[str, TouchedFile] = {}
    for file in files:
        before = merged.pop(file.path, None)
        merged[file.path] = _merge_file(before, file) if before else file
    return tuple(merged.values())


def _merge_file(before: TouchedFile, file: TouchedFile) -> TouchedFile:
    is_kept = file.state in {"read", "failed"} and before.state not in {"read", "failed"}
    is_new = before.state == "created" and file.state == "edited"
    return msgspec.structs.replace(
        file,
        state=before.state if is_kept or is_new else file.state,
        turn=before.turn if is_kept else file.turn,
        times=before.times + file.times,
    )


def merge_commands(commands: Iterable[RunCommand]) -> tuple[RunCommand, ...]:
    """Each command once with its last outcome, in the order of their last runs."""
    merged: dict[str, RunCommand] = {}
    for run in commands:
        before = merged.pop(run.command, None)
        times = run.times + (before.times if before else 0)
        merged[run.command] = msgspec.structs.replace(run, times=times)
    return tuple(merged.values())


def merge_errors(errors: Iterable[SeenError]) -> tuple[SeenError, ...]:
    """Each error of a source once, as it stands last."""
    merged: dict[tuple[str, str], SeenError] = {}
    for error in errors:
        merged.pop((error.source, error.text), None)
        merged[error.source, error.text] = error
    return tuple(merged.values())
