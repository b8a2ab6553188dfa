"""The sums of a run: what experiments cost, and what others may cost for that."""

from __future__ import annotations

from koderz.config.settings import Settings
from koderz.experiments.allowances import build_allowance, say_why_calls
from koderz.experiments.history import History
from koderz.experiments.notes import build_result_note
from koderz.experiments.performing import Experiment
from koderz.experiments.plans import Plan
from koderz.experiments.results import analyze_cost, build_result
from koderz.experiments.steps import AllowanceStep
from koderz.memory.notes import Note
from koderz.models.prices import Price, PriceBook
from koderz.models.registry import get_known_model


class Reckoner:
    """Reckons with the prices of these settings; estimates go by those of `baseline_model`."""

    def __init__(self, settings: Settings, *, baseline_model: str = "") -> None:
        self._settings, self._baseline_model = settings, baseline_model
        self._prices = PriceBook(settings.koderz.prices)

    def get_price(self, model: str) -> Price:
        """What a model costs; UnknownModelError where nobody knows it."""
        return self._prices.get_price(get_known_model(model, self._settings))

    def build_allowance(self, plan: Plan, measured: History) -> AllowanceStep:
        """What independent attempts by a plan may use: what the steps of another one used."""
        return build_allowance(
            plan.cost_of,
            measured.attempts,
            model=get_known_model(plan.iteration_model, self._settings),
            price=self.get_price(plan.iteration_model),
            gpu_hour_usd=self._settings.koderz.experiments.gpu_hour_usd,
        )

    def say_why_calls(self, plan: Plan) -> str:
        """Why no cost bounds independent attempts by a plan, "" where one does."""
        model = get_known_model(plan.iteration_model, self._settings)
        rate = self._settings.koderz.experiments.gpu_hour_usd
        return say_why_calls(model, self.get_price(plan.iteration_model), rate)

    def build_note(self, experiment: Experiment, history: History) -> Note:
        """What an experiment that was judged leaves in the memory."""
        cost = analyze_cost(
            experiment.plan,
            history,
            settings=self._settings,
            price=self._prices.get_price,
            baseline_model=self._baseline_model,
        )
        return build_result_note(build_result(experiment.key, experiment.plan, history, cost))
