"""A model's part in a compressed conversation: a record, and a second pass over what it lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from koderz.extract.chat.ranking import rank_turns
from koderz.extract.chat.summary import Line, Section
from koderz.extract.chat.turns import Turn
from koderz.extract.chat.wording import flatten
from koderz.jobs.asking import Asker, PartAnswer, fit_prompt_tokens
from koderz.jobs.compress.checks import build_snapshot_check, list_missing, tell
from koderz.jobs.compress.plans import Plan
from koderz.ledger.records import Attempt
from koderz.prompts.compress import ShownTurn, Snapshot, build_snapshot_request, encode_turn
from koderz.prompts.texts import cut_middle
from koderz.routing.checks import Check
from koderz.routing.routes import Route
from koderz.routing.sampling import Facts
from koderz.tokens import count_tokens
from koderz.types import Request, TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

TEXT_CHARS = (4000, 1500, 600, 250)
BODY_SHARE = 4
SNAPSHOT_SHARE = 0.35
LEAST_SNAPSHOT_TOKENS = 150
ANSWER_SHARE = 0.6
MOST_KEPT = 24


class Errand(msgspec.Struct, frozen=True):
    """What is asked: a record, or one mended of what is `missing` in it."""

    record: Snapshot | None = None
    missing: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking: a snapshot, or None with the reason in `failure`.

    `lost` is what must survive and does not: code puts it back. `repaired` counts what a second
    pass put back.
    """

    snapshot: Snapshot | None
    model: str = ""
    attempts: tuple[Attempt, ...] = ()
    lost: tuple[str, ...] = ()
    repaired: int = 0
    failure: str = ""


class Recorder:
    """Asks a router for the record of one conversation, which may cost `limit_usd` at most."""

    def __init__(
        self, router: Router, plan: Plan, route: Route, *, job_id: str, limit_usd: Decimal | None
    ) -> None:
        self._keep = list_kept(plan)
        self._most_tokens = choose_snapshot_tokens(plan, route)
        room = fit_prompt_tokens(router.settings.koderz.compress.model_tokens, route)
        shown = show_turns(plan.old, plan.question, room)
        self._lines = [encode_turn(turn) for turn in shown]
        # Names may come from all that is there, turns only from what was shown.
        self._turns = frozenset(turn.turn for turn in shown)
        self._source = "\n".join([*_list_texts(plan), *self._keep])
        self._asker = Asker(
            router,
            TaskKind.COMPRESSION,
            build_request=self._build_request,
            build_check=self._build_check,
            build_facts=self._build_facts,
            job_id=job_id,
            limit_usd=limit_usd,
        )

    async def ask(self) -> Record:
        """The record, mended where it lost something."""
        first = await self._ask(Errand())
        if first.value is None:
            return Record(snapshot=None, attempts=first.attempts, failure=first.failure)
        lost = list_missing(self._keep, tell(first.value))
        record = Record(snapshot=first.value, model=first.model, attempts=first.attempts, lost=lost)
        return await self._mend(record, first.value) if lost else record

    async def _mend(self, record: Record, snapshot: Snapshot) -> Record:
        second = await self._ask(Errand(snapshot, record.lost))
        attempts = (*record.attempts, *second.attempts)
        if second.value is None:
            return msgspec.structs.replace(record, attempts=attempts)
        # What the first pass said may have gone in the second.
        lost = list_missing(self._keep, tell(second.value))
        return Record(
            snapshot=second.value,
            model=second.model,
            attempts=attempts,
            lost=lost,
            repaired=len(record.lost),
        )

    async def _ask(self, errand: Errand) -> PartAnswer[Errand, Snapshot]:
        (answer,) = await self._asker.ask_all([errand], lambda: None)
        return answer

    def _build_request(self, errand: Errand) -> Request:
        keep = errand.missing or self._keep
        most = self._most_tokens
        return build_snapshot_request(self._lines, keep, most_tokens=most, record=errand.record)

    def _build_facts(self, errand: Errand) -> Facts:
        return {
            "source": self._source,
            "turns": sorted(self._turns),
            "most_tokens": self._most_tokens,
            "missing": errand.missing,
            "keep": errand.missing or self._keep,
        }

    def _build_check(self, errand: Errand) -> Check[Snapshot]:
        return build_snapshot_check(
            self._source, self._turns, most_tokens=self._most_tokens, missing=errand.missing
        )


def _list_texts(plan: Plan) -> list[str]:
    turns = (*plan.system, *plan.turns)
    earlier = [line.text for line in plan.earlier.lines] if plan.earlier else []
    return [*(piece.text for turn in turns for piece in turn.pieces), *earlier]


def list_kept(plan: Plan) -> tuple[str, ...]:
    """What must survive: the goal, open items, and decisions, the user's first, the newest first.

    Files, commands and errors need no keeping: code puts them into the summary as they are.
    """
    ledger = plan.summed
    decisions = sorted(ledger.decisions, key=lambda each: (each.by != "user", -each.turn))
    kept = [ledger.goal, *(each.text for each in ledger.open_items[::-1])]
    kept += [each.text for each in decisions]
    return tuple(dict.fromkeys(filter(None, kept)))[:MOST_KEPT]


def choose_snapshot_tokens(plan: Plan, route: Route) -> int:
    """Most tokens of the record: a part of the summary's room, and what an answer has room for."""
    wanted = max(LEAST_SNAPSHOT_TOKENS, int(plan.room_tokens * SNAPSHOT_SHARE))
    return max(1, min(wanted, int(route.max_tokens * ANSWER_SHARE)))


def show_turns(turns: Sequence[Turn], question: str, most_tokens: int) -> tuple[ShownTurn, ...]:
    """The turns as a model is shown them: cut as little as fits, then the best of them."""
    shown: list[ShownTurn] = []
    tokens: list[int] = []
    for most_chars in TEXT_CHARS:
        shown = [_show(turn, most_chars) for turn in turns]
        tokens = [count_tokens(encode_turn(turn)) + 1 for turn in shown]
        if sum(tokens) <= most_tokens:
            return tuple(shown)
    scores = rank_turns([turn.text for turn in shown], question)
    kept: set[int] = set()
    for at in sorted(range(len(shown)), key=lambda at: -scores[at]):
        if tokens[at] <= most_tokens:
            most_tokens -= tokens[at]
            kept.add(at)
    return tuple(turn for at, turn in enumerate(shown) if at in kept)


def _show(turn: Turn, most_chars: int) -> ShownTurn:
    parts = [
        cut_middle(piece.text, most_chars if piece.kind == "text" else most_chars // BODY_SHARE)
        for piece in turn.pieces
        if piece.kind != "other"
    ]
    return ShownTurn(turn=turn.number, role=turn.role, text="\n".join(parts))


def build_told(snapshot: Snapshot, lost: Sequence[str]) -> tuple[Line, ...]:
    """The record as entries of a summary; `lost` is put back in the conversation's own words."""
    names = {"decision": snapshot.decisions, "fact": snapshot.facts, "open": snapshot.open_items}
    heads = {"goal": snapshot.goal, "state": snapshot.state}
    said = [(0, f"{name}: {text}") for name, text in heads.items() if text.strip()]
    said += [(each.turn, f"{name}: {each.text}") for name in names for each in names[name]]
    said += [(0, f"verbatim: {text}") for text in lost]
    return tuple(
        Line(section=Section.TOLD, turn=turn, text=flatten(text, 1000)) for turn, text in said
    )
