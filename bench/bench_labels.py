"""Prints how many short items a second are labelled with no model, and what batching saves.

Makes items of a few words over a number of labels, trains the linear model on examples of the same
kind, and labels: once the linear model alone, once the whole job (files read, near duplicates
found, decisions encoded). Training is done once a run and printed apart. Target: 5,000 items a
second. Then some items are labelled by the simulator's models over real sockets, many a prompt,
and the tokens of all calls are set beside those of the same prompt with one item a call. Target:
at most a fifth.

    python bench/bench_labels.py [--items 20000] [--examples 1000] [--labels 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from koderz.compose import open_router
from koderz.config.loading import load_settings
from koderz.extract.labels.files import load_items
from koderz.extract.labels.items import Example, Item
from koderz.extract.labels.judge import build_judge
from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult
from koderz.jobs.classify.out import encode_line
from koderz.ledger.records import Attempt
from koderz.ledger.store import Ledger
from koderz.models.usage import count_prompt_tokens
from koderz.prompts.classify import ShownText, build_labels_request, encode_text
from koderz.simulator import open_simulator
from koderz.tokens import count_tokens

TARGET_PER_S = 5000
TARGET_SHARE = 1 / 5
ASKED = 400
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


def make_words(rng: Random, count: int) -> list[str]:
    pairs = [consonant + vowel for consonant in CONSONANTS for vowel in VOWELS]
    return ["".join(rng.choices(pairs, k=rng.randint(2, 4))) for _ in range(count)]


def make_texts(rng: Random, labels: int, count: int) -> list[tuple[str, str]]:
    """Texts of 6 to 16 words, some of which are their label's own, with the label."""
    common, made = make_words(Random(1), 2000), []
    own = [make_words(Random(place + 2), 40) for place in range(labels)]
    for _ in range(count):
        place = rng.randrange(labels)
        words = rng.choices(common, k=rng.randint(4, 12)) + rng.choices(own[place], k=3)
        rng.shuffle(words)
        made.append((" ".join(words), f"label-{place}"))
    return made


async def perform(job: ClassifyBatch, folder: Path) -> ClassifyResult:
    overrides = {"koderz.ledger.path": str(folder / "ledger.sqlite")}
    async with open_router(load_settings(environ={}, overrides=overrides), environ={}) as router:
        return await router.perform(job)


def measure_speed(folder: Path, rows: Sequence[tuple[str, str]], examples: list[Example]) -> float:
    """Prints the speeds with no model; the whole job's, training left out, in items a second."""
    started = time.perf_counter()
    judge = build_judge(examples)
    training_s = time.perf_counter() - started
    print(f"  training, with the hold-out{len(examples) / training_s:>14,.0f} examples/s")
    started = time.perf_counter()
    for text, _ in rows:
        judge.guess(text)
    print(f"  linear model alone{len(rows) / (time.perf_counter() - started):>23,.0f} items/s")
    path = folder / "items.jsonl"
    lines = [json.dumps({"id": str(at), "text": text}) for at, (text, _) in enumerate(rows)]
    path.write_text("\n".join(lines))
    labels = tuple(sorted({example.label for example in examples}))
    started = time.perf_counter()
    items = load_items(path)
    result = asyncio.run(perform(ClassifyBatch(items, labels, examples, use_model=False), folder))
    encoded = [encode_line(each) for each in result.items]
    whole_s = time.perf_counter() - started
    rate = len(encoded) / (whole_s - training_s)
    print(f"  whole job, training left out{rate:>13,.0f} items/s")
    print(f"  whole job{len(encoded) / whole_s:>32,.0f} items/s, {result.decided:,} decided")
    return rate


async def measure_tokens(folder: Path, rows: Sequence[tuple[str, str]], labels: list[str]) -> float:
    """Prints the tokens of all calls; their share of those of one call an item."""
    items = [Item(str(at), text) for at, (text, _) in enumerate(rows)]
    single = 0
    for item in items:
        line = encode_text(ShownText("bqv", item.text))
        single += count_prompt_tokens(build_labels_request([line], labels))
        single += count_tokens(f'{{"labels":[{{"id":"bqv","label":"{labels[0]}"}}]}}')
    overrides = {
        "agent.default_model": "gpt-4o",
        "koderz.ledger.path": str(folder / "asked.sqlite"),
    }
    async with open_simulator() as simulator:
        environ = simulator.environ()
        loaded = load_settings(environ=environ, overrides=overrides)
        async with open_router(loaded, environ=environ) as router:
            result = await router.perform(ClassifyBatch(items, labels))
    used = sum(each.usage.total_tokens for each in load_attempts(folder / "asked.sqlite"))
    calls = len(result.attempts)
    print(f"  one call an item {single:,} tokens; {calls} calls {used:,}: {used / single:.1%}")
    return used / single


def load_attempts(path: Path) -> tuple[Attempt, ...]:
    with Ledger(path) as ledger:
        jobs = {str(row[0]) for row in ledger.fetch("SELECT DISTINCT job_id FROM attempts")}
        return tuple(attempt for job in jobs for attempt in ledger.load_attempts(job))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--labels", type=int, default=20)
    options = parser.parse_args()
    rows = make_texts(Random(10), options.labels, options.items)
    taught = make_texts(Random(11), options.labels, options.examples)
    examples = [Example(text, label) for text, label in taught]
    labels = sorted({label for _, label in taught})
    with tempfile.TemporaryDirectory() as name:
        print(f"{len(rows):,} items, {len(examples):,} examples, {len(labels)} labels, no model")
        rate = measure_speed(Path(name), rows, examples)
        print(f"\n{ASKED} items, a model (simulated), every item asked about")
        share = asyncio.run(measure_tokens(Path(name), rows[:ASKED], labels))
    said = "reached" if rate >= TARGET_PER_S else "missed"
    print(f"\ntarget {TARGET_PER_S:,} items/s: {said} with {rate:,.0f}")
    said = "reached" if share <= TARGET_SHARE else "missed"
    print(f"target at most {TARGET_SHARE:.0%} of the tokens of one call an item: {said}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
