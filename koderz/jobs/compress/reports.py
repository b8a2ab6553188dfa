"""The receipt of a compressed conversation: who summed it up, why, at what cost, what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from koderz.extract.chat.ledger import ChatLedger
from koderz.extract.chat.summary import Summary
from koderz.extract.chat.turns import Conversation, count_turns
from koderz.jobs.compress.checks import list_missing
from koderz.jobs.compress.filling import build_summary
from koderz.jobs.compress.messages import Raw, alternate, count_messages, put_first
from koderz.jobs.compress.models import Record, build_told, list_kept
from koderz.jobs.compress.plans import Plan
from koderz.jobs.compress.results import CompressResult
from koderz.jobs.receipts import build_bill, build_receipt
from koderz.jobs.results import JobEngine, name_author
from koderz.routing.routes import Route, RouteSource

if TYPE_CHECKING:
    from koderz.routing.router import Router


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """Who sums a conversation up, and why; `record` is what a model made of it."""

    reason: str
    source: str
    record: Record | None = None

    @property
    def is_models(self) -> bool:
        """Whether a model's record is used."""
        return self.record is not None and self.record.snapshot is not None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of a result before its bill is made, and what was noted on the way."""

    messages: tuple[Raw, ...]
    ledger: ChatLedger
    engine: JobEngine
    summarized_turns: int
    tokens_in: int
    tokens_out: int
    notes: tuple[str, ...]


def pass_through(conversation: Conversation, ledger: ChatLedger, note: str) -> Draft:
    """The conversation as it is."""
    tokens = count_turns(conversation.turns)
    return Draft(
        messages=tuple(turn.raw for turn in conversation.turns),
        ledger=ledger,
        engine="passthrough",
        summarized_turns=0,
        tokens_in=tokens,
        tokens_out=tokens,
        notes=(*conversation.notes, *((note,) if note else ())),
    )


def build_draft(plan: Plan, outline: Outline) -> Draft:
    """The compressed messages; the conversation as it is where they would not be smaller."""
    record = outline.record
    summary = build_summary(plan)
    if record and record.snapshot:
        is_simulated = any(attempt.is_simulated for attempt in record.attempts)
        author = name_author(record.model, is_simulated=is_simulated)
        summary = build_summary(plan, build_told(record.snapshot, record.lost), author)
    messages = build_messages(plan, summary)
    tokens_in = count_turns(plan.conversation.turns)
    tokens_out = count_messages(messages)
    if tokens_out >= tokens_in:
        note = f"compressed it would not be smaller: {tokens_out:,} tokens against {tokens_in:,}"
        return pass_through(plan.conversation, plan.ledger, note)
    return Draft(
        messages=tuple(messages),
        ledger=plan.ledger,
        engine="model" if outline.is_models else "extractive",
        summarized_turns=plan.last_old,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        notes=tuple(_list_notes(plan, summary, record)),
    )


def build_messages(plan: Plan, summary: Summary) -> list[Raw]:
    """Instructions, the summary with the last request, the tail: in the format they came in."""
    form = plan.conversation.format
    system = [turn.raw for turn in plan.system]
    first, tail = plan.request, list(plan.tail)
    if first is None and tail and tail[0].role == "user":
        first = tail.pop(0)
    head: list[Raw] = put_first(summary.render(), first, form)
    if not plan.old and plan.earlier is None:
        head = [first.raw] if first else []
    return [*system, *alternate([*head, *(turn.raw for turn in tail)], form)]


def build_result(
    router: Router, route: Route, draft: Draft, outline: Outline, **facts: Any
) -> CompressResult:
    """The whole result with its bill; `facts` are the conversation's `format` and `turns`."""
    record = outline.record
    attempts = record.attempts if record else ()
    bill = build_bill(
        router,
        route.main,
        tokens_in=draft.tokens_in,
        tokens_out=draft.tokens_out,
        attempts=attempts,
    )
    name = record.model if record and draft.engine == "model" else ""
    model = next((each for each in route.models if each.name == name), None)
    return CompressResult(
        messages=draft.messages,
        ledger=draft.ledger,
        summarized_turns=draft.summarized_turns,
        engine=draft.engine,
        route_source=outline.source,
        reason=outline.reason,
        notes=draft.notes,
        **build_receipt(bill, attempts, model),
        **facts,
    )


def without_model(reason: str) -> Outline:
    """Nobody but rules sums up."""
    return Outline(reason=reason, source=RouteSource.NO_MODEL)


def _list_notes(plan: Plan, summary: Summary, record: Record | None) -> Iterator[str]:
    yield from plan.conversation.notes
    if any(piece.name == "image" for turn in plan.turns for piece in turn.pieces):
        yield "pictures are not counted"
    if record and record.snapshot is None:
        yield f"no model's record could be used: {record.failure}"
    if record and record.repaired:
        yield f"a second pass put {record.repaired} lost things back"
    if record and record.lost and record.snapshot:
        yield f"{len(record.lost)} things that the model lost were put back word for word"
    yield from _list_losses(plan, summary)


def _list_losses(plan: Plan, summary: Summary) -> Iterator[str]:
    kept: Sequence[str] = list_kept(plan)
    lost = list_missing(kept, summary.render())
    if lost:
        yield (
            f"{len(lost)} of {len(kept)} goals, open items and decisions don't fit into the "
            "budget: the ledger has them"
        )
    told = {line.turn for line in summary.lines}
    silent = sum(turn.number not in told for turn in plan.old)
    if silent:
        yield f"{silent:,} of {len(plan.old):,} summed-up turns stand in no line of the summary"
