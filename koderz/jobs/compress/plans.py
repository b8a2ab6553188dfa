"""What of a conversation stays as it is, what is summed up, and how much room that has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from koderz.config.settings import CompressSettings
from koderz.errors import JobError
from koderz.extract.chat.building import build_ledger
from koderz.extract.chat.ledger import ChatLedger, merge_ledgers
from koderz.extract.chat.summary import Summary
from koderz.extract.chat.turns import (
    Conversation,
    Turn,
    Unit,
    count_turn,
    count_turns,
    split_units,
)
from koderz.jobs.compress.messages import drop_bodies, keep_words, take_summary

DEFAULTS = CompressSettings()
LATEST_SHARE = 0.6
LEAST_SUMMARY_TOKENS = 160
BODY_CHARS = (4000, 1200, 300, 60)
DEFAULT_SHARE = 0.1
DEFAULT_LEAST_TOKENS = 2000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a conversation is to be compressed.

    `system` are its leading instructions, `old` what is summed up, `request` the user's last one
    where it is not in the `tail`, which ends the conversation verbatim but for bodies of tools.
    `earlier` is a summary that it began with, `last_old` the last turn that a new one covers, and
    `room_tokens` what it may take. `ledger` is that of the whole, earlier parts included, and
    `summed` the part of it that the tail does not show.
    """

    conversation: Conversation
    system: tuple[Turn, ...]
    old: tuple[Turn, ...]
    request: Turn | None
    tail: tuple[Turn, ...]
    earlier: Summary | None
    last_old: int
    ledger: ChatLedger
    summed: ChatLedger
    room_tokens: int
    budget_tokens: int

    @property
    def question(self) -> str:
        """What the user asked last."""
        return next((turn.text for turn in reversed(self.turns) if turn.is_request), "")

    @property
    def has_tools(self) -> bool:
        """Whether anything was done in it but talking."""
        return any(piece.kind == "call" for turn in self.turns for piece in turn.pieces)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns but instructions and the tail's."""
        kept = (*self.old, *((self.request,) if self.request else ()), *self.tail)
        return tuple(sorted(kept, key=lambda turn: turn.number))


def build_plan(
    conversation: Conversation,
    budget_tokens: int | None,
    tail_share: float = DEFAULTS.tail_share,
) -> Plan:
    """The plan of a conversation within this budget (None: a tenth of it, 2,000 at least).

    Of the room that instructions leave, the tail takes up to its share, its last turn more. Raises
    JobError where the budget does not even hold instructions, last request and last turns.
    """
    system, earlier, turns = _open(conversation)
    ledger = _sum_up(earlier, turns)
    last = max((turn.number for turn in turns if turn.is_request), default=0)
    units = split_units(turns)
    fixed = count_turns(system)
    budget = budget_tokens or _choose_budget(conversation, fixed, turns, units, last)
    room = budget - fixed - LEAST_SUMMARY_TOKENS
    tail = _choose_tail(units, last, room, turns, tail_share)
    if tail is None:
        least = fixed + LEAST_SUMMARY_TOKENS + _count_least(units, last, turns)
        raise JobError(
            f"a budget of {budget:,} tokens is too small: instructions, the last request and the "
            f"last turn alone need {least:,}"
        )
    numbers = {turn.number for turn in tail}
    request = next((turn for turn in turns if turn.number == last), None)
    is_apart = request is not None and last not in numbers
    kept = count_turns(tail) + (count_turn(request) if request and is_apart else 0)
    old = tuple(turn for turn in turns if turn.number not in numbers)
    return Plan(
        conversation=conversation,
        system=system,
        old=old,
        request=keep_words(request) if request and is_apart else None,
        tail=tail,
        earlier=earlier,
        last_old=old[-1].number if old else (earlier.last_turn if earlier else 0),
        ledger=ledger,
        summed=leave_out(ledger, numbers, _sum_up(earlier, old)),
        room_tokens=budget - fixed - kept,
        budget_tokens=budget,
    )


def _sum_up(earlier: Summary | None, turns: Sequence[Turn]) -> ChatLedger:
    ledger = build_ledger(turns)
    return merge_ledgers(earlier.ledger, ledger) if earlier else ledger


