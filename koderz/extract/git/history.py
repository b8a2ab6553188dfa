"""A repository's history in one pass: every commit with its type, and what decided it.

What a subject states decides alone; only commits that it leaves open are asked for their paths
(`diffs`), and those run in the background while the log is read. What neither tells is left to
first words (`wording`), and what those leave open is uncategorised, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from koderz.extract.counting import TokenCounter
from koderz.extract.git import messages
from koderz.extract.git.commits import Commit, CommitType, Excerpt, Source
from koderz.extract.git.diffs import NUMBERS, PATHS, Asking, Touched, open_asking
from koderz.extract.git.log import Block, Entry, Log, render_entry
from koderz.extract.git.paths import decide_by_kinds
from koderz.extract.git.programs import Git
from koderz.extract.git.selections import Selection, check_repository, check_selection
from koderz.extract.git.subjects import parse_subject
from koderz.extract.git.wording import lean

EXCERPT_CHARS = 400
_LEAST_ABBREVIATION = 7
Progress = Callable[[int], None]
"""Told how many commits were read so far."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The commits of a selection, newest first.

    `tokens_in` counts their plain `git log` text. `excerpts` has what else there is to judge the
    uncategorised ones by, by hash. `is_more` says that older commits match and were not asked for.
    `hash_chars` is how much of a hash tells commits of this repository apart. `notes` say what a
    reader should know of how it came about.
    """

    repo: Path
    selection: Selection
    commits: tuple[Commit, ...]
    excerpts: Mapping[str, Excerpt]
    tokens_in: int | None
    is_more: bool
    hash_chars: int
    notes: tuple[str, ...]


def load_history(
    repo: Path,
    span: str = "",
    *,
    count: int | None = None,
    since: str = "",
    until: str = "",
    with_stats: bool = False,
    with_tokens: bool = True,
    progress: Progress | None = None,
) -> History:
    """The history of the repository that holds the folder `repo`, every commit categorised.

    `span` is a range or revision ("v1.2..HEAD"); None is no limit of count. Without `with_tokens`
    the plain log is not counted (`tokens_in` is None), which takes about as long as all the rest.
    `progress` may raise to end the reading. Raises JobError: no git, no repository, no commits, an
    unknown range, a date that git doesn't understand.
    """
    selection = Selection(span=span, since=since, until=until, count=count)
    check_selection(selection)
    git = Git(repo)
    is_shallow = check_repository(git, selection)
    # One more than asked for tells whether there are more.
    wanted = msgspec.structs.replace(selection, count=None if count is None else count + 1)
    reading = Reading(
        git, Log(git, wanted), most=count, is_shallow=is_shallow, with_tokens=with_tokens
    )
    reading.read(progress)
    if with_stats and reading.commits:
        reading.add_stats()
    return History(
        repo=repo,
        selection=selection,
        commits=tuple(reading.commits),
        excerpts=reading.excerpts,
        tokens_in=reading.tokens.finish() if reading.tokens else None,
        is_more=reading.is_more,
        hash_chars=get_hash_chars(git, reading.commits),
        notes=tuple(reading.list_notes()),
    )


class Reading:
    """One pass over a log: its commits so far, at most `most` of them."""

    def __init__(
        self, git: Git, log: Log, *, most: int | None, is_shallow: bool, with_tokens: bool
    ) -> None:
        self._git, self._log, self._most, self._is_shallow = git, log, most, is_shallow
        self.commits: list[Commit] = []
        self.excerpts: dict[str, Excerpt] = {}
        self.tokens = TokenCounter() if with_tokens else None
        self.is_more = False
        self._open: dict[str, _Open] = {}
        self._cut_off: set[str] = set()
        self._replaced = self._clipped = 0
        self._path_note = self._stat_note = ""

    def read(self, progress: Progress | None) -> None:
        """Read all, deciding each commit as far as its message does, then the rest by paths."""
        with ExitStack() as stack:
            asking: Asking | None = None
            for block in self._log.read():
                for commit in self._take(block):
                    asking = asking or stack.enter_context(open_asking(self._git, PATHS))
                    asking.ask(commit)
                if progress:
                    progress(len(self.commits))
            if asking:
                self._path_note = asking.finish()
                for commit, touched in asking.read_paths():
                    self._decide(commit, touched)
        for commit in list(self._open):
            self._decide(commit, _NOTHING)

    def add_stats(self) -> None:
        """Put numbers to the commits, as far as they can be told."""
        with open_asking(self._git, NUMBERS) as asking:
            for commit in self.commits:
                if commit.type is not CommitType.MERGE and commit.hash not in self._cut_off:
                    asking.ask(commit.hash)
            self._stat_note = asking.finish()
            stats = dict(asking.read_stats())
        self.commits = [
            msgspec.structs.replace(commit, stat=stats.get(commit.hash)) for commit in self.commits
        ]

    def list_notes(self) -> Iterator[str]:
        """What a reader should know of how this came about, a line each."""
        if self.is_more:
            yield f"only the newest {self._most:,} are listed; -n says how many"
        if self._is_shallow:
            yield "the clone is shallow: older commits, and what its oldest changed, are not here"
        if self._replaced:
            yield f"{self._replaced} messages hold bytes that are no text: replaced by U+FFFD"
        if self._clipped:
            most = messages.MOST_SUBJECT_CHARS
            yield f"{self._clipped} subjects are cut off after {most:,} characters"
        if self._log.note:
            yield self._log.note
        if self._path_note:
            yield f"not all paths could be read: {self._path_note}"
        if self._stat_note:
            yield f"not all statistics could be read: {self._stat_note}"

    def _take(self, block: Block) -> list[str]:
        """Take a block's commits; the hashes of those whose paths have to be asked for."""
        entries = block.entries
        if self._most is not None and len(self.commits) + len(entries) > self._most:
            entries = entries[: self._most - len(self.commits)]
            self.is_more = True
        self._replaced += count_replaced(entries) if block.is_replaced else 0
        if self.tokens and entries:
            text = "\n".join(map(render_entry, entries))
            self.tokens.feed((f"\n{text}" if self.commits else text).encode())
        asked: list[str] = []
        for entry in entries:
            is_open = self._add(entry)
            if self._is_shallow and not entry.parents:
                # Its parents are not here: all of its files would look as if it had made them.
                self._cut_off.add(entry.hash)
            elif is_open:
                asked.append(entry.hash)
        return asked

    def _add(self, entry: Entry) -> bool:
        """Add a commit as its message has it; whether that leaves its type open."""
        subject, body = messages.split_message(entry.message)
        if len(subject) > messages.MOST_SUBJECT_CHARS:
            subject = messages.clip(subject, messages.MOST_SUBJECT_CHARS)
            self._clipped += 1
        commit = build_commit(entry, subject, body)
        is_open = commit.source is Source.NONE
        if is_open:
            self._open[commit.hash] = _Open(len(self.commits), body[:EXCERPT_CHARS])
        self.commits.append(commit)
        return is_open

    def _decide(self, commit_hash: str, touched: Touched) -> None:
        """Decide an open commit by its paths, else by its first words, else leave it so."""
        place, body = self._open.pop(commit_hash)
        commit = self.commits[place]
        if decided := decide_by_kinds(touched.kinds):
            kind, scope = decided
            self.commits[place] = msgspec.structs.replace(
                commit, type=kind, scope=scope, source=Source.PATHS
            )
        elif leaning := lean(commit.subject):
            self.commits[place] = msgspec.structs.replace(
                commit, type=leaning, source=Source.WORDING
            )
        else:
            self.excerpts[commit_hash] = Excerpt(
                body=body, paths=touched.paths, path_count=touched.count
            )


