"""How much a line sounds like trouble: words that stand free, levels, marks of tools, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

FATAL, ERROR, TROUBLE, WARNING, HINT = 1.0, 0.85, 0.6, 0.35, 0.2
_PLAIN_FACTOR = 0.85  # For a word in lower case, which prose has too.
_CALM_FACTOR = 0.75  # For a line that calls itself information.
_SCRIPT_FACTOR = 0.4  # For a line of code or a shell's trace.
_GOOD_FACTOR = 0.1  # For a line that ends well.

# One line a phrase or a row of words; a phrase has its words joined by "+".
_WORDS = {
    FATAL: """
        fatal panic panicked traceback segfault segmentation+fault core+dumped oom oom-killer
        oom-kill out+of+memory uncaught unhandled abort aborted aborting kernel+bug
        assertion+failed emerg emergency crashed crashing crashloopbackoff corrupt
        corrupted corruption stack+overflow deadlock deadlocked sigsegv sigabrt sigkill
        no+space+left
    """,
    ERROR: """
        error errors errored err fail failed failure failures fails failing exception exceptions
        critical crit severe alert killed undefined+reference not+ok unrecoverable
        imagepullbackoff errimagepull back-off
    """,
    TROUBLE: """
        cannot can't can+not could+not couldn't unable+to not+found no+such denied refused
        timed+out time-out time+out timeout unreachable connection+reset broken+pipe undefined
        rejected mismatch violation unavailable invalid illegal unexpected missing unresolved
        conflict conflicts incompatible not+permitted forbidden unauthorized wrong bad lost
        unhealthy evicted read-only exceeded overflow expired leak leaked does+not+exist
        doesn't+exist stale expected interrupted terminated terminating giving+up gave+up dead
        throttled throttling exhausted stuck hung refusing malformed crash
    """,
    WARNING: "warn warning warnings caution retry retrying rollback rolling+back skipping",
    HINT: "deprecated deprecation slow ignored ignoring unsupported disabled",
}
_SCORES = {
    word.replace("+", " ").encode(): score
    for score, words in _WORDS.items()
    for word in words.split()
}

# A word stands free: not inside a path, a package's or a file's name, an option or an identifier.
_TROUBLE = re.compile(
    rb"(?<![\w/-])(?<!\w\.)(?:"
    + b"|".join(re.escape(word) for word in sorted(_SCORES, key=len, reverse=True))
    + rb")(?![\w/]|-\w|\.\w|\(\))"
)
_TROUBLE_WORDS = frozenset(re.split(rb"[ '-]", word)[0] for word in _SCORES)
_NEGATED = re.compile(
    rb"(?:\bno|\bnot an?|\b0|\bzero|\bwithout(?: any)?|\bnon|\bignor\w+|\bif|\bon|\bexpected)[ -]$"
)
_EMPTY = re.compile(
    rb"[\"']?\s?[:=]\s?(?:[\"']?(?:0+(?:\.0+)?|none|null|nil|false|no|never|ignore)[\"']?"
    rb"|\[\]|\{\}|\"\")(?=[,;\s}\])]|$)"
)

# Names of exception classes: `ValueError:`, `java.io.IOException`.
_NAMED = re.compile(
    rb"(?<![\w/-])[\w.$]*[a-z0-9.](?:Error|Exception|Failure|Fault|Panic|Interrupt)(?![\w/-]|\.\w)"
    rb"(?P<colon>:|\s*$|\()?"
)
_NAME_END = re.compile(rb"(?:Error|Exception|Failure|Fault|Panic|Interrupt)")

# What test runners, compilers and package managers put before a failure.
_MARKS = re.compile(
    rb"E\s{2,}\S|\s*(?:--- )?FAIL\b|npm ERR!|\s*(?:\xe2\x9c[\x96-\x98]|\xc3\x97)\s|not ok\b"
    rb"|> {7,}\S|FAILED\b|E\d{4} |make.{0,9}: \*\*\* "
)
_GOOD = re.compile(
    rb"\s*(?:ok|pass(?:ed)?|\xe2\x9c[\x93\x94])\b[\s:]"
    rb"|.*(?:\b(?:ok|pass(?:ed)?|success(?:ful(?:ly)?)?|succeeded|done)|\xe2\x9c[\x93\x94])[\s.!\])]*"
    rb"(?:[(\[]?\s*[\d.,:]+\s*(?:%|ms|s|sec|seconds)?\s*[)\]]?)?\s*$"
)
_SCRIPT = re.compile(rb"\s*(?:\+{1,3} |echo |if |elif |except |catch|\$ |#|//)")

_LEVELS = {
    b"FATAL": FATAL, b"CRITICAL": FATAL, b"CRIT": FATAL, b"EMERG": FATAL, b"ALERT": FATAL,
    b"PANIC": FATAL, b"F": FATAL, b"60": FATAL,
    b"SEVERE": ERROR, b"ERROR": ERROR, b"ERR": ERROR, b"E": ERROR, b"50": ERROR,
    b"WARNING": WARNING, b"WARN": WARNING, b"W": WARNING, b"40": WARNING,
    b"INFO": 0.0, b"I": 0.0, b"30": 0.0, b"NOTICE": 0.0, b"DEBUG": 0.0, b"20": 0.0,
    b"TRACE": 0.0, b"FINE": 0.0, b"10": 0.0,
}  # fmt: skip
_LEVEL = re.compile(
    rb"\b(?:log_?)?(?:[Ll]evel|LEVEL|lvl|[Ss]everity|levelname)[\"']?\s?[:=]\s?[\"']?"
    rb"(?P<field>[A-Za-z]+|\d0)\b"
    rb"|(?<![A-Za-z])(?P<word>FATAL|CRIT(?:ICAL)?|EMERG|ALERT|SEVERE|ERR(?:OR)?|WARN(?:ING)?|NOTICE"
    rb"|INFO|DEBUG|TRACE|FINE)(?![A-Za-z])"
    rb"|^(?P<short>[FEWI])(?:\d{4} |/)"  # klog, logcat
)
_LEVEL_REACH = 160
_LEVEL_WORDS = frozenset(b"level lvl severity levelname log_level loglevel".split())
_SHORT_LEVEL = re.compile(rb"[FEWI](?:\d{4} |/)")

_NUMBER_SCORES = {"n": ERROR, "5": TROUBLE, "4": WARNING}


def score_severity(line: bytes, words: Sequence[bytes], numbers: str = "") -> float:
    """How much a line sounds like trouble, from 0 (not at all) to 1 (fatal).

    `line` is UTF-8, `words` as `split_words` gives them; `numbers` are the classes of its telling
    numbers.
    """
    score = max((_NUMBER_SCORES.get(kind, 0.0) for kind in numbers), default=0.0)
    if not _TROUBLE_WORDS.isdisjoint(words):
        score = max(score, _score_words(line))
    if _NAME_END.search(line):
        score = max(score, _score_names(line))
    if _MARKS.match(line):
        score = max(score, ERROR)
    if score or _may_state_level(line, words):
        level = _get_level(line)
        score = max(score * (_CALM_FACTOR if level == 0 else 1), level or 0.0)
    return score * _get_factor(line) if score else 0.0


def may_be_severe(line: bytes, words: Sequence[bytes]) -> bool:
    """Whether a closer look could find a severity: quick, and right where it says no."""
    return (
        not _TROUBLE_WORDS.isdisjoint(words)
        or _may_state_level(line, words)
        or _NAME_END.search(line) is not None
        or _MARKS.match(line) is not None
    )


def find_trouble(line: str) -> int:
    """The place of the first grave word in a line; 0 where there is none."""
    lowered = line.encode().lower()
    for match in _TROUBLE.finditer(lowered):
        if _SCORES[match[0]] >= TROUBLE and not _is_taken_back(lowered, match):
            return len(lowered[: match.start()].decode(errors="replace"))
    return 0


def _may_state_level(line: bytes, words: Sequence[bytes]) -> bool:
    return not _LEVEL_WORDS.isdisjoint(words) or _SHORT_LEVEL.match(line) is not None


def _get_factor(line: bytes) -> float:
    if _GOOD.match(line.lower()):
        return _GOOD_FACTOR
    return _SCRIPT_FACTOR if _SCRIPT.match(line) else 1.0


def _score_words(line: bytes) -> float:
    """The gravest trouble word that stands free and is not taken back."""
    lowered, best = line.lower(), 0.0
    for match in _TROUBLE.finditer(lowered):
        score = _SCORES[match[0]]
        is_plain = line[match.start()] == lowered[match.start()]
        if is_plain and lowered[match.end() : match.end() + 1] not in {b":", b"["}:
            score *= _PLAIN_FACTOR
        if score > best and not _is_taken_back(lowered, match):
            best = score
    return best


def _is_taken_back(lowered: bytes, match: re.Match[bytes]) -> bool:
    """Whether the words around deny it: "no errors", "failed: 0"."""
    if _NEGATED.search(lowered, max(0, match.start() - 16), match.start()):
        return True
    return _EMPTY.match(lowered, match.end()) is not None


def _score_names(line: bytes) -> float:
    scores = (ERROR + 0.05 if match["colon"] else TROUBLE for match in _NAMED.finditer(line))
    return max(scores, default=0.0)


def _get_level(line: bytes) -> float | None:
    """The score of the log level that a line states for itself, or None."""
    for match in _LEVEL.finditer(line, 0, _LEVEL_REACH):
        level = _LEVELS.get(match[match.lastgroup or 0].upper())
        if level is not None:
            return level
    return None
