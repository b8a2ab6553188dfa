"""Guidance taken apart, models chosen, problems found, stores read back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trials import KEY, PLAN

from koderz.config.settings import Settings
from koderz.errors import ConfigError, JobError, StoreError
from koderz.experiments.choices import choose_models
from koderz.experiments.documents import (
    RunDocument,
    build_run_id,
    build_run_row,
    guess_dataset,
    load_problem,
    parse_document,
)
from koderz.experiments.guidance import get_fix, parse_review
from koderz.experiments.jury import check_requirements
from koderz.experiments.plans import Key
from koderz.experiments.store import ExperimentStore, RunRow, get_store_path
from koderz.models.inventory import Inventory
from koderz.models.registry import get_tier
from koderz.prompts.experiments import APPROACH, CRITERIA
from koderz.types import TaskKind, Tier

SPEC, ITERATION, CHECKPOINT = TaskKind.SPEC, TaskKind.ITERATION, TaskKind.CHECKPOINT
INSTALLED = {"llama3.2:3b": 2_000, "qwen2.5-coder:32b": 20_000, "nomic-embed-text": 90_000}


@pytest.mark.parametrize(
    ("answer", "text", "notes"),
    [
        ("Use plus.", "Use plus.", ""),
        (f"## Fix\nplus\n## {APPROACH}\nadd", "## Fix\nplus", f"## {APPROACH}\nadd"),
        (
            f"## {APPROACH}:\nadd\n\n## Edge cases\nzero",
            "## Edge cases\nzero",
            f"## {APPROACH}:\nadd",
        ),
        (f"# 5. **{APPROACH}**\nadd", "", f"# 5. **{APPROACH}**\nadd"),
        (f"## {CRITERIA}\nwas not asked for", f"## {CRITERIA}\nwas not asked for", ""),
        ("", "", ""),
    ],
)
def test_what_a_review_adds_is_told_from_its_guidance(answer: str, text: str, notes: str) -> None:
    review = parse_review(answer, (APPROACH,))
    assert (review.text, review.notes) == (text, notes)


@given(st.text())
def test_any_review_can_be_taken_apart(answer: str) -> None:
    review = parse_review(answer, (APPROACH, CRITERIA))
    assert len(review.text) + len(review.notes) <= len(answer) + 2


@pytest.mark.parametrize(
    ("providers", "installed", "named", "expected"),
    [
        ({"openai"}, {}, {}, [Tier.FRONTIER, Tier.SMALL_FRONTIER, Tier.FRONTIER]),
        ({"openai", "ollama"}, INSTALLED, {}, [Tier.FRONTIER, Tier.LOCAL, Tier.FRONTIER]),
        ({"ollama"}, INSTALLED, {}, [Tier.LOCAL, Tier.LOCAL, Tier.LOCAL]),
        ({"ollama"}, {}, {ITERATION: "phi:2.7b"}, [Tier.LOCAL, Tier.LOCAL, Tier.LOCAL]),
        ({"openai"}, {}, {ITERATION: "gpt-4o"}, [Tier.FRONTIER, Tier.FRONTIER, Tier.FRONTIER]),
        (set(), {}, {}, []),
    ],
)
def test_roles_go_to_the_best_within_reach(
    providers: set[str],
    installed: dict[str, int],
    named: dict[TaskKind, str],
    expected: list[Tier],
) -> None:
    inventory = Inventory(providers=frozenset(providers), installed=installed)
    choices = choose_models(Settings(), inventory, named)
    assert [get_tier(choice.model) for choice in choices] == expected
    assert all(choice.reason for choice in choices)


def test_a_main_model_without_a_key_is_not_chosen() -> None:
    settings = msgspec.convert({"agent": {"default_model": "gpt-4o"}}, Settings)
    inventory = Inventory(providers=frozenset({"ollama"}), installed=INSTALLED)
    models = {choice.model for choice in choose_models(settings, inventory, {})}
    assert models == {"ollama/qwen2.5-coder:32b"}


@pytest.mark.parametrize(
    ("problem", "dataset"),
    [("HumanEval/0", "humaneval"), ("Mbpp/2", "mbpp+"), ("starter/1", "starter"), ("x", "starter")],
)
def test_a_problems_name_points_at_its_dataset(problem: str, dataset: str) -> None:
    assert guess_dataset(problem) == dataset


def test_a_problem_that_needs_what_is_not_installed_is_refused() -> None:
    problem = load_problem("starter", "starter/0")
    check_requirements(msgspec.structs.replace(problem, requirements=("msgspec",)))
    wanted = msgspec.structs.replace(problem, requirements=("msgspec", "no_such_module"))
    with pytest.raises(JobError, match="it needs no_such_module, which is not installed"):
        check_requirements(wanted)


def test_an_unknown_problem_names_close_ones() -> None:
    with pytest.raises(ConfigError, match=r"starter has no problem 'starter/x'.*starter/"):
        load_problem("starter", "starter/x")
    with pytest.raises(ConfigError, match="it has 36 problems"):
        load_problem("starter", "nothing like it")


def test_a_run_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(PLAN, max_cost_usd=Decimal("0.10"), temperature=0.5)
    document = RunDocument(dataset="starter", problem_ids=("starter/1",), plans={"": plan})
    run = build_run_id()
    with ExperimentStore(tmp_path / "deep" / "experiments.sqlite") as store:
        store.keep_run(build_run_row(run, "run", document))
        store.keep_run(build_run_row(run, "run", document))
    with ExperimentStore(tmp_path / "deep" / "experiments.sqlite") as store:
        row = store.load_run(run[:-2])
        assert parse_document(row) == document
        assert [each.run for each in store.load_runs()] == [run]
        assert not store.load_history(Key(run=run, problem="starter/1")).steps


def test_a_run_that_is_not_there_or_not_told_apart_is_said_to_be(tmp_path: Path) -> None:
    document = RunDocument(dataset="starter", problem_ids=("starter/1",), plans={"": PLAN})
    with ExperimentStore(tmp_path / "experiments.sqlite") as store:
        for name in ("20260131-aa", "20260131-ab"):
            store.keep_run(build_run_row(name, "run", document))
        with pytest.raises(ConfigError, match="there is none"):
            store.load_run("2027")
        with pytest.raises(ConfigError, match="there is none"):
            store.load_run("")
        with pytest.raises(ConfigError, match="2 runs begin so"):
            store.load_run("20260131")
        assert store.load_run("20260131-ab").run == "20260131-ab"


def test_a_document_of_another_version_is_an_error_and_no_crash(tmp_path: Path) -> None:
    row = build_run_row(
        "r", "run", RunDocument(dataset="starter", problem_ids=(), plans={"": PLAN})
    )
    wrong = RunRow(run=row.run, at=row.at, command="run", document={"dataset": 3})
    with pytest.raises(StoreError, match="another version"):
        parse_document(wrong)


def test_the_place_of_the_store_is_a_setting() -> None:
    elsewhere = {"koderz": {"experiments": {"path": "~/x.sqlite"}}}
    assert get_store_path(msgspec.convert(elsewhere, Settings)) == Path("~/x.sqlite").expanduser()
    assert get_store_path(Settings()).name == "experiments.sqlite"
    assert KEY.id == "run-1"


@pytest.mark.parametrize(
    ("guidance", "fix"),
    [
        ("## Root cause\nminus\n## Proposed fix\nUse plus.\n## Edge cases\nzero", "Use plus."),
        ("**Use plus.**", "**Use plus.**"),
        ("", ""),
    ],
)
def test_what_a_review_proposes_is_found(guidance: str, fix: str) -> None:
    assert get_fix(guidance) == fix
