"""Prints how much of a page's article is kept, and how little else, at several token budgets.

F1 is the mean over pages of the overlap of words with the article that a person extracted (for
made pages: that was written), each word as often as it stands there; "of 4" is the same for runs of
four words, as the benchmark that the public pages come from counts. Beside ours: trafilatura alone,
resiliparse alone and the plain Markdown of the page, each cut to its first tokens at the same
budget, and an oracle: the first tokens of the article itself. Savings are those of ours against the
page as it came and against its plain Markdown. On made pages also: code, tables and headings kept,
and the share of questions whose answer is kept.

    python bench/quality_web.py [--seed N] [--each]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from made_pages import MadePage, make_pages
from resiliparse.extract.html2text import extract_plain_text
from trafilatura.core import extract

from koderz.extract.web.choosing import build_page_digest
from koderz.extract.web.pages import Page, build_page
from koderz.tokens import VOCABULARY, count_tokens

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KODERZ_TEST_DATA", ROOT.parent / "shared" / "data"))
BUDGETS = (500, 1000, 2000, 4000, 8000)
QUESTION_BUDGETS = (100, 200, 400, 800)
TARGET_F1 = 0.95
OURS = "ours"
WORD = re.compile(r"\w+")


class Sample:
    """A page read by every method, with what each gives when nothing limits it."""

    def __init__(self, made: MadePage) -> None:
        self.made = made
        self.page: Page = build_page(made.html)
        self.whole = {
            "trafilatura": extract(made.html) or "",
            "resiliparse": extract_plain_text(
                made.html, main_content=True, preserve_formatting=True
            ),
            "markdown": self.page.markdown,
            "oracle": made.article,
        }
        self.tokens_raw = count_tokens(made.html)
        self.tokens_markdown = count_tokens(self.page.markdown)

    def keep(self, method: str, budget: int) -> str:
        """What a method keeps of the page under this budget."""
        if method != OURS:
            return cut(self.whole[method], budget)
        digest = build_page_digest(self.page, budget)
        tokens = count_tokens(digest.text)
        if tokens != digest.tokens_out or tokens > budget:
            raise SystemExit(
                f"{self.made.name}: {tokens} tokens, {digest.tokens_out} stated, {budget} asked"
            )
        return digest.text


METHODS = (OURS, "trafilatura", "resiliparse", "markdown", "oracle")


def cut(text: str, budget: int) -> str:
    """The first tokens of a text, in whole words."""
    if count_tokens(text) <= budget:
        return text
    words = re.findall(r"\S+\s*", text)
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = count_tokens("".join(words[:middle])) <= budget
        low, high = (middle, high) if fits else (low, middle - 1)
    return "".join(words[:low])


def score(wanted: str, kept: str, run: int) -> float:
    """F1 of runs of so many words, each as often as it stands there."""
    one, other = count_runs(wanted, run), count_runs(kept, run)
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def count_runs(text: str, run: int) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    return Counter(zip(*(words[at:] for at in range(run)), strict=False))


def load_public() -> Iterator[MadePage]:
    """The public pages, where they are present."""
    path = DATA / "web" / "articles.jsonl.gz"
    if path.is_file():
        with gzip.open(path) as file:
            for line in file:
                row = json.loads(line)
                yield MadePage(row["url"], row["html"], row["article"], [], [])


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def print_budgets(title: str, samples: Sequence[Sample], *, is_each: bool) -> float:
    """Prints a set of pages; the F1 of ours where nothing is cut."""
    raw, plain = (
        sum(getattr(each, name) for each in samples) for name in ("tokens_raw", "tokens_markdown")
    )
    print(
        f"\n{title}: {len(samples)} pages, {raw:,} tokens as they came, {plain:,} as plain Markdown"
    )
    print(
        f"{'budget':>7}"
        + "".join(f"{name:>13}" for name in METHODS)
        + "   ours of 4  saved: html  markdown"
    )
    best = 0.0
    for budget in BUDGETS:
        kept = {name: [each.keep(name, budget) for each in samples] for name in METHODS}
        pairs = {name: list(zip(samples, texts, strict=True)) for name, texts in kept.items()}
        scores = {
            name: [score(s.made.article, text, 1) for s, text in each]
            for name, each in pairs.items()
        }
        of_4 = mean([score(sample.made.article, text, 4) for sample, text in pairs[OURS]])
        spent = sum(map(count_tokens, kept[OURS]))
        cells = "".join(f"{mean(scores[name]):>13.3f}" for name in METHODS)
        print(f"{budget:>7}{cells}{of_4:>12.3f}{1 - spent / raw:>13.1%}{1 - spent / plain:>10.1%}")
        best = min(mean(scores[OURS]), of_4)
        if is_each and budget == BUDGETS[-1]:
            for at, sample in enumerate(samples):
                beside = f"(trafilatura {scores['trafilatura'][at]:.2f})"
                print(f"{'':>9}{scores[OURS][at]:.2f} {beside} {sample.made.name}")
    return best


def print_parts(samples: Sequence[Sample]) -> bool:
    """Prints what is kept of code, tables and headings; whether that is all."""
    wanted = [(sample, part) for sample in samples for part in sample.made.fixed]
    cells = []
    for name in METHODS[:-1]:
        texts = {sample.made.name: flatten(sample.keep(name, BUDGETS[-1])) for sample in samples}
        kept = sum(flatten(part) in texts[sample.made.name] for sample, part in wanted)
        cells.append(f"{name} {kept / len(wanted):.1%}")
        if name == OURS:
            all_kept = kept == len(wanted)
    print(f"code, table rows and headings kept ({len(wanted)}): {', '.join(cells)}")
    return all_kept


def flatten(text: str) -> str:
    return " ".join(text.split())


def print_questions(samples: Sequence[Sample]) -> None:
    """Prints how often the answer to a question is kept at a budget."""
    asked = [(sample, *pair) for sample in samples for pair in sample.made.questions]
    methods: dict[str, Callable[[Sample, str, int], str]] = {
        OURS: lambda sample, question, budget: (
            build_page_digest(sample.page, budget, question).text
        ),
        **{
            name: lambda sample, _, budget, name=name: sample.keep(name, budget)  # type: ignore[misc] # One a name.
            for name in METHODS[1:-1]
        },
    }
    print(f"answers kept of {len(asked)} questions, the others by their first tokens:")
    print(
        f"{'budget':>7}" + "".join(f"{name:>13}" for name in methods) + "   saved against markdown"
    )
    for budget in QUESTION_BUDGETS:
        kept = {
            name: [(keep(sample, question, budget), answer) for sample, question, answer in asked]
            for name, keep in methods.items()
        }
        cells = "".join(
            f"{mean([answer in text for text, answer in pairs]):>13.1%}" for pairs in kept.values()
        )
        spent = sum(count_tokens(text) for text, _ in kept[OURS])
        whole = sum(sample.tokens_markdown for sample, _, _ in asked)
        print(f"{budget:>7}{cells}{1 - spent / whole:>25.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="print each page too")
    options = parser.parse_args()
    print(f"mean F1 of words against the article; tokens in {VOCABULARY}")
    met = True
    public = [Sample(each) for each in load_public()]
    if public:
        met &= print_budgets("public pages", public, is_each=options.each) >= TARGET_F1
    made = [Sample(each) for each in make_pages(options.seed)]
    met &= (
        print_budgets(f"made pages (seed {options.seed})", made, is_each=options.each) >= TARGET_F1
    )
    met &= print_parts(made)
    print_questions(made)
    verdict = "met" if met else "NOT met"
    print(f"\ntargets (F1 of {TARGET_F1} where nothing is cut, all fixed parts kept): {verdict}")


if __name__ == "__main__":
    main()
