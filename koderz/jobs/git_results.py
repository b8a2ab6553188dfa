"""What a git history gives: every commit with its type, groups, and the receipt."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from koderz.extract.git.commits import Commit
from koderz.extract.git.groups import By, Group
from koderz.jobs.git_rendering import Page, Style, build_heading, render_history
from koderz.jobs.read_results import ReadAttempt, name_author
from koderz.types import Tier

GitEngine = Literal["extractive", "model", "mixed"]


class GitResult(msgspec.Struct, frozen=True, kw_only=True):
    """A categorised history and its receipt; `koderz git --json` has these names.

    `commits` are newest first, each with the `source` of its type; `groups` hold their hashes.
    `tokens_in` is the plain `git log` text of these commits and `tokens_out` what `render` gives,
    both counted in `vocabulary`. `engine` says who decided: rules without a model ("extractive"),
    a model for all commits that rules leave open ("model"), or for some of these ("mixed").
    `model` and `tier` are those of most accepted answers, None without one. Money is USD and None
    where unknown: `saved_usd` is `baseline_usd`, explained by `baseline`, less `cost_usd` of all
    attempts and `digest_usd`, the main model's price for reading the digest. `is_more` says that
    older commits match too. `simulated` marks all of it as made by the simulator's models.
    """

    repo: str
    range: str
    commits: tuple[Commit, ...]
    groups: tuple[Group, ...]
    by: By
    style: Style
    hash_chars: int
    is_more: bool
    tokens_in: int
    tokens_out: int
    vocabulary: str
    engine: GitEngine
    model: str | None
    tier: Tier | None
    route_source: str
    reason: str
    cost_usd: Decimal | None
    baseline_usd: Decimal | None
    baseline: str
    digest_usd: Decimal | None
    saved_usd: Decimal | None
    attempts: tuple[ReadAttempt, ...]
    notes: tuple[str, ...]
    simulated: bool

    def render(self) -> str:
        """The digest as text, in the style that was asked for: what `tokens_out` counts."""
        page = Page(
            commits=self.commits,
            by=self.by,
            hash_chars=self.hash_chars,
            heading=build_heading(self.commits, self.range, is_more=self.is_more),
            author=name_author(self.model, is_simulated=self.simulated),
        )
        return render_history(page, self.style)
