"""A summary of a conversation's earlier turns under a limit of tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from koderz.extract.chat.building import GOAL_CHARS
from koderz.extract.chat.lines import read_entries
from koderz.extract.chat.ranking import rank_turns
from koderz.extract.chat.summary import Line, Section, Summary, build_ledger_lines
from koderz.extract.chat.turns import Turn
from koderz.extract.chat.wording import flatten
from koderz.jobs.compress.plans import Plan
from koderz.prompts.texts import cut_middle
from koderz.tokens import count_tokens

LEAST_QUOTE_CHARS = 1200


class Shares(msgspec.Struct, frozen=True):
    """The most of the room that each may take before the rest is had.

    What was done (with a model's record: `told`), what was decided or left open, and the user's
    messages; excerpts take what is left.
    """

    done: float
    told: float
    said: float
    requests: float


WORK = Shares(0.4, 0.65, 0.15, 0.25)
# Where no tool was called nothing was done but talking: what answers the last request is worth
# more than what sounds like a decision, and there are more users' messages than requests.
TALK = Shares(0.1, 0.65, 0.05, 0.15)

_SAID = frozenset({Section.OPEN, Section.DECISIONS})
_WORTH: Mapping[Section, float] = {
    Section.GOAL: 100,
    Section.TOLD: 95,
    Section.OPEN: 80,
    Section.ERRORS: 70,
    Section.FILES: 66,
    Section.DECISIONS: 64,
    Section.COMMANDS: 55,
}
_MINOR = 30
_USERS = 8


class Weighed(msgspec.Struct, frozen=True):
    """An entry with what it is worth against others, and its tokens."""

    line: Line
    worth: float
    tokens: int


def build_summary(plan: Plan, told: Sequence[Line] = (), author: str = "") -> Summary:
    """The summary that says most in the plan's room; `told` are a model's words, which come first.

    Each kind takes up to its share; excerpts, then whatever was left out, take what is left.
    """
    kept_told = tuple(told) or _list_earlier(plan, Section.TOLD)
    by = author or (plan.earlier.author if plan.earlier else "")
    empty = Summary(last_turn=plan.last_old, lines=(), author=by)
    room = plan.room_tokens - count_tokens(empty.render()) - len(Section) * 4
    lines = [*_weigh_ledger((*build_ledger_lines(plan.summed), *kept_told), plan.last_old)]
    said = [each for each in lines if each.line.section in _SAID]
    done = [each for each in lines if each.line.section not in _SAID]
    requests, excerpts = _weigh_turns(plan)
    chosen: list[Weighed] = []
    most = WORK if plan.has_tools else TALK
    for weighed, share in (
        (done, most.told if kept_told else most.done),
        (said, most.said),
        (requests, most.requests),
        (excerpts, 1.0),
    ):
        chosen += _take(weighed, min(int(room * share), room - _sum(chosen)))
    taken = {each.line for each in chosen}
    rest = [each for each in (*lines, *requests, *excerpts) if each.line not in taken]
    chosen += _take(rest, room - _sum(chosen))
    return _fit(empty, chosen, plan.room_tokens)


def _fit(empty: Summary, chosen: Sequence[Weighed], room: int) -> Summary:
    """The summary of these entries; the least ones go where all together take too much."""
    kept = sorted(chosen, key=lambda each: -each.worth)
    order = list(Section)
    while True:
        lines = sorted(
            (each.line for each in kept), key=lambda line: (order.index(line.section), line.turn)
        )
        summary = msgspec.structs.replace(empty, lines=tuple(dict.fromkeys(lines)))
        if not kept or count_tokens(summary.render()) <= room:
            return summary
        kept.pop()


def _weigh_ledger(lines: Iterable[Line], last: int) -> Iterator[Weighed]:
    for line in lines:
        recent = 10 * line.turn / max(1, last)
        worth = _MINOR if is_minor(line) else _WORTH[line.section]
        yield _weigh(line, worth + recent)


def is_minor(line: Line) -> bool:
    """Whether less hangs on it: files only read, errors fixed, commands gone well, own choices."""
    ledger = read_entries([(line.section.name, line.turn, line.text)])
    return (
        any(file.state == "read" for file in ledger.files)
        or any(error.fixed_turn is not None for error in ledger.errors)
        or any(run.outcome == "ok" for run in ledger.commands)
        or any(decision.by == "assistant" for decision in ledger.decisions)
    )


def _weigh_turns(plan: Plan) -> tuple[list[Weighed], list[Weighed]]:
    """What the user said, and excerpts of everything said, by what they are worth."""
    shown = plan.request.number if plan.request else 0
    # A token is about four characters: no quote takes more than about half of the room.
    most_chars = max(LEAST_QUOTE_CHARS, 2 * plan.room_tokens)
    old = [turn for turn in plan.old if turn.text.strip() and turn.number != shown]
    scores = rank_turns([turn.text for turn in old], plan.question)
    requests = [
        _weigh(_quote(turn, Section.REQUESTS, most_chars), _USERS * score)
        for turn, score in zip(old, scores, strict=True)
        if turn.role == "user" and flatten(turn.text, GOAL_CHARS) != plan.ledger.goal
    ]
    excerpts = [
        _weigh(_quote(turn, Section.EXCERPTS, most_chars), _USERS * score)
        for turn, score in zip(old, scores, strict=True)
        if turn.role != "user"
    ]
    earlier = [_weigh(line, _USERS / 2) for line in _list_earlier(plan, Section.REQUESTS)]
    excerpted = [_weigh(line, _USERS / 4) for line in _list_earlier(plan, Section.EXCERPTS)]
    return [*requests, *earlier], [*excerpts, *excerpted]


def _quote(turn: Turn, section: Section, most_chars: int) -> Line:
    said = cut_middle(turn.text.strip(), most_chars)
    # Under their headings the user and the assistant need no name, which turn by turn adds up.
    by = "" if turn.role in {"user", "assistant"} else f"{turn.role}: "
    return Line(section=section, turn=turn.number, text=f"{by}{said}")


def _list_earlier(plan: Plan, section: Section) -> tuple[Line, ...]:
    """What an earlier summary says under this heading, kept as it is."""
    lines = plan.earlier.lines if plan.earlier else ()
    return tuple(line for line in lines if line.section is section)


def _weigh(line: Line, worth: float) -> Weighed:
    return Weighed(line, worth, count_tokens(line.render()) + 1)


def _sum(chosen: Iterable[Weighed]) -> int:
    return sum(each.tokens for each in chosen)


def _take(weighed: Iterable[Weighed], room: int) -> list[Weighed]:
    """The most valuable entries that fit."""
    taken: list[Weighed] = []
    for each in sorted(weighed, key=lambda each: (-each.worth, -each.line.turn)):
        if each.tokens <= room:
            taken.append(each)
            room -= each.tokens
    return taken
