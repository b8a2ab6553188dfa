"""A run of many experiments as values: who performs them, and what came of it all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from koderz.experiments.history import History
from koderz.experiments.jury import Jury
from koderz.experiments.notes import find_spec
from koderz.experiments.performing import Experiment, Keep, Performer
from koderz.experiments.plans import Key
from koderz.memory.notes import Memory
from koderz.routing.router import Router
from koderz.runs.tallies import Tally


class Performs(Protocol):
    """Performs an experiment, here or elsewhere; made by `koderz.compose.open_performing`."""

    async def __call__(self, experiment: Experiment, history: History, keep: Keep) -> None:
        """Every step from the end of `history` to the verdict, each given to `keep` as it is done.

        `keep` is awaited with the history so far before the next step begins. Raises what
        `Performer.run` raises; cancelled, it stops at once.
        """


def build_performing(router: Router, jury: Jury, memory: Memory) -> Performs:
    """Performing in this process."""

    async def perform(experiment: Experiment, history: History, keep: Keep) -> None:
        performer = Performer(experiment, router, jury, partial(find_spec, memory))
        await performer.run(keep, history)

    return perform


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment that was broken off, and why."""

    key: Key
    reason: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What has just happened in a run: a step was kept, or an experiment was broken off.

    `history` is the experiment's so far; a `reason` says that it was broken off, and `put_off_s`
    in how many seconds it is tried again (None: not in this run of the program). `tallies` say
    how far each strategy is, by its name.
    """

    key: Key
    history: History
    reason: str = ""
    put_off_s: float | None = None
    tallies: dict[str, Tally]


OnTurn = Callable[[Turn], None]


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended: of `total` experiments so many are `judged` by now.

    `failures` were broken off, each to be gone on with. `given_up` are strategies that failed so
    often that they were left for later, with the reason. `left` counts by strategy what was not
    brought to an end for other reasons, `stopped` says why nothing more was begun ("" where all
    was that could be).
    """

    total: int
    judged: int
    failures: tuple[Failure, ...] = ()
    given_up: dict[str, str] = {}
    left: dict[str, int] = {}
    stopped: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every experiment is judged."""
        return self.judged == self.total
