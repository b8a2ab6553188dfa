"""Prints what calibrated thresholds keep and lose on questions that nobody calibrated them on.

The data are customers' questions with their intents (Banking77, `labels/banking77-*.csv.gz` in the
folder of public data). Thresholds are chosen on one half of its test part, for a linear model that
its training part taught, and then held to the other half: `promised` is the upper 95% limit of the
loss, `lost` what was lost there (of the first table: were the main model always right), `stay` the
share that does not go to it. The second table is SIMULATED: the labels stand in the texts, a
simulated model of a stated skill gives them, and its log-probabilities are true by construction. It
shows that the doubt they carry finds its way through packed prompts and settings, and says nothing
of any model.

    python bench/quality_doubts.py [--data ../shared/data] [--items N]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
from quality_labels import load_rows

from koderz.compose import open_router
from koderz.extract.labels.items import Example, Item
from koderz.extract.labels.judge import build_judge
from koderz.jobs.classify.batch import ClassifyBatch
from koderz.quality.calibrating import CalibrateClassify
from koderz.quality.calibrations import CalibrationResult
from koderz.simulator import open_simulator

LOSSES = (0.01, 0.02, 0.05)
SKILLS = (0.7, 0.8, 0.9)
NOWHERE = {"OLLAMA_HOST": "http://127.0.0.1:9"}


async def calibrate_linear(
    taught: Sequence[Example], half: Sequence[Example], max_loss: float, place: Path
) -> CalibrationResult:
    labels = tuple(sorted({each.label for each in taught}))
    overrides = {"koderz.ledger.path": str(place / "ledger.sqlite"), "koderz.quality.share": 0.0}
    async with open_router(overrides=overrides, environ=NOWHERE) as router:
        job = CalibrateClassify(half, labels, max_loss=max_loss, taught_by=taught, use_model=False)
        return await router.perform(job)


def print_linear(taught: Sequence[Example], rows: Sequence[Example], place: Path) -> None:
    half, other = rows[::2], rows[1::2]
    judge = build_judge(taught)
    guesses = [(each, judge.guess(each.text)) for each in other]
    print(f"taught by {len(taught):,}, calibrated on {len(half):,}, held to {len(other):,}")
    print(f"{'max loss':>9} {'threshold':>9} {'n':>6} {'promised':>9} {'lost':>7} {'stay':>7}")
    for max_loss in LOSSES:
        found = asyncio.run(calibrate_linear(taught, half, max_loss, place))
        kept = [(e, g) for e, g in guesses if g and g.confidence >= found.sure_above]
        lost = sum(guess.label != each.label for each, guess in kept)
        print(
            f"{max_loss:>9.0%} {found.sure_above:>9.3f} {found.examples:>6,} "
            f"{found.record.loss_high:>9.2%} {lost / len(other):>7.2%} "
            f"{len(kept) / len(other):>7.1%}"
        )


async def measure_simulated(
    rows: Sequence[Example], skill: float, place: Path
) -> tuple[CalibrationResult, float, float]:
    """The calibration on one half, what was lost of the other, and the share that stayed."""
    half, other = rows[::2], rows[1::2]
    labels = tuple(sorted({each.label for each in rows}))
    overrides = {
        "agent.default_model": "gpt-4o",
        "koderz.ledger.path": str(place / f"{skill}.sqlite"),
        "koderz.quality.share": 0.0,
        "koderz.quality.max_usd": 100,
    }
    async with open_simulator(skills={"gpt-4o-mini": skill, "gpt-4o": 1.0}) as simulator:
        async with open_router(overrides=overrides, environ=simulator.environ()) as router:
            job = CalibrateClassify(half, labels, max_loss=0.05, use_linear=False)
            found = await router.perform(job)
        items = [Item(str(at), each.text) for at, each in enumerate(other)]
        results = []
        for below in (found.escalate_below, 1.0):
            overrides["koderz.classify.escalate_below"] = below
            async with open_router(overrides=overrides, environ=simulator.environ()) as router:
                results.append(await router.perform(ClassifyBatch(items, labels)))
    path, main = results
    lost = sum(
        mine.label != each.label == theirs.label
        for mine, theirs, each in zip(path.items, main.items, other, strict=True)
    )
    return found, lost / len(other), 1 - path.escalated / len(other)


def print_simulated(rows: Sequence[Example], place: Path) -> None:
    # The simulator labels by words of the label that stand in a text.
    told = [
        msgspec.structs.replace(each, text=f"{each.text} {each.label.replace('_', ' ')}")
        for each in rows
    ]
    print("SIMULATED models, doubted by log-probabilities alone, at most 5% to be lost")
    print(f"{'skill':>9} {'threshold':>9} {'n':>6} {'promised':>9} {'lost':>7} {'stay':>7}")
    for skill in SKILLS:
        found, lost, stay = asyncio.run(measure_simulated(told, skill, place))
        print(
            f"{skill:>9.0%} {found.escalate_below:>9.3f} {found.examples:>6,} "
            f"{found.record.loss_high:>9.2%} {lost:>7.2%} {stay:>7.1%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--items", type=int, default=1000)
    options = parser.parse_args()
    folder = options.data / "labels"
    taught, tested = (load_rows(folder / f"banking77-{part}.csv.gz") for part in ("train", "test"))
    Random(0).shuffle(tested)
    with tempfile.TemporaryDirectory() as place:
        print_linear(taught, tested, Path(place))
        print()
        print_simulated(tested[: options.items], Path(place))


if __name__ == "__main__":
    main()
