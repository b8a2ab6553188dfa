"""What an experiment is: its problem's key, and the plan by which it is tried."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from koderz.errors import ConfigError
from koderz.prompts.iteration import ANSWER_TOKENS
from koderz.types import TaskKind

MOST_SAMPLES = 1_000
"""How often one strategy may try a problem in a run; the samples' seeds follow each other."""

LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 0.1, 86_400.0
MOST_SEED = 2_000_000_000
"""Below what a provider's 32 bits hold, with room for the numbers of attempts and samples."""

_UNSAFE = re.compile(r"[^\w.+-]+")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Which experiment: of a run, the strategy, the problem and the number of the sample.

    A run of one experiment has no strategy, and the experiment goes by the run's name.
    """

    run: str
    problem: str
    strategy: str = ""
    sample: int = 0

    @property
    def id(self) -> str:
        """The name of the experiment, which is a safe file name too."""
        if not self.strategy:
            return self.run
        parts = (self.run, self.strategy, self.problem, str(self.sample))
        return "_".join(_UNSAFE.sub("-", part) for part in parts)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a problem is tried: the model of each role, and the limits.

    No `spec_model`: no specification; no `checkpoint_model`: no reviews. `checkpoint_interval`
    counts iterations. With `reuse_spec` an earlier specification of the problem is taken where
    the memory has one. `use_reasoning` lets the model think aloud before its code. `seed` differs
    from iteration to iteration by their number. `timeout_s` is CPU time of one program,
    `answer_tokens` the most that one answer may have, thoughts included. `max_cost_usd` is for
    the whole experiment. With `cost_of`, a strategy's name, attempts are independent of each other
    and go on until one passes or what that strategy's experiment took is used up. Raises
    ConfigError for what makes no sense.
    """

    iteration_model: str
    spec_model: str = ""
    checkpoint_model: str = ""
    max_iterations: int = 50
    checkpoint_interval: int = 5
    reuse_spec: bool = False
    use_reasoning: bool = True
    seed: int | None = None
    temperature: float | None = None
    timeout_s: float = 10.0
    answer_tokens: int = ANSWER_TOKENS
    max_cost_usd: Decimal | None = None
    cost_of: str = ""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        _require(bool(self.iteration_model), "the iteration model", "is missing: name one")
        _require(self.max_iterations >= 1, "--max-iterations", "has to be 1 or more")
        _require(
            self.checkpoint_interval >= 1,
            "--checkpoint-interval",
            "has to be 1 or more; --no-checkpoints asks for no reviews",
        )
        _require(
            LEAST_TIMEOUT_S <= self.timeout_s <= MOST_TIMEOUT_S,
            "--timeout",
            f"has to be from {LEAST_TIMEOUT_S} seconds to a day",
        )
        _require(self.answer_tokens >= 1, "answer_tokens", "has to be 1 or more")
        cost, heat = self.max_cost_usd, self.temperature
        _require(cost is None or (cost.is_finite() and cost >= 0), "--max-cost", "is no amount")
        _require(heat is None or 0 <= heat <= 2, "--temperature", "lies between 0 and 2")  # noqa: PLR2004 - the range that providers share.
        _require(self.seed is None or abs(self.seed) <= MOST_SEED, "--seed", "is too large")

    def get_seed(self, number: int) -> int | None:
        """The seed of an attempt, by its number; None where none is set.

        Those of independent attempts lie so far apart that no two samples share one.
        """
        if self.seed is None:
            return None
        return self.seed + number * (MOST_SAMPLES if self.cost_of else 1)

    @property
    def models(self) -> dict[TaskKind, str]:
        """The model of each role that the plan has."""
        named = {
            TaskKind.SPEC: self.spec_model,
            TaskKind.ITERATION: self.iteration_model,
            TaskKind.CHECKPOINT: self.checkpoint_model,
        }
        return {role: model for role, model in named.items() if model}


def plan_sample(plan: Plan, sample: int) -> Plan:
    """The plan as one sample of several follows it: with a seed of its own, where one is set."""
    return plan if plan.seed is None else msgspec.structs.replace(plan, seed=plan.seed + sample)


def plan_zero_shot(plan: Plan) -> Plan:
    """The same plan with one attempt, no specification and no review."""
    return msgspec.structs.replace(plan, spec_model="", checkpoint_model="", max_iterations=1)


def _require(holds: bool, key: str, reason: str) -> None:
    if not holds:
        raise ConfigError(reason, key=key)
