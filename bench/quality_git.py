"""Prints how well commits are sorted by type, and what a digest saves, beside plain baselines.

The bench makes histories whose types it knows (see `made_histories`), reads them as they are and
once more with every prefix cut off. `decided` is the share of commits that get a type, `right` the
share of these whose type is the true one, `all` the share of all commits that are sorted right.
Baselines, on the same commits: `first word` goes by the first word, a type's name or one of its
usual verbs, and takes the rest for chores; `most common` calls everything a fix.
Tokens are those of the plain log, of `git log --oneline`, and of ours (table and changelog).

    python bench/quality_git.py [--seed 1] [--commits 2000] [--repo PATH] [--model NAME]

--repo measures a repository of yours too: of its commits those with a conventional prefix, which is
taken for the truth, read with the prefixes cut off. --model has what rules leave open judged by
that model (it costs money); without it no model takes part.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from made_histories import SHARES, hide_prefixes, make_commits, write_repo

from koderz.compose import open_router
from koderz.config.loading import load_settings
from koderz.extract.git import Source, load_history
from koderz.jobs.git.history import GitHistory, GitResult
from koderz.tokens import VOCABULARY, count_tokens

Subjects = Sequence[str]
Types = Sequence[str]

UNDECIDED = {"uncategorised", "merge"}
VERBS = {
    "fix": "fix fixes fixed prevent avoid handle correct",
    "feat": "add adds implement introduce support allow new enable expose",
    "docs": "document explain describe mention readme",
    "test": "test tests cover",
    "refactor": "refactor rename move extract simplify split remove",
    "build": "bump upgrade",
    "perf": "speed optimise optimize",
    "style": "format",
}
FIRST = {verb: kind for kind, verbs in VERBS.items() for verb in verbs.split()}


def guess_by_first_word(subjects: Subjects) -> Types:
    firsts = [re.split(r"\W+", subject.lower(), maxsplit=1)[0] for subject in subjects]
    return [first if first in SHARES else FIRST.get(first, "chore") for first in firsts]


def guess_most_common(subjects: Subjects) -> Types:
    return ["fix"] * len(subjects)


BASELINES: Mapping[str, Callable[[Subjects], Types]] = {
    "first word": guess_by_first_word,
    "most common": guess_most_common,
}


async def perform(job: GitHistory, folder: Path, model: str) -> GitResult:
    overrides = {"koderz.ledger.path": str(folder / "ledger.sqlite")}
    if model:
        overrides["agent.small_model.tasks.git_history.model"] = model
    async with open_router(load_settings(overrides=overrides)) as router:
        return await router.perform(job)


def print_score(name: str, truth: Types, given: Types) -> None:
    decided = [
        (right, kind) for right, kind in zip(truth, given, strict=True) if kind not in UNDECIDED
    ]
    hits = sum(right == kind for right, kind in decided)
    share = hits / len(decided) if decided else 0
    print(f"  {name:<16}{len(decided) / len(truth):>9.1%}{share:>9.1%}{hits / len(truth):>9.1%}")


def print_sources(truth: Types, result: GitResult) -> None:
    """How often each source was right, where it decided."""
    found = Counter(commit.source for commit in result.commits)
    right = Counter(
        commit.source
        for commit, kind in zip(result.commits, truth, strict=True)
        if commit.type.value == kind
    )
    said = [
        f"{source} {found[source]:,} ({right[source] / found[source]:.1%} right)"
        for source in Source
        if found[source] and source is not Source.NONE
    ]
    print(f"  by source: {', '.join(said)}; left open {found[Source.NONE]:,}")


def print_tokens(repo: Path, result: GitResult, page: GitResult) -> None:
    command = ["git", "-C", str(repo), "log", "--oneline", "--no-decorate"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    oneline = count_tokens(printed.decode(errors="replace"))
    plain = result.tokens_in
    rows = {"--oneline": oneline, "table": result.tokens_out, "changelog": page.tokens_out}
    said = [f"{name} {tokens:,} ({1 - tokens / plain:.1%} saved)" for name, tokens in rows.items()]
    print(f"  tokens: plain log {plain:,}, {', '.join(said)}")


def measure(title: str, repo: Path, truth: Types, folder: Path, model: str) -> None:
    """Prints one history; truth is in git's order, newest first."""
    job = GitHistory(repo, count=None, use_model=bool(model))
    result = asyncio.run(perform(job, folder, model))
    if len(result.commits) != len(truth):
        raise SystemExit(f"{title}: {len(result.commits)} commits read, {len(truth)} expected")
    style = GitHistory(repo, count=None, use_model=False, style="markdown")
    page = asyncio.run(perform(style, folder, ""))
    kept = [place for place, kind in enumerate(truth) if kind]
    subjects = [result.commits[place].subject for place in kept]
    wanted = [truth[place] for place in kept]
    print(f"\n{title}: {len(kept):,} commits of known type")
    print(f"  {'':<16}{'decided':>9}{'right':>9}{'all':>9}")
    print_score("ours", wanted, [result.commits[place].type.value for place in kept])
    for name, guess in BASELINES.items():
        print_score(name, wanted, guess(subjects))
    print_sources(truth, result)
    print_tokens(repo, result, page)
    if result.attempts:
        calls = f"{len(result.attempts)} calls, ${result.cost_usd}"
        print(f"  model {result.model}: {calls}, simulated: {result.simulated}")


def read_truth(repo: Path) -> list[str]:
    """The types that prefixes state, "" for commits without one, newest first."""
    commits = load_history(repo, with_tokens=False).commits
    return [commit.type.value if commit.source is Source.PREFIX else "" for commit in commits]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commits", type=int, default=2000)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    print(f"commits sorted by type; tokens in {VOCABULARY}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = list(make_commits(options.seed, options.commits))
        truth = [commit.type for commit in reversed(made)]
        repo = write_repo(folder / "made", made)
        measure("made history, as it is", repo, truth, folder, options.model)
        hidden = hide_prefixes(repo, folder / "hidden")
        measure("made history, prefixes hidden", hidden, truth, folder, options.model)
        if options.repo:
            hidden = hide_prefixes(options.repo, folder / "yours")
            truth = read_truth(options.repo)
            measure(f"{options.repo}, prefixes hidden", hidden, truth, folder, options.model)


if __name__ == "__main__":
    main()
