"""Strategies: ways of trying a problem that are compared with each other.

A strategy says what a plan says, and may leave models out: `build_plans` names them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from koderz.config.settings import Seconds, Temperature, TokenLimit, Usd
from koderz.errors import ConfigError
from koderz.experiments.plans import MOST_SAMPLES, Plan, plan_zero_shot
from koderz.types import ModelInfo, Tier

Mode = Literal["iterative", "zero-shot", "same-cost"]
Count = Annotated[int, Meta(ge=1, le=MOST_SAMPLES)]

MOST_ITERATIONS: Final = 50
MOST_INDEPENDENT: Final = 500
"""How many independent attempts there are at the most, where nobody set another number."""


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One way of trying a problem; the fields are the keys of its table in a file.

    `mode`: `iterative` is a specification, attempts against tests and reviews; `zero-shot` one
    attempt; `same-cost` independent attempts up to what the strategy `cost_of` took for the same
    problem and sample. A model that is left out is the best within reach: of the highest tier for
    specification and review, for the attempts of the lowest, or of `iteration_tier`. The other
    fields are those of a Plan.
    """

    mode: Mode = "iterative"
    iteration_tier: Literal["lowest", "highest"] = "lowest"
    iteration_model: str = ""
    spec_model: str = ""
    checkpoint_model: str = ""
    use_spec: bool = True
    use_checkpoints: bool = True
    reuse_spec: bool = False
    use_reasoning: bool = True
    max_iterations: Count | None = None
    checkpoint_interval: Count = 5
    seed: int | None = None
    temperature: Temperature | None = None
    timeout_s: Seconds = 10.0
    answer_tokens: TokenLimit | None = None
    max_cost_usd: Usd | None = None
    cost_of: str = ""


PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cheap": {"mode": "zero-shot"},
    "supervised": {"mode": "iterative"},
    "frontier": {"mode": "zero-shot", "iteration_tier": "highest"},
    "same-cost": {"mode": "same-cost", "cost_of": "supervised"},
}
"""What a strategy of that name is where it says nothing else: together, a comparison."""

_OF_ITERATIONS: Final = frozenset(
    {"spec_model", "checkpoint_model", "use_spec", "use_checkpoints", "reuse_spec"}
    | {"checkpoint_interval"}
)
_UNREAD: Final[Mapping[str, frozenset[str]]] = {
    "iterative": frozenset({"cost_of"}),
    "zero-shot": _OF_ITERATIONS | {"cost_of", "max_iterations"},
    "same-cost": _OF_ITERATIONS,
}
"""The keys that nothing reads in a mode."""


