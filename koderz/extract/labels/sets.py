"""The set of labels: read from one line, and held to what a set of labels is."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from koderz.errors import JobError


def parse_labels(line: str) -> tuple[str, ...]:
    """The labels of a line of CSV: `a,b,"one, with a comma"`.

    Raises:
        JobError: it is no CSV, or the labels are no set (see `check_labels`).
    """
    try:
        rows = list(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise JobError(
            f'labels {line!r} cannot be read ({error}): quote one with a comma, as in a,"b, c"'
        ) from None
    labels = tuple(label.strip() for label in rows[0]) if rows else ()
    if not any(labels):
        labels = ()
    check_labels(labels)
    return labels


def check_labels(labels: Sequence[str]) -> None:
    """Raise JobError unless these are labels, each of one line and there once."""
    if not labels:
        raise JobError("the set of labels is empty: name them, as in --labels a,b,c")
    if not all(label.strip() for label in labels):
        raise JobError("a label is empty: is there a comma too many?")
    if long := next((label for label in labels if not label.isprintable()), None):
        raise JobError(f"the label {long!r} has a line break or another control character")
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise JobError(f"the label {label!r} stands {count} times among the labels: name it once")


def say_strange(label: str, labels: Sequence[str]) -> str:
    """That a label is none of the set, with the one that may be meant."""
    close = get_close_matches(label, labels, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    return f"the label {label!r} is none of the {len(labels)} in the set{hint}"