class _Open(NamedTuple):
    """A commit whose type is still open: its place in the list, and its body's start."""

    place: int
    body: str


_NOTHING = Touched(0, (), frozenset())


def build_commit(entry: Entry, subject: str, body: str) -> Commit:
    """The commit as its message has it; its source is `none` where that leaves its type open."""
    stated = parse_subject(subject, is_merge=" " in entry.parents)
    kind, scope, source = CommitType.UNCATEGORISED, "", Source.NONE
    is_breaking, reverts = False, ""
    trailers: tuple[tuple[str, str], ...] = ()
    if stated:
        kind, scope, source, is_breaking = (
            stated.type,
            stated.scope,
            stated.source,
            stated.is_breaking,
        )
    if body:
        trailers = messages.parse_trailers(body)
        is_breaking = is_breaking or messages.states_breaking(body)
        reverts = messages.find_reverted(body)
        if stated is None and reverts:
            kind, source = CommitType.REVERT, Source.REVERT
        elif stated is None and messages.states_fix(body):
            kind, source = CommitType.FIX, Source.TRAILER
    return Commit(
        hash=entry.hash,
        type=kind,
        scope=scope,
        subject=subject,
        source=source,
        is_breaking=is_breaking,
        date=to_date(entry.seconds),
        author=entry.author,
        reverts=reverts,
        trailers=trailers,
    )


def to_date(seconds: str) -> datetime | None:
    """The moment that git's seconds stand for, None where no calendar has it."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def count_replaced(entries: Iterable[Entry]) -> int:
    """How many messages hold what was put for bytes that are no text."""
    return sum("\N{REPLACEMENT CHARACTER}" in entry.message for entry in entries)


def get_hash_chars(git: Git, commits: Sequence[Commit]) -> int:
    """How many characters of a hash tell these commits, and usually any here, apart."""
    if not commits:
        return _LEAST_ABBREVIATION
    length = len(git.run("rev-parse", "--short", commits[0].hash).strip())
    while len({commit.hash[:length] for commit in commits}) < len(commits):
        length += 1
    return length