class NamedModels(msgspec.Struct, frozen=True, kw_only=True):
    """Models that a person named for all strategies, by what they do there."""

    iteration: str = ""
    spec: str = ""
    checkpoint: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are named."""
        return tuple(name for name in (self.iteration, self.spec, self.checkpoint) if name)


def build_strategy(
    name: str, own: Mapping[str, Any], common: Mapping[str, Any] | None = None
) -> Strategy:
    """The strategy of that name: its own values, over those common to all, over its preset's.

    Raises ConfigError, with the key, for a value of its own that its mode does not read.
    """
    preset = PRESETS.get(name, {})
    mode: str = own.get("mode", preset.get("mode", "iterative"))
    for key in own:
        if key in _UNREAD[mode]:
            raise ConfigError(f"means nothing with the mode {mode}: leave it out", key=key)
    unread = _UNREAD[mode] | ({"max_iterations"} if mode == "same-cost" else set())
    shared = {key: value for key, value in (common or {}).items() if key not in unread}
    kept = {key: value for key, value in preset.items() if key not in _UNREAD[mode]}
    return Strategy(**{**kept, **shared, **own})


def list_unread(strategies: Iterable[Strategy], keys: Iterable[str]) -> tuple[str, ...]:
    """The keys that are common to all strategies and that none of them reads."""
    modes = {strategy.mode for strategy in strategies}
    return tuple(key for key in keys if all(key in _UNREAD[mode] for mode in modes))


def check_references(strategies: Mapping[str, Strategy]) -> None:
    """Raise ConfigError where a strategy goes by the cost of one that cannot be gone by."""
    others = [name for name, strategy in strategies.items() if strategy.mode != "same-cost"]
    for name, strategy in strategies.items():
        if strategy.mode == "same-cost" and strategy.cost_of not in others:
            said = repr(strategy.cost_of) if strategy.cost_of else "none"
            close = difflib.get_close_matches(strategy.cost_of, others, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(others)}"
            raise ConfigError(
                f"names the strategy whose cost it may use, and {said} is not one: "
                f"{hint if others else 'there is no other'}",
                key=f"strategy.{name}.cost_of",
            )


def needs_models(strategies: Iterable[Strategy], named: NamedModels) -> bool:
    """Whether no strategy names any model, so that all depends on what is within reach."""
    own = (
        name
        for each in strategies
        for name in (each.iteration_model, each.spec_model, each.checkpoint_model)
    )
    return not any((*own, *named.names))


def build_plans(
    strategies: Mapping[str, Strategy],
    named: NamedModels,
    best: Mapping[Tier, ModelInfo],
    *,
    answer_tokens: int,
) -> dict[str, Plan]:
    """The plan of each strategy, with the models it leaves out named.

    `best` is the best model of each tier within reach. Where none is, one that was named for
    something else stands in. Raises ConfigError where there is no model at all.
    """
    ranked = [best[tier].name for tier in Tier if tier in best] or _list_spare(strategies, named)
    plans: dict[str, Plan] = {}
    for name, strategy in sorted(strategies.items(), key=lambda item: item[1].mode == "same-cost"):
        cost_of = plans[strategy.cost_of] if strategy.mode == "same-cost" else None
        models = _name_models(strategy, named, ranked)
        if cost_of:
            models["iteration_model"] = strategy.iteration_model or cost_of.iteration_model
        plans[name] = _build_plan(strategy, models, answer_tokens)
    return {name: plans[name] for name in strategies}


def _list_spare(strategies: Mapping[str, Strategy], named: NamedModels) -> list[str]:
    own = [each.iteration_model for each in strategies.values() if each.iteration_model]
    spare = [*named.names, *own][:1]
    if not spare:
        raise ConfigError("no model is within reach: name one", key="--local-model")
    return spare


def _name_models(strategy: Strategy, named: NamedModels, ranked: list[str]) -> dict[str, str]:
    """The models of a strategy by role; `ranked` begins with the lowest tier's."""
    lowest = named.iteration or ranked[0]
    highest = named.checkpoint or named.spec or ranked[-1]
    is_high = strategy.iteration_tier == "highest"
    spec = strategy.spec_model or named.spec or ranked[-1]
    review = strategy.checkpoint_model or named.checkpoint or ranked[-1]
    return {
        "iteration_model": strategy.iteration_model or (highest if is_high else lowest),
        "spec_model": spec if strategy.use_spec else "",
        "checkpoint_model": review if strategy.use_checkpoints else "",
    }


def _build_plan(strategy: Strategy, models: Mapping[str, str], answer_tokens: int) -> Plan:
    usual = MOST_INDEPENDENT if strategy.mode == "same-cost" else MOST_ITERATIONS
    plan = Plan(
        **models,
        max_iterations=usual if strategy.max_iterations is None else strategy.max_iterations,
        checkpoint_interval=strategy.checkpoint_interval,
        reuse_spec=strategy.reuse_spec,
        use_reasoning=strategy.use_reasoning,
        seed=strategy.seed,
        temperature=strategy.temperature,
        timeout_s=strategy.timeout_s,
        answer_tokens=strategy.answer_tokens or answer_tokens,
        max_cost_usd=None if strategy.max_cost_usd is None else Decimal(strategy.max_cost_usd),
    )
    if strategy.mode == "iterative":
        return plan
    alone = plan_zero_shot(plan)
    if strategy.mode == "zero-shot":
        return alone
    return msgspec.structs.replace(
        alone, max_iterations=plan.max_iterations, cost_of=strategy.cost_of
    )
