"""Running many experiments: which begins when, what is kept, and what ends it all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from koderz.errors import (
    AllRoutesFailedError,
    BudgetExceededError,
    JobError,
    ProviderError,
    RoutingError,
)
from koderz.experiments.history import History
from koderz.experiments.keeping import Keeper
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Key
from koderz.experiments.steps import Asked
from koderz.runs.patience import Patience, may_pass
from koderz.runs.purses import Purse
from koderz.runs.queues import Queue, get_measured, order_experiments
from koderz.runs.reckoning import Reckoner
from koderz.runs.tallies import Tally, sum_known
from koderz.runs.values import Failure, OnTurn, Performs, RunOutcome, Turn

MOST_FAILURES: Final = 5
"""After how many failures in a row, with no step between, a strategy is left for later."""


class Runner:
    """Runs experiments, up to `concurrency` at once, each from where its steps end.

    Every step is kept before the next begins. An experiment that a model's failure breaks off
    does not end the run. Where the model had answered before and the failure may pass, its
    strategy is put off for `pause_s` seconds and tried again. `reckoner` gives the allowance of
    experiments that go by the cost of others, `purse` says what may still begin. `on_turn` is told
    of each step after it is kept, and of each experiment that was broken off; `tallies` say how
    far each strategy is.
    """

    def __init__(
        self,
        keeper: Keeper,
        performs: Performs,
        reckoner: Reckoner,
        *,
        concurrency: int,
        purse: Purse,
        pause_s: float = 60.0,
        on_turn: OnTurn = lambda _: None,
    ) -> None:
        self.store = keeper.store
        self.tallies: dict[str, Tally] = {}
        self._keeper, self._performs, self._reckoner = keeper, performs, reckoner
        self._width, self._purse, self._on_turn = concurrency, purse, on_turn
        self._queue, self._patience = Queue(()), Patience(pause_s)
        self._paid: dict[Key, Decimal] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._streaks: dict[str, list[str]] = {}
        self._failures: list[Failure] = []
        self._given_up: dict[str, str] = {}
        self._stopped = ""

    def load(self, experiments: Sequence[Experiment]) -> dict[str, Tally]:
        """Take in what is to be done and what is done already: how far it is, in this order."""
        wanted = {each.key for each in experiments}
        for name, total in Counter(each.key.strategy for each in experiments).items():
            self.tallies[name] = Tally(strategy=name, total=total)
        judged = []
        for run in sorted({key.run for key in wanted}):
            for key, history in self.store.load_histories(run):
                if key in wanted:
                    self._take_in(key, history)
                    judged += [key] if history.verdict else []
        self._queue = Queue(order_experiments(experiments), judged)
        return self.tallies

    async def run(self) -> RunOutcome:
        """Every experiment that was loaded to its verdict, as far as models and money go.

        Raises StoreError, SandboxUnavailableError and ConfigError, which no other experiment would
        be spared; what is kept by then stays good to go on from.
        """
        try:
            self._begin_more()
            while self._under_way or self._is_waiting():
                await self._wait()
                self._begin_more()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
        return self._build_outcome()

    def _is_waiting(self) -> bool:
        """Whether something is put off that can begin later."""
        put_off = self._patience.list_put_off()
        return not self._stopped and any(name in put_off for name in self._queue.count_waiting())

    async def _wait(self) -> None:
        """Wait until an experiment ends, or one that was put off may begin."""
        wait_s = self._patience.get_wait_s()
        if not self._under_way:
            await asyncio.sleep(wait_s or 0.0)
            return
        done, _ = await asyncio.wait(
            self._under_way, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            # Where several end the run at once, the others are still to be gathered.
            self._under_way.discard(task)
            task.result()

    def _begin_more(self) -> None:
        while len(self._under_way) < self._width and not self._stopped:
            experiment = self._queue.take(self._patience.list_put_off())
            if experiment is None:
                return
            key = experiment.key
            if not self._purse.has_room(key, self._paid.get(key, Decimal(0))):
                self._queue.put_back(experiment)
                if not self._under_way:
                    self._stopped = self._purse.explain(key)
                return
            self._purse.begin(key, self._paid.get(key, Decimal(0)))
            self._under_way.add(asyncio.create_task(self._perform(experiment)))

    async def _perform(self, experiment: Experiment) -> None:
        key = experiment.key
        try:
            history = await self._resume(experiment)
            await self._performs(experiment, history, partial(self._keep, experiment))
        except BudgetExceededError as error:
            self._note_refusal(experiment, error)
        except AllRoutesFailedError as error:
            self._note_silence(experiment, error)
        except (ProviderError, RoutingError, JobError) as error:
            self._note_failure(key, str(error))
        finally:
            self._purse.end(key)

    async def _resume(self, experiment: Experiment) -> History:
        """The steps so far; an experiment that goes by another's cost begins with its allowance."""
        key = experiment.key
        history = self.store.load_history(key)
        if history.steps:
            # Whatever broke it off may have come between keeping its last step and telling of it.
            await self._keeper.tell(key, history)
        other = get_measured(experiment)
        if other is not None and history.allowance is None:
            measured = self.store.load_history(other)
            history = history.add(self._reckoner.build_allowance(experiment.plan, measured))
            await self._keep(experiment, history)
        return history

    async def _keep(self, experiment: Experiment, history: History) -> None:
        key, step = experiment.key, history.steps[-1]
        await self._keeper.keep(key, history)
        cost_usd = sum_known(step)
        self._purse.pay(key, cost_usd)
        self._paid[key] = self._paid.get(key, Decimal(0)) + cost_usd
        self.tallies[key.strategy] = self.tallies[key.strategy].add_step(step)
        if isinstance(step, Asked):
            self._streaks.pop(key.strategy, None)
            self._patience.note_answer(key)
        if history.verdict:
            await self._note_verdict(experiment, history)
        self._on_turn(Turn(key=key, history=history, tallies=self.tallies))

    async def _note_verdict(self, experiment: Experiment, history: History) -> None:
        key = experiment.key
        await self._keeper.memory.remember(self._reckoner.build_note(experiment, history))
        self.tallies[key.strategy] = self.tallies[key.strategy].add_verdict(history)
        self._purse.measure(key.strategy, self._paid.pop(key, Decimal(0)))
        self._queue.mark_judged(key)

    def _note_refusal(self, experiment: Experiment, error: BudgetExceededError) -> None:
        """A limit of the experiment's own ends it alone; one that all share makes it wait.

        What others may still cost is set aside for them: with fewer of them it may fit.
        """
        key = experiment.key
        if error.scope not in {"run", "day"}:
            self._fail(key, str(error))
            return
        self._queue.put_back(experiment)
        others = len(self._under_way) - 1
        self._width = max(1, others)
        if not others:
            self._stopped = self._purse.explain_refusal(error)

    def _note_silence(self, experiment: Experiment, error: AllRoutesFailedError) -> None:
        """No model answered: it is tried again later where that may help, else broken off."""
        key = experiment.key
        if not (may_pass(error) and self._patience.put_off(key)):
            self._note_failure(key, str(error))
            return
        self._queue.put_back(experiment)
        self._tell(key, str(error), put_off_s=self._patience.pause_s)

    def _note_failure(self, key: Key, reason: str) -> None:
        self._fail(key, reason)
        streak = self._streaks.setdefault(key.strategy, [])
        streak.append(reason)
        if len(streak) == MOST_FAILURES:
            self._given_up[key.strategy] = streak[0]
            self._queue.drop(key.strategy)

    def _fail(self, key: Key, reason: str) -> None:
        self._failures.append(Failure(key=key, reason=reason))
        self.tallies[key.strategy] = self.tallies[key.strategy].add_failure()
        self._tell(key, reason)

    def _tell(self, key: Key, reason: str, *, put_off_s: float | None = None) -> None:
        turn = Turn(
            key=key,
            history=self.store.load_history(key),
            reason=reason,
            put_off_s=put_off_s,
            tallies=self.tallies,
        )
        self._on_turn(turn)

    def _take_in(self, key: Key, history: History) -> None:
        self.tallies[key.strategy] = self.tallies[key.strategy].add_earlier(history)
        cost_usd = sum(map(sum_known, history.steps), Decimal(0))
        if history.verdict:
            self._purse.measure(key.strategy, cost_usd)
        else:
            self._paid[key] = cost_usd

    def _build_outcome(self) -> RunOutcome:
        tallies = self.tallies.values()
        left = {each.strategy: each.total - each.judged - each.failed for each in tallies}
        return RunOutcome(
            total=sum(each.total for each in tallies),
            judged=sum(each.judged for each in tallies),
            failures=tuple(self._failures),
            given_up=self._given_up,
            left={name: count for name, count in left.items() if count},
            stopped=self._stopped,
        )
