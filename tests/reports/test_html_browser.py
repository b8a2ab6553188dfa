"""The report's page in a real browser: on a phone, on a desk, in the dark, on paper, no scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from browser import Page, find_browser, open_browser, open_page, run_browser
from made_reports import REPORTS

from koderz.reports.html import render_html

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
PROGRAM = find_browser()
PHONE, DESK, PAPER = 360, 1280, 794
RIGHT = {"unnamed", "unmarked", "outside", "overlaps", "small", "faint"}

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no chromium here (Debian: apt install chromium): the page is not seen"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One browser for all tests of this file."""
    assert PROGRAM
    with run_browser(PROGRAM, tmp_path_factory.mktemp("browser")) as address:
        yield address


BROKEN = """<!doctype html><body style="background: #111; color: #333">
<p style="width: 2000px; font-size: 9px">wide, small and faint</p><img src="http://127.0.0.1:9/">
<svg role="img" aria-labelledby="nothing" viewBox="0 0 99 99" width="99"><title>broken</title>
<text x="5" y="20">one text</text><text x="6" y="21">on another</text>
<line x1="90" x2="150" y1="5" y2="5"/></svg>"""


@pytest.fixture(params=REPORTS)
async def page(request: pytest.FixtureRequest, address: str, tmp_path: Path) -> AsyncIterator[Page]:
    """A report's page, opened from its file with scripts switched off."""
    file = tmp_path / "report.html"
    file.write_text(render_html(REPORTS[request.param]()), encoding="utf-8")
    async with (
        open_browser(address) as browser,
        open_page(browser, file.as_uri(), runs_scripts=False) as page,
    ):
        yield page


async def test_a_broken_page_is_seen_to_be_broken(address: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.html"
    file.write_text(BROKEN)
    async with open_browser(address) as browser, open_page(browser, file.as_uri()) as page:
        await page.show(width=PHONE)
        seen = await page.evaluate(MEASURE)
        assert all(seen[name] for name in RIGHT)
        assert seen["wider"] > 0
        assert len(page.requests) > 1
        assert page.problems


async def test_nothing_is_cut_off_small_faint_or_on_top_of_each_other(page: Page) -> None:
    for width, is_dark in ((PHONE, False), (DESK, False), (DESK, True)):
        await page.show(width=width, is_dark=is_dark)
        seen = await page.evaluate(MEASURE)
        assert {name: seen[name] for name in RIGHT} == {name: [] for name in RIGHT}, width
        assert seen["wider"] <= 0, width


@pytest.mark.parametrize("page", ["usual", "hostile"], indirect=True)
async def test_the_page_asks_for_nothing_and_reports_no_error(page: Page) -> None:
    await page.show(width=DESK)
    assert [address.rpartition("/")[2] for address in page.requests] == ["report.html"]
    assert page.problems == []


@pytest.mark.parametrize("page", ["usual", "crowded", "hostile"], indirect=True)
async def test_paper_shows_the_folded_tables_too(page: Page) -> None:
    await page.show(width=PAPER, is_print=True)
    folded = "[...document.querySelectorAll('details table')].filter((each) => !each.offsetHeight)"
    assert await page.evaluate(f"{folded}.length") == 0
    assert (await page.evaluate(MEASURE))["wider"] <= 0
    assert (await page.print_pdf()).startswith(b"%PDF")


@pytest.mark.parametrize("page", ["usual"], indirect=True)
async def test_all_plots_are_there_in_either_width(page: Page) -> None:
    for width in (PHONE, DESK):
        await page.show(width=width)
        assert (await page.evaluate(MEASURE))["plots"] == [
            "Cost against solved",
            "Cost per problem by tier",
            "Solved over iterations",
            "What checkpoints added",
            "What was not solved, by status",
            "Every problem",
        ]


@pytest.mark.parametrize("page", ["hostile"], indirect=True)
async def test_names_are_shown_as_they_are_and_make_no_element(page: Page) -> None:
    assert await page.evaluate("document.querySelectorAll('script, img, [onload]').length") == 0
    assert "<script>alert(1)</script>" in await page.evaluate("document.body.innerText")
