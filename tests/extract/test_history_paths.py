"""Paths decide a commit only where all of them are of one kind."""

from __future__ import annotations

import pytest

from koderz.extract.git.commits import CommitType
from koderz.extract.git.paths import decide_by_kinds, get_path_kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("README.md", "docs"),
        ("docs/conf.py", "docs"),
        ("pkg/CHANGELOG", "docs"),
        ("LICENSE.txt", "docs"),
        ("man/koderz.1", "docs"),
        ("tests/test_a.py", "test"),
        ("pkg/__tests__/a.js", "test"),
        ("tests/README.md", "test"),
        ("src/a.test.tsx", "test"),
        ("a/parser_test.go", "test"),
        ("src/test/java/A.java", "test"),
        ("src/main/java/ATest.java", "test"),
        ("spec/models/user_spec.rb", "test"),
        ("poetry.lock", "build"),
        ("web/package-lock.json", "build"),
        ("go.sum", "build"),
        ("requirements-dev.lock", "build"),
        (".github/workflows/ci.yml", "ci"),
        (".gitlab-ci.yml", "ci"),
        ("Jenkinsfile", "ci"),
        ("src/main.py", None),
        ("requirements.txt", None),
        ("CMakeLists.txt", None),
        ("package.json", None),
        ("go.mod", None),
        ("src/docs/viewer.ts", None),
        ("src/testing/harness.py", None),
        ("latest/contest.py", None),
        (".github/dependabot.yml", None),
        ("block.py", None),
        ("libfoo.so.1", None),
        ("", None),
    ],
)
def test_a_path_has_a_kind_or_none(path: str, kind: str | None) -> None:
    assert get_path_kind(path) == kind


def test_only_one_kind_decides() -> None:
    assert decide_by_kinds({CommitType.DOCS}) == (CommitType.DOCS, "")
    assert decide_by_kinds({CommitType.BUILD}) == (CommitType.BUILD, "deps")
    assert decide_by_kinds({CommitType.DOCS, CommitType.TEST}) is None
    assert decide_by_kinds({CommitType.DOCS, None}) is None
    assert decide_by_kinds({None}) is None
    assert decide_by_kinds(frozenset()) is None
