"""Calibration: what is promised, by whom it is paid, and what classify then does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from keeping import OpenKeeping

from koderz.errors import JobError
from koderz.jobs.classify.batch import ClassifyBatch, Example, Item
from koderz.ledger.report import Window
from koderz.ledger.store import Ledger
from koderz.ledger.totals import load_usage
from koderz.quality.calibrating import CalibrateClassify
from koderz.quality.calibrations import CalibrationPlan, CalibrationResult
from koderz.quality.cases import build_case, choose_distinct, form_opinions

LABELS = ("bug", "question", "praise")


def make_examples(count: int, *, noise: float = 0.0, seed: int = 0) -> list[Example]:
    """Texts whose label stands in them, some labelled as another."""
    rng = Random(seed)
    words = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa"]
    made = []
    for at in range(count):
        label = rng.choice(LABELS)
        given = rng.choice(LABELS) if rng.random() < noise else label
        text = f"{' '.join(rng.sample(words, 3))} x{seed}y{at} {label} {rng.choice(words)}z{at}"
        made.append(Example(text, given))
    return made


async def calibrate(
    open_keeping: OpenKeeping,
    count: int = 400,
    *,
    small: float = 0.9,
    main: float = 1.0,
    settings: dict[str, Any] | None = None,
    noise: float = 0.0,
    **options: Any,
) -> CalibrationResult:
    async with open_keeping(small=small, main=main, **(settings or {})) as (router, _):
        job = CalibrateClassify(make_examples(count, noise=noise), LABELS, **options)
        return await router.perform(job)


async def test_log_probabilities_alone_give_a_threshold(open_keeping: OpenKeeping) -> None:
    result = await calibrate(open_keeping, use_linear=False)
    assert result.is_found
    assert 0.3 < result.record.threshold < 1
    assert 0 < result.kept < 400
    assert result.record.loss_high <= 0.02
    assert result.alone == 0
    assert (result.examples, result.record.is_simulated) == (400, True)
    assert result.saved_usd is not None
    assert result.saved_usd > 0


async def test_a_worse_model_keeps_less(open_keeping: OpenKeeping) -> None:
    good = await calibrate(open_keeping, small=0.97, use_linear=False)
    bad = await calibrate(open_keeping, small=0.6, use_linear=False)
    assert bad.kept < good.kept


async def test_too_few_examples_say_how_many_it_takes(open_keeping: OpenKeeping) -> None:
    result = await calibrate(open_keeping, 100, use_linear=False)
    assert not result.is_found
    assert (result.escalate_below, result.sure_above, result.kept) == (1.0, 1.0, 0)
    assert result.needed is not None
    assert result.needed >= 149


async def test_the_linear_model_alone_needs_no_model(open_keeping: OpenKeeping) -> None:
    result = await calibrate(open_keeping, use_model=False, max_loss=0.05)
    assert result.is_found
    assert result.alone == result.kept > 300
    assert (result.calls, result.cost_usd) == (0, Decimal(0))
    # Nothing is promised of a small model that was not asked.
    assert result.escalate_below == 1.0
    assert result.sure_above == result.record.threshold
    assert result.main_usd is not None
    assert any("always right" in note for note in result.notes)


async def test_without_the_main_model_less_is_promised_not_more(open_keeping: OpenKeeping) -> None:
    asked = await calibrate(open_keeping, main=0.9, use_linear=False, max_loss=0.05)
    unasked = await calibrate(
        open_keeping, main=0.9, use_linear=False, use_main=False, max_loss=0.05
    )
    assert unasked.kept <= asked.kept
    assert unasked.record.compared == 0
    assert asked.record.compared == 400
    assert unasked.calls < asked.calls


async def test_the_main_models_word_may_be_the_truth(open_keeping: OpenKeeping) -> None:
    by_labels = await calibrate(open_keeping, small=1.0, noise=0.5, use_linear=False)
    by_main = await calibrate(open_keeping, small=1.0, noise=0.5, use_linear=False, truth="main")
    assert by_main.record.truth == "the main model's labels"
    assert by_main.kept == 400
    assert by_main.lost == 0
    # Both models see through the noise: against them nothing is lost whatever the labels say.
    assert by_labels.lost == 0


async def test_what_it_costs_is_measuring_and_no_saving(
    open_keeping: OpenKeeping, ledger: Path
) -> None:
    told: list[CalibrationPlan] = []
    result = await calibrate(open_keeping, 60, use_linear=False, on_plan=told.append)
    (plan,) = told
    assert plan.models == ("gpt-4o-mini", "gpt-4o")
    usage = load_usage(ledger, Window(is_simulated=True))
    (task,) = usage.tasks
    assert (task.name, task.cost_usd) == ("quality", result.cost_usd)
    assert usage.savings.jobs == 0
    assert usage.savings.unrecorded_usd == 0


async def test_a_price_over_the_limit_is_said_before_anything_is_asked(
    open_keeping: OpenKeeping, ledger: Path
) -> None:
    with pytest.raises(JobError, match=r"would cost about \$0\.\d+, and \$0\.001 is the limit"):
        await calibrate(open_keeping, 100, max_usd=Decimal("0.001"))
    settings = {"koderz__quality__max_usd": 0.001}
    with pytest.raises(JobError, match="is the limit"):
        await calibrate(open_keeping, 100, settings=settings)
    assert load_usage(ledger).calls == 0


async def test_near_duplicates_count_once(open_keeping: OpenKeeping) -> None:
    examples = make_examples(50)
    shouted = [Example(f"{each.text.upper()}!!", each.label) for each in examples]
    async with open_keeping() as (router, _):
        job = CalibrateClassify([*examples, *shouted], LABELS, use_model=False)
        result = await router.perform(job)
    assert result.examples == 50
    assert "50 near duplicates" in result.notes[0]


async def test_a_linear_model_of_its_own_examples_knows_none_of_the_others(
    open_keeping: OpenKeeping,
) -> None:
    taught, tested = make_examples(200, seed=1), make_examples(200, seed=2)
    async with open_keeping() as (router, _):
        job = CalibrateClassify(
            [*tested, *taught[:20]], LABELS, taught_by=taught, use_model=False, max_loss=0.05
        )
        result = await router.perform(job)
    assert result.examples == 200
    assert not any("cross-validated" in note for note in result.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_loss": 0.0}, "cannot be promised"),
        ({"max_loss": 0.6}, "cannot be promised"),
        ({"max_loss": float("nan")}, "cannot be promised"),
        ({"max_usd": Decimal(-1)}, "give 0 or more"),
        ({"examples": ()}, "no examples"),
        ({"labels": ("bug", "question")}, "none of the 2 in the set"),
        ({"labels": ()}, "empty"),
        ({"use_model": False, "use_linear": False}, "nothing to calibrate"),
        ({"use_main": False, "truth": "main"}, "what is right"),
        ({"taught_by": make_examples(30)}, "known already"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    options: dict[str, Any], message: str, open_keeping: OpenKeeping
) -> None:
    ordinary: dict[str, Any] = {"examples": make_examples(30), "labels": LABELS}
    async with open_keeping() as (router, simulator):
        with pytest.raises(JobError, match=message):
            await router.perform(CalibrateClassify(**(ordinary | options)))
        assert simulator.requests == ()


async def test_classify_keeps_the_promise_on_items_it_has_not_seen(
    open_keeping: OpenKeeping,
) -> None:
    """Over a simulator, whose skill is known: what is chosen holds for later items."""
    found = await calibrate(open_keeping, 600, small=0.85, use_linear=False, max_loss=0.05)
    fresh = make_examples(400, seed=9)
    settings = {"koderz__classify__escalate_below": found.escalate_below}
    async with open_keeping(small=0.85, **settings) as (router, _):
        items = [Item(str(at), each.text) for at, each in enumerate(fresh)]
        result = await router.perform(ClassifyBatch(items, LABELS))
    right = sum(a.label == b.label for a, b in zip(result.items, fresh, strict=True))
    assert right / 400 > 0.93
    assert 0 < result.escalated < 400
    # By chance the shares differ a little, as the texts do.
    assert result.escalated / 400 == pytest.approx(1 - found.record.kept, abs=0.1)


async def test_a_calibration_is_kept_in_the_ledger(
    open_keeping: OpenKeeping, open_ledger: Callable[[], Ledger]
) -> None:
    result = await calibrate(open_keeping, 200, use_linear=False)
    with open_ledger() as ledger:
        (row,) = ledger.fetch("SELECT * FROM calibrations")
    assert row["examples"] == 200
    assert row["threshold"] == result.record.threshold
    assert row["agreement_low"] < row["agreed"] / row["compared"]


def test_opinions_are_of_models_that_had_not_seen_the_text() -> None:
    examples = choose_distinct([Example(f"text {at} {'a' * at}", "ab"[at % 2]) for at in range(60)])
    opinions = form_opinions(examples, (), lambda *_: None)
    assert len(opinions) == len(examples)
    assert not any(each.guess and each.guess.is_known for each in opinions)


@pytest.mark.parametrize(
    ("small", "main", "is_kept", "is_lost"),
    [
        ("bug", "bug", True, False),
        ("praise", "bug", True, True),
        ("praise", "praise", True, False),
        ("praise", None, True, True),
        (None, "bug", False, False),
    ],
)
def test_a_label_is_lost_where_the_main_model_would_have_been_right(
    small: str | None, main: str | None, is_kept: bool, is_lost: bool
) -> None:
    case = build_case(
        "bug",
        None,
        small=small,
        certainty=None if small is None else 0.8,
        main=main,
        is_small_asked=True,
        sure_above=0.95,
    )
    assert (case.is_kept(0.5), case.is_lost(0.5)) == (is_kept, is_lost)
    assert not case.is_kept(0.9)
    assert not case.is_kept(1.0)
