"""Running many experiments: order, width, failures, money, and what is kept of it all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from ledger_rows import build_attempt
from trials import CHEAP, DEAR, FAILED, PASSED, PROBLEM

from koderz.config.settings import Settings
from koderz.errors import AllRoutesFailedError, BudgetExceededError, JobError, StoreError
from koderz.experiments.documents import RunDocument, build_run_row
from koderz.experiments.history import History
from koderz.experiments.keeping import Keeper
from koderz.experiments.performing import Experiment, Keep
from koderz.experiments.plans import Key, Plan, plan_zero_shot
from koderz.experiments.steps import FeedbackStep, IterationStep, VerdictStep
from koderz.experiments.store import ExperimentStore
from koderz.ledger.records import Outcome
from koderz.memory.sqlite_memory import SqliteMemory
from koderz.runs.purses import Purse
from koderz.runs.reckoning import Reckoner
from koderz.runs.running import MOST_FAILURES, Runner
from koderz.runs.values import RunOutcome, Turn
from koderz.sandbox import Verdict

RUN = "run-1"
SUPERVISED = Plan(iteration_model=CHEAP, spec_model=DEAR, checkpoint_model=DEAR)
PLANS = {
    "cheap": plan_zero_shot(SUPERVISED),
    "supervised": SUPERVISED,
    "same-cost": Plan(iteration_model=CHEAP, cost_of="supervised"),
}
CENT = Decimal("0.01")
Before = Callable[[Experiment], Awaitable[None]]


async def do_nothing(experiment: Experiment) -> None:
    """Let every experiment pass."""


class Scripted:
    """Performs each experiment in one iteration for a cent, unless `before` stops it."""

    def __init__(self, before: Before = do_nothing, verdict: Verdict = PASSED) -> None:
        self.before, self.verdict = before, verdict
        self.begun: list[Key] = []
        self.under_way = self.most = 0

    async def __call__(self, experiment: Experiment, history: History, keep: Keep) -> None:
        self.begun.append(experiment.key)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            await self.before(experiment)
            for step in self._list_steps(experiment):
                history = history.add(step)
                await keep(history)
        finally:
            self.under_way -= 1

    def _list_steps(
        self, experiment: Experiment
    ) -> Iterator[IterationStep | FeedbackStep | VerdictStep]:
        now = datetime.now(UTC)
        attempts = (build_attempt(cost_usd=CENT, job_id=experiment.key.id),)
        yield IterationStep(
            at=now, number=1, model=CHEAP, answer="a", code="c", found="block", attempts=attempts
        )
        yield FeedbackStep(at=now, number=1, verdict=self.verdict)
        yield VerdictStep(at=now, number=1, verdict=self.verdict, is_held_back=True)


class Scene:
    """A folder with a store and a memory, and a run in it."""

    def __init__(self, folder: Path, problems: int = 4, samples: int = 1) -> None:
        self.folder, self.turns = folder, list[Turn]()
        names = [f"p/{number}" for number in range(problems)]
        self.document = RunDocument(dataset="", problem_ids=tuple(names), plans=PLANS)
        self.experiments = [
            Experiment(
                key=Key(run=RUN, strategy=strategy, problem=name, sample=sample),
                problem=msgspec.structs.replace(PROBLEM, task_id=name),
                plan=plan,
            )
            for name in names
            for sample in range(samples)
            for strategy, plan in PLANS.items()
        ]

    @asynccontextmanager
    async def open(
        self, performs: Scripted, *, concurrency: int = 2, purse: Purse | None = None
    ) -> AsyncIterator[Runner]:
        with (
            ExperimentStore(self.folder / "e.sqlite") as store,
            SqliteMemory(self.folder / "m.sqlite") as memory,
        ):
            store.keep_run(build_run_row(RUN, "benchmark", self.document))
            runner = Runner(
                Keeper(store, memory),
                performs,
                Reckoner(Settings()),
                concurrency=concurrency,
                purse=purse or Purse(),
                pause_s=0.01,
                on_turn=self.turns.append,
            )
            runner.load(self.experiments)
            yield runner

    async def run(self, performs: Scripted, **options: int | Purse) -> RunOutcome:
        async with self.open(performs, **options) as runner:  # type: ignore[arg-type] # as `open` takes them.
            return await runner.run()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_every_experiment_is_judged_problem_by_problem(scene: Scene) -> None:
    performs = Scripted()
    outcome = await scene.run(performs, concurrency=1)
    assert outcome.is_complete
    assert outcome == RunOutcome(total=12, judged=12)
    order = [(key.problem, key.strategy) for key in performs.begun]
    each = ["supervised", "cheap", "same-cost"]
    assert order == [(f"p/{number}", name) for number in range(4) for name in each]


async def test_as_many_are_under_way_as_are_wanted(scene: Scene) -> None:
    performs = Scripted()
    await scene.run(performs, concurrency=5)
    assert performs.most == 5


async def test_what_goes_by_a_cost_waits_for_it_and_records_it(scene: Scene) -> None:
    async with scene.open(Scripted()) as runner:
        await runner.run()
        key = Key(run=RUN, strategy="same-cost", problem="p/0")
        allowance = runner.store.load_history(key).allowance
    assert allowance
    assert (allowance.cost_of, allowance.cost_usd, allowance.calls) == ("supervised", CENT, 1)


async def test_turns_tell_how_far_each_strategy_is(scene: Scene) -> None:
    async with scene.open(Scripted(verdict=FAILED)) as runner:
        await runner.run()
        tally = runner.tallies["cheap"]
    assert (tally.total, tally.judged, tally.solved, tally.steps) == (4, 4, 0, 12)
    assert tally.cost_usd == 4 * CENT
    judged = [turn for turn in scene.turns if turn.history.verdict]
    assert len(judged) == 12


async def test_results_are_remembered(scene: Scene) -> None:
    await scene.run(Scripted())
    with SqliteMemory(scene.folder / "m.sqlite") as memory:
        notes = await memory.recall(tags=[f"run:{RUN}", "kind:result"], limit=99)
    assert len(notes) == 12


async def test_a_run_goes_on_with_what_is_not_judged(scene: Scene) -> None:
    async def break_one(experiment: Experiment) -> None:
        if experiment.key == Key(run=RUN, strategy="supervised", problem="p/1"):
            raise AllRoutesFailedError(["it is down"])

    first = await scene.run(Scripted(break_one))
    assert (first.judged, len(first.failures)) == (10, 1)
    assert first.left == {"same-cost": 1}, "it goes by the one that was broken off"
    again = Scripted()
    second = await scene.run(again)
    assert second.is_complete
    assert {key.problem for key in again.begun} == {"p/1"}
    assert len(again.begun) == 2


@pytest.mark.parametrize(
    "error", [AllRoutesFailedError(["down"]), JobError("cannot be judged here")]
)
async def test_one_failure_stops_nothing_else(scene: Scene, error: Exception) -> None:
    async def break_one(experiment: Experiment) -> None:
        if experiment.key == Key(run=RUN, strategy="cheap", problem="p/2"):
            raise error

    outcome = await scene.run(Scripted(break_one))
    assert outcome.judged == 11
    assert [failure.reason for failure in outcome.failures] == [str(error)]
    ended = [turn for turn in scene.turns if turn.reason and turn.put_off_s is None]
    assert [turn.key.problem for turn in ended] == ["p/2"]


async def test_an_outage_of_models_that_had_answered_is_waited_for(scene: Scene) -> None:
    silences = iter(range(6))

    async def fall_silent(experiment: Experiment) -> None:
        if experiment.key.problem == "p/2" and next(silences, None) is not None:
            raise AllRoutesFailedError(["too many requests"])

    outcome = await scene.run(Scripted(fall_silent), concurrency=3)
    assert outcome.is_complete
    assert [turn.put_off_s for turn in scene.turns if turn.reason] == [0.01] * 6


async def test_what_waiting_does_not_mend_is_not_waited_for(scene: Scene) -> None:
    async def refuse_one(experiment: Experiment) -> None:
        if experiment.key == Key(run=RUN, strategy="cheap", problem="p/2"):
            attempt = build_attempt(outcome=Outcome.FAILED, reason="ContextLengthError")
            raise AllRoutesFailedError(["it is too long"], attempts=[attempt])

    outcome = await scene.run(Scripted(refuse_one), concurrency=1)
    assert len(outcome.failures) == 1
    assert [turn.put_off_s for turn in scene.turns if turn.reason] == [None]


async def test_a_strategy_that_only_fails_is_left_for_later(tmp_path: Path) -> None:
    scene = Scene(tmp_path, problems=20)

    async def break_cheap(experiment: Experiment) -> None:
        if experiment.key.strategy == "cheap":
            raise AllRoutesFailedError([f"down for {experiment.key.problem}"])

    performs = Scripted(break_cheap)
    outcome = await scene.run(performs, concurrency=3)
    tried = [key for key in performs.begun if key.strategy == "cheap"]
    assert MOST_FAILURES <= len(tried) < MOST_FAILURES + 3
    assert list(outcome.given_up) == ["cheap"]
    assert "down for p/0" in outcome.given_up["cheap"]
    assert outcome.left == {"cheap": 20 - len(tried)}
    assert outcome.judged == 40, "the others are done"


@pytest.mark.parametrize("error", [StoreError("the disk is full"), RuntimeError("a fault of ours")])
async def test_what_would_break_all_ends_all(scene: Scene, error: Exception) -> None:
    async def break_third(experiment: Experiment) -> None:
        if experiment.key.problem == "p/1":
            raise error

    performs = Scripted(break_third)
    with pytest.raises(type(error), match=str(error)):
        await scene.run(performs)
    assert performs.under_way == 0
    assert len(performs.begun) < 12


async def test_cancelling_ends_what_is_under_way(scene: Scene) -> None:
    both = asyncio.Barrier(3)

    async def hang(experiment: Experiment) -> None:
        await both.wait()
        await asyncio.Event().wait()

    performs = Scripted(hang)
    async with scene.open(performs) as runner:
        run = asyncio.create_task(runner.run())
        await both.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert performs.under_way == 0


async def test_nothing_begins_that_is_expected_to_pass_the_limit(scene: Scene) -> None:
    purse = Purse(Decimal("0.055"), expected_usd=dict.fromkeys(PLANS, CENT))
    outcome = await scene.run(Scripted(), concurrency=4, purse=purse)
    assert outcome.judged == 5
    assert sum(outcome.left.values()) == 7
    assert "$0.0500 of $0.055 are spent, and another experiment of" in outcome.stopped


async def test_money_that_was_spent_before_counts(scene: Scene) -> None:
    purse = Purse(
        Decimal("0.05"), spent_usd=Decimal("0.03"), expected_usd=dict.fromkeys(PLANS, CENT)
    )
    outcome = await scene.run(Scripted(), concurrency=4, purse=purse)
    assert outcome.judged == 2


async def test_who_is_refused_by_a_shared_limit_waits_for_the_others(scene: Scene) -> None:
    performs = Scripted()

    async def refuse_where_two_are_under_way(experiment: Experiment) -> None:
        if performs.under_way > 1:
            raise BudgetExceededError("run", spent_usd=CENT, limit_usd=CENT)

    performs.before = refuse_where_two_are_under_way
    outcome = await scene.run(performs, concurrency=4)
    assert outcome.is_complete


async def test_who_is_refused_alone_ends_the_run(scene: Scene) -> None:
    async def refuse(experiment: Experiment) -> None:
        raise BudgetExceededError("run", spent_usd=CENT, limit_usd=CENT)

    outcome = await scene.run(Scripted(refuse), concurrency=4)
    assert (outcome.judged, outcome.failures) == (0, ())
    assert "the run budget of $0.01 does not cover the next call" in outcome.stopped


@pytest.mark.parametrize(("limit", "said"), [("0.01", "$0.0000 of $0.01 are"), ("9", "run budget")])
async def test_the_limit_that_refused_is_named(scene: Scene, limit: str, said: str) -> None:
    async def refuse(experiment: Experiment) -> None:
        raise BudgetExceededError("run", spent_usd=CENT, limit_usd=CENT)

    outcome = await scene.run(Scripted(refuse), purse=Purse(Decimal(limit)))
    assert said in outcome.stopped


async def test_a_limit_of_its_own_stops_one_experiment(scene: Scene) -> None:
    async def refuse_one(experiment: Experiment) -> None:
        if experiment.key == Key(run=RUN, strategy="cheap", problem="p/0"):
            raise BudgetExceededError("job", spent_usd=CENT, limit_usd=CENT)

    outcome = await scene.run(Scripted(refuse_one))
    assert (outcome.judged, len(outcome.failures), outcome.given_up) == (11, 1, {})


def test_what_goes_by_a_cost_is_expected_to_cost_as_much() -> None:
    purse = Purse(Decimal(1), expected_usd={"a": CENT}, cost_of={"b": "a"})
    assert purse.get_expected_usd("b") == CENT
    purse.measure("a", Decimal("0.5"))
    assert purse.get_expected_usd("b") == Decimal("0.5")
    purse.measure("b", Decimal("0.2"))
    assert purse.get_expected_usd("b") == Decimal("0.2")


def test_a_purse_learns_what_experiments_cost() -> None:
    purse = Purse(Decimal(1), expected_usd={"a": CENT})
    keys = [Key(run=RUN, strategy="a", problem=str(number)) for number in range(3)]
    purse.begin(keys[0])
    purse.pay(keys[0], Decimal("0.4"))
    purse.end(keys[0])
    assert purse.has_room(keys[1])
    purse.measure("a", Decimal("0.4"))
    purse.begin(keys[1])
    assert not purse.has_room(keys[2]), "0.4 are spent, 0.4 set aside"
    assert purse.has_room(keys[2], done_usd=Decimal("0.3")), "most of it is paid already"
