"""By what an answer is compared with the main model's answer to the same request, job by job.

Each job has a measure of its own: labels that agree, types of commits that agree, overlap of the
lines or blocks that are quoted (F1), and of what must be kept of a conversation and the main model
kept, the share that was kept too. Only prose, and answers to a person's own prompt over a list,
have no such measure: they are judged (`koderz.quality.judging`). A job's check is built again from
the facts that were kept of it, so that the main model's answer is held to the same contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from koderz.extract.spans import Span
from koderz.jobs.classify.checks import build_labels_check
from koderz.jobs.compress.checks import build_snapshot_check, list_missing, tell
from koderz.jobs.git.checks import build_types_check
from koderz.jobs.map.checks import build_item_check, build_pack_check
from koderz.jobs.map.schemas import AnswerSchema
from koderz.jobs.read.findings import ChunkReading, build_reading_check
from koderz.jobs.web.answers import PageAnswer, build_quotes_check
from koderz.ledger.scores import Measure
from koderz.prompts.compress import Snapshot
from koderz.routing.checks import Accepted, Check, Rejected
from koderz.routing.sampling import Facts
from koderz.types import Completion, TaskKind

T = TypeVar("T")


class Agreement(msgspec.Struct, frozen=True):
    """How much two answers agree: `agreed` of `units` things that were compared."""

    agreed: float
    units: int


Compare: TypeAlias = Callable[[Any, Any], Agreement | None]


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """A job's measure: its check, built again, and how two accepted values are compared.

    `compare` takes the small model's value first; it gives None where there is nothing to compare.
    Without it answers are judged, and the check gives their text.
    """

    measure: Measure
    check: Check[Any]
    compare: Compare | None


class LabelFacts(msgspec.Struct, frozen=True):
    """Of what the check of a prompt of labels is built."""

    codes: tuple[str, ...]
    labels: tuple[str, ...]


class TypeFacts(msgspec.Struct, frozen=True):
    """Of what the check of a prompt of commits is built."""

    hashes: tuple[str, ...]


class ReadFacts(msgspec.Struct, frozen=True):
    """Of what the check of a chunk's answer is built."""

    start: int
    lines: tuple[str, ...]
    must_keep_line: int | None


class PageFacts(msgspec.Struct, frozen=True):
    """Of what the check of an answer from a page is built: lines and their blocks by number."""

    lines: dict[int, str]
    places: dict[int, int]


class KeepFacts(msgspec.Struct, frozen=True):
    """Of what the check of a conversation's record is built, and what must survive in it."""

    source: str
    turns: tuple[int, ...]
    most_tokens: int
    missing: tuple[str, ...]
    keep: tuple[str, ...]


class AnswerFacts(msgspec.Struct, frozen=True):
    """Of what the check of an answer over a list is built: its schema, its items' codes."""

    schema: dict[str, Any] | None = None
    codes: tuple[str, ...] = ()


def build_yardstick(task: TaskKind, facts: Facts) -> Yardstick | None:
    """How answers to this job are measured; None where they are text to be judged.

    ValueError where the facts are not those of the job, as another version may have kept them.
    """
    build = _YARDSTICKS.get(task)
    return build(facts) if build and facts else None


def _build_labels(facts: Facts) -> Yardstick:
    known = _read(facts, LabelFacts)
    check = build_labels_check(known.codes, known.labels)
    return Yardstick(measure="labels", check=check, compare=compare_by_key)


def _build_types(facts: Facts) -> Yardstick:
    check = build_types_check(_read(facts, TypeFacts).hashes)
    return Yardstick(measure="types", check=check, compare=compare_by_key)


def _build_evidence(facts: Facts) -> Yardstick:
    known = _read(facts, ReadFacts)
    end = known.start + len(known.lines) - 1
    chunk = Span(start=known.start, end=end, text="\n".join(known.lines))
    check = build_reading_check(chunk, must_keep_line=known.must_keep_line)
    return Yardstick(measure="evidence", check=check, compare=_compare_readings)


def _build_page(facts: Facts) -> Yardstick:
    known = _read(facts, PageFacts)
    check = build_quotes_check(known.lines, known.places)
    return Yardstick(measure="evidence", check=check, compare=_compare_pages)


def _build_must_keep(facts: Facts) -> Yardstick:
    known = _read(facts, KeepFacts)
    check = build_snapshot_check(
        known.source, known.turns, most_tokens=known.most_tokens, missing=known.missing
    )

    def compare(small: Snapshot, main: Snapshot) -> Agreement | None:
        lost_by_main = frozenset(list_missing(known.keep, tell(main)))
        kept = [each for each in known.keep if each not in lost_by_main]
        lost = list_missing(kept, tell(small))
        return Agreement(len(kept) - len(lost), len(kept)) if kept else None

    return Yardstick(measure="must-keep", check=check, compare=compare)


def _build_answers(facts: Facts) -> Yardstick:
    known = _read(facts, AnswerFacts)
    schema = AnswerSchema(known.schema) if known.schema is not None else None
    held = build_pack_check(known.codes, schema) if known.codes else build_item_check(schema)

    def check(completion: Completion) -> Accepted[str] | Rejected:
        verdict = held(completion)
        return verdict if isinstance(verdict, Rejected) else Accepted(completion.text)

    return Yardstick(measure="judged", check=check, compare=None)


_YARDSTICKS: Final[Mapping[TaskKind, Callable[[Facts], Yardstick]]] = {
    TaskKind.CLASSIFICATION: _build_labels,
    TaskKind.GIT_HISTORY: _build_types,
    TaskKind.LARGE_READ: _build_evidence,
    TaskKind.WEB_SUMMARY: _build_page,
    TaskKind.COMPRESSION: _build_must_keep,
    TaskKind.BULK: _build_answers,
}


def compare_by_key(small: Mapping[str, Any], main: Mapping[str, Any]) -> Agreement | None:
    """Of the things that both answers name, those to which they give the same."""
    common = small.keys() & main.keys()
    if not common:
        return None
    return Agreement(sum(small[key] == main[key] for key in common), len(common))


def score_overlap(small: frozenset[int], main: frozenset[int]) -> float:
    """F1 of two sets: 1 where both are empty."""
    if not small and not main:
        return 1.0
    return 2 * len(small & main) / (len(small) + len(main))


def _compare_readings(small: ChunkReading, main: ChunkReading) -> Agreement:
    return Agreement(score_overlap(_list_lines(small), _list_lines(main)), 1)


def _compare_pages(small: PageAnswer, main: PageAnswer) -> Agreement:
    if small.is_answered != main.is_answered:
        return Agreement(0.0, 1)
    return Agreement(score_overlap(frozenset(small.blocks), frozenset(main.blocks)), 1)


def _list_lines(reading: ChunkReading) -> frozenset[int]:
    return frozenset(line for each in reading.findings for line in range(each.start, each.end + 1))


def _read(facts: Facts, kind: type[T]) -> T:
    return msgspec.convert(facts, kind, strict=False, str_keys=True)