def leave_out(whole: ChatLedger, tail: Collection[int], old: ChatLedger) -> ChatLedger:
    """The whole's ledger without what the tail shows; what was mended or done there is known.

    Files and commands are those of the `old` turns: counted with the tail's, they would be counted
    twice when this conversation is compressed again.
    """
    return msgspec.structs.replace(
        whole,
        files=old.files,
        commands=old.commands,
        decisions=tuple(each for each in whole.decisions if each.turn not in tail),
        errors=tuple(each for each in whole.errors if each.turn not in tail),
        open_items=tuple(each for each in whole.open_items if each.turn not in tail),
    )


def _open(conversation: Conversation) -> tuple[tuple[Turn, ...], Summary | None, list[Turn]]:
    """The leading instructions, an earlier summary, and the turns, numbered on from it."""
    turns = list(conversation.turns)
    at = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    system, turns = tuple(turns[:at]), turns[at:]
    earlier, first = take_summary(turns[0]) if turns else (None, None)
    if earlier is None:
        return system, None, turns
    turns = [first, *turns[1:]] if first else turns[1:]
    numbered = [
        msgspec.structs.replace(turn, number=number)
        for number, turn in enumerate(turns, earlier.last_turn + 1)
    ]
    return system, earlier, numbered


def _choose_budget(
    conversation: Conversation, fixed: int, turns: Sequence[Turn], units: Sequence[Unit], last: int
) -> int:
    share = int(count_turns(conversation.turns) * DEFAULT_SHARE)
    least = fixed + LEAST_SUMMARY_TOKENS + _count_least(units, last, turns)
    return max(share, DEFAULT_LEAST_TOKENS, int(least * 1.2))


def _choose_tail(
    units: Sequence[Unit], last: int, room: int, turns: Sequence[Turn], share: float
) -> tuple[Turn, ...] | None:
    """The last turns that fit, their tools' bodies dropped first; None where the last don't."""
    if not units:
        return () if room >= 0 else None
    latest = len(units) - 1
    request = next((count_turn(turn) for turn in turns if turn.number == last), 0)
    held = request if last not in {turn.number for turn in units[latest].turns} else 0
    kept = _fit_latest(units[latest:], room - held)
    if kept is None:
        return None
    left = int((room - held) * share) - count_turns(kept)
    for unit in reversed(units[:latest]):
        fitted = _fit(unit.turns, left) if unit.is_whole else None
        if fitted is None:
            break
        kept = (*fitted, *kept)
        left -= count_turns(fitted)
        if any(turn.number == last for turn in fitted):
            left += held
    return kept


def _fit_latest(units: Sequence[Unit], room: int) -> tuple[Turn, ...] | None:
    """The last unit with as much of its tools' bodies as fits well, else as fits at all."""
    turns = tuple(turn for unit in units for turn in unit.turns)
    if count_turns(turns) <= room * LATEST_SHARE:
        return turns
    for share in (LATEST_SHARE, 1.0):
        for most_chars in BODY_CHARS:
            cut = tuple(
                drop_bodies(turn, most_chars, with_arguments=share == 1.0) for turn in turns
            )
            if count_turns(cut) <= room * share:
                return cut
    return turns if count_turns(turns) <= room else None


def _fit(turns: Sequence[Turn], room: int) -> tuple[Turn, ...] | None:
    if count_turns(turns) <= room:
        return tuple(turns)
    cut = tuple(drop_bodies(turn, BODY_CHARS[1], with_arguments=True) for turn in turns)
    return cut if count_turns(cut) <= room else None


def _count_least(units: Sequence[Unit], last: int, turns: Sequence[Turn]) -> int:
    """What the last request and the last unit take with nothing of their tools' bodies."""
    if not units:
        return 0
    latest = units[-1].turns
    cut = [drop_bodies(turn, BODY_CHARS[-1], with_arguments=True) for turn in latest]
    least = min(count_turns(cut), count_turns(latest))
    if last not in {turn.number for turn in latest}:
        least += sum(count_turn(turn) for turn in turns if turn.number == last)
    return least
