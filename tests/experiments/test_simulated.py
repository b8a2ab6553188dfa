"""Starter problems on simulated models: what they answer follows from the prompt and the skill."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

import msgspec
import pytest
from trials import count_starter, load_starter, open_simulated_lab

from koderz.benchmarks import extract_code
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key, Plan
from koderz.experiments.results import ExperimentResult
from koderz.prompts.experiments import (
    APPROACH,
    IterationRecord,
    build_review_request,
    build_spec_request,
)
from koderz.prompts.iteration import Task, build_iteration_request
from koderz.sandbox import Isolation
from koderz.simulator.programs import find_known, list_differences, list_known, list_lines
from koderz.simulator.tasks import get_name, get_task
from koderz.simulator.tasks.write_code import answer as write_code
from koderz.types import Request

PLAN = Plan(
    iteration_model="llama3.2:3b",
    spec_model="claude-sonnet-5-5",
    checkpoint_model="claude-sonnet-5-5",
    max_iterations=25,
    seed=0,
)
PROBLEM = load_starter(0)
KNOWN = next(known for known in list_known() if known.prompt == PROBLEM.prompt)
TASK = Task(problem=PROBLEM.prompt, entry_point=PROBLEM.entry_point)


def write_wrong() -> IterationRecord:
    bug = KNOWN.bugs[0]
    lines = [bug.line if at == bug.at else line for at, line in enumerate(KNOWN.lines)]
    return IterationRecord(
        number=1, code="\n".join(lines), call="f(1)", expected="2", actual="3", tests_total=2
    )


def ask(request: Request, skill: float, seed: int = 0) -> str:
    return get_task(request).answer(request, skill, Random(seed))


def count_bugs(task: Task, skill: float, *, seeds: int = 40) -> int:
    """How many wrong lines that many answers have."""
    request = build_iteration_request(task)
    total = 0
    for seed in range(seeds):
        code = extract_code(ask(request, skill, seed), PROBLEM).code
        total += len(list_differences(KNOWN, list_lines(code, PROBLEM.entry_point)) or ())
    return total


def test_each_role_is_recognized_by_its_system_prompt() -> None:
    requests = {
        "write_spec": build_spec_request(PROBLEM.prompt),
        "write_code": build_iteration_request(TASK),
        "review_iterations": build_review_request([write_wrong()], problem=PROBLEM.prompt),
    }
    assert {name: get_name(get_task(request)) for name, request in requests.items()} == {
        name: name for name in requests
    }


@pytest.mark.parametrize("number", range(count_starter()))
def test_every_starter_problem_is_known_with_bugs_of_one_line(number: int) -> None:
    known = find_known(load_starter(number).prompt)
    assert known is not None
    for bug in known.bugs:
        lines = [bug.line if at == bug.at else line for at, line in enumerate(known.lines)]
        ast.parse("\n".join(lines))
        assert list_differences(known, lines) == [bug.at]


def test_the_more_skill_the_fewer_bugs() -> None:
    counts = [count_bugs(TASK, skill) for skill in (0.0, 0.5, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 0


def test_a_specification_helps() -> None:
    spec = ask(build_spec_request(PROBLEM.prompt), 1.0)
    assert "## Edge cases" in spec
    helped = msgspec.structs.replace(TASK, spec=spec)
    assert count_bugs(helped, 0.3) < count_bugs(TASK, 0.3)


def test_guidance_that_shows_the_line_helps_more_than_a_failed_test() -> None:
    review = ask(build_review_request([write_wrong()], problem=PROBLEM.prompt), 1.0)
    assert f"`{KNOWN.lines[KNOWN.bugs[0].at].strip()}`" in review
    bare = msgspec.structs.replace(write_wrong(), call="", expected="", actual="")
    nothing = msgspec.structs.replace(TASK, previous=bare)
    tested = msgspec.structs.replace(TASK, previous=write_wrong())
    guided = msgspec.structs.replace(tested, guidance=review)
    unguided = msgspec.structs.replace(tested, guidance="Think harder.")
    counts = [count_bugs(task, 0.5) for task in (nothing, tested, guided)]
    assert counts[0] == 40, "without a reason nothing is changed"
    assert counts[0] > counts[1] > counts[2]
    assert count_bugs(unguided, 0.5) == counts[1]


def test_a_reviewer_without_skill_sees_nothing_and_adds_what_is_asked_for() -> None:
    request = build_review_request([write_wrong()], problem=PROBLEM.prompt, disclosed=(APPROACH,))
    review = ask(request, 0.0)
    assert "cannot be told" in review
    assert "`f(1)` has to give 2; it gave 3." in review
    assert f"## {APPROACH}" in review


def test_of_another_problem_nothing_is_known() -> None:
    task = Task(problem="def triple(x):\n    ...\n", entry_point="triple")
    text = write_code(build_iteration_request(task, use_reasoning=False), 1.0, Random(0))
    assert text == "```python\ndef triple(*arguments):\n    return None\n```"


async def run_all(folder: Path, seed: int, numbers: range) -> list[ExperimentResult]:
    async with open_simulated_lab(folder, seed=seed) as (orchestrator, _, _):
        return [
            await orchestrator.run(
                Experiment(
                    key=Key(run="run", strategy="s", problem=f"starter/{number}"),
                    problem=load_starter(number),
                    plan=PLAN,
                )
            )
            for number in numbers
        ]


async def test_starter_problems_end_to_end_in_the_sandbox(tmp_path: Path) -> None:
    results = await run_all(tmp_path, 1, range(12))
    assert all(result.is_simulated and result.cost.is_simulated for result in results)
    assert {result.isolation for result in results} == {Isolation.SEPARATE}
    solved = [result for result in results if result.is_solved]
    assert len(solved) > len(results) / 2
    reviewed = [result for result in solved if result.checkpoints]
    assert reviewed, "some fail until a review comes, and are solved after it"
    assert all(result.iterations > PLAN.checkpoint_interval for result in reviewed)


async def test_the_same_seed_gives_the_same_experiments(tmp_path: Path) -> None:
    first = await run_all(tmp_path / "first", 1, range(3))
    again = await run_all(tmp_path / "again", 1, range(3))
    other = await run_all(tmp_path / "other", 2, range(3))
    assert [result.code for result in first] == [result.code for result in again]
    counts = [[result.iterations for result in each] for each in (first, other)]
    assert counts[0] != counts[1]
