"""Performing experiments on a cluster: what a lost worker had under way is done again."""

from __future__ import annotations

from typing import Final

import msgspec

from koderz.cluster.driving import Cluster
from koderz.cluster.parts import ClusterBench, ClusterClients
from koderz.compose import build_router
from koderz.config.settings import Settings
from koderz.errors import AllRoutesFailedError, AnswerLostError
from koderz.experiments.history import History
from koderz.experiments.jury import Jury
from koderz.experiments.performing import Experiment, Keep
from koderz.ledger.records import Attempt
from koderz.ledger.store import Ledger
from koderz.memory.notes import Memory
from koderz.runs.values import Performs, build_performing

MOST_LOSSES: Final = 3
"""How many workers one step may lose; then the step is what they die of."""


def build_cluster_performing(
    cluster: Cluster, settings: Settings, ledger: Ledger, memory: Memory
) -> Performs:
    """Performing on a cluster, whose account, budget and memory are those of this process."""
    router = build_router(_widen(settings, cluster.threads), ClusterClients(cluster), ledger)
    jury = Jury(ClusterBench(cluster, "feedback"), ClusterBench(cluster, "verdict"))
    return Redoing(build_performing(router, jury, memory), cluster)


class Redoing:
    """Performs experiments over a cluster's clients, each from where a lost worker left it.

    What `perform` has kept stays; a step whose worker was lost begins again, on another one, and
    the call that was lost stays in the account.
    """

    def __init__(self, perform: Performs, cluster: Cluster) -> None:
        self._perform, self._cluster = perform, cluster

    async def __call__(self, experiment: Experiment, history: History, keep: Keep) -> None:
        """Every step from the end of `history`, as `Performs` says; raises ClusterError too."""
        latest, losses = history, 0

        async def keep_on(grown: History) -> None:
            nonlocal latest, losses
            await keep(grown)
            latest, losses = grown, 0

        while True:
            try:
                await self._perform(experiment, latest, keep_on)
            except AllRoutesFailedError as error:
                self._cluster.check()
                losses += 1
                if losses > MOST_LOSSES or not _was_lost(error):
                    raise
            else:
                return


def _widen(settings: Settings, threads: int) -> Settings:
    """Settings by which as many calls may be under way as the workers have threads."""
    routing = settings.koderz.routing
    routing = msgspec.structs.replace(
        routing, main_concurrency=max(routing.main_concurrency, threads)
    )
    koderz = msgspec.structs.replace(settings.koderz, routing=routing)
    return msgspec.structs.replace(settings, koderz=koderz)


def _was_lost(error: AllRoutesFailedError) -> bool:
    """Whether the last call was lost with its worker: an attempt's reason is its error's name."""
    last = error.attempts[-1] if error.attempts else None
    return isinstance(last, Attempt) and last.reason == AnswerLostError.__name__
