"""One experiment over scripted models: what is asked, kept, remembered and paid for."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scripted import say
from trials import EXPERIMENT, FAILED, KEY, PLAN, PROBLEM, RIGHT, WRONG, Place

from koderz.errors import AllRoutesFailedError, ServerError, StoreError
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key
from koderz.experiments.results import Ending
from koderz.experiments.steps import CheckpointStep, get_kind
from koderz.prompts.experiments import APPROACH, CRITERIA, PLATEAU
from koderz.sandbox import FailedCase
from koderz.types import Completion, FinishReason

SPEC = say("It adds two numbers.")
REVIEW = say(
    "## Failing test\nadd(1, 2)\n## Proposed fix\nUse `return a + b`.\n"
    f"## {APPROACH}\nAdd them up; mind the sign.\n"
)


def plan(**changes: Any) -> Experiment:
    return msgspec.structs.replace(EXPERIMENT, plan=msgspec.structs.replace(PLAN, **changes))


async def test_from_spec_to_verdict(place: Place) -> None:
    async with place.open([say(WRONG)] * 5 + [say(RIGHT)], [SPEC, REVIEW]) as orchestrator:
        result = await orchestrator.run(EXPERIMENT)
    assert result.ending is Ending.SOLVED
    assert (result.iterations, result.checkpoints, result.judged) == (6, 1, 6)
    assert result.is_held_back
    assert result.code.strip().endswith("return a + b")
    kinds = [get_kind(step) for step in place.histories[-1].steps]
    assert kinds == ["spec", *["iteration", "feedback"] * 5, "checkpoint", "iteration", "feedback",
                     "verdict"]  # fmt: skip
    assert len(place.verdict.judged) == 1, "held-back tests are run once, at the end"


async def test_what_a_prompt_holds_grows_with_what_is_known(place: Place) -> None:
    async with place.open([say(WRONG)] * 5 + [say(RIGHT)], [SPEC, REVIEW]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    prompts = [request.messages[0].text for request in place.cheap.requests]
    assert all(PROBLEM.prompt in prompt for prompt in prompts)
    assert all("It adds two numbers." in prompt for prompt in prompts)
    assert "return a - b" not in prompts[0]
    for prompt in prompts[1:]:
        assert "return a - b" in prompt
        assert re.search(r"<<<input \w+\nadd\(1, 2\)", prompt)
        assert re.search(r"<<<expected \w+\n3\n", prompt)
        assert re.search(r"<<<actual \w+\n-1\n", prompt)
    assert not any("<<<guidance" in prompt for prompt in prompts[:5])
    assert "Use `return a + b`." in prompts[5]
    notes = prompts[5].partition("<<<notes")[2].partition("notes ")[0]
    assert "mind the sign" in notes


async def test_a_review_sees_the_attempts_the_plateau_and_what_it_is_to_add(place: Place) -> None:
    async with place.open([say(WRONG)], [SPEC, REVIEW]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    _, first, second = (request.messages[0].text for request in place.dear.requests)
    assert [f"Attempt {number}: 1 of 2" in first for number in (1, 5, 6)] == [True, True, False]
    assert [f"Attempt {number}: 1 of 2" in second for number in (5, 6, 10)] == [False, True, True]
    assert PLATEAU in first
    assert APPROACH in first
    assert CRITERIA not in first
    assert CRITERIA in second
    reviews = [step for step in place.histories[-1].steps if isinstance(step, CheckpointStep)]
    assert APPROACH not in reviews[0].guidance
    assert "mind the sign" in reviews[0].notes


async def test_feedback_is_not_the_verdict(place: Place) -> None:
    place.verdict.right = "abs(a)"
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(EXPERIMENT)
    assert result.ending is Ending.UNSOLVED
    assert (result.feedback_passed, result.feedback_total) == (2, 2)
    assert (result.verdict_passed, result.verdict_total) == (1, 2)
    assert result.iterations == 1, "what was held back is no reason to go on"


async def test_one_set_of_tests_is_said_to_be_one(place: Place) -> None:
    problem = msgspec.structs.replace(PROBLEM, feedback=None)
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(msgspec.structs.replace(EXPERIMENT, problem=problem))
    assert result.is_solved
    assert not result.is_held_back
    assert not place.verdict.judged


@pytest.mark.parametrize("has_thoughts", [True, False])
async def test_settings_of_a_plan_reach_the_models(place: Place, has_thoughts: bool) -> None:
    chosen = plan(
        spec_model="", seed=7, temperature=0.9, use_reasoning=has_thoughts, answer_tokens=123
    )
    async with place.open([say(WRONG), say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(chosen)
    assert [request.seed for request in place.cheap.requests] == [8, 9]
    assert {request.temperature for request in place.cheap.requests} == {0.9}
    assert {request.max_tokens for request in place.cheap.requests} == {123}
    text = place.cheap.requests[0].messages[0].text
    assert ("First say" in text) is has_thoughts
    assert not place.dear.requests
    assert not result.spec_model


@pytest.mark.parametrize(
    "empty",
    [
        say(""),
        msgspec.structs.replace(say("no"), finish=FinishReason.CONTENT_FILTER),
        msgspec.structs.replace(say(" "), finish=FinishReason.LENGTH),
        say("I cannot do this."),
    ],
)
async def test_an_answer_without_code_is_a_result_and_is_paid(
    place: Place, empty: Completion
) -> None:
    async with place.open([empty, say(RIGHT)], [empty, REVIEW]) as orchestrator:
        result = await orchestrator.run(EXPERIMENT)
    assert result.is_solved
    assert result.iterations == 2
    assert result.cost.total.calls == 3
    assert "held no code" in place.cheap.requests[1].messages[0].text


async def test_whatever_a_program_prints_or_raises_is_kept_as_far_as_prompts_show_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = FailedCase(call="add(1, 2)", expected="3", actual="raised \ud800")
    loud = msgspec.structs.replace(
        FAILED, failure=failure, error="ValueError: \udfff", stdout="x" * 10**6, stderr="y" * 10**6
    )
    monkeypatch.setattr("trials.FAILED", loud)
    async with place.open([say(WRONG), say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(EXPERIMENT)
    assert result.is_solved
    kept = orchestrator.store.path.stat().st_size
    assert kept < 10**6
    assert "raised ?" in place.cheap.requests[1].messages[0].text


async def test_a_model_that_fails_leaves_what_was_done(place: Place) -> None:
    down = ServerError("down", status=500)
    async with place.open([say(WRONG), down], [SPEC]) as orchestrator:
        with pytest.raises(AllRoutesFailedError):
            await orchestrator.run(EXPERIMENT)
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(EXPERIMENT)
    assert result.is_solved
    assert result.iterations == 2
    assert not place.dear.requests, "the specification was there"
    assert result.cost.total.calls == len(place.list_costs()) == 4, "the failed call counts too"


class PowerCut(BaseException):
    """Ends a process without a word."""


@pytest.mark.parametrize("cut_at", range(12))
async def test_broken_off_anywhere_nothing_is_paid_twice_and_the_ledger_balances(
    place: Place, cut_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends just before a step is kept: what was asked for it stands in the ledger."""
    chosen = plan(checkpoint_interval=3, max_iterations=4)
    script = [say(WRONG)] * 3 + [say(RIGHT)]
    async with place.open(script, [SPEC, REVIEW]) as orchestrator:
        keep = orchestrator.store.keep_step

        def cut(key: Key, index: int, step: Any) -> None:
            if index == cut_at:
                raise PowerCut
            keep(key, index, step)

        monkeypatch.setattr(orchestrator.store, "keep_step", cut)
        if cut_at < 11:
            with pytest.raises(PowerCut):
                await orchestrator.run(chosen)
        else:
            await orchestrator.run(chosen)
    asked = len(place.cheap.requests)
    lost = len(place.histories[-1].trials) < asked if place.histories else False
    rest = script[asked - lost :] if asked else script
    async with place.open(rest or [say(RIGHT)], [REVIEW]) as orchestrator:
        result = await orchestrator.run(chosen)
    assert result.is_solved
    assert result.iterations == 4
    rows = place.list_costs()
    assert result.cost.total.calls == len(rows)
    paid = Decimal(sum(cost for _, _, cost in rows)).scaleb(-12)
    assert result.cost.total.cost_usd == paid
    jobs = [job for job, _, _ in rows]
    assert len(jobs) - len(set(jobs)) <= 1, "only the step that was cut off is asked for again"


