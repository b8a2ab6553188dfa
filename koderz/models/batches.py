"""Providers' batch endpoints: many requests submitted at once, their answers fetched later.

What may have been taken by the provider is never sent again from here: a submission that ends in
anything but an answer or a plain refusal raises SubmissionDoubtError, and whoever asked has to look
for it in the provider's list. Reading is repeated as any other call is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote

import msgspec

from koderz.errors import (
    MalformedResponseError,
    ProviderError,
    RateLimitError,
    ServerError,
    SubmissionDoubtError,
)
from koderz.models.anthropic_client import FrontierClient
from koderz.models.base import ModelClient
from koderz.models.faults import is_simulated, marking_errors
from koderz.models.openai_client import OpenAIClient
from koderz.models.retry import ask_with_retries
from koderz.models.transport import Reply
from koderz.types import Request
from koderz.wire.anthropic import batches as anthropic_batches
from koderz.wire.batches import (
    BatchLine,
    BatchOutcome,
    BatchPage,
    BatchStage,
    BatchStatus,
    BatchWire,
    decode_outcomes,
)
from koderz.wire.openai import batches as openai_batches

PAGE_SIZE = 100
JSON = "application/json"


class BatchResults(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a batch: `missing` are the requests of which no readable line has come.

    `is_whole` says that every line that came can be read.
    """

    outcomes: tuple[BatchOutcome, ...]
    missing: tuple[str, ...] = ()
    is_whole: bool = True
    is_simulated: bool = False


class BatchClient(ModelClient):
    """Speaks to one provider's batch endpoint; made by `ModelFactory`.

    `is_tagged` says that the list of batches shows the label that each was submitted with.
    """

    missing_hint: ClassVar[str] = (
        "it was submitted under another key, or is no longer kept by the provider"
    )
    batch_wire: ClassVar[BatchWire]
    batches_path: ClassVar[str]
    is_tagged: ClassVar[bool]

    def encode(self, request: Request, custom_id: str) -> BatchLine:
        """The request as a part of a batch; raises as `ModelClient.complete` does before a call."""
        return BatchLine(custom_id, self._build_call(request, is_stream=False).body)

    async def submit(self, lines: Sequence[BatchLine], *, tag: str) -> BatchStatus:
        """Submit these as one batch labelled `tag` where labels are known.

        Asked again only where the provider said that it did not take it (429). Raises
        SubmissionDoubtError where it may have been taken all the same, else a ProviderError.
        """
        body = await self._prepare_batch(lines, tag)
        reply = await self._call(self.batches_path, body, is_submission=True)
        try:
            return self.batch_wire.decode_status(reply.body)
        except MalformedResponseError as error:
            raise SubmissionDoubtError(error.message) from error

    async def fetch_status(self, batch_id: str) -> BatchStatus:
        """How a batch stands; ModelNotFoundError where the provider knows none of this name."""
        reply = await self._call(f"{self.batches_path}/{quote(batch_id, safe='')}")
        return self.batch_wire.decode_status(reply.body)

    async def fetch_page(self, after: str = "", *, limit: int = PAGE_SIZE) -> BatchPage:
        """A piece of the list of batches, the newest first."""
        reply = await self._call(self._get_page_path(after, limit))
        return self.batch_wire.decode_page(reply.body)

    async def cancel(self, batch_id: str) -> BatchStatus:
        """Ask for a batch to be cancelled; what is done by then is kept and billed."""
        reply = await self._call(f"{self.batches_path}/{quote(batch_id, safe='')}/cancel", b"")
        return self.batch_wire.decode_status(reply.body)

    async def fetch_results(self, status: BatchStatus, expected: Collection[str]) -> BatchResults:
        """What became of the requests with these ids, in any order.

        Files that break off are fetched again as often as other calls are.
        """
        found = BatchResults(outcomes=(), missing=tuple(expected))

        async def fetch_once(left_s: float) -> BatchResults:
            nonlocal found
            latest = await self._fetch_files(status, expected, left_s)
            if len(latest.missing) <= len(found.missing):
                found = latest
            if not found.is_whole or (found.missing and status.stage is BatchStage.ENDED):
                raise ServerError(f"the results of {status.id} break off")
            return found

        try:
            await ask_with_retries(fetch_once, self._transport.http)
        except ProviderError as error:
            if not found.outcomes:
                self._describe(error, "")
                raise
        return found

    async def fetch_ids(self, status: BatchStatus) -> frozenset[str]:
        """The ids of the requests that a batch's results, as far as they can be read, are of."""
        ids: set[str] = set()
        for file in status.files:
            reply = await self._call(self._get_file_path(status, file))
            read, _ = decode_outcomes(self.batch_wire.decode_outcome, reply.body)
            ids |= {each.custom_id for each in read}
        return frozenset(ids)

    async def _fetch_files(
        self, status: BatchStatus, expected: Collection[str], left_s: float
    ) -> BatchResults:
        outcomes: dict[str, BatchOutcome] = {}
        simulated, broken = False, 0
        for file in status.files:
            reply = await self._send(self._get_file_path(status, file), left_s=left_s)
            simulated = simulated or is_simulated(reply.headers)
            read, unreadable = decode_outcomes(self.batch_wire.decode_outcome, reply.body)
            broken += unreadable
            outcomes |= {each.custom_id: each for each in read if each.custom_id in expected}
        return BatchResults(
            outcomes=tuple(outcomes.values()),
            missing=tuple(name for name in expected if name not in outcomes),
            is_whole=not broken,
            is_simulated=simulated,
        )

    async def _call(
        self,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = JSON,
        is_submission: bool = False,
    ) -> Reply:
        async def ask_once(left_s: float) -> Reply:
            try:
                return await self._send(path, body, content_type=content_type, left_s=left_s)
            except ProviderError as error:
                self._describe(error, "")
                if is_submission and error.retryable and not isinstance(error, RateLimitError):
                    raise SubmissionDoubtError(str(error), status=error.status) from None
                raise

        reply, _ = await ask_with_retries(ask_once, self._transport.http)
        return reply

    async def _send(
        self, path: str, body: bytes | None = None, *, content_type: str = JSON, left_s: float
    ) -> Reply:
        headers = {**self._headers, "content-type": content_type}
        url = self.provider.base_url + path
        reply = await self._transport.send(url, body, headers, timeout_s=left_s)
        with marking_errors(reply.headers):
            if reply.status != HTTPStatus.OK:
                raise self._build_error(reply)
        return reply

    @abstractmethod
    async def _prepare_batch(self, lines: Sequence[BatchLine], tag: str) -> bytes:
        """The body of the call that submits."""

    @abstractmethod
    def _get_file_path(self, status: BatchStatus, file: str) -> str:
        """Where a file of results is fetched."""

    @abstractmethod
    def _get_page_path(self, after: str, limit: int) -> str:
        """Where a piece of the list is fetched."""


