"""One experiment from its first step to its result: asked, judged, kept, remembered.

async with open_router() as router, open_sandbox() as sandbox, open_jury(sandbox) as jury:
    orchestrator = ExperimentOrchestrator(router, jury, store, memory)
    result = await orchestrator.run(Experiment(key=key, problem=problem, plan=plan))
print(format_cost_report(result.cost))
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from koderz.errors import BudgetExceededError
from koderz.experiments.controls import load_control
from koderz.experiments.history import History
from koderz.experiments.jury import Jury
from koderz.experiments.keeping import Keeper, OnStep
from koderz.experiments.notes import build_result_note, find_spec
from koderz.experiments.performing import Experiment, Performer
from koderz.experiments.plans import Key, Plan
from koderz.experiments.results import (
    ExperimentResult,
    analyze_cost,
    build_result,
    was_simulated,
)
from koderz.experiments.store import ExperimentStore
from koderz.memory.notes import Memory
from koderz.routing.router import Router


class ExperimentOrchestrator:
    """Runs experiments over a router and a jury, whatever the tiers of their models.

    Every step goes into the store before the next one begins, then into the memory and, with a
    `debug_dir`, into files. `baseline_model` is who the frontier-only estimate reckons with (""
    for the plan's checkpoint model).
    """

    def __init__(
        self,
        router: Router,
        jury: Jury,
        store: ExperimentStore,
        memory: Memory,
        *,
        baseline_model: str = "",
        debug_dir: Path | None = None,
        on_step: OnStep = lambda _: None,
    ) -> None:
        self.store = store
        self._keeper = Keeper(store, memory, debug_dir=debug_dir)
        self._router, self._jury, self._memory = router, jury, memory
        self._baseline_model, self._on_step = baseline_model, on_step

    async def run(self, experiment: Experiment) -> ExperimentResult:
        """Go on with an experiment from where its steps end, to its result.

        Where a limit does not cover the next call, the result is a stopped one and says so. Raises
        what the router raises where a model gives no answer; the steps until then are kept.
        """
        key = experiment.key
        performer = Performer(
            experiment, self._router, self._jury, partial(find_spec, self._memory)
        )
        history, reason = self.store.load_history(key), ""
        if history.steps:
            # Whatever broke it off may have come between keeping its last step and telling of it.
            await self._keeper.tell(key, history)
            self._on_step(history)
        try:
            await performer.run(partial(self._keep, key), history)
        except BudgetExceededError as error:
            reason = _explain(error, experiment.plan)
        result = self.build_result(key, experiment.plan, reason=reason)
        if not reason:
            await self._memory.remember(build_result_note(result))
        return result

    def build_result(self, key: Key, plan: Plan, *, reason: str = "") -> ExperimentResult:
        """The result of the steps that are kept of an experiment so far."""
        history = self.store.load_history(key)
        cost = analyze_cost(
            plan,
            history,
            settings=self._router.settings,
            price=self._router.price,
            baseline_model=self._baseline_model,
            control=load_control(
                self.store, key.problem, is_simulated=was_simulated(history), without=key
            ),
        )
        return build_result(key, plan, history, cost, reason=reason)

    async def _keep(self, key: Key, history: History) -> None:
        await self._keeper.keep(key, history)
        self._on_step(history)


def _explain(error: BudgetExceededError, plan: Plan) -> str:
    if error.scope != "job" or "price is unknown" in str(error):
        return str(error)
    return f"the limit of ${plan.max_cost_usd} does not cover the next call: raise --max-cost"