async def test_a_limit_stops_before_it_is_passed_and_more_money_goes_on(place: Place) -> None:
    limit = Decimal("0.05")
    async with place.open([say(WRONG)], [SPEC, REVIEW]) as orchestrator:
        result = await orchestrator.run(plan(max_cost_usd=limit))
    assert result.ending is Ending.STOPPED
    assert "0.05" in result.reason
    assert result.cost.total.cost_usd <= limit
    iterations = result.iterations
    async with place.open([say(RIGHT)], [REVIEW]) as orchestrator:
        result = await orchestrator.run(plan(max_cost_usd=Decimal(9)))
    assert result.is_solved
    assert result.iterations == iterations + 1


async def test_a_spec_is_reused_at_no_cost_and_says_whose_it_is(place: Place) -> None:
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    again = msgspec.structs.replace(plan(reuse_spec=True), key=Key(run="run-2", problem="Adding/0"))
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(again)
    assert not place.dear.requests
    assert result.spec_model == PLAN.spec_model
    assert result.spec_reused_from == KEY.id
    assert result.cost.total.calls == 1
    assert "It adds two numbers." in place.cheap.requests[0].messages[0].text


async def test_without_an_earlier_spec_one_is_written(place: Place) -> None:
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(plan(reuse_spec=True))
    assert len(place.dear.requests) == 1
    assert not result.spec_reused_from


