"""`koderz classify` at the shell: what goes to which stream, half-done runs, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from koderz.commands.classify import classify
from koderz.commands.job_options import build_overrides
from koderz.errors import KoderzError
from koderz.extract.labels.items import Item
from koderz.jobs.classify.out import LabelFile
from koderz.jobs.classify.results import Decision
from koderz.types import TaskKind

ITEMS = 'id,text\n7,"The app crashes, help"\n8,How do I pay?\n9,the app CRASHES help!\n'
EXAMPLES = "text,label\n" + "".join(
    f"the app crashes in screen {at},bug\nhow do i pay for plan {at},question\n" for at in range(30)
)
LABELS = ("bug", "question")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with items and examples to stand in, and no local server whatever runs here."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "examples.csv").write_text(EXAMPLES)
    return tmp_path


def invoke(*arguments: str, typed: str = "") -> Result:
    app = typer.Typer()
    app.command()(classify)
    return CliRunner().invoke(app, list(arguments), input=typed)


def run(*arguments: str) -> Result:
    """A run that ends well."""
    result = invoke(*arguments)
    if result.exception:
        raise result.exception
    return result


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_labels_go_out_as_lines_and_the_receipt_to_stderr() -> None:
    result = run("items.csv", "--labels", "bug,question", "--examples", "examples.csv")
    rows = read_lines(result.stdout)
    assert [(row["id"], row["label"]) for row in rows] == [
        ("7", "bug"),
        ("8", "question"),
        ("9", "bug"),
    ]
    assert list(rows[0]) == ["id", "label", "confidence", "decided_by"]
    assert rows[2]["same_as"] == "7"
    for word in ("tokens", "by", "cost", "baseline", "digest", "saved", "held-out"):
        assert word in result.stderr


def test_without_examples_or_a_model_every_label_is_null() -> None:
    rows = read_lines(run("items.csv", "--labels", "bug,question", "--no-model").stdout)
    assert [row["label"] for row in rows] == [None] * 3
    assert {row["decided_by"] for row in rows} == {"none"}


def test_json_puts_the_receipt_into_the_last_line() -> None:
    result = run("items.csv", "--examples", "examples.csv", "--json")
    *rows, last = read_lines(result.stdout)
    assert len(rows) == 3
    receipt = last["receipt"]
    assert receipt["labels"] == ["bug", "question"], "the labels of the examples"
    assert (receipt["engine"], receipt["decided"], receipt["cost_usd"]) == ("extractive", 3, 0)
    assert {"tokens_in", "tokens_out", "vocabulary", "saved_usd", "attempts", "notes"} <= set(
        receipt
    )


def test_out_takes_the_lines_and_a_file_half_done_is_gone_on_with(folder: Path) -> None:
    out = folder / "labels.jsonl"
    kept = b'{"id":"8","label":"bug","confidence":null,"decided_by":"someone"}\n'
    out.write_bytes(kept + b'{"id":"9","label":null,"confidence":null,"decided_by":"none"}\n{"id":')
    arguments = ("items.csv", "--examples", "examples.csv", "--out", str(out))
    result = run(*arguments)
    assert result.stdout == ""
    rows = read_lines(out.read_text())
    assert [row["id"] for row in rows] == ["7", "8", "9"], "in the items' order in the end"
    assert [row["decided_by"] for row in rows] == ["linear", "someone", "linear"]
    assert "1 labels were kept" in result.stderr
    before = out.read_bytes()
    run(*arguments)
    assert out.read_bytes() == before


def test_what_is_decided_is_in_the_file_at_once(folder: Path) -> None:
    path = folder / "labels.jsonl"
    items = [Item("1", "a"), Item("2", "b")]
    first = Decision(id="1", label="bug", confidence=0.5, decided_by="linear")
    with LabelFile(path, items, LABELS) as file:
        file.append([first])
        assert LabelFile(path, items, LABELS).done == (first,)


def test_a_line_more_in_the_list_gives_no_item_its_neighbours_label(folder: Path) -> None:
    out, items = folder / "labels.jsonl", folder / "items.txt"
    arguments = ("items.txt", "--examples", "examples.csv", "--out", str(out))
    items.write_text("the app crashes\nhow do i pay for it\n")
    run(*arguments)
    before = out.read_bytes()
    items.write_text("something new\nthe app crashes\nhow do i pay for it\n")
    error = invoke(*arguments).exception
    assert isinstance(error, KoderzError)
    assert "labels.jsonl:1: the item '1' had another text then" in str(error)
    assert out.read_bytes() == before
    items.write_text("the app crashes\nhow do i pay for it\nsomething new\n")
    run(*arguments)
    assert out.read_bytes().startswith(before), "what is added behind is labelled beside it"


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        ([], "The app crashes\n\nHow do I pay?\n"),
        (["--format", "csv"], "id,text\n1,The app crashes\n3,How do I pay?\n"),
        (
            ["--format", "json"],
            '{"id":1,"text":"The app crashes"}\n{"id":3,"text":"How do I pay?"}',
        ),
    ],
)
def test_items_may_come_over_standard_input(arguments: list[str], typed: str) -> None:
    result = invoke("-", "--examples", "examples.csv", *arguments, typed=typed)
    assert not result.exception
    labels = [(row["id"], row["label"]) for row in read_lines(result.stdout)]
    assert labels == [("1", "bug"), ("3", "question")]


def test_a_form_that_is_named_outranks_the_files_ending(folder: Path) -> None:
    (folder / "items.txt").write_text(ITEMS)
    rows = read_lines(run("items.txt", "--format", "csv", "--labels", "a", "--no-model").stdout)
    assert [row["id"] for row in rows] == ["7", "8", "9"]


def test_broken_standard_input_is_named_with_its_line() -> None:
    error = invoke("-", "--labels", "a,b", "--format", "json", typed='{"id":1}\n').exception
    assert isinstance(error, KoderzError)
    assert str(error) == "standard input:1: no 'text' in it"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no JSON", "labels.jsonl:1: not a line of labels"),
        ('{"id":"77","label":"bug","confidence":1,"decided_by":"x"}', "'77' is no item's id"),
        ('{"id":"7","label":"bugg","confidence":1,"decided_by":"x"}', "did you mean 'bug'?"),
    ],
)
def test_a_file_of_another_run_is_left_as_it_is(folder: Path, line: str, said: str) -> None:
    out = folder / "labels.jsonl"
    out.write_text(f"{line}\n")
    error = invoke("items.csv", "--labels", "bug,question", "--out", str(out)).exception
    assert isinstance(error, KoderzError)
    assert error.exit_code == 2
    assert said in str(error)
    assert out.read_text() == f"{line}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["items.csv"], "name the set of labels"),
        (["items.csv", "--labels", ""], "the set of labels is empty"),
        (["items.csv", "--labels", "a,,b"], "a label is empty"),
        (["items.csv", "--labels", 'a,"b'], "quote one with a comma"),
        (["none.csv", "--labels", "a,b"], "none.csv: no such file"),
        (["examples.csv", "--labels", "a,b"], "examples.csv:1: no column 'id'"),
        (["items.csv", "--labels", "bug,praise", "--examples", "examples.csv"], "examples.csv:3:"),
        (["items.csv", "--labels", "a,b", "--batch", "0"], "give 1 or more"),
        (["items.csv", "--labels", "a,b", "--max-cost", "-1"], "give 0 or more"),
        (["items.csv", "--labels", "a,b", "--min-confidence", "7"], "give 0 to 1"),
        (["items.csv", "--labels", "a,b", "--model", "x", "--no-model"], "choose one of"),
        (["items.csv", "--labels", "a,b", "--model", "no-such-model-at-all"], "unknown model"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    result = invoke(*arguments)
    error = result.exception
    assert isinstance(error, KoderzError)
    assert error.exit_code == 2
    assert said in str(error)
    assert len(str(error).splitlines()) == 1
    assert result.stdout == ""


def test_an_out_that_cannot_be_written_is_said() -> None:
    error = invoke("items.csv", "--labels", "a,b", "--out", "no/such/folder.jsonl").exception
    assert isinstance(error, KoderzError)
    assert "choose another --out" in str(error)


def test_a_label_with_a_comma_is_quoted() -> None:
    labels = 'bug,"question, or praise"'
    receipt = read_lines(run("items.csv", "--labels", labels, "--json").stdout)[-1]["receipt"]
    assert receipt["labels"] == ["bug", "question, or praise"]


def test_a_model_named_is_asked_first_even_where_small_models_are_off() -> None:
    overrides = build_overrides(TaskKind.CLASSIFICATION, "gpt-4o", Path("x.sqlite"))
    assert overrides["agent.small_model.tasks.classification.model"] == "gpt-4o"
    assert overrides["agent.small_model.use_for_classification"] is True
    assert overrides["koderz.ledger.path"] == "x.sqlite"
    assert build_overrides(TaskKind.CLASSIFICATION, None, None) == {}
