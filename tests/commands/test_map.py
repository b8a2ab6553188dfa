"""`koderz map` at the shell: what goes to which stream, killed runs, and bad input."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from koderz import cli
from koderz.commands.map import OrderedPrinter
from koderz.jobs.map.results import MapRow
from koderz.simulator import Fault, Simulator, open_simulator

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with lists and a schema to stand in, and no local server whatever runs here."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("LMSTUDIO", "VLLM", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cities.txt").write_text("Rome\nOslo\n\nRome\n")
    (tmp_path / "people.csv").write_text("id,name,text\nx,Ann,hello\ny,Bob,\n")
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    return tmp_path


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """A simulator that stands in for OpenAI."""
    async with open_simulator(skills={"*": 1.0}) as opened:
        set_up(monkeypatch, opened)
        yield opened


def set_up(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    for name, value in simulator.environ().items():
        if name.startswith("OPENAI"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("KODERZ_AGENT_DEFAULT_MODEL", "gpt-4o")


async def run(*arguments: str, exit_code: int = 0) -> None:
    """The command, beside the simulator's loop."""
    assert await asyncio.to_thread(cli.run_command, ["map", *arguments]) == exit_code


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_rows_go_out_in_order_and_the_receipt_to_stderr(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    await run("cities.txt", "--prompt", "Where is {item}?")
    captured = capsys.readouterr()
    rows = read_lines(captured.out)
    assert [row["id"] for row in rows] == ["1", "2", "4"]
    assert list(rows[0]) == ["id", "value", "answered_by", "prompt_id"]
    assert rows[2]["value"] == rows[0]["value"]
    assert rows[2]["same_as"] == "1"
    assert captured.err.startswith("asking gpt-4o-mini about 2 of 3 items in 2 prompts")
    for word in ("SIMULATED", "tokens", "by", "cost", "baseline", "digest", "saved"):
        assert word in captured.err


async def test_json_puts_the_receipt_into_the_last_line(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--prompt", "Greet {name}", "--schema", "schema.json", "--pack", "5", "--json")
    await run("people.csv", *arguments)
    *rows, last = read_lines(capsys.readouterr().out)
    assert [row["value"].keys() for row in rows] == [{"n"}, {"n"}]
    receipt = last["receipt"]
    assert (receipt["answered"], receipt["failed"], receipt["simulated"]) == (2, 0, True)
    assert len(receipt["attempts"]) == len(simulator.requests) == 1
    assert {"tokens_in", "tokens_out", "vocabulary", "saved_usd", "notes"} <= receipt.keys()


async def test_an_answer_longer_than_it_may_be_is_no_answer(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--prompt", "{item}", "--max-tokens", "7", "--concurrency", "1")
    await run("cities.txt", *arguments, exit_code=1)
    captured = capsys.readouterr()
    assert all("cut off by its token limit" in row["error"] for row in read_lines(captured.out))
    assert {request.tokens_out for request in simulator.requests} == {7}
    assert "at most 14 out" in captured.err
    assert "gpt-4o-mini: the answer was cut off by its token limit (4 times)" in captured.err
    assert "no model's answer could be used" in captured.err


async def test_an_item_without_an_answer_is_a_row_and_the_rest_go_on(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    await run("people.csv", "--prompt", "Reply to {text}")
    rows = read_lines(capsys.readouterr().out)
    assert rows[1] == {"id": "y", "value": None, "error": "the item is empty"}
    assert rows[0]["value"]


async def test_where_no_item_has_an_answer_it_ends_with_1(simulator: Simulator) -> None:
    await run("cities.txt", "--prompt", "{item}", "--max-cost", "0", exit_code=1)


async def test_a_file_half_done_is_gone_on_with(
    simulator: Simulator, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("cities.txt", "--prompt", "{item}", "--out", "rows.jsonl", "--json")
    await run(*arguments)
    whole = (folder / "rows.jsonl").read_bytes()
    first, second, _ = whole.splitlines(keepends=True)
    error = b'{"id":"1","value":null,"error":"down","prompt_id":"x"}\n'
    (folder / "rows.jsonl").write_bytes(error + second + first[:20])
    asked = len(simulator.requests)
    capsys.readouterr()
    await run(*arguments)
    assert len(simulator.requests) == asked + 1
    (line,) = read_lines(capsys.readouterr().out)
    assert "1 answers were kept from an earlier run" in line["receipt"]["notes"]
    rows = read_lines((folder / "rows.jsonl").read_text())
    assert [row["id"] for row in rows] == ["1", "2", "4"]
    assert all(row["value"] for row in rows)


async def test_a_run_that_is_killed_loses_no_row(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "many.txt").write_text("\n".join(f"item {at}" for at in range(12)))
    command = [sys.executable, "-m", "koderz", "map", "many.txt"]
    command += ["--prompt", "{item}", "--out", "rows.jsonl", "--concurrency", "1"]
    rows = folder / "rows.jsonl"
    # The sixth answer never comes.
    faults = [Fault("silence", times=1, after=5)]
    async with open_simulator(faults=faults) as simulator:
        set_up(monkeypatch, simulator)
        process = await asyncio.create_subprocess_exec(
            *command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ.copy()
        )
        async with asyncio.timeout(30):
            while len(simulator.requests) < 6:  # noqa: ASYNC110 - the simulator has no event for it
                await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert [row["id"] for row in read_lines(rows.read_text())] == list("12345")
        with rows.open("ab") as file:
            file.write(b'{"id":"6","val')
        await run(*command[4:])
    found = read_lines(rows.read_text())
    assert [row["id"] for row in found] == [str(at) for at in range(1, 13)]
    assert not any("error" in row for row in found)
    assert len(simulator.requests) == 6 + 7


async def test_a_list_may_come_over_standard_input(simulator: Simulator) -> None:
    command = [sys.executable, "-m", "koderz", "map", "-", "--prompt", "{n}", "--format", "json"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await process.communicate(b'{"n":1}\n{"n":2}\n')
    assert process.returncode == 0, error
    assert [row["id"] for row in read_lines(out.decode())] == ["1", "2"]


async def test_the_model_named_is_asked_first(simulator: Simulator) -> None:
    await run("cities.txt", "--prompt", "{item}", "--model", "gpt-4.1-nano")
    assert {request.model for request in simulator.requests} == {"gpt-4.1-nano"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cities.txt"], "Missing option '--prompt'"),
        (["cities.txt", "--prompt", "Where?"], "put {item} where the item belongs"),
        (["people.csv", "--prompt", "{nmae}"], "there are {item}, {id}, {name}, {text}"),
        (["people.csv", "--prompt", "{name"], "a single '{' at character 1"),
        (["none.txt", "--prompt", "{item}"], "none.txt: no such file"),
        ([".", "--prompt", "{item}"], "is a directory"),
        (["cities.txt", "--prompt", "{item}", "--format", "json"], "cities.txt:1: not a line of"),
        (["cities.txt", "--prompt", "{item}", "--format", "xml"], "xml"),
        (["cities.txt", "--prompt", "{item}", "--schema", "none.json"], "no such file"),
        (["cities.txt", "--prompt", "{item}", "--schema", "cities.txt"], "not an object of JSON"),
        (["cities.txt", "--prompt", "{item}", "--pack", "0"], "a pack of 0"),
        (["cities.txt", "--prompt", "{item}", "--concurrency", "0"], "a concurrency of 0"),
        (["cities.txt", "--prompt", "{item}", "--max-tokens", "0"], "max_tokens"),
        (["cities.txt", "--prompt", "{item}", "--max-cost", "-1"], "give 0 or more"),
        (["cities.txt", "--prompt", "{item}", "--model", "no-such-model-at-all"], "unknown model"),
        (["cities.txt", "--prompt", "{item}"], "no model is within reach"),
        (["cities.txt", "--prompt", "{item}", "--out", "people.csv"], "people.csv:1: not a row"),
        (["cities.txt", "--prompt", "{item}", "--out", "no/such/x.jsonl"], "choose another --out"),
        (["cities.txt", "--prompt", "{item}", "--out", "/dev/full"], "choose another --out"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    before = (folder / "people.csv").read_bytes()
    assert cli.run_command(["map", *arguments]) in {1, 2}
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert (folder / "people.csv").read_bytes() == before


async def test_a_file_that_answers_another_prompt_is_left_as_it_is(
    simulator: Simulator, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await run("cities.txt", "--prompt", "{item}", "--out", "rows.jsonl")
    before = (folder / "rows.jsonl").read_bytes()
    await run("cities.txt", "--prompt", "{item}!", "--out", "rows.jsonl", exit_code=2)
    assert "rows.jsonl:1: '1' is the answer to another prompt" in capsys.readouterr().err
    assert (folder / "rows.jsonl").read_bytes() == before


def test_rows_are_printed_as_soon_as_all_before_them_are_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = OrderedPrinter(["1", "2", "3", "4"])
    printer.take([MapRow(id="2", value="b"), MapRow(id="4", value="d")])
    assert capsys.readouterr().out == ""
    printer.take([MapRow(id="1", value="a")])
    assert [row["id"] for row in read_lines(capsys.readouterr().out)] == ["1", "2"]
    printer.flush()
    assert [row["id"] for row in read_lines(capsys.readouterr().out)] == ["4"]
