"""A model's part in a git history: the commits that nothing decided, many a prompt."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from koderz.extract.git.commits import Commit, CommitType
from koderz.extract.git.history import History
from koderz.extract.git.messages import clip, flatten
from koderz.jobs.asking import Asker, PartAnswer, fit_prompt_tokens
from koderz.jobs.git.checks import Types, build_types_check
from koderz.prompts.git import OpenCommit, build_types_request, encode_commit
from koderz.routing.routes import Route
from koderz.tokens import count_tokens
from koderz.types import TaskKind

if TYPE_CHECKING:
    from koderz.routing.router import Router

SUBJECT_CHARS = 300
BODY_CHARS = 240
PATH_CHARS = 120

# Other vendors' vocabularies cut the same text into more tokens, and some models add white space.
ANSWER_MARGIN = 1.35
_ANSWER_LINE = '    {\n      "hash": "HASH",\n      "type": "uncategorised"\n    },\n'


class Batch(msgspec.Struct, frozen=True):
    """The commits of one prompt: their hashes as shown, and the line of each."""

    hashes: tuple[str, ...]
    lines: tuple[str, ...]


BatchAnswer: TypeAlias = PartAnswer[Batch, Types]
"""What came of one prompt: types by hash as shown."""


def build_batches(history: History, route: Route, model_tokens: int) -> tuple[Batch, ...]:
    """The uncategorised commits in as few prompts as the caps on tokens allow, in their order."""
    open_commits = [each for each in history.commits if each.type is CommitType.UNCATEGORISED]
    most_commits = count_answerable(route.max_tokens, history.hash_chars)
    most_tokens = fit_prompt_tokens(model_tokens, route)
    batches: list[Batch] = []
    hashes: list[str] = []
    lines: list[str] = []
    tokens = 0
    for commit in open_commits:
        line = encode_commit(describe(commit, history))
        cost = count_tokens(line) + 1
        if lines and (len(lines) >= most_commits or tokens + cost > most_tokens):
            batches.append(Batch(tuple(hashes), tuple(lines)))
            hashes, lines, tokens = [], [], 0
        hashes.append(commit.hash[: history.hash_chars])
        lines.append(line)
        tokens += cost
    return (*batches, Batch(tuple(hashes), tuple(lines))) if lines else ()


def describe(commit: Commit, history: History) -> OpenCommit:
    """What a model is shown of a commit."""
    excerpt = history.excerpts[commit.hash]
    return OpenCommit(
        hash=commit.hash[: history.hash_chars],
        subject=clip(flatten(commit.subject), SUBJECT_CHARS),
        body=clip(flatten(" ".join(excerpt.body.split())), BODY_CHARS),
        paths=tuple(clip(flatten(path), PATH_CHARS) for path in excerpt.paths),
        path_count=excerpt.path_count,
    )


def count_answerable(max_tokens: int, hash_chars: int) -> int:
    """How many commits an answer of this many tokens has room for, however it is laid out."""
    line = _ANSWER_LINE.replace("HASH", ("0d9e8f7c6b5a4" * 5)[:hash_chars])
    return max(1, max_tokens // ceil(count_tokens(line) * ANSWER_MARGIN))


def build_asker(router: Router, *, job_id: str, limit_usd: Decimal | None) -> Asker[Batch, Types]:
    """What asks about batches of commits for one job, which may cost `limit_usd` at most."""
    return Asker(
        router,
        TaskKind.GIT_HISTORY,
        build_request=lambda batch: build_types_request(batch.lines),
        build_check=lambda batch: build_types_check(batch.hashes),
        build_facts=lambda batch: {"hashes": batch.hashes},
        job_id=job_id,
        limit_usd=limit_usd,
    )
