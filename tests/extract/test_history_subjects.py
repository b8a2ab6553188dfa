"""A subject decides where it leaves no doubt, and nothing is made of one that does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.extract.git.commits import CommitType, Source
from koderz.extract.git.messages import (
    clip,
    find_reverted,
    flatten,
    parse_trailers,
    split_message,
    states_breaking,
    states_fix,
)
from koderz.extract.git.subjects import parse_subject
from koderz.extract.git.wording import lean


@pytest.mark.parametrize(
    ("subject", "kind", "scope", "is_breaking", "title"),
    [
        ("feat: add paging", "feat", "", False, "add paging"),
        ("fix(api): crash on empty body", "fix", "api", False, "crash on empty body"),
        ("feat(api)!: drop v1", "feat", "api", True, "drop v1"),
        ("refactor!: rename all", "refactor", "", True, "rename all"),
        ("Docs: say how", "docs", "", False, "say how"),
        ("FIX:no space", "fix", "", False, "no space"),
        ("Fixes: the crash", "fix", "", False, "the crash"),
        ("feature(x, y): z", "feat", "x, y", False, "z"),
        ("feat/login: remember me", "feat", "login", False, "remember me"),
        ("perf(core): less copying", "perf", "core", False, "less copying"),
        ("tests: cover the parser", "test", "", False, "cover the parser"),
        ("deps: aiohttp 3.12", "build", "deps", False, "aiohttp 3.12"),
        ("build(deps): bump x from 1 to 2", "build", "deps", False, "bump x from 1 to 2"),
        ("[docs] explain routes", "docs", "", False, "explain routes"),
        ("[Fix]: a leak", "fix", "", False, "a leak"),
        ("[ci: lint] faster", "ci", "lint", False, "faster"),
        ("fixup! feat(ui): dark mode", "feat", "ui", False, "dark mode"),
        ("✨ feat(ui): dark mode", "feat", "ui", False, "dark mode"),
        ("✨ dark mode", "feat", "", False, "dark mode"),
        (":bug: a crash", "fix", "", False, "a crash"),
        ("⚡️ faster start", "perf", "", False, "faster start"),
        ("ABC-12: fix(db): lock order", "fix", "db", False, "lock order"),
        ("[backport 2.1] fix: lock order", "fix", "", False, "lock order"),
        ("#31 feat: paging", "feat", "", False, "paging"),
        ("revert: feat(api): paging", "revert", "", False, "feat(api): paging"),
    ],
)
def test_a_prefix_decides(
    subject: str, kind: str, scope: str, is_breaking: bool, title: str
) -> None:
    stated = parse_subject(subject)
    assert stated is not None
    assert (stated.type, stated.scope, stated.is_breaking, stated.title) == (
        kind,
        scope,
        is_breaking,
        title,
    )
    assert stated.source is Source.PREFIX


@pytest.mark.parametrize(
    ("subject", "kind", "source", "scope"),
    [
        ('Revert "feat(api): paging"', "revert", "revert", "api"),
        ("Reverts the change to the cache", "revert", "revert", ""),
        ("Backed out changeset 1a2b3c4d5e6f (bug 1)", "revert", "revert", ""),
        ("Merge pull request #3 from a/b", "merge", "merge", ""),
        ("Merge branch 'main' into dev", "merge", "merge", ""),
        ("Merged in feature/x (pull request #7)", "merge", "merge", ""),
        ("Bump requests from 2.31.0 to 2.32.0", "build", "wording", "deps"),
        ("Bump actions/checkout from 3 to 4 in /.github", "build", "wording", "deps"),
        ("Update dependency eslint to v9", "build", "wording", "deps"),
        ("Bump the npm group across 1 directory with 3 updates", "build", "wording", "deps"),
        ("v1.2.3", "chore", "wording", "release"),
        ("2.0.0-rc.1", "chore", "wording", "release"),
        ("Release 1.4.0", "chore", "wording", "release"),
        ("Bump version to 1.4.0", "chore", "wording", "release"),
        ("Bump version from 1.3.9 to 1.4.0", "chore", "wording", "release"),
    ],
)
def test_clear_words_decide(subject: str, kind: str, source: str, scope: str) -> None:
    stated = parse_subject(subject)
    assert stated is not None
    assert (stated.type, stated.source, stated.scope, stated.title) == (
        kind,
        source,
        scope,
        subject,
    )


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "feat",
        "feat:",
        "fix :",
        "Add paging",
        "Update the parser",
        "Improve things",
        "mm: fix the allocator",
        "core(api): paging",
        "test_parser.py: new",
        "http://example.org",
        "Note: this is odd",
        "[PATCH 1/2] mm: page",
        "Merge sort for lists",
        "Mergeable checks",
        "Reversible hashing",
        "revert-to button",
        "Bump the timeout",
        "Bump limits to fit",
        "Release the lock",
        "Version the API",
        "1. first try",
        "fixture for the parser",
        "🤷 who knows",
    ],
)
def test_what_leaves_doubt_decides_nothing(subject: str) -> None:
    assert parse_subject(subject) is None


def test_a_prefix_outranks_that_it_is_a_merge() -> None:
    merged = parse_subject("feat(ui): dark mode (#12)", is_merge=True)
    assert merged is not None
    assert merged.type is CommitType.FEAT
    plain = parse_subject("Anything else", is_merge=True)
    assert plain is not None
    assert (plain.type, plain.source) == (CommitType.MERGE, Source.MERGE)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Fix the login", CommitType.FIX),
        ("Fixed a crash on start", CommitType.FIX),
        ("bugfix in paging", CommitType.FIX),
        ("Add support for IPv6", CommitType.FEAT),
        ("Implement paging", CommitType.FEAT),
        ("Add missing tests for paging", CommitType.TEST),
        ("Document the routes", CommitType.DOCS),
        ("Fix a typo in the README", CommitType.DOCS),
        ("Update docs", CommitType.DOCS),
        ("Update docs build", None),
        ("Documentation of the test suite", None),
        ("Refactor the router", CommitType.REFACTOR),
        ("Speed up start", CommitType.PERF),
        ("Improve performance of paging", CommitType.PERF),
        ("Fix the login tests", None),
        ("Fix typo", None),
        ("Fix CI", None),
        ("Fix-ups", None),
        ("Refactor tests", None),
        ("Speed up the build", None),
        ("Add support for running the test suite", None),
        ("Implementation notes", None),
        ("Add paging", None),
        ("Fixture loading", None),
    ],
)
def test_first_words_decide_only_where_no_others_disagree(
    subject: str, kind: CommitType | None
) -> None:
    assert lean(subject) is kind


@given(st.text())
def test_any_text_is_a_subject(text: str) -> None:
    subject, body = split_message(text)
    assert "\n" not in subject
    parse_subject(subject)
    lean(subject)
    parse_trailers(body)
    assert flatten(subject).isprintable()
    assert len(clip(subject, 10)) <= 10


@given(
    kind=st.sampled_from([kind for kind in CommitType if kind not in {"merge", "uncategorised"}]),
    scope=st.text(st.characters(categories=["L", "N"]), max_size=20),
    is_breaking=st.booleans(),
    title=st.text(st.characters(categories=["L"]), min_size=1),
)
def test_what_is_written_as_a_prefix_is_read_back(
    kind: CommitType, scope: str, is_breaking: bool, title: str
) -> None:
    bang = "!" if is_breaking else ""
    stated = parse_subject(f"{kind}{f'({scope})' if scope else ''}{bang}: {title}")
    assert stated == (kind, Source.PREFIX, title, scope, is_breaking)


@pytest.mark.parametrize(
    "subject",
    [
        "1.0" + "a" * 990 + "!",
        "Release 1.0" + ".1a" * 300 + "!",
        "version " + "new " * 240 + "!",
        "Bump " + "x" * 400 + " from " + "1" * 500,
        "Add " + "new " * 240 + "!",
        "Fix " + "the " * 240 + "typo",
        "[" * 500 + "]" * 500,
        ":a" * 500,
        "(#1)" * 250,
        'Revert "' * 120,
    ],
)
def test_a_subject_made_to_be_slow_is_not(subject: str) -> None:
    # With a pattern that backtracks without end this test would not end either.
    parse_subject(subject)
    lean(subject)


def test_a_subject_is_the_first_paragraph() -> None:
    assert split_message("\n\nfix: a\nlong one\n\nbody\nmore\n") == (
        "fix: a long one",
        "body\nmore",
    )
    assert split_message("fix: a\n  \nbody") == ("fix: a", "body")
    assert split_message("") == ("", "")


def test_trailers_are_the_last_paragraph_and_nothing_else() -> None:
    body = "Why it is so.\n\nReviewed-by: A <a@x>\nFixes: #3\n  and #4\nSigned-off-by: B <b@x>"
    assert parse_trailers(body) == (
        ("Reviewed-by", "A <a@x>"),
        ("Fixes", "#3 and #4"),
        ("Signed-off-by", "B <b@x>"),
    )
    assert parse_trailers("Note that: this is prose\nas the second line shows") == ()
    assert parse_trailers("Prose: yes\n\nNo trailers here.") == ()
    assert parse_trailers("(cherry picked from commit 0123456789)\nA: b")[0][1] == "0123456789"


def test_footers_state_what_they_state() -> None:
    assert states_breaking("x\n\nBREAKING CHANGE: no v1")
    assert states_breaking("BREAKING-CHANGE: no v1")
    assert not states_breaking("nothing BREAKING here: at all")
    assert find_reverted("This reverts commit 0123456789abcdef.") == "0123456789abcdef"
    assert find_reverted("This reverts some of it") == ""
    assert states_fix('Fixes: 0123456789ab ("mm: page")')
    assert not states_fix("Fixes: #12")
