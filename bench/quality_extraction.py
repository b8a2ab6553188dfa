"""Print how far verdicts on raw answers agree with the recorded ones, and why where they don't.

Three verdicts on each of 500 answers of real models to HumanEval problems:

    found      the code that `extract_code` finds, judged in the sandbox
    recorded   what the harness that made the record said
    re-run     the recorded code again: the answer's first Python block behind the whole prompt, as
               HumanEval itself puts a program together, judged in the sandbox

Target: found and re-run agree on at least 99.5%. Each disagreement with the record is listed with
its cause, found by running the code without what the prompt defines.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from koderz.benchmarks import AssertTests, Problem, extract_code, get_benchmark
from koderz.benchmarks.syntax import get_preamble
from koderz.evaluation import prepare
from koderz.evaluation.preparing import build_program
from koderz.sandbox import CallTests, Limits, Program, Sandbox, Verdict, open_sandbox

DATA = Path(os.environ.get("KODERZ_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
TARGET = 0.995
BLOCK = re.compile(r"```[ \t]*python[^\n]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
LIMITS = Limits(cpu_s=10)


async def main() -> None:
    traces = load_traces(DATA / "traces" / "humaneval-raw-outputs.jsonl.gz")
    file = DATA / "benchmarks" / "HumanEval.jsonl.gz"
    problems = {each.task_id: each for each in get_benchmark("humaneval").load_problems(file)}
    start = time.process_time()
    extractions = [extract_code(each["raw"], problems[each["task_id"]]) for each in traces]
    ms = 1000 * (time.process_time() - start) / len(traces)
    async with open_sandbox(workers=2) as sandbox:
        rows = await asyncio.gather(
            *(
                judge(sandbox, problems[trace["task_id"]], trace, extraction.code)
                for trace, extraction in zip(traces, extractions, strict=True)
            )
        )
    kinds = Counter(extraction.found.value for extraction in extractions)
    print(f"{len(traces)} answers, {ms:.2f} ms CPU each to find the code in")
    print("found as: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    print_agreement(traces, rows)


def load_traces(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        sys.exit(f"no answers at {path}: set KODERZ_TEST_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def judge(
    sandbox: Sandbox, problem: Problem, trace: dict[str, Any], code: str
) -> tuple[Verdict, Verdict, Verdict]:
    """The verdicts on what is found, on the recorded code, and on that without the prompt."""
    block = BLOCK.search(trace["raw"])
    recorded = block[1] if block else trace["raw"]
    found = await sandbox.judge(build_program(code, prepare(problem)), LIMITS)
    again = await sandbox.judge(build_program(problem.prompt + "\n" + recorded, prepare(problem)))
    alone = await sandbox.judge(build_alone(problem, recorded), LIMITS)
    return found, again, alone


def build_alone(problem: Problem, code: str) -> Program:
    """The code behind the prompt's imports alone, its tests without the prompt's functions."""
    preamble = get_preamble(problem.prompt, problem.entry_point).splitlines(keepends=True)
    imports = "".join(line for line in preamble if line.startswith(("import ", "from ")))
    assert isinstance(problem.tests, AssertTests)
    tests = CallTests(
        source=problem.tests.source, entry_point=problem.entry_point, preamble=imports
    )
    return Program(source=imports + code, tests=tests)


def print_agreement(
    traces: list[dict[str, Any]], rows: list[tuple[Verdict, Verdict, Verdict]]
) -> None:
    agreeing = sum(found.is_passed == again.is_passed for found, again, _ in rows)
    share = agreeing / len(rows)
    verdict = "reached" if share >= TARGET else "missed"
    print(f"found = re-run    {agreeing}/{len(rows)}  {share:.1%}  target {TARGET:.1%}: {verdict}")
    for trace, (found, again, _) in zip(traces, rows, strict=True):
        if found.is_passed != again.is_passed:
            print(f"  {trace['id']} {trace['task_id']}: {found.status}, re-run {again.status}")
    differing = [
        (trace, row)
        for trace, row in zip(traces, rows, strict=True)
        if trace["passed"] != row[0].is_passed
    ]
    matching = len(rows) - len(differing)
    print(f"found = recorded  {matching}/{len(rows)}  {matching / len(rows):.1%}; else:")
    for trace, row in differing:
        recorded = "passed" if trace["passed"] else "failed"
        print(
            f"  {trace['id']} {trace['task_id']:>13}: recorded {recorded}, now {row[0].status}: "
            + explain(trace, row)
        )


def explain(trace: dict[str, Any], row: tuple[Verdict, Verdict, Verdict]) -> str:
    """Why the record says otherwise."""
    found, again, alone = row
    if found.is_passed and not trace["passed"]:
        if not alone.is_passed:
            reason = alone.error.partition("\n")[0] or alone.status
            return f"the record lacks what the prompt defines ({reason})"
        if again.is_passed:
            return "it passes all of HumanEval's assertions, also as it was recorded"
    return f"re-run {again.status}, {found.error.partition(chr(10))[0] or 'no error'}"


if __name__ == "__main__":
    asyncio.run(main())
