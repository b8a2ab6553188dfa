"""Which commits are asked for, and whether that makes sense before git is asked for them."""

from __future__ import annotations

import re
import time

import msgspec

from koderz.errors import JobError
from koderz.extract.git.programs import Git

MOST_COMMITS = 2**31 - 1

_NOW_WORDS = re.compile(r"now|today|\d", re.IGNORECASE)
_NOW_WITHIN_S = 3


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which commits of a repository: a range (empty: the checked-out history), dates, how many.

    `since` and `until` are what git understands ("2 weeks ago", "2026-01-31"); a `count` of None
    is all of them.
    """

    span: str = ""
    since: str = ""
    until: str = ""
    count: int | None = None


def check_selection(selection: Selection) -> None:
    """Raise JobError for what no git could select."""
    if selection.count is not None and not 0 < selection.count < MOST_COMMITS:
        what = "no commits" if selection.count < 1 else "more commits than git counts"
        raise JobError(f"-n {selection.count} asks for {what}: give 1 to {MOST_COMMITS - 1:,}")
    for text in (selection.span, selection.since, selection.until):
        if not text.isprintable():
            raise JobError("a range or date holds control characters: write it as git takes it")


def check_repository(git: Git, selection: Selection) -> bool:
    """Whether the repository is a shallow clone; JobError where there is none, or for odd dates."""
    dates = {"--since": selection.since, "--until": selection.until}
    arguments = [f"{name}={text}" for name, text in dates.items() if text]
    shallow, *times = git.run("rev-parse", "--is-shallow-repository", *arguments).split()
    now = time.time()
    for argument, stamp in zip(arguments, times, strict=True):
        text = argument.partition("=")[2]
        # What git does not understand as a date it takes for the present moment.
        is_now = abs(now - int(stamp.partition("=")[2])) < _NOW_WITHIN_S
        if is_now and not _NOW_WORDS.search(text):
            raise JobError(
                f"git does not understand the date {text!r}: write 2026-01-31, or '2 weeks ago'"
            )
    return shallow == "true"
