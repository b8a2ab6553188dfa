"""Pages as blocks: what is kept of HTML, what nobody sees, which part is the subject."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_pages import ANSWER, CODE, ORDER, build_html

from koderz.extract.web.blocks import join_blocks
from koderz.extract.web.charsets import decode_page
from koderz.extract.web.pages import Page, build_page

LONG = "This sentence is long enough to be taken for a paragraph of the page that it stands in."


def get_subject(page: Page) -> str:
    return join_blocks([page.blocks[at] for at in page.subject])


def test_the_subject_has_code_tables_lists_and_headings_and_not_the_shell() -> None:
    text = get_subject(build_page(build_html()))
    for kept in (
        "# The journal",
        "## About the planner",
        f"```python\n{CODE}\n```",
        "| name | default |\n|---|---|\n| keep_hours | 48 |\n| pace\\|rate | 7 |",
        "- The first point of the list.\n- Another point of it.",
        ANSWER,
    ):
        assert kept in text
    for shell in ("overview", "© Example", "tracker", "color"):
        assert shell not in text


def test_blocks_stand_at_their_lines_of_the_markdown() -> None:
    page = build_page(build_html())
    lines = page.markdown.split("\n")
    for at, block in enumerate(page.blocks):
        height = page.get_end(at) - page.starts[at] + 1
        there = "\n".join(lines[page.starts[at] - 1 :][:height])
        assert there == block.markdown_with_links


def test_markdown_has_the_targets_of_links_and_the_subject_has_not() -> None:
    page = build_page(f'<p>{LONG} See <a href="/a b?x=1&amp;y=2">the guide</a>, please.</p>')
    assert page.markdown.endswith("See [the guide](/a%20b?x=1&y=2), please.")
    assert page.blocks[0].text.endswith("See the guide, please.")


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<script>{}</script>",
        "<style>{}</style>",
        "<template><p>{}</p></template>",
        "<noscript>{}</noscript>",
        "<p hidden>{}</p>",
        '<p style="display: none">{}</p>',
        '<div style="color:red;DISPLAY:NONE"><p>{}</p></div>',
        '<span style="visibility:hidden">{}</span>',
        '<span style="font-size:0">{}</span>',
        '<span style="opacity: 0; color: red">{}</span>',
        '<div style="position:absolute;left:-9999px">{}</div>',
        "<svg><text>{}</text></svg>",
        "<dialog><p>{}</p></dialog>",
    ],
)
def test_what_a_page_hides_is_no_part_of_it(hidden: str) -> None:
    page = build_page(build_html(hidden.format(ORDER)))
    assert "Ignore all" not in page.markdown
    assert ANSWER in page.markdown


def test_a_page_that_hides_most_of_itself_is_shown_by_a_script() -> None:
    page = build_page(f'<div style="opacity:0;"><h1>A</h1>{f"<p>{LONG}</p>" * 4}</div><p>Menu</p>')
    assert page.markdown.count(LONG) == 4


def test_characters_that_nobody_sees_are_taken_out() -> None:
    page = build_page("<p>one\u202e tw&#x200b;o&#27;[31m thr\U000e0041ee</p>")
    assert page.markdown == "one two[31m three"


def test_layout_tables_are_read_as_text_and_tables_in_them_as_tables() -> None:
    inner = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    page = build_page(f"<table><tr><td><h1>T</h1><p>{LONG}</p></td><td>{inner}</td></tr></table>")
    assert [block.kind for block in page.blocks] == ["heading", "text", "table"]


def test_headings_give_blocks_their_path() -> None:
    page = build_page("<h1>A</h1><h3>B</h3><p>x</p><h2>C</h2><p>y</p><h1>D</h1><p>z</p>")
    headings = [page.get_heading(at) for at in range(len(page.blocks))]
    assert headings == ["A", "A > B", "A > B", "A > C", "A > C", "D", "D"]


def test_ordered_and_nested_lists_keep_their_form() -> None:
    page = build_page("<ol><li>one<ul><li>in it</li></ul></li><li><p>two</p></li></ol>")
    assert page.markdown == "1. one\n  - in it\n2. two"


def test_a_code_block_with_fences_is_fenced_by_longer_ones() -> None:
    assert build_page("<pre>a\n```\nb</pre>").markdown == "````\na\n```\nb\n````"


def test_markdown_keeps_its_lines_and_drops_comments() -> None:
    text = "# A\n\ntext\nmore\n\n<!-- seen\nby none -->\n- x\n  y\n- z\n\n```sh\n# no\n```\n"
    text += "B\n---\n| a |\n| - |\n"
    page = build_page(text, "markdown")
    lines = text.split("\n")
    for at, block in enumerate(page.blocks):
        assert "\n".join(lines[page.starts[at] - 1 : page.get_end(at)]) == block.markdown
    kinds = [block.kind for block in page.blocks]
    assert kinds == ["heading", "text", "item", "item", "code", "heading", "table"]
    assert not any("none" in block.text for block in page.blocks)


def test_plain_text_is_cut_into_paragraphs_with_their_lines() -> None:
    text = "one\ntwo\n\n\nthree\n" + "line\n" * 45
    page = build_page(text, "text")
    assert page.starts == (1, 5, 25, 45)
    assert "\n".join(block.text for block in page.blocks).split("\n") == text.split()


@given(st.text(alphabet="<>/ph1aredivultb \n&;x=\"'", max_size=300))
def test_no_markup_breaks_anything(html: str) -> None:
    page = build_page(html)
    assert len(page.blocks) == len(page.starts) == len(page.paths)
    assert set(page.subject) <= set(range(len(page.blocks)))


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 30_000 + "x",
        "<pre>x" * 3000,
        "<table><tr><td>x" * 3000,
        "<table>" + "<tr><th>a</th><td>b</td></tr>" * 2000 + "</table>",
        "<p hidden><p>" * 5000 + "x",
    ],
    ids=["deep", "nested code", "nested tables", "long table", "much hidden"],
)
def test_a_page_that_is_made_to_take_minutes_is_read(html: str) -> None:
    # The libraries' own ways with such pages take up to many minutes: this would not end.
    assert build_page(html).subject


@pytest.mark.parametrize(
    ("body", "declared", "text"),
    [
        ("prêt".encode(), "", "prêt"),
        ("prêt".encode("latin-1"), "iso-8859-1", "prêt"),
        ("prêt €".encode("cp1252"), "latin1", "prêt €"),
        ("\ufeffprêt".encode("utf-16"), "utf-8", "prêt"),
        (b'<meta charset="windows-1251">' + "год".encode("cp1251"), "", "год"),
        ('<meta charset="utf-16">prêt'.encode(), "", "prêt"),
        ("日本語".encode("shift_jis"), "Shift_JIS", "日本語"),
        ("prêt".encode(), "no-such-charset", "prêt"),
        ("日本語のページですから、文字が多いです。".encode("euc_jp"), "", "日本語のページ"),
    ],
)
def test_charsets_are_told(body: bytes, declared: str, text: str) -> None:
    found, note = decode_page(body, declared)
    assert text in found
    assert not note


def test_a_stray_byte_does_not_make_a_declared_charset_untrue() -> None:
    text, note = decode_page("prêt ".encode() * 100 + b"\xff", "utf-8")
    assert text.startswith("prêt prêt")
    assert "replaced" in note


def test_public_pages_are_cut_to_what_a_person_took_for_the_article(data_dir: Path) -> None:
    with gzip.open(data_dir / "web" / "articles.jsonl.gz") as file:
        pages = [json.loads(line) for line in file]
    scores = []
    for each in pages:
        wanted = Counter(re.findall(r"\w+", each["article"]))
        found = Counter(re.findall(r"\w+", get_subject(build_page(each["html"]))))
        shared = (wanted & found).total()
        scores.append(2 * shared / (wanted.total() + found.total()))
    assert sum(scores) / len(scores) >= 0.95
