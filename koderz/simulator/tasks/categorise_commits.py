"""The types of commits: one for every hash, by words of the subject and the paths touched.

The commits come one JSON object a line, with `hash`, `subject`, and perhaps `body` and `paths`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random

import msgspec

from koderz.simulator.recognition import has_schema, parse_shown
from koderz.types import Request

SCHEMA_NAME = "categorise_commits"
FIELDS = frozenset({"commits"})
DEFAULT_TYPE = "uncategorised"

# The first that occurs in subject or paths decides.
_WORDS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "revert": r"\brevert|\bundo\b|back(?:ed)? out",
        "docs": r"\bdocs?\b|documentation|readme|\btypos?\b|changelog|\.md\b|\.rst\b",
        "test": r"\btests?\b|\bspecs?\b|coverage|test_\w+",
        "ci": r"\bci\b|workflow|pipeline|\.github",
        "build": r"\bbuild\b|depend|\bbump|\bupgrade|packag|\.lock\b|cmake|docker",
        "style": r"format|whitespace|\bindent|\blint",
        "perf": r"\bperf|faster|speed|\bcach|optimi[sz]",
        "fix": r"\bfix|\bbugs?\b|crash|prevent|\bavoid|correct|\bhandle|wrong|broken|leak|regress",
        "feat": r"\badd|implement|introduc|support|allow|\bnew\b|enable",
        "refactor": r"refactor|\brename|\bmove|extract|clean|simplif|rework|split|tidy|reorgan",
        "chore": r"\bremove|\bupdate|\bversion|release|prepare",
    }.items()
}


class ShownCommit(msgspec.Struct, frozen=True):
    """A commit as it was shown."""

    hash: str
    subject: str
    body: str = ""
    paths: tuple[str, ...] = ()


class CommitType(msgspec.Struct, frozen=True):
    """What the answer's schema asks for, one a commit."""

    hash: str
    type: str


_DECODER = msgspec.json.Decoder(ShownCommit)


def is_asked(request: Request) -> bool:
    """Whether types of commits are wanted."""
    return has_schema(request, SCHEMA_NAME, FIELDS)


def answer(request: Request, skill: float, rng: Random) -> str:
    """The types as JSON; each is a wrong one with probability 1 - skill."""
    return _encode(_judge(commit, skill, rng) for commit in _parse(request))


def misquote(request: Request, rng: Random) -> str:
    """The types in the right form, one of them for a hash that was not asked about."""
    commits = _parse(request)
    judged = [_judge(commit, 1.0, rng) for commit in commits]
    known = {commit.hash for commit in commits}
    invented = f"{rng.getrandbits(48):012x}"
    while invented in known:
        invented = f"{rng.getrandbits(48):012x}"
    return _encode([*judged[1:], CommitType(invented, DEFAULT_TYPE)])


def _parse(request: Request) -> tuple[ShownCommit, ...]:
    """The commits of the question, each hash once; lines that hold none are passed over."""
    return parse_shown(request, _DECODER, "hash")


def _judge(commit: ShownCommit, skill: float, rng: Random) -> CommitType:
    right = _find_type([commit.subject, *commit.paths])
    if rng.random() < skill:
        return CommitType(commit.hash, right)
    return CommitType(commit.hash, rng.choice([each for each in _WORDS if each != right]))


def _find_type(texts: Sequence[str]) -> str:
    """The type that the subject's words tell, else those of the paths."""
    for text in texts:
        for name, pattern in _WORDS.items():
            if pattern.search(text):
                return name
    return DEFAULT_TYPE


def _encode(commits: Iterable[CommitType]) -> str:
    return msgspec.json.encode({"commits": list(commits)}).decode()
