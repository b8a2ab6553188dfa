"""Who has a label by now: near duplicates are decided together, and each decision is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from koderz.extract.labels.duplicates import group_duplicates
from koderz.extract.labels.items import Item
from koderz.jobs.classify.results import NOBODY, Decision

OnDecided = Callable[[Sequence[Decision]], None]


class Tally:
    """The items and what is decided of them; `done` are decisions of an earlier run."""

    def __init__(
        self, items: Sequence[Item], done: Iterable[Decision], on_decided: OnDecided | None
    ) -> None:
        self._items, self._on_decided = items, on_decided
        self._decisions = {each.id: each for each in done if each.label is not None}
        # Empty texts say nothing: they are nobody's duplicates and stay without a label.
        groups = group_duplicates(item for item in items if item.text.strip())
        self._groups = {group[0].text: group for group in groups.values()}
        self.kept = frozenset(self._decisions)

    @property
    def distinct(self) -> int:
        """How many texts there are where near duplicates count once."""
        return len(self._groups)

    @property
    def decided(self) -> int:
        """How many items have a label."""
        return len(self._decisions)

    def list_fresh(self) -> list[tuple[Item, Decision]]:
        """What this run decided: items that have a label now and had none before."""
        return [
            (item, self._decisions[item.id])
            for item in self._items
            if item.id in self._decisions and item.id not in self.kept
        ]

    def adopt(self) -> None:
        """Give what was decided earlier to near duplicates that came since."""
        for text, group in self._groups.items():
            known = [each for item in group if (each := self._decisions.get(item.id))]
            if known and known[0].label is not None:
                first = known[0]
                self.decide(text, first.label, first.confidence, first.decided_by, of=first.id)

    def list_open(self) -> list[str]:
        """The texts without a label, each for all of its near duplicates, in the items' order."""
        return [
            text
            for text, group in self._groups.items()
            if any(item.id not in self._decisions for item in group)
        ]

    def decide(
        self, text: str, label: str | None, confidence: float | None, by: str, *, of: str = ""
    ) -> None:
        """Label the text's items that have none; `of` is the one that was decided, else the first.

        Whoever listens is told before this returns.
        """
        group = self._groups[text]
        source = of or group[0].id
        decisions = [
            Decision(
                id=item.id,
                label=label,
                confidence=confidence,
                decided_by=by,
                same_as="" if item.id == source else source,
            )
            for item in group
            if item.id not in self._decisions
        ]
        self._decisions.update((each.id, each) for each in decisions)
        if self._on_decided and decisions:
            self._on_decided(decisions)

    def list_decisions(self) -> tuple[Decision, ...]:
        """A decision for every item, in the items' order; what nothing decided has no label."""
        return tuple(
            self._decisions.get(item.id)
            or Decision(id=item.id, label=None, confidence=None, decided_by=NOBODY)
            for item in self._items
        )
