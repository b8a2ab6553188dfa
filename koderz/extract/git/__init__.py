"""Git history with no model at all: read as a stream, each commit's type with what decided it.

history = load_history(Path(), count=50)        # one pass of `git log`
history.commits[0].type, history.commits[0].source
build_groups(history.commits, by="scope")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from koderz.lazy import build_getattr

if TYPE_CHECKING:
    from koderz.extract.git.commits import Commit as Commit
    from koderz.extract.git.commits import CommitType as CommitType
    from koderz.extract.git.commits import Source as Source
    from koderz.extract.git.commits import Stat as Stat
    from koderz.extract.git.groups import Group as Group
    from koderz.extract.git.groups import build_groups as build_groups
    from koderz.extract.git.history import History as History
    from koderz.extract.git.history import load_history as load_history

_HOMES = {
    "Commit": "commits",
    "CommitType": "commits",
    "Group": "groups",
    "History": "history",
    "Source": "commits",
    "Stat": "commits",
    "build_groups": "groups",
    "load_history": "history",
}

__all__ = [
    "Commit",
    "CommitType",
    "Group",
    "History",
    "Source",
    "Stat",
    "build_groups",
    "load_history",
]

__getattr__ = build_getattr(__name__, _HOMES)
