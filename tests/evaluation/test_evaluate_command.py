"""`koderz evaluate` from samples to results: verdicts, resuming, interruption, bad input."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from json_lines import load_lines, write_lines
from typer.testing import CliRunner

from koderz.commands.evaluate import evaluate
from koderz.errors import ConfigError, JobError, KoderzError

pytestmark = pytest.mark.usefixtures("isolation")

GOOD = "def f0(n):\n    return n + 1\n"
SAMPLES: list[dict[str, Any]] = [
    {"task_id": "test/0", "completion": "    return n + 1\n", "note": "kept"},
    {"task_id": "test/1", "completion": "    return n\n"},
    {"task_id": "test/0", "solution": GOOD},
    {"task_id": "test/0", "raw": f"Sure:\n```python\n{GOOD}```\nDone."},
    {"task_id": "test/1", "raw": "I cannot."},
    {"task_id": "test/1", "solution": "def f1(n:\n"},
]
STATUSES = ["passed", "failed", "passed", "passed", "no_code", "syntax_error"]


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "samples.jsonl", SAMPLES)


def run(*arguments: object) -> str:
    """What the command prints on stdout; its errors are raised."""
    app = typer.Typer()
    app.command()(evaluate)
    given = [str(argument) for argument in arguments]
    if "--dataset" not in given:
        given += ["--dataset", "humaneval"]
    result = CliRunner().invoke(app, [*given, "--workers", "2"])
    if result.exception:
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def test_every_form_of_sample_gets_its_verdict_in_order(samples: Path, problems: Path) -> None:
    summary = json.loads(run(samples, "--problems", problems, "--json"))
    results = load_lines(samples.with_name("samples_results.jsonl"))
    assert [each["status"] for each in results] == STATUSES
    assert [each["passed"] for each in results] == [each == "passed" for each in STATUSES]
    assert results[0]["note"] == "kept"
    assert {key: results[0]["verdict"][key] for key in ("tests_passed", "tests_total")} == {
        "tests_passed": 2,
        "tests_total": 2,
    }
    failure = results[1]["verdict"]["failure"]
    assert (failure["call"], failure["expected"], failure["actual"]) == ("f1(1)", "2", "1")
    assert results[3]["verdict"]["found"] == "one block"
    assert summary["statuses"] == {"passed": 3, "failed": 1, "no_code": 1, "syntax_error": 1}
    (estimate,) = summary["pass_at_k"]
    assert (estimate["k"], estimate["value"], estimate["problems"]) == (1, 0.5, 2)
    assert estimate["low"] < 0.5 < estimate["high"]
    assert summary["isolation"] == {"separate": 6}


def test_a_person_sees_pass_at_k_statuses_and_slow_problems(samples: Path, problems: Path) -> None:
    text = run(samples, "--problems", problems)
    assert "pass@1     50.0%" in text
    assert "Wilson" in text
    assert "syntax_error" in text
    assert "test/1" in text
    assert "samples_results.jsonl" in text.replace("\n", "")


def test_pass_at_10_is_there_where_every_problem_has_ten_samples(
    tmp_path: Path, problems: Path
) -> None:
    good = {"task_id": "test/0", "completion": "    return n + 1\n"}
    bad = {"task_id": "test/1", "completion": "    return n\n"}
    last = {"task_id": "test/1", "completion": "    return n + 1\n"}
    samples = write_lines(tmp_path / "s.jsonl", [good] * 10 + [bad] * 9 + [last])
    summary = json.loads(run(samples, "--problems", problems, "--json"))
    assert [(each["k"], each["value"]) for each in summary["pass_at_k"]] == [
        (1, pytest.approx(0.55)),
        (10, 1.0),
    ]


def test_samples_and_results_where_they_are_asked_for(tmp_path: Path, problems: Path) -> None:
    samples = tmp_path / "s.jsonl.gz"
    samples.write_bytes(gzip.compress(json.dumps(SAMPLES[0]).encode()))
    out = tmp_path / "verdicts.jsonl"
    run(samples, "--problems", problems, "--out", out)
    assert [each["status"] for each in load_lines(out)] == ["passed"]


@pytest.mark.parametrize(
    ("kept", "tail"), [(0, b""), (1, b'{"task_id": "test/0", "compl'), (3, b""), (6, b"{")]
)
def test_a_run_goes_on_where_it_was_stopped(
    samples: Path, problems: Path, kept: int, tail: bytes
) -> None:
    out = samples.with_name("samples_results.jsonl")
    run(samples, "--problems", problems)
    lines = out.read_bytes().splitlines(keepends=True)
    # A mark shows which lines were not judged again.
    marked = [line.replace(b'"passed"', b' "passed"') for line in lines[:kept]]
    out.write_bytes(b"".join(marked) + tail)
    summary = json.loads(run(samples, "--problems", problems, "--json"))
    assert out.read_bytes().splitlines(keepends=True)[:kept] == marked
    assert [each["status"] for each in load_lines(out)] == STATUSES
    assert (summary["samples"], summary["resumed"]) == (6, kept)
    assert summary["statuses"]["passed"] == 3


def test_results_of_other_samples_are_left_alone(samples: Path, problems: Path) -> None:
    out = samples.with_name("samples_results.jsonl")
    run(samples, "--problems", problems)
    before = out.read_bytes()
    write_lines(samples, [SAMPLES[1], *SAMPLES[1:]])
    with pytest.raises(JobError, match="line 1 belongs to other samples.*--out"):
        run(samples, "--problems", problems)
    write_lines(samples, SAMPLES[:2])
    with pytest.raises(JobError, match="line 3 belongs to other samples"):
        run(samples, "--problems", problems)
    assert out.read_bytes() == before


def test_results_by_another_dataset_are_left_alone(samples: Path, problems: Path) -> None:
    run(samples, "--problems", problems)
    with pytest.raises(JobError, match="by humaneval, not by starter"):
        run(samples, "--problems", problems, "--dataset", "starter")


def test_references_are_checked_first(tmp_path: Path, problems: Path) -> None:
    records = load_lines(problems)
    records[1]["canonical_solution"] = "    return n\n"
    records.append(records[0] | {"task_id": "test/2", "canonical_solution": ""})
    write_lines(problems, records)
    samples = write_lines(tmp_path / "s.jsonl", SAMPLES[:1])
    arguments = (samples, "--problems", problems, "--check-references")
    summary = json.loads(run(*arguments, "--json"))
    assert [(each["task_id"], each["status"]) for each in summary["references"]] == [
        ("test/2", "no_reference"),
        ("test/1", "failed"),
    ]
    assert summary["references"][1]["reason"] == "f1(1): expected 2, got 1"
    assert "test/1: failed, f1(1): expected 2, got 1" in run(*arguments)


def test_problems_that_need_what_is_not_installed_have_no_verdict(
    tmp_path: Path, problems: Path
) -> None:
    records = load_lines(problems)
    records[1]["prompt"] = f"import no_such_library\n{records[1]['prompt']}"
    write_lines(problems, records)
    samples = write_lines(tmp_path / "s.jsonl", SAMPLES[:2])
    summary = json.loads(run(samples, "--problems", problems, "--json"))
    assert summary["statuses"] == {"passed": 1, "not_run": 1}
    assert summary["pass_at_k"][0]["value"] == 1.0
    assert summary["not_run"] == {"test/1": "needs what is not installed: no_such_library"}


def test_without_a_sandbox_every_verdict_says_so(tmp_path: Path, problems: Path) -> None:
    samples = write_lines(tmp_path / "s.jsonl", SAMPLES[:1])
    summary = json.loads(run(samples, "--problems", problems, "--sandbox", "none", "--json"))
    assert summary["isolation"] == {"none": 1}


def test_an_endless_loop_ends_at_the_timeout(tmp_path: Path, problems: Path) -> None:
    endless = {"task_id": "test/0", "completion": "    while True:\n        n += 1\n"}
    samples = write_lines(tmp_path / "s.jsonl", [endless, *SAMPLES[:1]])
    run(samples, "--problems", problems, "--timeout", "0.2")
    results = load_lines(tmp_path / "s_results.jsonl")
    assert [each["status"] for each in results] == ["timeout", "passed"]


BAD = {
    "an unknown task": ([{"task_id": "test/7", "raw": ""}], "line 1: .* no problem 'test/7'"),
    "a close task": ([SAMPLES[0], {"task_id": "test_0", "raw": ""}], "did you mean test/0"),
    "no task": ([SAMPLES[0], {"raw": ""}], "line 2: the field 'task_id' is missing"),
    "a task that is a number": ([{"task_id": 3, "raw": ""}], "'task_id' is no text, but int"),
    "no text": ([{"task_id": "test/0"}], "no field 'completion', 'solution' or 'raw'"),
    "text that is none": ([{"task_id": "test/0", "raw": ["a"]}], "'raw' is no text, but list"),
    "nothing": ([], "is empty"),
}


@pytest.mark.parametrize(("records", "message"), BAD.values(), ids=BAD)
def test_samples_that_cannot_be_judged_are_told_before_anything_runs(
    tmp_path: Path, problems: Path, records: list[dict[str, Any]], message: str
) -> None:
    samples = write_lines(tmp_path / "s.jsonl", records)
    with pytest.raises(JobError, match=message) as raised:
        run(samples, "--problems", problems)
    assert "s.jsonl" in str(raised.value)
    assert not (tmp_path / "s_results.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "humanevl"], "unknown dataset 'humanevl': did you mean humaneval"),
        (["--timeout", "0"], "--timeout: must be more than 0"),
        (["--dataset", "humaneval"], "koderz download-data humaneval"),
        (["--problems", "/no/file"], "there is no file /no/file"),
        (["--out", "{samples}"], "the results would overwrite the samples"),
    ],
)
def test_bad_arguments_are_told(samples: Path, arguments: list[str], message: str) -> None:
    given = [each.format(samples=samples) for each in arguments]
    with pytest.raises(KoderzError, match=message) as raised:
        run(samples, *given)
    assert raised.value.exit_code == 2


def test_a_number_of_workers_below_one_is_told(samples: Path) -> None:
    with pytest.raises(ConfigError, match="--workers: must be at least 1"):
        evaluate(samples, dataset="starter", workers=0)


def test_a_broken_line_names_file_and_line(tmp_path: Path, problems: Path) -> None:
    samples = tmp_path / "s.jsonl"
    samples.write_text(json.dumps(SAMPLES[0]) + "\nbroken\n")
    with pytest.raises(JobError, match=r"s\.jsonl, line 2: not JSON"):
        run(samples, "--problems", problems)


def test_a_missing_samples_file_is_told(tmp_path: Path, problems: Path) -> None:
    with pytest.raises(JobError, match=r"no\.jsonl cannot be read: No such file"):
        run(tmp_path / "no.jsonl", "--problems", problems)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("/dev/full", "is no file: name another with --out"),
        (".", "is no file: name another with --out"),
        ("no/such/folder.jsonl", "cannot be written: No such file or directory; .*--out"),
    ],
)
def test_results_that_cannot_be_written_are_told(
    samples: Path, problems: Path, out: str, message: str
) -> None:
    with pytest.raises(KoderzError, match=message):
        run(samples, "--problems", problems, "--out", samples.parent / out)


SCRIPT = """
import sys, typer
from koderz.commands.evaluate import evaluate
app = typer.Typer()
app.command()(evaluate)
app(sys.argv[1:])
"""


def test_an_interrupt_keeps_what_is_judged_and_says_how_to_go_on(
    tmp_path: Path, problems: Path
) -> None:
    slow = {"task_id": "test/0", "completion": "    import time; time.sleep(30)\n"}
    samples = write_lines(tmp_path / "s.jsonl", [SAMPLES[0], slow])
    out = tmp_path / "s_results.jsonl"
    arguments = [str(samples), "--dataset", "humaneval", "--problems", str(problems)]
    command = [sys.executable, "-c", SCRIPT, *arguments, "--workers", "1"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, env=dict(os.environ), start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not (out.exists() and out.read_bytes().endswith(b"\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # As a terminal does it: the whole group gets it, the sandbox's servers too.
    os.killpg(process.pid, signal.SIGINT)
    _, notes = process.communicate(timeout=30)
    assert process.returncode == 130
    text = " ".join(notes.decode().split())
    assert "run the same command again to go on" in text
    assert "Traceback" not in text
    assert [each["status"] for each in load_lines(out)] == ["passed"]
