"""The report's page as text: one file that needs nothing, whatever names are in it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_reports import HOSTILE, REPORTS, make_hostile, make_large, make_report, make_usual
from made_runs import make_observation, make_run

from koderz.reports.html import render_html
from koderz.reports.html_markup import build, clean_text, render

VOID = {"meta"}


class Reader(HTMLParser):
    """What a browser would take a page for."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.is_balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced = self.is_balanced and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_is_whole_and_needs_nothing_from_elsewhere(name: str) -> None:
    page = render_html(REPORTS[name]())
    reader = read(page)
    assert reader.is_balanced
    assert reader.open == []
    assert not {"script", "link", "img", "iframe", "base", "form", "object"} & set(reader.tags)
    names = Counter(name for name, _ in reader.attributes)
    assert not {"src", "href", "style", "srcset"} & set(names)
    assert not [each for each in names if each.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    policies = [value for name, value in reader.attributes if name == "content" and value]
    assert any(value.startswith("default-src 'none'; style-src") for value in policies)


@pytest.mark.parametrize("name", REPORTS)
def test_every_name_of_an_element_is_given_once_and_every_plot_is_told_in_words(name: str) -> None:
    reader = read(render_html(REPORTS[name]()))
    ids = Counter(value for key, value in reader.attributes if key == "id")
    assert [each for each, count in ids.items() if count > 1] == []
    described = [value for key, value in reader.attributes if key == "aria-labelledby" and value]
    assert all(part in ids for value in described for part in value.split())


def test_whatever_a_name_looks_like_it_is_text() -> None:
    plain = make_report(
        make_observation(str(name), f"{problem}/{name}", is_judged=problem != 1)
        for name in range(len(HOSTILE))
        for problem in range(4)
    )
    hostile = read(render_html(make_hostile()))
    assert set(hostile.tags) <= set(read(render_html(plain)).tags)
    for name in HOSTILE[:3]:
        assert name in "".join(hostile.texts)


def test_what_is_simulated_says_so_in_the_title_at_the_top_and_in_each_plot() -> None:
    page = render_html(make_usual())
    assert "<title>SIMULATED" in page
    assert page.index("SIMULATED: models of the simulator") < page.index("<h1>")
    assert page.count('class="stamp"') == page.count('role="img"')
    real = render_html(make_report(make_run(is_simulated=False)))
    assert "SIMULATED" not in real
    assert 'class="stamp"' not in real


def test_a_part_that_is_simulated_is_stamped_too() -> None:
    run = list(make_run(is_simulated=False))
    run[0] = msgspec.structs.replace(run[0], is_simulated=True)
    page = render_html(make_report(run))
    assert "SIMULATED IN PART" in page
    assert page.count('class="stamp"') == page.count('role="img"')


def test_every_figure_of_the_report_stands_in_a_table() -> None:
    text = "\n".join(read(render_html(make_usual())).texts)
    for each in make_usual().strategies:
        assert each.strategy in text
        assert each.solved_share
        assert f"{each.solved_share.value * 100:.0f}%" in text
        assert f"{each.tokens.input_tokens:,}" in text


def test_an_unknown_price_is_never_shown_as_nothing() -> None:
    cells = read(render_html(REPORTS["nothing known"]())).texts
    assert "unknown" in cells
    assert not {"$0", "$0.00", "$0.0000"} & set(cells)


def test_the_same_report_gives_the_same_page() -> None:
    assert render_html(make_usual()) == render_html(make_usual())


def test_pages_stay_small() -> None:
    assert len(render_html(make_usual()).encode()) < 300_000
    assert len(render_html(make_large()).encode()) < 2_000_000


def test_problems_stand_in_the_order_of_their_numbers() -> None:
    page = render_html(make_report(make_observation("one", f"p/{n}") for n in (10, 9, 2, 100)))
    table = page[page.index("Every problem, as a table") :]
    assert sorted((2, 9, 10, 100), key=lambda n: table.index(f"p/{n}<")) == [2, 9, 10, 100]


@given(st.text(), st.text())
def test_text_comes_out_of_an_element_as_it_went_in(content: str, attribute: str) -> None:
    page = render(build("p", content, build("b", content), content, title=attribute))
    reader = read(page)
    told = clean_text(content).replace("\r\n", "\n")
    assert "".join(reader.texts) == told * 3
    assert reader.attributes == [("title", clean_text(attribute))]
    assert reader.tags == {"p": 1, "b": 1}
    assert page.encode()
