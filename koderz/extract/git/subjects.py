"""What a commit's subject states about its type: prefixes, merges, reverts, releases, bumps. Pure.

Tried in this order, the first that holds decides:

1. a conventional prefix (`fix(api)!: …`), any case, common spellings (`Fixes:`, `feature:`), with
   a scope behind a slash (`feat/api: …`), or in brackets (`[docs] …`);
2. the same behind `fixup!`, a gitmoji, a ticket (`ABC-12`, `#12`) or one tag in brackets;
3. a gitmoji that stands for one type;
4. `Revert …` and `Back out changeset …`, `Merge branch …` and its kin;
5. a release's number, and a dependency moved from one version to another.

Prefixes are those of https://www.conventionalcommits.org and the Angular convention; gitmojis have
the meaning that https://gitmoji.dev gives them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from koderz.extract.git.commits import CommitType, Source

DEPENDENCIES = "deps"
RELEASE = "release"


class Subject(NamedTuple):
    """What a subject states; `title` is what it says besides."""

    type: CommitType
    source: Source
    title: str
    scope: str = ""
    is_breaking: bool = False


_SPELLINGS: Mapping[CommitType, str] = {
    CommitType.FEAT: "feat feature features",
    CommitType.FIX: "fix fixes fixed bugfix bugfixes hotfix",
    CommitType.PERF: "perf performance",
    CommitType.REFACTOR: "refactor refactoring",
    CommitType.DOCS: "docs doc documentation",
    CommitType.TEST: "test tests testing",
    CommitType.BUILD: "build deps dep",
    CommitType.CI: "ci",
    CommitType.STYLE: "style styles",
    CommitType.CHORE: "chore chores",
    CommitType.REVERT: "revert",
}
_TYPES = {word: kind for kind, words in _SPELLINGS.items() for word in words.split()}
_GITMOJIS: Mapping[str, CommitType] = {
    "✨": CommitType.FEAT,
    ":sparkles:": CommitType.FEAT,
    "🐛": CommitType.FIX,
    ":bug:": CommitType.FIX,
    "🚑": CommitType.FIX,
    ":ambulance:": CommitType.FIX,
    "🩹": CommitType.FIX,
    ":adhesive_bandage:": CommitType.FIX,
    "⚡": CommitType.PERF,
    ":zap:": CommitType.PERF,
    "♻": CommitType.REFACTOR,
    ":recycle:": CommitType.REFACTOR,
    "📝": CommitType.DOCS,
    ":memo:": CommitType.DOCS,
    "✅": CommitType.TEST,
    ":white_check_mark:": CommitType.TEST,
    "💚": CommitType.CI,
    ":green_heart:": CommitType.CI,
    "👷": CommitType.CI,
    ":construction_worker:": CommitType.CI,
    "⬆": CommitType.BUILD,
    ":arrow_up:": CommitType.BUILD,
    "⬇": CommitType.BUILD,
    ":arrow_down:": CommitType.BUILD,
    "⏪": CommitType.REVERT,
    ":rewind:": CommitType.REVERT,
    "🔖": CommitType.CHORE,
    ":bookmark:": CommitType.CHORE,
}

_PREFIX = re.compile(
    r"([A-Za-z]{2,13})(?:\(([^()]{1,80})\)|/([\w.-]{1,80}))?(!)?(?:\([^()]{1,80}\))?:\s*(?=\S)"
)
_TAG = re.compile(r"\[([A-Za-z]{2,13})(?:[:/(]\s*([\w ./-]{1,80})\)?)?\]\s*:?\s*(?=\S)")
_LEAD = re.compile(
    r"(?:(?:fixup|squash|amend)!|:\w{2,40}:|[^\w\s\[\](){}'\"`#:;,.!?@$%^&*<>/\\|~+=-]+"
    r"|\[[^\]]{1,60}\]|\(?[A-Z][A-Z0-9]{1,15}-\d{1,9}\)?|\(?#\d{1,9}\)?)[:\s-]*(?=\S)"
)
_MOST_LEADS = 3
_REVERT = re.compile(
    r"revert(?:s|ed|ing)?\b(?!-)|back(?:ed)?[ -]?out (?:changesets?|commits?)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"revert\w* [\"“](.+?)[\"”]?$", re.IGNORECASE)
_MERGE = re.compile(
    r"(?:auto)?merged? (?:pull request|pr\b|mr\b|merge request|remote[- ]tracking|branch|branches"
    r"|tags?|commits?|in|from|upstream|changes from)\b|merge \S+ (?:into|to) \S+",
    re.IGNORECASE,
)
# Each part begins with what no part goes on with: a subject that almost matches costs no more.
_VERSION = r"v?\d+(?:\.\d+)+(?:[A-Za-z][A-Za-z0-9]*)?(?:[-.+][A-Za-z0-9]+)*"
_RELEASE = re.compile(
    rf"(?:(?:bump|prepare|cut|tag|publish|set|update)(?:ing|s|d|ed)?\s+)?(?:(?:for|the|new|to)\s+)*"
    rf"(?:release|version)(?:\s+number)?(?:\s*:)?\s+(?:from\s+{_VERSION}\s+)?(?:to\s+)?{_VERSION}"
    rf"\.?|(?:bump|prepare|release|publish)(?:\s+to)?\s+{_VERSION}|{_VERSION}",
    re.IGNORECASE,
)
_BUMP = re.compile(
    r"(?:bump|update|upgrade)s?\s+(?:dependency\s+|module\s+)?(?!version\b)\S+(?:\s+\S+)?\s+"
    r"from\s+\S*\d\S*\s+to\s+\S*\d|bump\s+(?!version\b)\S+\s+to\s+v?\d"
    r"|update (?:dependency|module|\S+ docker tag|\S+ digest) .*to v?[0-9a-f]"
    r"|bump the \S+ group\b|lock file maintenance$",
    re.IGNORECASE,
)


def parse_subject(subject: str, *, is_merge: bool = False) -> Subject | None:
    """What the subject of a commit, or of one with several parents, states; None for nothing."""
    return (
        _parse_prefix(subject)
        or _parse_behind_lead(subject)
        or _parse_revert(subject)
        or _parse_merge(subject, is_merge=is_merge)
        or _parse_versions(subject)
    )


def _parse_prefix(subject: str) -> Subject | None:
    found = _PREFIX.match(subject)
    if found:
        name, scope, slash_scope, bang = found.groups()
        kind = _TYPES.get(name.lower())
        if kind is not None:
            scope = (scope or slash_scope or "").strip()
            if not scope and name.lower() in {"deps", "dep"}:
                scope = DEPENDENCIES
            return Subject(kind, Source.PREFIX, subject[found.end() :], scope, bang is not None)
    if found := _TAG.match(subject):
        kind = _TYPES.get(found[1].lower())
        if kind is not None:
            scope = (found[2] or "").strip()
            return Subject(kind, Source.PREFIX, subject[found.end() :], scope)
    return None


def _parse_behind_lead(subject: str) -> Subject | None:
    """A prefix behind what often stands before one; else the type that a gitmoji stands for."""
    rest, gitmoji = subject, None
    for _ in range(_MOST_LEADS):
        lead = _LEAD.match(rest)
        if lead is None:
            break
        mark = lead[0].strip(" -\N{VARIATION SELECTOR-16}").replace("\N{VARIATION SELECTOR-16}", "")
        gitmoji = gitmoji or _GITMOJIS.get(mark)
        rest = rest[lead.end() :]
        if stated := _parse_prefix(rest):
            return stated
    return Subject(gitmoji, Source.PREFIX, rest) if gitmoji else None


def _parse_revert(subject: str) -> Subject | None:
    if not _REVERT.match(subject):
        return None
    quoted = _QUOTED.match(subject)
    reverted = _parse_prefix(quoted[1]) if quoted else None
    return Subject(
        CommitType.REVERT, Source.REVERT, subject, scope=reverted.scope if reverted else ""
    )


def _parse_merge(subject: str, *, is_merge: bool) -> Subject | None:
    if is_merge or _MERGE.match(subject):
        return Subject(CommitType.MERGE, Source.MERGE, subject)
    return None


def _parse_versions(subject: str) -> Subject | None:
    if _RELEASE.fullmatch(subject):
        return Subject(CommitType.CHORE, Source.WORDING, subject, RELEASE)
    if _BUMP.match(subject):
        return Subject(CommitType.BUILD, Source.WORDING, subject, DEPENDENCIES)
    return None