async def test_a_simulated_spec_is_not_passed_off_as_a_real_one(place: Place) -> None:
    simulated = say("A simulated text.", is_simulated=True)
    async with place.open([say(RIGHT)], [simulated]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    again = msgspec.structs.replace(plan(reuse_spec=True), key=Key(run="run-2", problem="Adding/0"))
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        result = await orchestrator.run(again)
    assert result.is_simulated, "what it started from was simulated"


async def test_everything_is_remembered_and_found_by_its_tags(place: Place) -> None:
    async with place.open([say(WRONG)] * 5 + [say(RIGHT)], [SPEC, REVIEW]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
        found = {
            kind: await place.memory.recall(
                tags=[f"kind:{kind}", "problem:Adding/0", "experiment:run-1", "run:run-1"]
            )
            for kind in ("spec", "iteration", "feedback", "checkpoint", "verdict", "result")
        }
    counts = {kind: len(notes) for kind, notes in found.items()}
    assert counts == {
        "spec": 1, "iteration": 6, "feedback": 6, "checkpoint": 1, "verdict": 1, "result": 1,
    }  # fmt: skip
    assert found["iteration"][0].content.strip() == "def add(a, b):\n    return a + b"
    assert found["result"][0].content.startswith("solved after 6 iterations and 1 reviews")


async def test_what_was_kept_and_not_yet_remembered_is_remembered_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:

        async def cut(_: object) -> None:
            raise PowerCut

        with monkeypatch.context() as patched:
            patched.setattr(place.memory, "remember", cut)
            with pytest.raises(PowerCut):
                await orchestrator.run(EXPERIMENT)
        await orchestrator.run(EXPERIMENT)
        kept = await place.memory.recall(tags=["experiment:run-1", "kind:spec"])
    assert [note.content for note in kept] == ["It adds two numbers."]


async def test_debug_writes_everything(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "debug" / "deep"
    script = [say(WRONG)] * 5 + [say(RIGHT)]
    async with place.open(script, [SPEC, REVIEW], debug_dir=folder) as orchestrator:
        await orchestrator.run(EXPERIMENT)
    guidance = (folder / "run-1_checkpoint01_guidance.txt").read_text()
    assert "Use `return a + b`." in guidance
    assert (folder / "run-1_iteration06_answer.txt").read_text() == RIGHT
    assert "return a - b" in (folder / "run-1_iteration05_code.py").read_text()
    result = msgspec.json.decode((folder / "run-1_iteration01_result.json").read_bytes())
    assert result["failure"]["call"] == "add(1, 2)"
    assert (folder / "run-1_verdict.json").exists()


async def test_a_debug_folder_that_cannot_be_written_says_so(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with place.open([say(RIGHT)], [SPEC], debug_dir=tmp_path / "file") as orchestrator:
        with pytest.raises(StoreError, match="--debug-dir"):
            await orchestrator.run(EXPERIMENT)


async def test_two_processes_do_not_perform_one_experiment(place: Place) -> None:
    async with place.open([say(RIGHT)], [SPEC]) as orchestrator:
        await orchestrator.run(EXPERIMENT)
        with pytest.raises(StoreError, match="another process"):
            orchestrator.store.keep_step(KEY, 0, place.histories[-1].steps[0])


async def test_a_measured_control_stands_beside_the_estimate(place: Place) -> None:
    control = msgspec.structs.replace(
        plan(spec_model="", checkpoint_model="", iteration_model=PLAN.spec_model),
        key=Key(run="control", problem="Adding/0"),
    )
    async with place.open([say(RIGHT)], [say(RIGHT)]) as orchestrator:
        alone = await orchestrator.run(control)
        assert alone.cost.control is None
        result = await orchestrator.run(plan(spec_model=""))
    assert result.cost.control is not None
    assert (result.cost.control.samples, result.cost.control.solved) == (1, 1)
    assert result.cost.control.cost_usd == alone.cost_usd
    saved = result.cost.savings.saved_against_control_usd
    assert saved == Decimal("0.0011") - Decimal("0.00011")