class AnthropicBatchClient(BatchClient, FrontierClient):
    """Speaks to Anthropic's Message Batches."""

    batch_wire: ClassVar[BatchWire] = anthropic_batches
    batches_path: ClassVar[str] = anthropic_batches.PATH
    is_tagged: ClassVar[bool] = False

    async def _prepare_batch(self, lines: Sequence[BatchLine], tag: str) -> bytes:  # noqa: ARG002 - Anthropic has no place for a label.
        return anthropic_batches.encode_batch(lines)

    def _get_file_path(self, status: BatchStatus, file: str) -> str:  # noqa: ARG002 - see below.
        # Not the address that the provider names: the key goes to none but our own.
        return f"{self.batches_path}/{quote(status.id, safe='')}/results"

    def _get_page_path(self, after: str, limit: int) -> str:
        return f"{self.batches_path}?limit={limit}" + (f"&after_id={quote(after)}" if after else "")


class OpenAIBatchClient(BatchClient, OpenAIClient):
    """Speaks to OpenAI's files and batches."""

    batch_wire: ClassVar[BatchWire] = openai_batches
    batches_path: ClassVar[str] = "/batches"
    is_tagged: ClassVar[bool] = True

    async def _prepare_batch(self, lines: Sequence[BatchLine], tag: str) -> bytes:
        content = openai_batches.encode_lines(lines)
        body, content_type = openai_batches.encode_upload(f"{tag}.jsonl", content)
        # A file that nothing was done with costs nothing: it may be sent again.
        reply = await self._call("/files", body, content_type=content_type)
        return openai_batches.encode_batch(openai_batches.decode_file(reply.body).id, tag)

    def _get_file_path(self, status: BatchStatus, file: str) -> str:  # noqa: ARG002 - files have ids of their own.
        return f"/files/{quote(file, safe='')}/content"

    def _get_page_path(self, after: str, limit: int) -> str:
        return f"{self.batches_path}?limit={limit}" + (f"&after={quote(after)}" if after else "")


BATCH_CLIENTS: Mapping[str, type[BatchClient]] = {
    "anthropic": AnthropicBatchClient,
    "openai": OpenAIBatchClient,
}
"""By provider, not by format: other hosts that speak one of these have batches of another kind."""
