"""The reduce of a large read: verified findings and extraction under one exact token budget.

No model takes part. Shares of the budget: a model's words take at most `PARAPHRASE_SHARE` and
`FINDINGS_SHARE`, the lines that its findings quote at most `QUOTED_SHARE`. The rest, and whatever
of these is not used, goes to the extraction's own choice of grave, rare and last lines, so that
what a model overlooks is not lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from koderz.extract import Digest, Gap, Span, Survey, build_digest
from koderz.extract.digest import LEAST_TOKENS
from koderz.jobs.read.chunks import ChunkAnswer
from koderz.jobs.read.findings import Finding
from koderz.jobs.read.ranking import choose_findings, rank_findings
from koderz.jobs.read.results import ReadSpan, render_finding, render_paraphrase, render_read
from koderz.tokens import count_tokens

PARAPHRASE_SHARE = 0.15
FINDINGS_SHARE = 0.2
QUOTED_SHARE = 0.5
CLIP_STEP = 0.85
FEWEST_WORDS = 4


class ReadDigest(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a read, within its budget: `tokens_out` is the exact count of its rendering."""

    spans: tuple[ReadSpan, ...]
    gaps: tuple[Gap, ...]
    paraphrase: str
    tokens_out: int


def build_read_digest(
    survey: Survey, budget_tokens: int, answers: Sequence[ChunkAnswer], *, author: str
) -> ReadDigest:
    """The most telling lines with the findings that stand, in at most `budget_tokens` tokens."""
    findings = choose_findings(
        rank_findings([answer.value for answer in answers if answer.value]),
        lines_tokens=int(budget_tokens * QUOTED_SHARE),
        prose_tokens=int(budget_tokens * FINDINGS_SHARE),
    )
    paraphrase = fit_paraphrase(answers, int(budget_tokens * PARAPHRASE_SHARE), author)
    room = budget_tokens - _count_prose(findings, paraphrase, author)
    while room >= LEAST_TOKENS:
        digest = _compose(survey, room, findings, paraphrase, author)
        if digest.tokens_out <= budget_tokens:
            return digest
        room -= digest.tokens_out - budget_tokens
    # Prose that leaves no room for original lines is not worth its place.
    return _compose(survey, budget_tokens, [], "", author)


def fit_paraphrase(answers: Sequence[ChunkAnswer], room_tokens: int, author: str) -> str:
    """The summaries of the chunks with most findings, a line each, in the file's order.

    "" where not even the beginning of one fits.
    """
    told = [each for each in answers if each.value and each.value.summary]
    kept: list[ChunkAnswer] = []
    for answer in sorted(told, key=_count_findings, reverse=True):
        trial = sorted([*kept, answer], key=lambda each: (each.part.start, each.part.column))
        if count_tokens(_render_summaries(trial, author)) <= room_tokens:
            kept = trial
    if kept or not told:
        return "\n".join(map(_describe, kept))
    return _clip(_describe(max(told, key=_count_findings)), room_tokens, author)


def _compose(
    survey: Survey, room_tokens: int, findings: Sequence[Finding], paraphrase: str, author: str
) -> ReadDigest:
    whole = [finding for finding in findings if not finding.is_cut]
    must_keep = [(finding.start, finding.end) for finding in whole]
    digest = build_digest(survey, room_tokens, must_keep=must_keep)
    spans = [part for span in digest.spans for part in _split(span, whole)]
    for finding in findings:
        if finding.is_cut:
            spans = _put_piece(spans, finding)
    spans.sort(key=lambda span: (span.start, span.column))
    gaps = _open_gaps(digest, {span.start for span in spans if span.is_cut})
    text = render_read(spans, gaps, paraphrase=paraphrase, author=author)
    return ReadDigest(
        spans=tuple(spans), gaps=gaps, paraphrase=paraphrase, tokens_out=count_tokens(text)
    )


def _split(span: Span, findings: Iterable[Finding]) -> list[ReadSpan]:
    """The span in parts, so that each finding has its own lines and no other's."""
    if span.is_cut:
        return [_to_read_span(span)]
    said = {
        number: finding for finding in findings for number in range(finding.start, finding.end + 1)
    }
    numbered = enumerate(span.lines, start=span.start)
    parts = []
    for finding, lines in groupby(numbered, key=lambda line: said.get(line[0])):
        numbers, texts = zip(*lines, strict=True)
        prose = finding.finding if finding else ""
        text = "\n".join(texts)
        parts.append(ReadSpan(start=numbers[0], end=numbers[-1], text=text, finding=prose))
    return parts


def _put_piece(spans: Sequence[ReadSpan], finding: Finding) -> list[ReadSpan]:
    """The spans with the piece of a long line that a finding quotes, unless it is there already."""
    for at, span in enumerate(spans):
        if span.start <= finding.start <= span.end and finding.excerpt in span.text:
            said = "; ".join(filter(None, (span.finding, finding.finding)))
            return [*spans[:at], msgspec.structs.replace(span, finding=said), *spans[at + 1 :]]
    piece = ReadSpan(
        start=finding.start,
        end=finding.start,
        text=finding.excerpt,
        finding=finding.finding,
        column=finding.column,
        is_cut=True,
    )
    return [*spans, piece]


def _open_gaps(digest: Digest, shown: Iterable[int]) -> tuple[Gap, ...]:
    """The digest's gaps without these lines, of which a piece is shown."""
    gaps = list(digest.gaps)
    for number in shown:
        gaps = [part for gap in gaps for part in _cut_gap(gap, number)]
    return tuple(gaps)


def _cut_gap(gap: Gap, number: int) -> list[Gap]:
    if not gap.start <= number <= gap.end:
        return [gap]
    parts = (Gap(start=gap.start, end=number - 1), Gap(start=number + 1, end=gap.end))
    return [part for part in parts if part.line_count > 0]


def _to_read_span(span: Span) -> ReadSpan:
    return ReadSpan(
        start=span.start, end=span.end, text=span.text, column=span.column, is_cut=span.is_cut
    )


def _count_prose(findings: Iterable[Finding], paraphrase: str, author: str) -> int:
    """Tokens that the model's words will take, as near as can be told before they are placed."""
    said = sum(count_tokens(render_finding(each.finding)) for each in findings if each.finding)
    return said + count_tokens("\n".join(render_paraphrase(paraphrase, author)))


def _count_findings(answer: ChunkAnswer) -> int:
    return len(answer.value.findings) if answer.value else 0


def _describe(answer: ChunkAnswer) -> str:
    chunk, summary = answer.part, answer.value.summary if answer.value else ""
    if chunk.is_cut:
        return f"line {chunk.start} from character {chunk.column}: {summary}"
    return f"lines {chunk.start}-{chunk.end}: {summary}"


def _render_summaries(answers: Sequence[ChunkAnswer], author: str) -> str:
    return "\n".join(render_paraphrase("\n".join(map(_describe, answers)), author))


def _clip(text: str, room_tokens: int, author: str) -> str:
    """The beginning of the text that fits, with an ellipsis; "" where it would say nothing."""
    words = text.split()
    while len(words) > FEWEST_WORDS:
        words = words[: int(len(words) * CLIP_STEP)]
        clipped = " ".join(words) + " …"
        if count_tokens("\n".join(render_paraphrase(clipped, author))) <= room_tokens:
            return clipped
    return ""
