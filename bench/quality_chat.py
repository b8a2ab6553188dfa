"""Prints what survives when a conversation is compressed, beside plain baselines at equal budgets.

Two kinds of conversations, no model:
- meetings of QMSum (--data), with questions and the turns that answer them. The question is the
  last request; the first speaker's turns are the user's, all others the assistant's. `kept` is the
  share of the answering turns' tokens that the result holds word for word, the mean over questions.
- an agent's work that the bench makes: many steps with long tool output, in which decisions, files,
  failing and mended commands and open items are planted. `kept` is the share of what was planted
  whose name stands in the result.
Baselines take whole turns: `tail` the last ones, `head+tail` from both ends, `TF-IDF` those most
like the last request; `oracle` knows what will be asked for. Tokens are o200k_base.

    python bench/quality_chat.py [--data DIR] [--budgets 1000,2000,4000] [--questions 2] [--seed 1]

--questions is the number taken of each meeting.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from koderz.extract.chat import parse_messages
from koderz.extract.chat.ranking import split_words
from koderz.extract.chat.turns import count_turns
from koderz.jobs.compress.filling import build_summary
from koderz.jobs.compress.plans import build_plan
from koderz.jobs.compress.reports import build_messages
from koderz.tokens import VOCABULARY, count_tokens

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"

Messages = list[dict[str, Any]]
Scores = dict[tuple[int, str], list[float]]


def compress(messages: Messages, budget: int) -> str:
    """All text of our result without a model."""
    plan = build_plan(parse_messages(messages), budget)
    return join(build_messages(plan, build_summary(plan)))


def join(messages: Sequence[Mapping[str, Any]]) -> str:
    turns = parse_messages(messages).turns
    return "\n".join(piece.text for turn in turns for piece in turn.pieces)


def list_texts(messages: Messages) -> list[str]:
    return [join([message]) for message in messages]


def take(texts: Sequence[str], order: Sequence[int], budget: int) -> str:
    """The turns in this order of preference that fit, in their own order."""
    kept: list[int] = []
    for at in order:
        cost = count_tokens(texts[at]) + 1
        if cost <= budget:
            kept.append(at)
            budget -= cost
    return "\n".join(texts[at] for at in sorted(kept))


def order_tail(texts: Sequence[str]) -> list[int]:
    return list(range(len(texts)))[::-1]


def order_both(texts: Sequence[str]) -> list[int]:
    forth = list(range(len(texts)))
    mixed = [at for pair in zip(forth, forth[::-1], strict=True) for at in pair]
    return list(dict.fromkeys(mixed))


def order_tfidf(texts: Sequence[str]) -> list[int]:
    """By cosine with the last text."""
    words = [Counter(split_words(text)) for text in texts]
    seen = Counter(word for each in words for word in each)
    idf = {word: math.log(len(texts) / count) for word, count in seen.items()}
    norms = [math.sqrt(sum((n * idf[w]) ** 2 for w, n in each.items())) or 1.0 for each in words]
    asked = words[-1]
    likeness = [
        sum(asked[word] * each[word] * idf[word] ** 2 for word in asked) / norm
        for each, norm in zip(words, norms, strict=True)
    ]
    return sorted(range(len(texts)), key=lambda at: -likeness[at])


BASELINES: Mapping[str, Callable[[Sequence[str]], list[int]]] = {
    "tail": order_tail,
    "head+tail": order_both,
    "TF-IDF": order_tfidf,
}


def score_all(
    messages: Messages, budget: int, measure: Callable[[str], float], wanted: list[int]
) -> Iterator[tuple[str, float]]:
    texts = list_texts(messages)
    last = [len(texts) - 1]
    yield "ours", measure(compress(messages, budget))
    for name, order in BASELINES.items():
        # Each of them keeps the last request, as ours does.
        yield (
            name,
            measure(take(texts, [*last, *(at for at in order(texts) if at != last[0])], budget)),
        )
    yield (
        "oracle",
        measure(take(texts, [*last, *sorted(wanted, key=lambda at: len(texts[at]))], budget)),
    )


def load_questions(folder: Path, most: int) -> Iterator[tuple[Messages, list[int]]]:
    """Meetings as conversations, and the places of the turns that answer the last request."""
    with gzip.open(folder / "chat" / "qmsum-val.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            meeting = json.loads(line)
            turns = meeting["meeting_transcripts"]
            first = turns[0]["speaker"]
            said: Messages = [
                {
                    "role": "user" if turn["speaker"] == first else "assistant",
                    "content": f"{turn['speaker']}: {turn['content']}",
                }
                for turn in turns
            ]
            for asked in meeting["specific_query_list"][:most]:
                spans = asked["relevant_text_span"]
                places = [at for a, b in spans for at in range(int(a), int(b) + 1)]
                yield [*said, {"role": "user", "content": asked["query"]}], places


def measure_meetings(folder: Path, budgets: Sequence[int], most: int) -> None:
    scores: Scores = defaultdict(list)
    sizes: list[int] = []
    for messages, places in load_questions(folder, most):
        sizes.append(count_turns(parse_messages(messages).turns))
        wanted = [messages[at]["content"] for at in places if at < len(messages) - 1]
        weights = [count_tokens(text) for text in wanted]

        def measure(text: str, wanted: list[str] = wanted, weights: list[int] = weights) -> float:
            plain = "\n".join(line.removeprefix("  ") for line in text.split("\n"))
            kept = sum(w for each, w in zip(wanted, weights, strict=True) if each.strip() in plain)
            return kept / sum(weights)

        for budget in budgets:
            for name, score in score_all(messages, budget, measure, places):
                scores[budget, name].append(score)
    print_table("meetings (QMSum)", scores, sizes, budgets)


def make_chat(rng: Random, steps: int = 60) -> tuple[Messages, list[str], list[int]]:
    """An agent's work, the names planted in it, and the turns that they stand in."""
    messages: Messages = [{"role": "user", "content": "Make the importer of orders robust."}]
    names: list[str] = []
    places: list[int] = []
    planted = set(rng.sample(range(steps - 5), 12))
    for step in range(steps):
        noise = "\n".join(
            f"{rng.random():.6f} checked row {rng.randrange(10**6)}" for _ in range(40)
        )
        said, command, result = f"I look at part {step}.", f"run-part {step}", noise
        if step in planted:
            name = f"thing_{rng.getrandbits(32):08x}"
            kind = len(names) % 4
            names.append(name)
            if kind == 0:
                said = f"We decided to go with {name} for storage."
            elif kind == 1:
                said = f"Next step: finish {name} before the release."
            elif kind == 2:
                command = f"touch src/{name}.py"
            else:
                result = f"{noise}\nValueError: {name} is not set\n1 failed"
            places += [len(messages)] + ([len(messages) + 1] if kind == 3 else [])
        function = {"name": "bash", "arguments": json.dumps({"command": command})}
        call = {"id": f"c{step}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": said, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{step}", "content": result})
    messages.append({"role": "assistant", "content": "That is how far I am."})
    messages.append({"role": "user", "content": "Go on with what is left."})
    return messages, names, places


def measure_made(seed: int, budgets: Sequence[int], count: int = 12) -> None:
    scores: Scores = defaultdict(list)
    sizes: list[int] = []
    rng = Random(seed)
    for _ in range(count):
        messages, names, places = make_chat(rng)
        sizes.append(count_turns(parse_messages(messages).turns))

        def measure(text: str, names: list[str] = names) -> float:
            return mean(name in text for name in names)

        for budget in budgets:
            for name, score in score_all(messages, budget, measure, places):
                scores[budget, name].append(score)
    print_table(f"an agent's work (made, seed {seed})", scores, sizes, budgets)


def print_table(title: str, scores: Scores, sizes: Sequence[int], budgets: Sequence[int]) -> None:
    print(f"\n{title}: {len(sizes)} conversations, {mean(sizes):,.0f} tokens on average")
    columns = ["ours", *BASELINES, "oracle"]
    print(f"  {'budget':>7}{'saved':>8}" + "".join(f"{name:>11}" for name in columns))
    for budget in budgets:
        saved = 1 - budget / mean(sizes)
        row = "".join(f"{mean(scores[budget, name]):>11.1%}" for name in columns)
        print(f"  {budget:>7,}{saved:>8.1%}{row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--budgets", default="1000,2000,4000")
    parser.add_argument("--questions", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    budgets = [int(each) for each in options.budgets.split(",")]
    print(f"what survives of conversations; tokens in {VOCABULARY}")
    measure_made(options.seed, budgets)
    if options.data.is_dir():
        measure_meetings(options.data, budgets, options.questions)
    else:
        print(f"\nno meetings: no data at {options.data}")


if __name__ == "__main__":
    main()
