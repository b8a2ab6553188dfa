"""Finding a batch that a provider may have taken without anybody here having heard of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence

import msgspec

from koderz.errors import BatchPendingError
from koderz.ledger.submissions import Submission
from koderz.models.batches import BatchClient
from koderz.wire.batches import BatchStage, BatchStatus

FIRST_POLL_S = 5.0
POLL_GROWTH = 1.5
MOST_PAGES = 50


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the provider's list gave.

    `found` is the submission's batch; `suspects` are those that may be it and tell only once they
    have ended.
    """

    found: BatchStatus | None = None
    suspects: tuple[BatchStatus, ...] = ()


async def find_batch(
    client: BatchClient,
    submission: Submission,
    known: Collection[str],
    *,
    poll_s: float,
    is_waited_for: bool,
) -> BatchStatus | None:
    """A submission's batch, where the provider has it; suspects are waited for.

    The list is looked at twice, a moment apart, as what was under way may come in late. Raises
    BatchPendingError for suspects where nothing is `is_waited_for`.
    """
    waits = list_waits(poll_s)
    is_sure = False
    while True:
        search = await search_batch(client, submission, known)
        if search.found or (is_sure and not search.suspects):
            return search.found
        if search.suspects:
            check_patience(search.suspects[0].id, is_waited_for=is_waited_for)
        is_sure = not search.suspects
        await asyncio.sleep(next(waits))


def list_waits(poll_s: float) -> Iterator[float]:
    """Seconds between looks: short ones first, up to `poll_s`, without end."""
    wait_s = min(FIRST_POLL_S, poll_s)
    while True:
        yield wait_s
        wait_s = min(wait_s * POLL_GROWTH, poll_s)


def check_patience(batch_id: str, *, is_waited_for: bool) -> None:
    """Raise BatchPendingError where a batch that is under way is not waited for."""
    if not is_waited_for:
        raise BatchPendingError(
            f"the batch {batch_id} is under way: the same command collects it",
            batch_ids=(batch_id,),
        )


async def search_batch(
    client: BatchClient, submission: Submission, known: Collection[str]
) -> Search:
    """Look for a submission among the batches that came after it was written down.

    No clock is asked: the newest batch from before is where the list is left. `known` are the
    provider's names of batches that belong to other submissions.
    """
    listed = await _fetch_since(client, submission.newest_before)
    fresh = [status for status in listed if status.id not in known]
    if client.is_tagged:
        return Search(found=next((each for each in fresh if each.tag == submission.id), None))
    size = len(submission.requests)
    alike = [status for status in fresh if status.total == size]
    for status in alike:
        if status.stage is not BatchStage.WORKING and await _is_of(client, submission, status):
            return Search(found=status)
    return Search(suspects=tuple(each for each in alike if each.stage is BatchStage.WORKING))


async def _fetch_since(client: BatchClient, newest_before: str) -> Sequence[BatchStatus]:
    """The provider's batches, down to the one named."""
    listed: list[BatchStatus] = []
    after = ""
    for _ in range(MOST_PAGES):
        page = await client.fetch_page(after)
        for status in page.batches:
            if status.id == newest_before:
                return listed
            listed.append(status)
        after = page.after
        if not after:
            break
    return listed


async def _is_of(client: BatchClient, submission: Submission, status: BatchStatus) -> bool:
    own = {submission.build_custom_id(each) for each in submission.requests}
    return bool(own & await client.fetch_ids(status))
