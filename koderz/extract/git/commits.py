"""A commit as it is listed: its type, and what decided it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


class CommitType(StrEnum):
    """What a commit is, in the words of conventional commits; in the order they are listed."""

    FEAT = "feat"
    FIX = "fix"
    PERF = "perf"
    REFACTOR = "refactor"
    DOCS = "docs"
    TEST = "test"
    BUILD = "build"
    CI = "ci"
    STYLE = "style"
    CHORE = "chore"
    REVERT = "revert"
    MERGE = "merge"
    UNCATEGORISED = "uncategorised"


TITLES: Mapping[CommitType, str] = {
    CommitType.FEAT: "Features",
    CommitType.FIX: "Fixes",
    CommitType.PERF: "Performance",
    CommitType.REFACTOR: "Refactoring",
    CommitType.DOCS: "Documentation",
    CommitType.TEST: "Tests",
    CommitType.BUILD: "Build and dependencies",
    CommitType.CI: "Continuous integration",
    CommitType.STYLE: "Style",
    CommitType.CHORE: "Chores",
    CommitType.REVERT: "Reverts",
    CommitType.MERGE: "Merges",
    CommitType.UNCATEGORISED: "Uncategorised",
}


class Source(StrEnum):
    """What decided a commit's type.

    prefix: the subject names it (`fix(api): …`, `[docs] …`, a gitmoji); wording: the subject says
    it in words that leave no doubt; trailer: a `Fixes: <commit>` line; merge and revert: it is one;
    paths: all that it touches is of one kind; model: a model judged it; none: nothing did.
    """

    PREFIX = "prefix"
    MERGE = "merge"
    REVERT = "revert"
    WORDING = "wording"
    TRAILER = "trailer"
    PATHS = "paths"
    MODEL = "model"
    NONE = "none"


class Stat(msgspec.Struct, frozen=True):
    """What a commit changed: files, and lines added and removed (binary files have none)."""

    files: int
    added: int
    removed: int


class Commit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One commit: `subject` is its own first paragraph on one line, prefix included.

    `date` is the author's, in UTC (None where git holds one that no calendar has). `reverts` is
    the hash that a revert names, "" without one. `stat` is None where it was not asked for or
    cannot be told: merges have none.
    """

    hash: str
    type: CommitType
    scope: str
    subject: str
    source: Source
    is_breaking: bool
    date: datetime | None
    author: str
    reverts: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    stat: Stat | None = None


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """What else there is to judge an uncategorised commit by: its body's start, and some paths."""

    body: str = ""
    paths: tuple[str, ...] = ()
    path_count: int = 0
