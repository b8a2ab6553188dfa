"""The reduce keeps every budget exactly, every line original, and every finding at its lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.extract import Survey, load_lines, load_survey
from koderz.jobs.read.chunks import ChunkAnswer
from koderz.jobs.read.digests import ReadDigest, build_read_digest
from koderz.jobs.read.findings import ChunkReading, Finding
from koderz.jobs.read.ranking import choose_findings, rank_findings
from koderz.jobs.read.results import render_read
from koderz.tokens import count_tokens

LINE_COUNT = 400
LONG_LINE = 333
LINES = [
    f"{n % 24:02d}:{n % 60:02d} INFO worker {n} took job {n * 7919 % 4096}" for n in range(400)
]
LINES[120] = "ERROR: cannot open /etc/app.conf"
LINES[121] = "  caused by: permission denied"
LINES[LONG_LINE - 1] = '{"a":' + "1," * 900 + '"fatal": "here", ' + "2," * 900 + "}"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    path = tmp_path_factory.mktemp("log") / "app.log"
    path.write_text("\n".join(LINES) + "\n")
    return load_survey(path, "why?")


def build_finding(start: int, end: int | None = None, prose: str = "It broke.") -> Finding:
    end = end or start
    lines = LINES[start - 1 : end]
    text, excerpt = "\n".join(lines), lines[0][:100]
    return Finding(start=start, end=end, text=text, finding=prose, column=1, excerpt=excerpt)


def build_answer(
    survey: Survey, *findings: Finding, summary: str = "It went wrong.", lines: tuple[int, int]
) -> ChunkAnswer:
    reading = ChunkReading(findings=findings, summary=summary)
    return ChunkAnswer(part=load_lines(survey, *lines), value=reading, attempts=())


def reduce(survey: Survey, budget: int, *answers: ChunkAnswer) -> ReadDigest:
    return build_read_digest(survey, budget, answers, author="m")


def render(digest: ReadDigest) -> str:
    return render_read(digest.spans, digest.gaps, paraphrase=digest.paraphrase, author="m")


def check_places(digest: ReadDigest) -> None:
    """Every line is the file's own, and every line is either shown or stated as a gap."""
    shown = set()
    for span in digest.spans:
        lines = "\n".join(LINES[span.start - 1 : span.end])
        begin = span.column - 1 if span.is_cut else 0
        assert lines[begin:].startswith(span.text) if span.is_cut else lines == span.text
        shown |= set(range(span.start, span.end + 1))
    left_out = [number for gap in digest.gaps for number in range(gap.start, gap.end + 1)]
    assert sorted([*shown, *left_out]) == list(range(1, LINE_COUNT + 1))


findings_of_lines = st.lists(
    st.builds(
        lambda start, length, prose: build_finding(start, min(start + length, LINE_COUNT), prose),
        st.integers(1, LINE_COUNT),
        st.integers(0, 6),
        st.text(st.characters(categories=["L", "Zs"]), max_size=200),
    ),
    max_size=12,
)


def test_no_budget_is_ever_passed(survey: Survey) -> None:
    @settings(max_examples=60, deadline=None)
    @given(budget=st.integers(20, 1500), found=findings_of_lines, summary=st.text(max_size=300))
    def check(budget: int, found: list[Finding], summary: str) -> None:
        answer = build_answer(survey, *found, summary=" ".join(summary.split()), lines=(1, 400))
        digest = reduce(survey, budget, answer)
        assert digest.tokens_out == count_tokens(render(digest)) <= budget
        check_places(digest)

    check()


def test_a_finding_stands_at_its_lines_and_at_no_others(survey: Survey) -> None:
    finding = build_finding(121, 122, "The file may not be read.")
    digest = reduce(survey, 600, build_answer(survey, finding, lines=(1, 400)))
    said = [span for span in digest.spans if span.finding]
    assert [(span.start, span.end, span.finding) for span in said] == [
        (121, 122, "The file may not be read.")
    ]
    text = render(digest)
    assert "121:ERROR: cannot open /etc/app.conf\n122:" in text
    assert "permission denied\n^ The file may not be read.\n" in text


