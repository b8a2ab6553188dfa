"""The log of a repository as a stream of entries, exactly as git has them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from koderz.extract.git.programs import Git, read_complaints, split_fields, summarize
from koderz.extract.git.selections import Selection

FIELDS = ("%H", "%P", "%at", "%ad", "%an", "%ae", "%B")
_LOG = [
    "log",
    "-z",
    "--encoding=UTF-8",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-show-signature",
    "--no-mailmap",
    "--no-patch",
    "--no-ext-diff",
    "--no-textconv",
    "--date=default",
]


class Entry(NamedTuple):
    """A commit as git prints it; `seconds` is the author's time as a number in digits."""

    hash: str
    parents: str
    seconds: str
    date: str
    author: str
    email: str
    message: str


class Block(NamedTuple):
    """Some entries, and whether bytes that are no UTF-8 were replaced among them."""

    entries: list[Entry]
    is_replaced: bool


class Log:
    """Reads a selection once; `note` then says where git stopped before its end, "" if not."""

    def __init__(self, git: Git, selection: Selection) -> None:
        self._git, self._selection = git, selection
        self.note = ""

    def read(self) -> Iterator[Block]:
        """All entries, newest first, some at a time. JobError where there are none to read."""
        arguments = _build_arguments(self._selection)
        with self._git.open(*arguments, stdout=subprocess.PIPE) as (process, complaints):
            if process.stdout is None:
                return
            held: list[str] = []
            is_begun = False
            for fields, is_replaced in split_fields(process.stdout):
                held += fields
                whole = len(held) - len(held) % len(FIELDS)
                is_begun |= whole > 0
                yield _build_block(held[:whole], is_replaced=is_replaced)
                held = held[whole:]
            if process.wait():
                said = read_complaints(complaints)
                if not is_begun:
                    raise self._git.explain(said, self._selection.span)
                self.note = f"git stopped before the end of the history: {summarize(said)}"


def render_entry(entry: Entry) -> str:
    """The entry as plain `git log` prints it (parents of merges with 7 characters)."""
    parents = entry.parents.split()
    short = " ".join(parent[:7] for parent in parents)
    merge = f"Merge: {short}\n" if len(parents) > 1 else ""
    message = entry.message.strip("\n").replace("\n", "\n    ")
    return (
        f"commit {entry.hash}\n{merge}Author: {entry.author} <{entry.email}>\n"
        f"Date:   {entry.date}\n\n    {message}\n"
    )


def _build_arguments(selection: Selection) -> list[str]:
    arguments = [*_LOG, f"--format={'%x00'.join(FIELDS)}"]
    if selection.count is not None:
        arguments.append(f"--max-count={selection.count}")
    if selection.since:
        arguments.append(f"--since={selection.since}")
    if selection.until:
        arguments.append(f"--until={selection.until}")
    arguments.append("--end-of-options")
    return [*arguments, *([selection.span] if selection.span else []), "--"]


def _build_block(fields: list[str], *, is_replaced: bool) -> Block:
    columns = [iter(fields)] * len(FIELDS)
    return Block(list(map(Entry._make, zip(*columns, strict=True))), is_replaced)
