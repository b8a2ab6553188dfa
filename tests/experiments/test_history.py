"""What comes next in an experiment is decided from its plan and its steps alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trials import FAILED, PASSED, PLAN

from koderz.errors import ConfigError
from koderz.experiments.history import (
    Action,
    History,
    choose_best,
    decide,
    is_plateau,
    list_unreviewed,
)
from koderz.experiments.plans import Key, Plan, plan_zero_shot
from koderz.experiments.steps import (
    CheckpointStep,
    FeedbackStep,
    IterationStep,
    SpecStep,
    Step,
    VerdictStep,
    decode_step,
    encode_step,
)
from koderz.sandbox import Verdict

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def spec() -> SpecStep:
    return SpecStep(at=NOW, model="m", text="It adds.")


def iteration(number: int) -> IterationStep:
    return IterationStep(at=NOW, model="m", number=number, answer="", code="x = 1", found="block")


def feedback(number: int, verdict: Verdict = FAILED) -> FeedbackStep:
    return FeedbackStep(at=NOW, number=number, verdict=verdict)


def checkpoint(number: int, after: int) -> CheckpointStep:
    return CheckpointStep(
        at=NOW,
        model="m",
        number=number,
        after=after,
        is_plateau=False,
        answer="",
        guidance=f"guidance {number}",
    )


def verdict(number: int) -> VerdictStep:
    return VerdictStep(at=NOW, number=number, verdict=PASSED, is_held_back=True)


def fail(*numbers: int) -> list[Step]:
    return [step for number in numbers for step in (iteration(number), feedback(number))]


@pytest.mark.parametrize(
    ("plan", "steps", "expected"),
    [
        ({}, [], Action.SPEC),
        ({"spec_model": ""}, [], Action.ITERATION),
        ({}, [spec()], Action.ITERATION),
        ({}, [spec(), iteration(1)], Action.FEEDBACK),
        ({}, [spec(), *fail(1)], Action.ITERATION),
        ({}, [spec(), iteration(1), feedback(1, PASSED)], Action.VERDICT),
        ({}, [spec(), *fail(1, 2, 3, 4, 5)], Action.CHECKPOINT),
        ({}, [spec(), *fail(1, 2, 3, 4, 5), checkpoint(1, 5)], Action.ITERATION),
        ({}, [spec(), *fail(*range(1, 11)), checkpoint(1, 5)], Action.CHECKPOINT),
        ({"checkpoint_model": ""}, [spec(), *fail(1, 2, 3, 4, 5)], Action.ITERATION),
        ({"checkpoint_interval": 1}, [spec(), *fail(1)], Action.CHECKPOINT),
        ({"max_iterations": 5}, [spec(), *fail(1, 2, 3, 4, 5)], Action.VERDICT),
        ({}, [spec(), *fail(1), verdict(1)], Action.NOTHING),
    ],
)
def test_what_comes_next(plan: dict[str, Any], steps: list[Step], expected: Action) -> None:
    assert decide(msgspec.structs.replace(PLAN, **plan), History(tuple(steps))) is expected


def test_a_zero_shot_has_one_attempt_and_nothing_else() -> None:
    plan, history = plan_zero_shot(PLAN), History()
    assert decide(plan, history) is Action.ITERATION
    assert decide(plan, History(tuple(fail(1)))) is Action.VERDICT


def take(action: Action, history: History, judged: Verdict) -> Step:
    number = len(history.trials)
    match action:
        case Action.SPEC:
            return spec()
        case Action.ITERATION:
            return iteration(number + 1)
        case Action.FEEDBACK:
            return feedback(number, judged)
        case Action.CHECKPOINT:
            return checkpoint(len(history.checkpoints) + 1, number)
        case _:
            return verdict(number)


@given(
    st.lists(st.integers(0, 2), max_size=30),
    st.integers(1, 12),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
)
def test_every_experiment_ends_in_order_whatever_the_tests_say(
    passed: list[int], most: int, interval: int, has_spec: bool, has_reviews: bool
) -> None:
    plan = Plan(
        iteration_model="m",
        spec_model="m" if has_spec else "",
        checkpoint_model="m" if has_reviews else "",
        max_iterations=most,
        checkpoint_interval=interval,
    )
    history = History()
    while (action := decide(plan, history)) is not Action.NOTHING:
        number = len(history.trials)
        share = passed[number - 1] if 0 < number <= len(passed) else 0
        judged = PASSED if share == 2 else msgspec.structs.replace(FAILED, tests_passed=share)
        step = take(action, history, judged)
        history = history.add(decode_step(encode_step(step)))
    numbers = [trial.iteration.number for trial in history.trials]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) <= most
    assert all(not trial.is_passed for trial in history.trials[:-1])
    assert (history.spec is not None) is has_spec
    expected = (len(numbers) - 1) // interval if has_reviews else 0
    assert len(history.checkpoints) == expected


def test_a_review_sees_what_came_since_the_last_one() -> None:
    history = History((*fail(1, 2), checkpoint(1, 2), *fail(3, 4, 5)))
    assert [trial.iteration.number for trial in list_unreviewed(history)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("passed", "expected"),
    [([1, 1], False), ([1, 1, 1], True), ([1, 0, 0], False), ([0, 2, 1, 1, 1], True), ([], False)],
)
def test_a_plateau_is_three_alike(passed: list[int], expected: bool) -> None:
    steps: list[Step] = []
    for number, count in enumerate(passed, start=1):
        judged = msgspec.structs.replace(FAILED, tests_passed=count, tests_total=3)
        steps += [iteration(number), feedback(number, judged)]
    assert is_plateau(History(tuple(steps)).trials) is expected


def test_the_latest_of_the_best_is_judged() -> None:
    worse = msgspec.structs.replace(FAILED, tests_passed=0)
    steps = [*fail(1, 2), iteration(3), feedback(3, worse)]
    assert choose_best(History(tuple(steps)).trials).iteration.number == 2


def test_the_latest_guidance_counts_and_notes_add_up() -> None:
    noted = msgspec.structs.replace(checkpoint(1, 5), notes="first")
    later = msgspec.structs.replace(checkpoint(2, 10), notes="second", guidance="")
    history = History((*fail(*range(1, 11)), noted, later))
    assert history.guidance == "guidance 1", "an empty review takes nothing away"
    assert history.notes == "first\n\nsecond"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"checkpoint_interval": 0}, "--checkpoint-interval: has to be 1 or more"),
        ({"max_iterations": 0}, "--max-iterations"),
        ({"timeout_s": 0.0}, "--timeout"),
        ({"timeout_s": float("nan")}, "--timeout"),
        ({"temperature": 3.0}, "--temperature"),
        ({"max_cost_usd": "-1"}, "--max-cost"),
        ({"iteration_model": ""}, "iteration model"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        msgspec.convert({"iteration_model": "m", **wrong}, Plan)


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 10**6))
def test_an_experiments_name_is_a_safe_file_name(strategy: str, problem: str, sample: int) -> None:
    name = Key(run="20260131-1a", strategy=strategy, problem=problem, sample=sample).id
    assert name.startswith("20260131-1a_")
    assert not set("/\\ \n\0:") & set(name)
