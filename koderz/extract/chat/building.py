"""The ledger of a conversation, built from its turns without a model.

Decisions and open items are taken from what user and assistant say, files and commands from tool
calls, errors and outcomes from their results. What a tool returned decides nothing else: text in
a page or a log cannot make itself a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from koderz.extract.chat.ledger import (
    ChatLedger,
    Decision,
    OpenItem,
    RunCommand,
    SeenError,
    Speaker,
    TouchedFile,
    merge_commands,
    merge_errors,
    merge_files,
    merge_told,
)
from koderz.extract.chat.tools import find_failure, get_command, judge_result, list_files
from koderz.extract.chat.turns import Piece, Turn
from koderz.extract.chat.wording import (
    find_boxes,
    flatten,
    is_decision,
    is_open,
    split_sentences,
)

GOAL_CHARS = 600
_TODO_KEYS = ("todos", "plan", "tasks", "items")
_DONE = frozenset({"completed", "done", "cancelled", "complete"})


class Deed(msgspec.Struct, frozen=True):
    """A tool call with its result, None where none came, and the turn of the call."""

    turn: int
    call: Piece
    result: Piece | None


def build_ledger(turns: Sequence[Turn]) -> ChatLedger:
    """What these turns decided, touched, ran and left open."""
    requests = [turn.text for turn in turns if turn.is_request]
    deeds = tuple(_list_deeds(turns))
    files = merge_files(_list_files(deeds))
    return ChatLedger(
        goal=flatten(requests[0], GOAL_CHARS) if requests else "",
        request=flatten(requests[-1], GOAL_CHARS) if requests else "",
        decisions=merge_told(_list_decisions(turns)),
        files=files,
        commands=merge_commands(_list_commands(deeds)),
        errors=merge_errors(_list_errors(deeds)),
        open_items=_list_open_items(turns, deeds),
    )


def _list_deeds(turns: Sequence[Turn]) -> Iterator[Deed]:
    """Each call with the next result of its id."""
    waiting: dict[str, list[Piece]] = {}
    for turn in turns:
        for piece in turn.pieces:
            if piece.kind == "result":
                waiting.setdefault(piece.call_id, []).append(piece)
    for turn in turns:
        for piece in turn.pieces:
            if piece.kind == "call":
                results = waiting.get(piece.call_id)
                yield Deed(turn.number, piece, results.pop(0) if results else None)


def _list_decisions(turns: Iterable[Turn]) -> Iterator[Decision]:
    for turn in turns:
        if turn.role not in {"user", "assistant"}:
            continue
        by: Speaker = "user" if turn.role == "user" else "assistant"
        for sentence in split_sentences(turn.text):
            if is_decision(sentence, is_users=by == "user"):
                yield Decision(turn=turn.number, by=by, text=sentence)


def _list_files(deeds: Iterable[Deed]) -> Iterator[TouchedFile]:
    for deed in deeds:
        has_failed = deed.result is not None and deed.result.is_error
        for path, state in list_files(deed.call):
            given = "failed" if has_failed and state != "read" else state
            yield TouchedFile(path=path, state=given, turn=deed.turn)


def _list_commands(deeds: Iterable[Deed]) -> Iterator[RunCommand]:
    for deed in deeds:
        if command := get_command(deed.call):
            outcome, detail = judge_result(deed.result)
            yield RunCommand(command=command, outcome=outcome, turn=deed.turn, detail=detail)


def _list_errors(deeds: Sequence[Deed]) -> Iterator[SeenError]:
    """Failures of commands and tools; fixed where the same command or file next goes well.

    A failure that came back is told where it came back. Backwards, each deed is looked at once.
    """
    found: list[SeenError] = []
    went_well: dict[str, int] = {}
    told: set[tuple[str, str]] = set()
    for deed in reversed(deeds):
        source = _get_source(deed.call)
        if not source or deed.result is None:
            continue
        if not _has_failed(deed):
            went_well[source] = deed.turn
            continue
        text = _get_failure(deed)
        if (source, text) not in told:
            told.add((source, text))
            fixed = went_well.get(source)
            found.append(SeenError(turn=deed.turn, source=source, text=text, fixed_turn=fixed))
    yield from reversed(found)


def _get_source(call: Piece) -> str:
    """What a later success would have to be of: the command, the file, else the tool."""
    return get_command(call) or next((path for path, _ in list_files(call)), "") or call.name


def _has_failed(deed: Deed) -> bool:
    if deed.result is None:
        return False
    if get_command(deed.call):
        return judge_result(deed.result)[0] == "failed"
    return deed.result.is_error


def _get_failure(deed: Deed) -> str:
    result = deed.result
    text = result.text if result else ""
    return find_failure(text) or flatten(text.strip().split("\n")[-1]) or "it failed"


def _list_open_items(turns: Sequence[Turn], deeds: Sequence[Deed]) -> tuple[OpenItem, ...]:
    """The last to-do list that a tool was given, unticked boxes, and sentences that say so."""
    items = [item for turn in turns for item in _list_said(turn)]
    ticked = {
        text.casefold()
        for turn in turns
        if turn.role in {"user", "assistant"}
        for is_done, text in find_boxes(turn.text)
        if is_done
    }
    for deed in reversed(deeds):
        listed = _get_todos(deed.call.arguments)
        if listed:
            todos = [OpenItem(turn=deed.turn, text=text) for is_done, text in listed if not is_done]
            ticked |= {text.casefold() for is_done, text in listed if is_done}
            items = [*items, *todos]
            break
    return merge_told(item for item in items if item.text.casefold() not in ticked)


def _list_said(turn: Turn) -> Iterator[OpenItem]:
    if turn.role not in {"user", "assistant"}:
        return
    boxes = {text: is_done for is_done, text in find_boxes(turn.text)}
    yield from (OpenItem(turn=turn.number, text=text) for text in boxes if not boxes[text])
    for sentence in split_sentences(turn.text):
        if is_open(sentence) and not sentence.startswith("["):
            yield OpenItem(turn=turn.number, text=sentence)


def _get_todos(arguments: Mapping[str, Any]) -> list[tuple[bool, str]]:
    for key in _TODO_KEYS:
        listed = arguments.get(key)
        if isinstance(listed, list):
            return [
                (str(each.get("status")) in _DONE, flatten(str(text)))
                for each in listed
                if isinstance(each, Mapping)
                and (text := each.get("content") or each.get("step") or each.get("title"))
            ]
    return []
