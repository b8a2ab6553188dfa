"""Labels by a provider's batch where things break: no text is paid for twice, none is lost."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from batch_bills import HAIKU, MINI
from batch_place import BOTH, LABELS, Place, count_batches, make_items, open_place, right
from reading import list_rows

from koderz.errors import (
    BatchPendingError,
    JobError,
    KoderzError,
    ServerError,
    StoreError,
    SubmissionDoubtError,
)
from koderz.jobs.classify.batch_news import ProviderBatch
from koderz.jobs.classify.provider_batch import BatchLabeller
from koderz.ledger.submissions import Submissions
from koderz.routing import batches as routing_batches
from koderz.simulator import Fault, batch_openai
from koderz.types import TaskKind


class Killed(BaseException):
    """Stands for a process that is no more."""


@BOTH
@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "overloaded", "cut_stream"])
async def test_a_submission_that_meets_a_fault_is_made_once(
    tmp_path: Path, small: str, kind: Any
) -> None:
    fault = Fault(kind, "batch-submit", wait_s=0.0)
    async with open_place(tmp_path, small, fault) as place:
        await place.run(make_items(9))
        await place.check_account()
        assert await count_batches(place) == 1
    assert place.list_labels() == right(make_items(9))


@BOTH
async def test_a_provider_that_stays_down_ends_the_run_and_nothing_is_out(
    tmp_path: Path, small: str
) -> None:
    async with open_place(tmp_path, small, Fault("server_error", "batch-submit", times=3)) as place:
        with pytest.raises(SubmissionDoubtError, match="(?i)server error"):
            await place.run(make_items(9))
        await place.run(make_items(9))
        assert await count_batches(place) == 1
    assert place.list_labels() == right(make_items(9))


@BOTH
async def test_a_refused_submission_is_said_and_forgotten(tmp_path: Path, small: str) -> None:
    fault = Fault("rate_limit", "batch-submit", times=3, wait_s=100.0)
    async with open_place(tmp_path, small, fault) as place:
        with pytest.raises(KoderzError, match="(?i)rate limit"):
            await place.run(make_items(9))
        assert list_rows(place.ledger, "SELECT state FROM submissions") == [("void",)]


@BOTH
async def test_polls_that_fail_do_not_end_the_wait(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small, Fault("server_error", "batch-poll", times=8)) as place:
        await place.run(make_items(9))
        await place.check_account()
    assert place.list_labels() == right(make_items(9))


@BOTH
async def test_a_provider_that_stays_silent_about_it_leaves_it_open(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing_batches, "MOST_LOST_POLLS", 2)
    async with open_place(tmp_path, small, Fault("server_error", "batch-poll", times=9)) as place:
        with pytest.raises(ServerError):
            await place.run(make_items(9))
        await place.run(make_items(9))
        await place.check_account()
        assert await count_batches(place) == 1


@BOTH
async def test_results_that_break_off_are_fetched_again(tmp_path: Path, small: str) -> None:
    fault = Fault("malformed_json", "batch-results", times=2)
    async with open_place(tmp_path, small, fault) as place:
        await place.run(make_items(100))
        await place.check_account()
    assert place.list_labels() == right(make_items(100))


@BOTH
@pytest.mark.parametrize("kind", ["malformed_json", "cut_stream"])
async def test_results_that_stay_broken_lose_nothing(tmp_path: Path, small: str, kind: Any) -> None:
    async with open_place(tmp_path, small, Fault(kind, "batch-results", times=3)) as place:
        with pytest.raises(KoderzError):
            await place.run(make_items(100))
        kept = len(place.decided)
        assert (kept > 0) is (kind == "malformed_json"), "what can be read is used at once"
        await place.run(make_items(100))
        await place.check_account()
        assert await count_batches(place) == 1
    assert place.list_labels() == right(make_items(100))


@BOTH
async def test_a_batch_unknown_to_the_provider_is_said(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        with pytest.raises(BatchPendingError):
            await place.run(make_items(9), is_waited_for=False)
    async with open_place(tmp_path, small) as elsewhere:
        with pytest.raises(JobError, match="knows no batch .*ask with the key") as caught:
            await elsewhere.run(make_items(9))
        assert place.news[0].batch_id in str(caught.value)
        assert await count_batches(elsewhere) == 0


async def test_a_batch_that_openai_refuses_whole_is_said_and_may_be_submitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_place(tmp_path, MINI) as place:
        monkeypatch.setattr(
            batch_openai,
            "_read_lines",
            lambda _: ([], [("token_limit_exceeded", "Enqueued token limit reached", None)]),
        )
        with pytest.raises(JobError, match="Enqueued token limit reached; nothing was asked"):
            await place.run(make_items(9))
        monkeypatch.undo()
        await place.run(make_items(9))
    assert place.list_labels() == right(make_items(9))


POINTS = ["intend", "move", "record", "close"]


@BOTH
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_run_killed_at_any_point_pays_once(
    tmp_path: Path, small: str, point: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = make_items(40)
    async with open_place(tmp_path, small) as place:
        with monkeypatch.context() as patched:
            kill_at(patched, point, moment)
            with pytest.raises(Killed):
                await place.run(items)
        result = await place.run(items)
        await place.check_account()
        assert await count_batches(place) == 1
    assert place.list_labels() == right(items)
    assert {each.label for each in result.items} == set(LABELS)


def kill_at(patched: pytest.MonkeyPatch, point: str, moment: str) -> None:
    """Have the process end before or after a step that is written down."""
    owner: Any = routing_batches.Batches if point == "close" else Submissions
    step = getattr(owner, point)

    def die(self: Any, *arguments: Any, **named: Any) -> Any:
        if moment == "after":
            step(self, *arguments, **named)
        raise Killed

    patched.setattr(owner, point, die)


async def test_an_orphan_among_anthropics_batches_is_waited_for_and_known_by_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = make_items(40)
    async with open_place(tmp_path, HAIKU, batch_delay_s=60) as place:
        with monkeypatch.context() as patched:
            kill_at(patched, "move", "before")
            with pytest.raises(Killed):
                await place.run(items)
        other = Place(place.simulator, tmp_path / "other.sqlite", HAIKU, place.clock)
        with pytest.raises(BatchPendingError):
            await other.run(make_items(41)[1:], is_waited_for=False)
        for _ in range(2):
            with pytest.raises(BatchPendingError):
                await place.run(items, is_waited_for=False)
        assert await count_batches(place) == 2, "while one may be ours, none is submitted"
        place.clock.now_s += 60
        await place.run(items)
        await other.run(make_items(41)[1:])
        assert await count_batches(place) == 2
    assert place.list_labels() == right(items)
    assert place.news[-1].batch_id != other.news[-1].batch_id


@BOTH
async def test_a_second_run_at_once_is_turned_away(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small) as place, place.open_router() as router:
        labeller = BatchLabeller(
            router,
            router.route(TaskKind.CLASSIFICATION),
            LABELS,
            limit_usd=None,
            batch=None,
            options=ProviderBatch(),
            on_progress=None,
        )
        async with labeller:
            with pytest.raises(StoreError, match="another run is at the same batch"):
                await place.run(make_items(3))
        await place.run(make_items(3))
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".lock")]  # noqa: PTH208 - a test may wait for a disk.


@pytest.mark.parametrize(("poll_s", "waits"), [(8.0, [5.0, 7.5, 8.0, 8.0]), (2.0, [2.0] * 4)])
async def test_looks_are_as_far_apart_as_the_setting_says(
    tmp_path: Path, poll_s: float, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    async with open_place(tmp_path, MINI, batch_delay_s=sum(waits)) as place:

        async def sleep(wait_s: float) -> None:
            seen.append(wait_s)
            place.clock.now_s += wait_s

        # The simulator is in the same process: its own waits are none of ours.
        monkeypatch.setattr(routing_batches, "asyncio", SimpleNamespace(sleep=sleep))
        place.settings["koderz.batch.poll_s"] = poll_s
        await place.run(make_items(3))
    assert seen == waits
