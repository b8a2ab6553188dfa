"""Prints how right labels are and how many are given, beside plain baselines.

The data are customers' questions with their intents (Banking77, `labels/banking77-*.csv.gz` in the
folder of public data): the examples are taken from its training part, a few a label or all, and
the items are its test part. `given` is the share of items that get a label, `right` the share of
these whose label is the true one, `all` the share of all items that are labelled right. The linear
model is shown at several bounds of confidence (0: every label that it has). Baselines: `name
overlap` takes the label whose name shares most words with the item; `majority` the label that most
examples have.

    python bench/quality_labels.py [--data ../shared/data] [--items N] [--model NAME]

--model has a model label the items that the examples leave open (it costs money).
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from koderz.compose import open_router
from koderz.config.loading import load_settings
from koderz.extract.labels.items import Example, Item
from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult

SIZES: Sequence[int | None] = (5, 20, None)
BOUNDS = (0.0, 0.5, 0.7, 0.9, 0.95)


def load_rows(path: Path) -> list[Example]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [Example(row["text"], row["category"]) for row in csv.DictReader(file)]


def take(rows: Sequence[Example], most: int | None) -> list[Example]:
    """Up to so many examples of each label, None for all, drawn by a fixed seed."""
    shuffled = list(rows)
    Random(0).shuffle(shuffled)
    counts: Counter[str] = Counter()
    taken = []
    for row in shuffled:
        counts[row.label] += 1
        if most is None or counts[row.label] <= most:
            taken.append(row)
    return taken


def guess_by_name(text: str, labels: Sequence[str]) -> str:
    words = set(re.findall(r"\w+", text.lower()))
    return max(labels, key=lambda label: len(words & set(label.lower().split("_"))))


def print_score(name: str, truth: Sequence[str], given: Sequence[str | None]) -> None:
    count = sum(label is not None for label in given)
    right = sum(label == wanted for label, wanted in zip(given, truth, strict=True))
    share = right / count if count else 0.0
    print(f"  {name:<28}{count / len(truth):>8.1%}{share:>9.1%}{right / len(truth):>9.1%}")


async def perform(job: ClassifyBatch, folder: Path, model: str) -> ClassifyResult:
    overrides = {"koderz.ledger.path": str(folder / "ledger.sqlite")}
    if model:
        overrides["agent.small_model.tasks.classification.model"] = model
    async with open_router(load_settings(overrides=overrides)) as router:
        return await router.perform(job)


def measure(rows: Sequence[Example], examples: Sequence[Example], folder: Path, model: str) -> None:
    """Prints the linear model at each bound, and the model's labels if one is asked."""
    labels = tuple(sorted({example.label for example in examples}))
    items = [Item(str(at), row.text) for at, row in enumerate(rows)]
    truth = [row.label for row in rows]
    print(f"\n{len(examples):,} examples, {len(labels)} labels, {len(items):,} items")
    print(f"  {'':<28}{'given':>8}{'right':>9}{'all':>9}")
    job = ClassifyBatch(items, labels, examples, use_model=False, min_confidence=0.0)
    result = asyncio.run(perform(job, folder, ""))
    for bound in BOUNDS:
        given = [
            each.label if each.confidence is not None and each.confidence >= bound else None
            for each in result.items
        ]
        print_score(f"linear, confidence >= {bound:g}", truth, given)
    print_score("name overlap", truth, [guess_by_name(text.text, labels) for text in items])
    most = Counter(example.label for example in examples).most_common(1)[0][0]
    print_score("majority", truth, [most] * len(truth))
    share = result.held_out_right / max(result.held_out, 1)
    print(f"  held-out examples promised {share:.1%} ({result.held_out:,} of them)")
    if model:
        asked = asyncio.run(perform(ClassifyBatch(items, labels, examples), folder, model))
        print_score(f"with {model}", truth, [each.label for each in asked.items])
        said = f"{asked.escalated:,} doubtful texts, ${asked.cost_usd}, net ${asked.saved_usd}"
        print(f"  {len(asked.attempts)} calls, {said}, simulated: {asked.simulated}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--items", type=int)
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    folder = options.data / "labels"
    known = load_rows(folder / "banking77-train.csv.gz")
    rows = load_rows(folder / "banking77-test.csv.gz")
    Random(0).shuffle(rows)
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            measure(rows[: options.items], take(known, size), Path(name), options.model)


if __name__ == "__main__":
    main()