def test_prose_stands_on_top_under_its_authors_name(survey: Survey) -> None:
    answer = build_answer(survey, build_finding(121), summary="It may not read.", lines=(100, 150))
    text = render(reduce(survey, 600, answer))
    assert text.startswith("paraphrase by m:\nlines 100-150: It may not read.\n\n")


def test_the_chunk_with_most_findings_is_summed_up_first(survey: Survey) -> None:
    calm = build_answer(survey, summary="calm " * 12, lines=(1, 100))
    grave = build_answer(survey, build_finding(121), summary="grave " * 12, lines=(101, 200))
    paraphrase = reduce(survey, 250, calm, grave).paraphrase
    assert paraphrase.startswith("lines 101-200: grave")
    assert "calm" not in paraphrase


def test_what_the_model_overlooked_and_the_tail_stay(survey: Survey) -> None:
    found = [build_finding(number, prose="fine " * 30) for number in range(1, 60)]
    digest = reduce(survey, 500, build_answer(survey, *found, lines=(1, 400)))
    shown = {number for span in digest.spans for number in range(span.start, span.end + 1)}
    assert {121, LINE_COUNT} <= shown


def test_of_a_long_line_the_quoted_piece_is_shown(survey: Survey) -> None:
    line = LINES[LONG_LINE - 1]
    at = line.index('"fatal"')
    finding = Finding(
        start=LONG_LINE,
        end=LONG_LINE,
        text=line,
        finding="Here.",
        column=at + 1,
        excerpt=line[at : at + 80],
    )
    digest = reduce(survey, 400, build_answer(survey, finding, lines=(300, 400)))
    check_places(digest)
    (span,) = [span for span in digest.spans if span.finding]
    assert span.is_cut
    assert '"fatal": "here"' in span.text


def test_without_findings_it_is_the_extraction_alone(survey: Survey) -> None:
    digest = reduce(survey, 300)
    assert digest.paraphrase == ""
    assert not any(span.finding for span in digest.spans)
    assert digest.tokens_out <= 300


def test_first_findings_come_first_and_graver_ones_before_others() -> None:
    one = ChunkReading(findings=(build_finding(10), build_finding(122)), summary="")
    two = ChunkReading(findings=(build_finding(121, prose="a"),), summary="")
    assert [finding.start for finding in rank_findings([one, two])] == [121, 10, 122]


def test_repeats_are_left_out_and_overlapping_findings_become_one() -> None:
    again = build_finding(300, prose="the same with other digits")
    three = [build_finding(120, 122, "a"), build_finding(119, 121, "b"), build_finding(250)]
    ranked = rank_findings([ChunkReading(findings=(*three, again), summary="")])
    places = [(finding.start, finding.end, finding.finding) for finding in ranked]
    assert places == [(119, 122, "a; b"), (250, 250, "It broke.")]
    assert ranked[0].text == "\n".join(LINES[118:122])


def test_lines_and_words_have_shares_of_their_own() -> None:
    ranked = [build_finding(number, prose="word " * 20) for number in range(100, 140)]
    chosen = choose_findings(ranked, lines_tokens=200, prose_tokens=70)
    assert chosen[0] == ranked[0]
    assert sum(count_tokens(f"{each.start}:{each.text}") for each in chosen) <= 200
    said = [finding.finding for finding in chosen if finding.finding]
    assert 0 < sum(count_tokens(f"^ {prose}") for prose in said) <= 70
    assert len(said) < len(chosen) < len(ranked)


def test_an_excerpt_is_narrowed_around_its_quote_until_it_fits() -> None:
    line = LINES[LONG_LINE - 1]
    at = line.index('"fatal"')
    begin = at - 300
    wide = Finding(
        start=LONG_LINE,
        end=LONG_LINE,
        text=line,
        finding="",
        column=begin + 1,
        excerpt=line[begin : begin + 600],
        focus=300,
    )
    (narrow,) = choose_findings([wide], lines_tokens=100, prose_tokens=0)
    assert narrow.is_cut
    assert line[narrow.column - 1 :].startswith(narrow.excerpt)
    assert narrow.excerpt[narrow.focus :].startswith('"fatal"')
    assert count_tokens(narrow.excerpt) <= 40
