"""What a git history gives: every commit with its type, groups, and the receipt."""

from __future__ import annotations

from koderz.extract.git.commits import Commit
from koderz.extract.git.groups import By, Group
from koderz.jobs.git.rendering import Page, Style, build_heading, render_history
from koderz.jobs.results import JobResult, name_author


class GitResult(JobResult, frozen=True, kw_only=True):
    """A categorised history and its receipt; `koderz git --json` has these names.

    `commits` are newest first, each with the `source` of its type; `groups` hold their hashes.
    `tokens_in` is the plain `git log` text of these commits and `tokens_out` what `render` gives.
    `engine` is "model" where a model decided all commits that rules leave open, "mixed" where it
    decided some. `is_more` says that older commits match too. The rest is as in `JobResult`.
    """

    repo: str
    range: str
    commits: tuple[Commit, ...]
    groups: tuple[Group, ...]
    by: By
    style: Style
    hash_chars: int
    is_more: bool

    def render(self) -> str:
        """The digest as text, in the style that was asked for: what `tokens_out` counts."""
        page = Page(
            commits=self.commits,
            groups=self.groups,
            by=self.by,
            hash_chars=self.hash_chars,
            heading=build_heading(self.commits, self.range, is_more=self.is_more),
            author=name_author(self.model, is_simulated=self.simulated),
        )
        return render_history(page, self.style)
