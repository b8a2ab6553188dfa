"""The names in a text that a retelling must not lose: paths, identifiers, numbers."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?<![\w./-])(?:"
    r"(?:~|\.{1,2})?/?(?:[\w@+-]+(?:\.[\w@+-]+)*/)+[\w@+.-]*\w"  # a path
    r"|[\w-]+\.(?:py|js|ts|tsx|go|rs|c|h|cpp|java|rb|md|toml|json|ya?ml|txt|cfg|ini|sh|sql|log|csv)"
    r"|[A-Za-z_]\w*(?:[._:]{1,2}[A-Za-z_]\w*)+"  # a dotted name
    r"|[A-Za-z]\w*_\w+|_\w+"  # snake case
    r"|[a-z]+[A-Z]\w+|[A-Z][a-z0-9]+[A-Z]\w*|[A-Z]{2,}-?\d+"  # camel case, a ticket
    r"|[$€£#]?\d[\d,.:]*\d%?|[$€£#]\d+%?|\d+%"  # a number of two digits and more
    r")(?!\w)"
)
_WORD = re.compile(r"[^\W\d_]{4,}")


def find_names(text: str) -> tuple[str, ...]:
    """The paths, identifiers and numbers in a text, each once, in order."""
    return tuple(dict.fromkeys(match.rstrip(".,:") for match in _NAME.findall(text)))


def has_name(name: str, text: str) -> bool:
    """Whether the text has this name, not merely a longer one that holds it."""
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
            return True
        at = text.find(name, at + 1)
    return False


def find_words(text: str) -> frozenset[str]:
    """The words of four letters and more, lower case."""
    return frozenset(word.casefold() for word in _WORD.findall(text))
