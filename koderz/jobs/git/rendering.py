"""A categorised history as text: a plain table, or a changelog in Markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from koderz.extract.git.commits import TITLES, Commit, CommitType, Source
from koderz.extract.git.groups import By, Group
from koderz.extract.git.messages import clip, flatten
from koderz.extract.git.subjects import parse_subject

Style = Literal["table", "markdown"]

TITLE_CHARS = 200
_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*\[\]<>]|(?<!\w)_|_(?!\w))")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What is rendered: commits, their groups by type or scope, and how much of a hash is shown.

    `heading` says which commits these are; `author` is the model behind types that one
    judged, "" where none did.
    """

    commits: tuple[Commit, ...]
    groups: tuple[Group, ...]
    by: By
    hash_chars: int
    heading: str
    author: str


def render_history(page: Page, style: Style) -> str:
    """The page in this style."""
    return "\n".join(_render_markdown(page) if style == "markdown" else _render_table(page))


def get_title(commit: Commit) -> str:
    """What a subject says besides its prefix, on one line of at most 200 characters."""
    stated = parse_subject(commit.subject) if commit.source is Source.PREFIX else None
    return clip(flatten(stated.title if stated else commit.subject), TITLE_CHARS)


def build_heading(commits: Sequence[Commit], span: str, *, is_more: bool) -> str:
    """Which commits these are: how many, of which days (UTC), out of which range."""
    dates = [commit.date for commit in commits if commit.date]
    days = f", {min(dates):%Y-%m-%d} to {max(dates):%Y-%m-%d}" if dates else ""
    count = f"{len(commits):,} commit{'' if len(commits) == 1 else 's'}"
    newest = ", older ones left out" if is_more else ""
    return f"{count}{f' of {flatten(span)}' if span else ''}{days}{newest}"


def _render_table(page: Page) -> Iterator[str]:
    """A heading, then a line a commit under its group: `HASH scope: title`."""
    commits = {commit.hash: commit for commit in page.commits}
    yield page.heading
    for group in page.groups:
        yield f"\n{_name_group(group, page.by)} ({len(group.hashes)})"
        for hash_ in group.hashes:
            yield _render_row(commits[hash_], page)
    if note := _render_legend(page):
        yield f"\n~ {note}"


def _render_row(commit: Commit, page: Page) -> str:
    label = commit.scope if page.by == "type" else commit.type.value
    words = [commit.hash[: page.hash_chars]]
    if commit.is_breaking:
        words.append("BREAKING")
    if label:
        words.append(f"{flatten(label)}:")
    words += [get_title(commit), *_render_marks(commit)]
    return " ".join(words)


def _render_marks(commit: Commit) -> Iterator[str]:
    if commit.stat:
        files = f"{commit.stat.files} file{'' if commit.stat.files == 1 else 's'}"
        yield f"({files}, +{commit.stat.added} -{commit.stat.removed})"
    if commit.source is Source.MODEL:
        yield "~"


def _render_markdown(page: Page) -> Iterator[str]:
    """A changelog: a heading a group, breaking changes first and once more in their group."""
    commits = {commit.hash: commit for commit in page.commits}
    sections: list[tuple[str, Iterable[Commit]]] = []
    if breaking := [commit for commit in page.commits if commit.is_breaking]:
        sections.append(("Breaking changes", breaking))
    sections += [
        (_title_group(group, page.by), [commits[each] for each in group.hashes])
        for group in page.groups
    ]
    for place, (title, members) in enumerate(sections):
        yield from ["", f"### {title}", ""] if place else [f"### {title}", ""]
        for commit in members:
            yield _render_item(commit, page)
    if note := _render_legend(page):
        yield f"\n~ {escape(note)}"


def _render_item(commit: Commit, page: Page) -> str:
    label = commit.scope if page.by == "type" else commit.type.value
    bold = f"**{escape(flatten(label))}:** " if label else ""
    marks = " ".join([f"({commit.hash[: page.hash_chars]})", *_render_marks(commit)])
    return f"- {bold}{escape(get_title(commit))} {marks}"


def _render_legend(page: Page) -> str:
    is_judged = any(commit.source is Source.MODEL for commit in page.commits)
    return f"type judged by {page.author}" if is_judged else ""


def _name_group(group: Group, by: By) -> str:
    return flatten(group.name) or ("no scope" if by == "scope" else "")


def _title_group(group: Group, by: By) -> str:
    return TITLES[CommitType(group.name)] if by == "type" else escape(_name_group(group, by))


def escape(text: str) -> str:
    """The text with what Markdown or HTML would read as markup escaped, outside of code spans."""
    parts = _CODE.split(text)
    return "".join(
        part if place % 2 else _SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts)
    )
