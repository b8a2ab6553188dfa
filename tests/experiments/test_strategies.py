"""Strategies: out of a file, out of flags, and with the models that they leave out."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from terminal import ROOT

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.experiments.choices import find_best
from koderz.experiments.plans import Plan, plan_sample
from koderz.models.inventory import Inventory
from koderz.runs.strategies import (
    MOST_INDEPENDENT,
    PRESETS,
    NamedModels,
    build_plans,
    build_strategy,
    needs_models,
)
from koderz.runs.strategy_files import load_strategies, parse_strategies
from koderz.types import ModelInfo, Tier

REACH = Inventory(providers=frozenset({"anthropic"}))
FOUR = """
[strategy.cheap]            # zero-shot small model
[strategy.supervised]       # small iterations, a frontier checkpoint every 5
[strategy.frontier]         # frontier one-shot: the control
[strategy.same-cost]        # as many more cheap samples as the reviews cost
"""


def find() -> dict[Tier, ModelInfo]:
    return find_best(Settings(), REACH)


def plan_all(text: str, named: NamedModels | None = None, **common: Any) -> dict[str, Plan]:
    strategies = parse_strategies(text, "s.toml", common)
    return build_plans(strategies, named or NamedModels(), find(), answer_tokens=4000)


def test_four_empty_tables_are_a_whole_comparison() -> None:
    plans = plan_all(FOUR)
    assert list(plans) == list(PRESETS)
    low, high = find()[Tier.SMALL_FRONTIER].name, find()[Tier.FRONTIER].name
    assert plans["cheap"] == Plan(iteration_model=low, max_iterations=1)
    assert plans["frontier"] == Plan(iteration_model=high, max_iterations=1)
    assert plans["supervised"] == Plan(
        iteration_model=low, spec_model=high, checkpoint_model=high, max_iterations=50
    )
    assert plans["same-cost"] == Plan(
        iteration_model=low, max_iterations=MOST_INDEPENDENT, cost_of="supervised"
    )


def test_a_table_says_what_a_plan_says() -> None:
    plans = plan_all(
        """
        [strategy.own]
        iteration_model = "gpt-4o-mini"
        spec_model = "gpt-4o"
        use_checkpoints = false
        reuse_spec = true
        use_reasoning = false
        max_iterations = 7
        checkpoint_interval = 2
        seed = 5
        temperature = 0.5
        timeout_s = 3
        answer_tokens = 900
        max_cost_usd = 0.25
        """
    )
    assert plans["own"] == Plan(
        iteration_model="gpt-4o-mini",
        spec_model="gpt-4o",
        max_iterations=7,
        checkpoint_interval=2,
        reuse_spec=True,
        use_reasoning=False,
        seed=5,
        temperature=0.5,
        timeout_s=3.0,
        answer_tokens=900,
        max_cost_usd=Decimal("0.25"),
    )


def test_a_table_wins_over_flags_and_flags_over_presets() -> None:
    text = FOUR.replace("[strategy.cheap]", "[strategy.cheap]\nseed = 9\n#")
    plans = plan_all(
        text, NamedModels(iteration="phi", checkpoint="gpt-4o"), seed=1, max_iterations=3
    )
    assert [plan.seed for plan in plans.values()] == [9, 1, 1, 1]
    assert [plan.max_iterations for plan in plans.values()] == [1, 3, 1, MOST_INDEPENDENT]
    models = [plan.iteration_model for plan in plans.values()]
    assert models == ["phi", "phi", "gpt-4o", "phi"], "the control is the reviewer"
    assert plans["supervised"].checkpoint_model == "gpt-4o"


def test_same_cost_asks_the_model_whose_cost_it_goes_by() -> None:
    text = '[strategy.other]\niteration_model = "gpt-4o"\n[strategy.again]\n'
    plans = plan_all(f'{text}mode = "same-cost"\ncost_of = "other"')
    assert plans["again"].iteration_model == "gpt-4o"
    own = plan_all(f'{text}mode = "same-cost"\ncost_of = "other"\niteration_model = "phi"')
    assert own["again"].iteration_model == "phi"


def test_with_nobody_in_reach_a_named_model_stands_in() -> None:
    strategies = parse_strategies(FOUR, "s.toml")
    plans = build_plans(strategies, NamedModels(iteration="phi"), {}, answer_tokens=9)
    assert {model for plan in plans.values() for model in plan.models.values()} == {"phi"}
    with pytest.raises(ConfigError, match="no model is within reach"):
        build_plans(strategies, NamedModels(), {}, answer_tokens=9)


def test_only_without_any_name_all_depends_on_what_is_in_reach() -> None:
    unnamed = parse_strategies(FOUR, "s.toml")
    named = {"own": build_strategy("own", {"spec_model": "gpt-4o"})}
    assert needs_models(unnamed.values(), NamedModels())
    assert not needs_models(unnamed.values(), NamedModels(spec="gpt-4o"))
    assert not needs_models(named.values(), NamedModels())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.toml: has no table [strategy.NAME]"),
        ("strategy = 3", "s.toml: has no table [strategy.NAME]"),
        ("[strategy]", "s.toml: has no table [strategy.NAME]"),
        ("[strategy.a]\nmode = 'iterative'\nb = ", "s.toml: line 3 is not TOML: Invalid value"),
        ("[strategy.a]\n\nmodle = 'x'", "s.toml: line 3: strategy.a.modle: unknown key, do you me"),
        ("[strategy.a]\nmode = 'twice'", 'line 2: strategy.a.mode: "twice" is not one of'),
        ("[strategy.a]\nseed = 1.5", "line 2: strategy.a.seed: 1.5 is not a whole number"),
        ("[strategy.a]\nuse_spec = 'no'", 'strategy.a.use_spec: "no" is not true or false'),
        ("[strategy.a]\nmax_cost_usd = -1", "is not an amount in USD, 0 or more"),
        ("[strategy.a]\nmax_iterations = 0", "0 is not a whole number from 1 to 1000"),
        ("x = 1\n[strategy.a]", "line 1: x: unknown key, known are strategy"),
        ("[strategies.a]", "line 1: strategies: unknown key, do you mean strategy?"),
        ("[strategy]\na = 1", "line 2: strategy.a: is not a table"),
        ("[strategy.'a b']", "line 1: strategy.a b: a name may have the letters a to z, digits"),
        ("[strategy.a]\n[strategy.'ä']", "line 2: strategy.ä: a name may have the letters a to z"),
        ('[strategy."a\\nb"]', "strategy.'a\\nb': a name may have the letters a to z, digits"),
        ("[strategy.a_b]", "a name may have the letters a to z, digits"),
        (
            "[strategy.cheap]\nspec_model = 'x'",
            "line 2: strategy.cheap.spec_model: means nothing with the mode zero-shot: leave",
        ),
        ("[strategy.a]\ncost_of = 'b'", "means nothing with the mode iterative"),
        ("[strategy.same-cost]", "'supervised' is not one: there is no other"),
        (
            "[strategy.supervise]\n[strategy.same-cost]",
            "'supervised' is not one: did you mean supervise?",
        ),
        ("[strategy.a]\n[strategy.b]\nmode = 'same-cost'", "and none is not one: there are a"),
        (
            "[strategy.a]\nmode = 'same-cost'\ncost_of = 'a'",
            "line 3: strategy.a.cost_of: names the strategy whose cost it may use, and 'a' is not",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_strategies(text, "s.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing.toml: cannot be read: no such file"):
        load_strategies(tmp_path / "nothing.toml")
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load_strategies(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_strategies(tmp_path / "latin.toml")


def test_the_file_that_the_docs_show_is_right() -> None:
    page = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert [list(parse_strategies(block, "comparing.md")) for block in blocks] == [
        ["cheap", "supervised", "patient", "frontier", "same-cost"]
    ]


@pytest.mark.parametrize("cost_of", ["", "supervised"])
def test_no_two_samples_of_independent_attempts_share_a_seed(cost_of: str) -> None:
    plan = Plan(iteration_model="phi", seed=7, cost_of=cost_of)
    numbers = range(1, 20) if cost_of else [1]
    seeds = [plan_sample(plan, sample).get_seed(n) for sample in range(50) for n in numbers]
    assert len(set(seeds)) == len(seeds)
    unset = msgspec.structs.replace(plan, seed=None)
    assert plan_sample(unset, 3).get_seed(1) is None
