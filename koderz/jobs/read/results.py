"""What a large read gives back, and its text as a main model reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from koderz.extract.render import render_gap, render_line
from koderz.extract.spans import Gap
from koderz.jobs.results import JobResult, name_author


class ReadSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Original lines `start` to `end` (from 1, inclusive) of the file, joined with a line feed.

    `finding` is what a model says of them, in its own words; "" where it says nothing. Where
    `is_cut` the text is a piece of line `start` that begins at its character `column` (from 1).
    """

    start: int
    end: int
    text: str
    finding: str = ""
    column: int = 1
    is_cut: bool = False


class ReadResult(JobResult, frozen=True, kw_only=True):
    """The digest of a file and its receipt; the JSON of `koderz read --json` has these names.

    `spans` are original lines, `gaps` what was left out between them; `paraphrase` is a model's
    prose ("" where there is none). `tokens_in` is the whole file and `tokens_out` what `render`
    gives. `quotes_dropped` counts findings left out of accepted answers because their quotes stand
    nowhere. The rest is as in `JobResult`.
    """

    path: str
    question: str
    spans: tuple[ReadSpan, ...]
    gaps: tuple[Gap, ...]
    paraphrase: str
    quotes_dropped: int

    def render(self) -> str:
        """The digest as text: each original line behind its number, all else marked as such."""
        if self.engine == "passthrough":
            return self.spans[0].text
        return render_read(
            self.spans,
            self.gaps,
            paraphrase=self.paraphrase,
            author=name_author(self.model, is_simulated=self.simulated),
        )


def render_read(
    spans: Sequence[ReadSpan], gaps: Sequence[Gap], *, paraphrase: str, author: str
) -> str:
    """Spans and gaps in the file's order, findings below their lines, the paraphrase on top.

    Original lines stand behind their number and a colon (`120:`; a piece of a long one `120@4096:`
    with its first character's place); findings behind `^`; gaps in brackets.
    """
    top = render_paraphrase(paraphrase, author)
    parts: list[ReadSpan | Gap] = sorted((*spans, *gaps), key=_get_place)
    return "\n".join([*top, *(line for part in parts for line in _render_part(part))])


def render_paraphrase(paraphrase: str, author: str) -> list[str]:
    """The lines on top: whose words they are, the words, and a blank line."""
    return [f"paraphrase by {author}:", *paraphrase.split("\n"), ""] if paraphrase else []


def render_finding(finding: str) -> str:
    """A finding as it stands below its lines."""
    return f"^ {finding}"


def _get_place(part: ReadSpan | Gap) -> tuple[int, int]:
    return part.start, part.column if isinstance(part, ReadSpan) else 0


def _render_part(part: ReadSpan | Gap) -> Iterator[str]:
    if isinstance(part, Gap):
        yield render_gap(part.line_count)
        return
    for number, text in enumerate(part.text.split("\n"), start=part.start):
        yield render_line(number, text, part.column, is_cut=part.is_cut)
    if part.finding:
        yield render_finding(part.finding)
