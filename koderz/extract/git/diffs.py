"""What commits touch: asked of git only for those that need it, while the log is still read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import msgspec

from koderz.extract.git.commits import CommitType, Stat
from koderz.extract.git.paths import get_path_kind
from koderz.extract.git.programs import Git, read_complaints, split_fields, summarize

if TYPE_CHECKING:
    from subprocess import Popen

MOST_PATHS = 4
PATHS, NUMBERS = "--name-status", "--numstat"

_ASKED_AT_ONCE = 512
_HASH_CHARS = 40

# Plumbing: no configuration of diffs applies. Ids always come, so that each path has its commit.
_DIFF_TREE = [
    "diff-tree",
    "--stdin",
    "--root",
    "--always",
    "-r",
    "-z",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
    "-O/dev/null",
]


class Touched(msgspec.Struct, frozen=True):
    """What a commit touches: how many paths, the first of them, and the kinds of all."""

    count: int
    paths: tuple[str, ...]
    kinds: AbstractSet[CommitType | None]


class Asking:
    """Commits asked about one after another, on which git works in the background meanwhile.

    Its answers go to a file, so that neither side waits for the other.
    """

    def __init__(self, process: Popen[bytes], complaints: IO[bytes], answers: IO[bytes]) -> None:
        self._process, self._complaints, self._answers = process, complaints, answers
        self._waiting: list[str] = []

    def ask(self, commit: str) -> None:
        """Ask what this commit touches."""
        self._waiting.append(commit)
        if len(self._waiting) >= _ASKED_AT_ONCE:
            self._send()

    def finish(self) -> str:
        """Wait until all is answered; what went wrong, "" for nothing."""
        self._send()
        pipe = self._process.stdin
        if pipe:
            _ignore_left(pipe.close)
        return summarize(read_complaints(self._complaints)) if self._process.wait() else ""

    def read_paths(self) -> Iterator[tuple[str, Touched]]:
        """Each commit with the paths it touches, out of ids and a status before each path."""
        fields = self._read_fields()
        commit, paths, kinds, count = "", [""], {None}, 0  # type: str, list[str], set[CommitType | None], int
        for field in fields:
            if len(field) < _HASH_CHARS:
                path = next(fields, "")
                kinds.add(get_path_kind(path))
                count += 1
                if count <= MOST_PATHS:
                    paths.append(path)
                continue
            if commit:
                yield commit, Touched(count, tuple(paths), frozenset(kinds))
            commit, paths, kinds, count = field, [], set(), 0
        if commit:
            yield commit, Touched(count, tuple(paths), frozenset(kinds))

    def read_stats(self) -> Iterator[tuple[str, Stat]]:
        """Each commit with its numbers, out of ids and a line with tabs for each path."""
        commit, files, added, removed = "", 0, 0, 0
        for field in self._read_fields():
            plus, tab, rest = field.partition("\t")
            if tab:
                minus = rest.partition("\t")[0]
                files += 1
                added += int(plus) if plus.isdecimal() else 0
                removed += int(minus) if minus.isdecimal() else 0
                continue
            if commit:
                yield commit, Stat(files, added, removed)
            commit, files, added, removed = field, 0, 0, 0
        if commit:
            yield commit, Stat(files, added, removed)

    def _read_fields(self) -> Iterator[str]:
        self._answers.seek(0)
        return chain.from_iterable(fields for fields, _ in split_fields(self._answers))

    def _send(self) -> None:
        pipe, text = self._process.stdin, "".join(f"{commit}\n" for commit in self._waiting)
        self._waiting.clear()
        if pipe and text:
            _ignore_left(lambda: pipe.write(text.encode()))


@contextmanager
def open_asking(git: Git, what: str) -> Iterator[Asking]:
    """A running question about commits: for their `PATHS`, or `NUMBERS` of changed lines."""
    with (
        TemporaryFile() as answers,
        git.open(*_DIFF_TREE, what, stdin=subprocess.PIPE, stdout=answers) as (process, complaints),
    ):
        yield Asking(process, complaints, answers)


def _ignore_left(send: Callable[[], object]) -> None:
    """Send to a program that may have left: why it did is read from its complaints."""
    try:
        send()
    except BrokenPipeError:
        return
