"""Subjects without a prefix whose first words leave little doubt about their type. Pure.

Only a few are taken, and none that also speaks of another type: "Fix the login" is a fix, "Fix the
login tests" may be a test, so it stays open. What a commit touches is asked first: a docs-only
commit is documentation whatever it calls itself. Plain "Add …", "Update …", "Improve …", "Remove …"
and "Change …" say nothing sure and decide nothing.
"""

from __future__ import annotations

import re

from koderz.extract.git.commits import CommitType

_FIRST_WORDS = re.compile(
    r"(?P<docs>document(?:s|ed|ing)?\s|(?:update|improve|fix|expand|clarify|extend)(?:s|d|ed|ing)?\s+"
    r"(?:(?:the|an?|some|typos?|spelling|wording|links?|in|of)\s+)*"
    r"(?:readme(?:\.\w+)?|docs|documentation|docstrings?)(?=\s|$))"
    r"|(?P<fix>(?:bug|hot)?-?fix(?:e[sd]|ing)?\b(?!-))"
    r"|(?P<test>add(?:s|ed|ing)?\s+(?:an?\s+|some\s+|more\s+|missing\s+|new\s+)*"
    r"(?:(?:unit|regression|integration|e2e|failing|smoke)\s+)?(?:tests?|test ?cases?)\b)"
    r"|(?P<feat>(?:implement|introduce)(?:s|d|ed|ing)?\s|add(?:s|ed|ing)?\s+"
    r"(?:(?:basic|initial|experimental|preliminary|full|new|an?)\s+)*"
    r"(?:support\s+for|ability\s+to|(?:option|(?:command[- ]line\s+)?flag)\s+(?:to|for))\b)"
    r"|(?P<refactor>refactor(?:s|ed|ing)?\b)"
    r"|(?P<perf>speed(?:s|ed|ing)?\s*-?up\b|(?:improve|increase|boost)(?:s|d|ing)?\s+"
    r"(?:the\s+)?performance\b)",
    re.IGNORECASE,
)
_OTHER_TYPES = re.compile(
    r"\b(?:tests?|testing|test ?suites?|testcases?|specs?|e2e|coverage|benchmarks?|fixtures?|mocks?"
    r"|docs?|documentation|readme\S*|changelog|comments?|docstrings?|typos?|spelling|grammar|wording"
    r"|links?|examples?|tutorials?|licen[cs]e|lint\w*|eslint|ruff|flake8|mypy|pylint|clippy|prettier"
    r"|format(?:ting)?|styles?|styling|whitespace|indent\w*|imports?|ci|cd|travis|workflows?"
    r"|github actions?|pipelines?|builds?|building|compil\w*|makefile|docker\w*|cmake|packaging"
    r"|scripts?|release|releases|publish\w*|deps|dependenc\w+|versions?|warnings?|deprecat\w*"
    r"|flak\w+|refactor\w*|perf\w*|renam\w*|clean ?ups?|merge|conflicts?|todos?|types?|typings?"
    r"|annotations?|naming|misspell\w*|gitignore|toolchains?|clang-\w+|phpstan|phpcs|rubocop|codeql"
    r"|checkstyle|sonar\w*|fuzz\w*|cmake\w*|review|suggestions?)\b",
    re.IGNORECASE,
)


def lean(subject: str) -> CommitType | None:
    """The type that the first words state, None where they or the others leave it open."""
    found = _FIRST_WORDS.match(subject)
    if found is None or found.lastgroup is None:
        return None
    if _OTHER_TYPES.search(subject, found.end()):
        return None
    return CommitType(found.lastgroup)
