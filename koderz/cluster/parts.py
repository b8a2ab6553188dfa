"""What the driver's router and jury are made of where the work is done elsewhere."""

from __future__ import annotations

from koderz.benchmarks import Problem
from koderz.cluster.driving import Cluster
from koderz.cluster.work import Tests
from koderz.sandbox import Verdict
from koderz.types import Completion, Request


class ClusterClient:
    """Asks a model from one of the workers, with the worker's own keys and servers."""

    def __init__(self, cluster: Cluster, model: str) -> None:
        self._cluster, self._model = cluster, model

    async def complete(self, request: Request, /) -> Completion:
        """The whole answer; raises a ProviderError."""
        return await self._cluster.complete(self._model, request)


class ClusterClients:
    """Gives the client for a model's name, as a factory does; workers say what they lack."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def get_client(self, model: str, /) -> ClusterClient:
        """The client that asks this model."""
        return ClusterClient(self._cluster, model)


class ClusterBench:
    """Judges code on one of the workers, by one of a benchmark's two sets of tests."""

    def __init__(self, cluster: Cluster, tests: Tests) -> None:
        self._cluster = cluster
        self._tests: Tests = tests

    async def judge(self, problem: Problem, code: str, /, *, timeout_s: float) -> Verdict:
        """The verdict on a module; JobError where the problem cannot be judged."""
        return await self._cluster.judge(self._tests, problem, code, timeout_s=timeout_s)
