"""Prints how many of the lines that matter a digest of a log keeps, at five token budgets.

Beside ours: the plain baselines in the same budget (tail, head and tail, TF-IDF of lines, the lines
that grep finds for "error" from the end), and an oracle that knows the lines. The baselines pay for
no line numbers and no statements of gaps; ours pays for both. Logs: the public ones (lines that
matter as their `inf.yaml` lists them, the optional ones left out), and logs made on the spot.

    python bench/quality_logs.py [--seed N] [--each]
"""

from __future__ import annotations

import argparse
import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import yaml
from made_logs import MadeLog, make_logs

from koderz.extract import Survey, build_digest, load_survey, render_digest
from koderz.tokens import VOCABULARY, count_tokens

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KODERZ_TEST_DATA", ROOT.parent / "shared" / "data"))
BUDGETS = (250, 500, 1000, 2000, 4000)
OURS = "ours"
WORD = re.compile(r"[A-Za-z]{2,}")

Baseline = Callable[["Log", int], str]


class Log:
    """A log with its lines, the tokens of each, and the lines that matter in it."""

    def __init__(self, made: MadeLog, folder: Path) -> None:
        self.name, self.matters = made.name, made.matters
        self.path = folder / f"{made.name}.log"
        self.path.write_text(made.text, encoding="utf-8")
        self.lines = made.text.splitlines()
        self.costs = [count_tokens(line + "\n") for line in self.lines]
        self.survey: Survey = load_survey(self.path)

    def kept(self, text: str) -> int:
        """How many of the lines that matter stand in the text."""
        return sum(line in text for line in self.matters)

    def take(self, order: Iterable[int], budget: int) -> set[int]:
        """The indices that fit the budget, taken in this order up to the first that does not."""
        taken: set[int] = set()
        for index in order:
            budget -= self.costs[index]
            if budget < 0:
                break
            taken.add(index)
        return taken

    def join(self, indices: Iterable[int]) -> str:
        """The lines with these indices, in file order."""
        return "\n".join(self.lines[index] for index in sorted(indices))


def keep_ours(log: Log, budget: int) -> str:
    digest = build_digest(log.survey, budget)
    tokens = count_tokens(render_digest(digest))
    if tokens != digest.tokens_out or tokens > budget:
        raise SystemExit(f"{log.name}: {tokens} tokens, {digest.tokens_out} stated, {budget} asked")
    return "\n".join(span.text for span in digest.spans)


def keep_tail(log: Log, budget: int) -> str:
    return log.join(log.take(reversed(range(len(log.lines))), budget))


def keep_head_and_tail(log: Log, budget: int) -> str:
    head = log.take(range(len(log.lines)), budget // 2)
    return log.join(head | log.take(reversed(range(len(log.lines))), budget - budget // 2))


def keep_tf_idf(log: Log, budget: int) -> str:
    words = [Counter(WORD.findall(line.lower())) for line in log.lines]
    found = Counter(word for counts in words for word in counts)
    total = len(log.lines)

    def score(index: int) -> float:
        counts = words[index]
        weights = (count * math.log(total / found[word]) for word, count in counts.items())
        return sum(weights) / math.sqrt(sum(counts.values()) or 1)

    return log.join(log.take(sorted(range(total), key=score, reverse=True), budget))


def keep_grep(log: Log, budget: int) -> str:
    hits = [index for index, line in enumerate(log.lines) if "error" in line.lower()]
    return log.join(log.take(reversed(hits), budget))


def keep_oracle(log: Log, budget: int) -> str:
    wanted = [
        min((i for i, line in enumerate(log.lines) if matter in line), key=log.costs.__getitem__)
        for matter in log.matters
    ]
    return log.join(log.take(sorted(set(wanted), key=log.costs.__getitem__), budget))


METHODS: dict[str, Baseline] = {
    OURS: keep_ours,
    "tail": keep_tail,
    "head+tail": keep_head_and_tail,
    "tf-idf": keep_tf_idf,
    "grep": keep_grep,
    "oracle": keep_oracle,
}


def load_public() -> Iterator[MadeLog]:
    """The public logs, where they are present."""
    for facts in sorted(DATA.glob("logs/*/inf.yaml")):
        anomalies = yaml.safe_load(facts.read_text())["anomalies"]
        text = next(facts.parent.glob("*.fail")).read_text(encoding="utf-8", errors="replace")
        wanted = [each["line"].strip() for each in anomalies if not each.get("optional")]
        yield MadeLog(facts.parent.name, text, tuple(line for line in wanted if line in text))


def print_table(title: str, logs: Sequence[Log], *, is_each: bool) -> bool:
    """Prints a set of logs; whether ours met its targets on it."""
    wanted = sum(len(log.matters) for log in logs)
    tokens = sum(log.survey.tokens_in for log in logs)
    print(f"\n{title}: {len(logs)} logs, {tokens:,} tokens, {wanted} lines that matter")
    print(
        f"{'budget':>7}"
        + "".join(f"{name:>11}" for name in METHODS)
        + "   savings  ours/tail  below tail"
    )
    met = True
    for budget in BUDGETS:
        kept = {
            name: [log.kept(keep(log, budget)) for log in logs] for name, keep in METHODS.items()
        }
        totals = {name: sum(counts) for name, counts in kept.items()}
        cells = "".join(f"{totals[name] / wanted:>11.1%}" for name in METHODS)
        spent = sum(min(budget, log.survey.tokens_in) for log in logs)
        ratio = totals[OURS] / max(1, totals["tail"])
        below = sum(map(int.__lt__, kept[OURS], kept["tail"]))
        savings = f"{1 - spent / tokens:>10.1%}"
        print(f"{budget:>7}{cells}{savings}{ratio:>10.2f}x{below:>7} logs")
        others = max(total for name, total in totals.items() if name not in {OURS, "oracle"})
        met &= totals[OURS] >= others and (budget != 1000 or ratio >= 1.2)
        if is_each:
            for index, log in enumerate(logs):
                row = " ".join(f"{name} {kept[name][index]}" for name in METHODS)
                print(f"{'':>9}{log.name:<22} of {len(log.matters):>2}: {row}")
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="print each log too")
    options = parser.parse_args()
    print(f"share of the lines that matter that is kept; tokens in {VOCABULARY}")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        public = [Log(made, Path(folder)) for made in load_public()]
        if public:
            met &= print_table("public logs", public, is_each=options.each)
        made = [Log(made, Path(folder)) for made in make_logs(options.seed)]
        met &= print_table(f"made logs (seed {options.seed})", made, is_each=options.each)
    print(
        "\ntargets (at every budget at least the baselines, at 1,000 at least 1.2 x tail): ", end=""
    )
    print("met" if met else "NOT met")


if __name__ == "__main__":
    main()
