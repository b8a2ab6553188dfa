"""A report in other forms: Markdown, CSV and JSON, each stamped where models were simulated."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from koderz.reports.contents import get_title, list_facts, list_tables
from koderz.reports.observations import Observation
from koderz.reports.tables import Table
from koderz.reports.values import RunReport
from koderz.types import Tier

_JSON: Final = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
_MARKS: Final = re.compile(r"([\\`*_\[\]<>|#])")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection")."""


def render_json(report: RunReport) -> str:
    """Everything that the report holds as one JSON object; money is a number of USD."""
    return msgspec.json.format(_JSON.encode(build_document(report)), indent=2).decode() + "\n"


def build_document(report: RunReport) -> dict[str, Any]:
    """The JSON object's fields; observations say how they ended and what they cost, too."""
    fields = {name: getattr(report, name) for name in report.__struct_fields__}
    observations = [
        {
            **{name: getattr(each, name) for name in each.__struct_fields__},
            "ending": each.ending,
            "cost_usd": each.cost_usd,
        }
        for each in report.observations
    ]
    return {**fields, "observations": observations}


def render_csv(report: RunReport) -> str:
    """A row an experiment, under the names that `build_row` gives; empty is unknown or none."""
    rows = [build_row(report, each) for each in report.observations]
    text = io.StringIO()
    columns = list(rows[0]) if rows else []
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: _defuse(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def build_row(report: RunReport, observation: Observation) -> dict[str, Any]:
    """An experiment's figures by column; money is USD, times are seconds."""
    tiers = {part.tier: part.sum for part in observation.tiers}
    return {
        "is_simulated": _tell(observation.is_simulated),
        "run": report.subject.run,
        "dataset": report.subject.dataset,
        "strategy": observation.strategy,
        "problem": observation.problem,
        "sample": observation.sample,
        "ending": observation.ending,
        "is_solved": _tell(observation.is_solved) if observation.is_judged else "",
        "is_feedback_solved": _tell(observation.is_feedback_solved),
        "is_held_back": _tell(observation.is_held_back),
        "status": observation.status,
        "reason": observation.reason,
        "iterations": observation.iterations,
        "checkpoints": observation.checkpoints,
        "solved_after": observation.solved_after,
        "judged": observation.judged,
        "cost_usd": observation.cost_usd,
        "known_cost_usd": observation.cost.cost_usd,
        "unknown_calls": observation.cost.unknown_calls,
        "calls": observation.cost.calls,
        **{f"{tier}_calls": tiers[tier].calls if tier in tiers else 0 for tier in Tier},
        **{f"{tier}_usd": tiers[tier].cost_usd if tier in tiers else 0 for tier in Tier},
        "estimate_usd": observation.estimate_usd,
        "input_tokens": observation.tokens.input_tokens,
        "cache_read_tokens": observation.tokens.cache_read_tokens,
        "cache_write_tokens": observation.tokens.cache_write_tokens,
        "output_tokens": observation.tokens.output_tokens,
        "reasoning_tokens": observation.tokens.reasoning_tokens,
        "model_s": round(observation.model_s, 3),
        "wall_s": round(observation.wall_s, 3),
        "started_at": observation.started_at.isoformat() if observation.started_at else "",
        "isolation": observation.isolation,
        "plan": observation.plan,
    }


def render_markdown(report: RunReport) -> str:
    """The report as Markdown, its stamps first."""
    return "\n".join(_list_lines(report)) + "\n"


def _list_lines(report: RunReport) -> Iterator[str]:
    for stamp in report.stamps:
        yield f"**{_escape(stamp)}**"
        yield ""
    yield f"# {_escape(get_title(report))}"
    yield ""
    yield from (f"- {_escape(fact)}" for fact in list_facts(report))
    for table in list_tables(report):
        yield ""
        yield from _list_table_lines(table)
    yield ""
    yield "## How the figures were made"
    yield ""
    yield from (f"- {_escape(name)}: {_escape(method)}" for name, method in report.methods.items())


def _list_table_lines(table: Table) -> Iterator[str]:
    yield f"## {_escape(table.title)}"
    yield ""
    yield _join(table.columns)
    yield _join(["---", *("---:" for _ in table.columns[1:])], is_escaped=True)
    yield from map(_join, table.rows)
    if table.notes:
        yield ""
        yield from (f"- {_escape(note)}" for note in table.notes)


def _join(cells: Iterator[str] | tuple[str, ...] | list[str], *, is_escaped: bool = False) -> str:
    return f"| {' | '.join(cell if is_escaped else _escape(cell) for cell in cells)} |"


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _defuse(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before what might be."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _tell(holds: bool) -> str:
    return "true" if holds else "false"
