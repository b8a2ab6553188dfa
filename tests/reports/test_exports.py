"""The report's other forms: read back, stamped, and harmless in a spreadsheet or a page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from made_runs import RECIPES, SUBJECT, make_observation, make_run

from koderz.commands.run_reports import FORMS, check_out, publish_report, render
from koderz.errors import ConfigError, StoreError
from koderz.reports.building import build_report
from koderz.reports.contents import list_tables
from koderz.reports.exports import render_csv, render_json, render_markdown
from koderz.reports.observations import Observation
from koderz.reports.values import RunReport

NAMES = st.text(min_size=1, max_size=12)


@pytest.fixture(scope="module")
def made() -> RunReport:
    return build_report(make_run(), SUBJECT, strategies=list(RECIPES), resamples=300)


def report_on(*observations: Observation) -> RunReport:
    return build_report(observations, SUBJECT, resamples=50)


def read_csv(report: RunReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(report), newline="")))


def test_the_csv_has_a_row_an_experiment_and_adds_up(made: RunReport) -> None:
    rows = read_csv(made)
    assert len(rows) == len(made.observations) == 240
    assert {row["is_simulated"] for row in rows} == {"true"}
    for strategy in made.strategies:
        mine = [row for row in rows if row["strategy"] == strategy.strategy]
        assert sum(row["is_solved"] == "true" for row in mine) == strategy.solved
        assert sum(Decimal(row["cost_usd"]) for row in mine) == strategy.cost.cost_usd
        assert sum(int(row["output_tokens"]) for row in mine) == strategy.tokens.output_tokens
    stopped = [row for row in rows if row["ending"] == "stopped"]
    assert [(row["is_solved"], row["reason"]) for row in stopped] == [("", "broken off")]


def test_an_unknown_price_is_an_empty_cell_and_null() -> None:
    report = report_on(make_observation(cost_usd=None))
    (row,) = read_csv(report)
    assert (row["cost_usd"], row["known_cost_usd"], row["unknown_calls"]) == ("", "0", "1")
    (observation,) = json.loads(render_json(report))["observations"]
    assert observation["cost_usd"] is None


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@cmd", "\t=1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(name: str) -> None:
    (row,) = read_csv(report_on(make_observation(name, name, reason=name, status=name)))
    assert [row[key] for key in ("strategy", "problem", "status")] == [f"'{name}"] * 3


@given(NAMES, NAMES)
@profile(max_examples=30)
def test_whatever_a_strategy_is_called_every_form_holds_it(name: str, problem: str) -> None:
    report = report_on(make_observation(name, problem), make_observation("other", problem))
    assert len(read_csv(report)) == 2
    named = {each["strategy"] for each in json.loads(render_json(report))["strategies"]}
    assert named == {name, "other"}
    assert render_markdown(report)


def test_the_json_holds_everything(made: RunReport) -> None:
    document = json.loads(render_json(made))
    assert set(made.__struct_fields__) == set(document)
    assert document["is_simulated"] is True
    assert document["strategies"][1]["cost_per_problem"]["usd"] == pytest.approx(0.007277)
    endings = {each["ending"] for each in document["observations"]}
    assert endings == {"solved", "unsolved", "stopped"}


@pytest.mark.parametrize("form", [render_markdown, render_json, render_csv])
def test_every_form_says_that_models_were_simulated(
    made: RunReport, form: Callable[[RunReport], str]
) -> None:
    real = build_report(make_run(is_simulated=False), SUBJECT, resamples=50)
    assert "SIMULATED" in form(made) or '"true"' in form(made) or "\ntrue," in form(made)
    assert "SIMULATED" not in form(real)
    assert "\ntrue,20260131" not in form(real)


def test_the_markdown_is_stamped_first_and_holds_every_table(made: RunReport) -> None:
    lines = render_markdown(made).splitlines()
    assert lines[0].startswith("**SIMULATED: ")
    for table in list_tables(made):
        place = lines.index(f"## {table.title}")
        head, rule, *rows = lines[place + 2 : place + 4 + len(table.rows)]
        assert head.count("|") == rule.count("|") == len(table.columns) + 1
        assert all(row.replace("\\|", "").count("|") == len(table.columns) + 1 for row in rows)


def test_markdown_is_not_taken_for_markup() -> None:
    report = report_on(make_observation("<b>|*x*_y_`z`"))
    assert "\\<b\\>\\|\\*x\\*\\_y\\_\\`z\\`" in render_markdown(report)


@pytest.mark.parametrize("suffix", FORMS)
def test_a_file_is_written_in_the_form_of_its_ending(
    made: RunReport, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"report{suffix.upper()}"
    publish_report(made, out=out, as_json=False)
    captured = capsys.readouterr()
    assert out.read_bytes().decode() == render(made, suffix)
    assert captured.out.startswith("SIMULATED: ")
    assert f"report written to {out}" in captured.err.replace("\n", "")
    assert [each.name for each in tmp_path.iterdir()] == [out.name]


def test_with_json_nothing_else_is_printed(
    made: RunReport, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_report(made, out=None, as_json=True)
    assert json.loads(capsys.readouterr().out)["control"] == "frontier"


@pytest.mark.parametrize(
    ("name", "said"),
    [("report.pdf", "says no form"), ("report", "says no form"), ("no/report.md", "no folder")],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_done(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        check_out(tmp_path / name)
    (tmp_path / "there.md").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        check_out(tmp_path / "there.md")
    (tmp_path / "null.md").symlink_to("/dev/null")
    with pytest.raises(ConfigError, match="is a device"):
        check_out(tmp_path / "null.md")
    check_out(None)


def test_a_full_disk_leaves_the_earlier_report(
    made: RunReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.md"
    out.write_text("earlier")

    def refuse(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(StoreError, match="no space left on device: name another --out"):
        publish_report(made, out=out, as_json=True)
    monkeypatch.undo()
    assert out.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [out]


def test_a_link_stays_a_link(made: RunReport, tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to(tmp_path / "report.md")
    publish_report(made, out=tmp_path / "link.md", as_json=True)
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "report.md").read_text().startswith("**SIMULATED")


def test_the_terminal_fits_a_hundred_columns(
    made: RunReport, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    publish_report(made, out=None, as_json=False)
    tables = capsys.readouterr().out.split("\n\n")
    for table in tables[1:-1]:
        rule = next(line for line in table.splitlines() if line.startswith("──"))
        assert len(rule) <= 100
    assert "supervised solves" in "".join(tables)


def test_names_are_not_taken_for_styles(capsys: pytest.CaptureFixture[str]) -> None:
    observation = msgspec.structs.replace(make_observation("[bold]x"), plan="[red]y")
    publish_report(report_on(observation), out=None, as_json=False)
    assert "[bold]x: [red]y" in capsys.readouterr().out
