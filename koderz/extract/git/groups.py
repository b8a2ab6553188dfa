"""Commits grouped by type and scope, with their hashes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from koderz.extract.git.commits import Commit, CommitType

By = Literal["type", "scope"]
_ORDER = {kind.value: place for place, kind in enumerate(CommitType)}


class GroupPart(msgspec.Struct, frozen=True):
    """The commits of a group that share a scope (in a group by type) or a type (in one by scope).

    A `name` of "" is no scope; hashes are whole, newest commit first.
    """

    name: str
    hashes: tuple[str, ...]


class Group(msgspec.Struct, frozen=True):
    """All commits of one type, or of one scope ("" for none), and their parts."""

    name: str
    hashes: tuple[str, ...]
    parts: tuple[GroupPart, ...]


def build_groups(commits: Iterable[Commit], by: By = "type") -> tuple[Group, ...]:
    """Every commit in one group: types in their fixed order, scopes by name, none last."""
    groups: dict[str, dict[str, list[str]]] = {}
    for commit in commits:
        names = (commit.type.value, commit.scope)
        name, part = names if by == "type" else names[::-1]
        groups.setdefault(name, {}).setdefault(part, []).append(commit.hash)
    return tuple(_build_group(name, groups[name]) for name in sort_names(list(groups)))


def sort_names(names: Sequence[str]) -> list[str]:
    """Types in their fixed order, then scopes by name, no scope last."""
    return sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), not name, name))


def _build_group(name: str, parts: dict[str, list[str]]) -> Group:
    ordered = [GroupPart(part, tuple(parts[part])) for part in sort_names(list(parts))]
    hashes = tuple(each for part in ordered for each in part.hashes)
    return Group(name, hashes, tuple(ordered))
