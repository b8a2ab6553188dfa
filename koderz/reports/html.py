"""A report as one HTML file that needs nothing else: no network, no script, no font."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final
from xml.etree.ElementTree import Element

from koderz.reports.contents import get_title, list_facts
from koderz.reports.html_figures import STAMP
from koderz.reports.html_markup import build, render
from koderz.reports.html_sections import list_sections
from koderz.reports.values import RunReport

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def render_html(report: RunReport) -> str:
    """The page: readable on a phone, on paper, in the dark, and without its pictures.

    Everything that a report holds is shown as text, whatever it looks like.
    """
    title = get_title(report)
    head = build(
        "head",
        build("meta", charset="utf-8"),
        build("meta", http_equiv="Content-Security-Policy", content=POLICY),
        build("meta", name="viewport", content="width=device-width, initial-scale=1"),
        build("meta", name="referrer", content="no-referrer"),
        build("title", f"{STAMP}: {title}" if report.is_simulated else title),
        build("style", _load_style()),
    )
    body = build("body", _build_header(report), build("main", *list_sections(report)))
    return f"<!doctype html>\n{render(build('html', head, body, lang='en'))}\n"


@cache
def _load_style() -> str:
    return resources.files("koderz.reports").joinpath("html_page.css").read_text("utf-8")


def _build_header(report: RunReport) -> Element:
    """Warnings, what was run, what came out of it, and what a reader has to know."""
    facts, *notes = list_facts(report)
    verdicts = (build("p", each.verdict) for each in report.comparisons)
    return build(
        "header",
        *(build("p", stamp, class_="stamped", role="note") for stamp in report.stamps),
        build("h1", get_title(report)),
        build("p", facts, class_="facts"),
        build("div", *verdicts, class_="summary"),
        build("ul", *(build("li", each) for each in notes), class_="note") if notes else None,
    )
