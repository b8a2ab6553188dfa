"""What kind of thing a path is, and what it says of a commit that touches no other kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

from koderz.extract.git.commits import CommitType
from koderz.extract.git.subjects import DEPENDENCIES

_CI = re.compile(
    r"\.github/(?:workflows|actions)/|\.circleci/|\.buildkite/|\.gitlab/ci/|\.woodpecker/"
    r"|\.teamcity/|\.azure-pipelines/"
    r"|(?:.*/)?(?:\.gitlab-ci\.ya?ml|\.travis\.yml|azure-pipelines(?:[.-][\w.-]+)?\.ya?ml"
    r"|jenkinsfile|\.?appveyor\.yml|\.drone\.ya?ml|\.cirrus\.ya?ml|bitbucket-pipelines\.yml"
    r"|\.woodpecker\.ya?ml|\.codecov\.ya?ml|codecov\.ya?ml)$"
)
_LOCK = re.compile(
    r"(?:.*/)?(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?"
    r"|deno\.lock|cargo\.lock|poetry\.lock|uv\.lock|pdm\.lock|pipfile\.lock|pixi\.lock|conda-lock\.yml"
    r"|requirements[\w.-]*\.lock|composer\.lock|gemfile\.lock|go\.sum|go\.work\.sum|flake\.lock"
    r"|mix\.lock|pubspec\.lock|podfile\.lock|cartfile\.resolved|package\.resolved|gradle\.lockfile"
    r"|buildscript-gradle\.lockfile|packages\.lock\.json|paket\.lock|\.terraform\.lock\.hcl"
    r"|chart\.lock|conan\.lock|stack\.yaml\.lock|cabal\.project\.freeze)$"
)
_DOCS_FOLDER = re.compile(r"(?:docs?|documentation)/|man/(?:.*/)?[^/]+\.[1-8]$")
_TEST = re.compile(
    r"(?:.*/)?(?:tests?|__tests__|__snapshots__|e2e|testdata|test[-_]data|fixtures)/"
    r"|(?:.*/)?(?:test_[^/]+\.py|conftest\.py|[^/]+_test\.(?:py|go|rs|cc|cpp|c|dart|exs|rb|ts|js)"
    r"|[^/]+[._-](?:test|spec|e2e)\.[cm]?[jt]sx?|[^/]+_spec\.rb|[^/]+tests?\.(?:java|kt|cs|scala|swift|php))$"
)
_DOCS = re.compile(
    r"(?:.*/)?(?:[^/]+\.(?:md|markdown|mdx|rst|adoc|asciidoc|pod)"
    r"|(?:readme|changelog|changes|news|history|authors|contributors|contributing|copying|licen[cs]e"
    r"|notice|todo|faq|maintainers|security|code_of_conduct)(?:[.-](?:txt|html|en|mit|apache))?)$"
)
_KINDS = (
    (CommitType.CI, _CI),
    (CommitType.BUILD, _LOCK),
    (CommitType.DOCS, _DOCS_FOLDER),
    (CommitType.TEST, _TEST),
    (CommitType.DOCS, _DOCS),
)


@lru_cache(maxsize=1 << 16)
def get_path_kind(path: str) -> CommitType | None:
    """The type of a commit that touches such paths alone: ci, build (lock files), docs, test."""
    lowered = path.lower()
    return next((kind for kind, pattern in _KINDS if pattern.match(lowered)), None)


def decide_by_kinds(kinds: AbstractSet[CommitType | None]) -> tuple[CommitType, str] | None:
    """The type and scope that follow where all paths are of one kind, else None."""
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    if kind is None:
        return None
    return kind, DEPENDENCIES if kind is CommitType.BUILD else ""
