"""Which findings of a read are kept: ranked, repeats left out, within shares of a budget."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from koderz.extract.render import render_line
from koderz.jobs.read.findings import ChunkReading, Finding, score_lines
from koderz.jobs.read.results import render_finding
from koderz.tokens import count_tokens

# Longer lines are shown as an excerpt around the quote.
LONGEST_LINE_CHARS = 1000
# One line may take this part of what all quoted lines may.
LONGEST_LINE_SHARE = 0.4
EXCERPT_STEP = 0.8
FEWEST_CHARS = 20

_DIGITS = re.compile(r"\d+")


def rank_findings(readings: Sequence[ChunkReading]) -> list[Finding]:
    """All findings: each chunk's first ones before any chunk's later ones, graver lines first.

    Findings on lines that differ only in their digits are repeats, of which the first stays;
    findings on overlapping lines become one.
    """
    ranked = sorted(
        ((rank, finding) for each in readings for rank, finding in enumerate(each.findings)),
        key=lambda item: (
            item[0],
            -score_lines(item[1].text.split("\n")),
            item[1].start,
            item[1].column,
        ),
    )
    kept: dict[str, Finding] = {}
    for _, finding in ranked:
        kept.setdefault(_DIGITS.sub("#", _get_shown(finding)), finding)
    return _join_overlapping(list(kept.values()))


def choose_findings(
    ranked: Sequence[Finding], *, lines_tokens: int, prose_tokens: int
) -> list[Finding]:
    """The findings whose lines fit `lines_tokens`; words beyond `prose_tokens` are left out."""
    longest_tokens = int(lines_tokens * LONGEST_LINE_SHARE)
    chosen: list[Finding] = []
    for finding in ranked:
        shown = _shorten(finding, longest_tokens)
        cost = _count_lines(shown)
        if cost > lines_tokens:
            continue
        said = count_tokens(render_finding(shown.finding))
        if said > prose_tokens:
            shown, said = msgspec.structs.replace(shown, finding=""), 0
        chosen.append(shown)
        lines_tokens, prose_tokens = lines_tokens - cost, prose_tokens - said
    return chosen


def _get_shown(finding: Finding) -> str:
    """The original text that the finding will be shown with."""
    return finding.excerpt if finding.is_cut else finding.text


def _join_overlapping(findings: Sequence[Finding]) -> list[Finding]:
    joined: list[Finding] = []
    for finding in findings:
        for at, other in enumerate(joined):
            if _overlaps(finding, other):
                joined[at] = _join(other, finding)
                break
        else:
            joined.append(finding)
    # What was joined has grown, and may reach another one now.
    return joined if len(joined) == len(findings) else _join_overlapping(joined)


def _overlaps(one: Finding, other: Finding) -> bool:
    if one.is_cut or other.is_cut:
        return False
    return one.start <= other.end and other.start <= one.end


def _join(one: Finding, other: Finding) -> Finding:
    """Two findings on overlapping lines as one on all of them."""
    lines = dict(enumerate(other.text.split("\n"), start=other.start))
    lines |= enumerate(one.text.split("\n"), start=one.start)
    first = min(one, other, key=lambda finding: finding.start)
    return msgspec.structs.replace(
        first,
        start=min(lines),
        end=max(lines),
        text="\n".join(lines[number] for number in sorted(lines)),
        finding="; ".join(dict.fromkeys(filter(None, (one.finding, other.finding)))),
    )


def _shorten(finding: Finding, longest_tokens: int) -> Finding:
    """The finding as it is, or cut to what fits around its quote where its lines are too long."""
    is_long = any(len(line) > LONGEST_LINE_CHARS for line in finding.text.split("\n"))
    if not (finding.is_cut or is_long) and _count_lines(finding) <= longest_tokens:
        return finding
    shown = msgspec.structs.replace(finding, is_cut=True)
    while len(shown.excerpt) > FEWEST_CHARS and _count_lines(shown) > longest_tokens:
        shown = _narrow(shown, int(len(shown.excerpt) * EXCERPT_STEP))
    return shown


def _narrow(finding: Finding, chars: int) -> Finding:
    """The finding with an excerpt of so many characters, its quote's beginning still in it."""
    begin = max(min(finding.focus - chars // 4, len(finding.excerpt) - chars), 0)
    return msgspec.structs.replace(
        finding,
        excerpt=finding.excerpt[begin : begin + chars],
        column=finding.column + begin,
        focus=finding.focus - begin,
    )


def _count_lines(finding: Finding) -> int:
    if finding.is_cut:
        return count_tokens(
            render_line(finding.start, finding.excerpt, finding.column, is_cut=True)
        )
    numbered = enumerate(finding.text.split("\n"), start=finding.start)
    return count_tokens("\n".join(render_line(number, line) for number, line in numbered))
