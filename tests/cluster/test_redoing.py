"""After a lost worker: on from what was kept, until the step itself is what workers die of."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ledger_rows import build_attempt
from trials import EXPERIMENT

from koderz.cluster.performing import MOST_LOSSES, Redoing
from koderz.errors import AllRoutesFailedError, ClusterError
from koderz.experiments.history import NOTHING_DONE, History
from koderz.experiments.performing import Experiment, Keep
from koderz.experiments.steps import SpecStep
from koderz.ledger.records import Outcome


class FakeCluster:
    """A cluster that is there, or is not."""

    error: ClusterError | None = None

    def check(self) -> None:
        if self.error:
            raise self.error


def lose(reason: str = "AnswerLostError") -> AllRoutesFailedError:
    attempt = build_attempt(outcome=Outcome.FAILED, reason=reason)
    return AllRoutesFailedError(["gone"], attempts=[attempt])


class Script:
    """Performs as scripted: an error, or "step" for one that is kept before the next word."""

    def __init__(self, *words: object) -> None:
        self.words = list(words)
        self.began: list[int] = []

    async def __call__(self, experiment: Experiment, history: History, keep: Keep) -> None:
        self.began.append(len(history.steps))
        while self.words:
            word = self.words.pop(0)
            if isinstance(word, BaseException):
                raise word
            step = SpecStep(at=build_attempt().at, model="m", text="")
            history = history.add(step)
            await keep(history)


async def redo(script: Script, cluster: FakeCluster | None = None) -> list[History]:
    kept: list[History] = []

    async def keep(history: History) -> None:
        kept.append(history)

    redoing = Redoing(script, cast("Any", cluster or FakeCluster()))
    await redoing(EXPERIMENT, NOTHING_DONE, keep)
    return kept


async def test_it_goes_on_from_the_last_step_that_was_kept() -> None:
    script = Script("step", "step", lose(), "step", lose(), lose(), "step")
    kept = await redo(script)
    assert script.began == [0, 2, 3, 3]
    assert [len(history.steps) for history in kept] == [1, 2, 3, 4]


async def test_a_step_that_workers_die_of_is_given_up() -> None:
    script = Script(*[lose()] * 100)
    with pytest.raises(AllRoutesFailedError):
        await redo(script)
    assert len(script.began) == MOST_LOSSES + 1


@pytest.mark.parametrize(
    "error", [lose("ServerError"), AllRoutesFailedError(["none"]), ValueError("a bug")]
)
async def test_other_failures_are_not_tried_again(error: Exception) -> None:
    script = Script(error)
    with pytest.raises(type(error)):
        await redo(script)
    assert script.began == [0]


async def test_without_a_cluster_nothing_is_tried_again() -> None:
    cluster = FakeCluster()
    cluster.error = ClusterError("the scheduler is lost")
    with pytest.raises(ClusterError):
        await redo(Script(lose()), cluster)
