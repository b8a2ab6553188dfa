"""The receipt of a git history: who decided what, why, at what cost, and what stayed open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import msgspec

from koderz.extract.git.commits import Commit, CommitType, Source
from koderz.extract.git.groups import By, build_groups
from koderz.extract.git.history import History
from koderz.jobs.asking import find_main_author, list_attempts
from koderz.jobs.git.batches import BatchAnswer
from koderz.jobs.git.rendering import Style
from koderz.jobs.git.results import GitResult
from koderz.jobs.receipts import Bill, build_bill, build_receipt
from koderz.jobs.results import JobEngine, clean_text
from koderz.routing.routes import Route, RouteSource
from koderz.tokens import count_tokens
from koderz.types import ModelInfo

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_FAILURES = 3


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Who judged the commits that rules leave open, and why."""

    engine: JobEngine
    reason: str
    source: str
    answers: tuple[BatchAnswer, ...] = ()

    @classmethod
    def without_model(cls, reason: str) -> Self:
        """Nobody did."""
        return cls(engine="extractive", reason=reason, source=RouteSource.NO_MODEL)

    @classmethod
    def of(cls, answers: tuple[BatchAnswer, ...], route: Route) -> Self:
        """The judgement that these answers amount to."""
        accepted = [answer for answer in answers if answer.value is not None]
        engine: JobEngine = "mixed" if accepted else "extractive"
        if len(accepted) == len(answers):
            engine = "model"
        reason = route.reason
        if not accepted:
            reason = f"no model's answer could be used: {answers[0].failure}"
        return cls(engine=engine, reason=reason, source=route.source, answers=answers)


def apply_types(history: History, answers: Iterable[BatchAnswer]) -> tuple[Commit, ...]:
    """The commits with the types that accepted answers give to those that rules leave open."""
    types = {each: kind for answer in answers for each, kind in (answer.value or {}).items()}
    return tuple(
        msgspec.structs.replace(commit, type=kind, source=Source.MODEL)
        if commit.source is Source.NONE and (kind := types.get(commit.hash[: history.hash_chars]))
        else commit
        for commit in history.commits
    )


def build_result(
    router: Router, route: Route, history: History, judgement: Judgement, *, by: By, style: Style
) -> GitResult:
    """The whole result, its digest counted and its bill made."""
    attempts = list_attempts(judgement.answers)
    model = find_main_author(judgement.answers, route)
    commits = apply_types(history, judgement.answers)
    bill = partial(
        build_bill,
        router,
        route.main,
        tokens_in=history.tokens_in or 0,
        attempts=attempts,
        remark="; they are the plain `git log` text of these commits",
    )
    result = GitResult(
        repo=clean_text(str(history.repo)),
        range=clean_text(history.selection.span),
        commits=commits,
        groups=build_groups(commits, by),
        by=by,
        style=style,
        hash_chars=history.hash_chars,
        is_more=history.is_more,
        engine=judgement.engine,
        route_source=judgement.source,
        reason=judgement.reason,
        notes=tuple(_list_notes(history, judgement, commits, model)),
        **build_receipt(bill(tokens_out=0), attempts, model),
    )
    # The digest is what the result renders to, so that it is counted when that is there.
    whole = bill(tokens_out=count_tokens(result.render()))
    return msgspec.structs.replace(
        result,
        notes=(*result.notes, *_compare_sizes(commits, whole)),
        **build_receipt(whole, attempts, model),
    )


def _compare_sizes(commits: Sequence[Commit], bill: Bill) -> Iterator[str]:
    if commits and bill.tokens_out >= bill.tokens_in:
        said = f"{bill.tokens_out:,} tokens against {bill.tokens_in:,}"
        yield f"the digest is not smaller than the plain log: {said}"


def _list_notes(
    history: History, judgement: Judgement, commits: Sequence[Commit], main: ModelInfo | None
) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    if not commits:
        yield "no commit matches"
    yield from history.notes
    others = Counter(answer.model for answer in judgement.answers if answer.model)
    for model, count in others.items():
        if main and model != main.name:
            yield f"{count} of {len(judgement.answers)} batches were judged by {model}"
    yield from _list_failures(judgement.answers)
    left = sum(commit.type is CommitType.UNCATEGORISED for commit in commits)
    if left:
        yield f"{left:,} of {len(commits):,} commits are uncategorised"


def _list_failures(answers: Iterable[BatchAnswer]) -> Iterator[str]:
    failures: Counter[str] = Counter()
    for answer in answers:
        if answer.value is None:
            failures[answer.failure] += len(answer.part.hashes)
    for failure, count in failures.most_common(MOST_FAILURES):
        yield f"{count} commits stay uncategorised: {failure}"
    if len(failures) > MOST_FAILURES:
        rest = failures.total() - sum(count for _, count in failures.most_common(MOST_FAILURES))
        yield f"{rest} more stay uncategorised for like reasons"
