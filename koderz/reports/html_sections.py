"""The sections of a report's page: a plot, how to read it, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from koderz.reports import detail_tables as details
from koderz.reports import html_figures as figures
from koderz.reports import main_tables as mains
from koderz.reports.html_markup import Content, build
from koderz.reports.html_problems import build_problems
from koderz.reports.html_tables import render_table
from koderz.reports.tables import Table
from koderz.reports.values import RunReport
from koderz.reports.words import count


def list_sections(report: RunReport) -> Iterator[Element]:
    """The sections that this report has something for, in their order."""
    yield _build_costs(report)
    if report.comparisons:
        yield _build_comparisons(report)
    yield _build_tiers(report)
    if plots := figures.draw_solving(report):
        table = details.build_solving(report)
        notes = [*_list_solving_notes(), _tell_judged(report)]
        yield _build_figure("Solved over iterations", plots, notes, _fold(report, table))
    if plots := figures.draw_checkpoints(report):
        table = details.build_gains(report)
        notes = [*table.notes, *_list_checkpoint_notes(report)]
        yield _build_figure("What checkpoints added", plots, notes, _fold(report, table))
    if plots := figures.draw_failures(report):
        table = details.build_endings(report)
        notes = [
            "By the verdict on the program that was judged: the best by the feedback tests.",
            *table.notes,
        ]
        yield _build_figure("What was not solved", plots, notes, _fold(report, table))
    if plots := figures.draw_problems(report):
        table = build_problems(report)
        notes = list(_list_problem_notes(report))
        yield _build_figure("Every problem", plots, notes, _fold(report, table))
    yield _build_methods(report)


def _build_costs(report: RunReport) -> Element:
    notes = [
        "Up and to the left is better. Bars are 95% intervals.",
        "The dashed line, the front, joins the strategies that no other beats.",
        _tell_judged(report),
    ]
    solved, costs = mains.build_solved(report), mains.build_costs(report)
    plots = figures.draw_costs(report)
    tables = (_show(report, solved), _show(report, costs))
    return _build_figure("Cost against solved", plots, notes, *tables)


def _build_comparisons(report: RunReport) -> Element:
    table, others = mains.build_against(report), mains.build_others(report)
    methods = [report.methods[name] for name in ("p", "costs and differences")]
    return build(
        "section",
        build("h2", f"Each strategy against {report.control}"),
        render_table(table, _list_names(report)),
        # The verdicts stand in the summary already.
        _list_notes([*table.notes[len(report.comparisons) :], *methods]),
        _fold(report, others, _list_notes(others.notes)),
    )


def _build_tiers(report: RunReport) -> Element:
    notes = ["What each tier of models cost, as far as prices are known.", _tell_judged(report)]
    tokens, tiers = details.build_tokens(report), details.build_tiers(report)
    tables = (_show(report, tokens), _fold(report, tiers))
    return _build_figure("What it took", figures.draw_tiers(report), notes, *tables)


def _build_methods(report: RunReport) -> Element:
    """How each figure was made, for whoever wants to make it again."""
    content: list[Content] = []
    for name, method in report.methods.items():
        content += [build("dt", name), build("dd", method)]
    return build("section", build("h2", "How the figures were made"), build("dl", *content))


def _build_figure(
    title: str, plots: Sequence[Element], notes: Iterable[str], *numbers: Element | None
) -> Element:
    """A section: the plot, where there is one, with words beside it and numbers below."""
    caption = build("figcaption", *(build("p", note) for note in notes))
    figure = build("figure", build("div", *plots), caption) if plots else None
    return build("section", build("h2", title), figure, *numbers)


def _show(report: RunReport, table: Table) -> Element:
    """A table under its title, with what belongs below it."""
    shown = render_table(table, _list_names(report))
    return build("div", build("h3", table.title), shown, _list_notes(table.notes))


def _fold(report: RunReport, table: Table, *more: Element | None) -> Element | None:
    """A table that opens on a click and is open on paper; None where it would be empty."""
    if not table.rows:
        return None
    shown = render_table(table, _list_names(report))
    return build("details", build("summary", f"{table.title}, as a table"), shown, *more)


def _list_notes(notes: Iterable[str]) -> Element:
    return build("div", *(build("p", note) for note in notes), class_="note")


def _list_names(report: RunReport) -> list[str]:
    return [each.strategy for each in report.strategies]


def _list_solving_notes() -> Iterator[str]:
    yield "The share solved by a program of so many iterations or fewer; problems weigh the same."
    yield "Bands and bars are 95% intervals; dots go on where a strategy tried no more."


def _list_checkpoint_notes(report: RunReport) -> Iterator[str]:
    reviews = sum(gain.reviews for each in report.strategies for gain in each.gains)
    yield "The circle is before, the arrowhead next, the end of the thin line the best."
    yield "The number is the change from before to next, in percentage points."
    yield f"Means over {count(reviews, 'checkpoint')} that an iteration followed."
    if any(len(each.gains) > figures.SHOWN_CHECKPOINTS for each in report.strategies):
        yield f"Drawn are the first {figures.SHOWN_CHECKPOINTS}; the table has them all."


def _list_problem_notes(report: RunReport) -> Iterator[str]:
    yield "A cell a problem, in the order of their names, the same in every strip."
    if report.subject.samples > 1:
        yield (
            f"Each fills from below with the share of its {report.subject.samples} samples that "
            "were solved."
        )


def _tell_judged(report: RunReport) -> str:
    judged = sum(each.judged for each in report.strategies)
    asked = sum(each.experiments for each in report.strategies)
    problems = max((each.problems for each in report.strategies), default=0)
    told = f"{judged:,} of {count(asked, 'experiment')} judged"
    return f"{told}, on {count(problems, 'problem')}."
