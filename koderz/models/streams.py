"""An answer as it streams in: pieces until it is whole, or an error that says how it was cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack

from koderz.errors import ConnectionFailedError, MalformedResponseError
from koderz.models.transport import Stream
from koderz.types import Completion, Delta
from koderz.wire import Decoder


class AnswerStream:
    """A stream of which the first piece has come; iterate it once, then ask for `completion()`."""

    def __init__(self, stream: Stream, decoder: Decoder) -> None:
        self._stream, self._decoder = stream, decoder
        self._deltas: list[Delta] = []
        self._ends = ExitStack()

    @property
    def headers(self) -> Mapping[str, str]:
        """What the server said before the answer."""
        return self._stream.headers

    async def read_first(self) -> None:
        """Read up to the first piece, or to the end of an answer that has none.

        Raises ConnectionFailedError for a stream that ends before its answer begins.
        """
        while not self._deltas and (chunk := await self._stream.read_chunk()):
            self._deltas = self._decoder.feed(chunk)
        if not self._deltas:
            try:
                self._decoder.completion()
            except MalformedResponseError as error:
                raise ConnectionFailedError(f"no answer came: {error.message}") from error

    async def __aiter__(self) -> AsyncIterator[Delta]:
        deltas = self._deltas
        while deltas:
            for delta in deltas:
                yield delta
            deltas = await self._read_more()

    async def _read_more(self) -> list[Delta]:
        try:
            while chunk := await self._stream.read_chunk():
                if deltas := self._decoder.feed(chunk):
                    return deltas
        except ConnectionFailedError as error:
            raise MalformedResponseError(f"the stream was cut: {error.message}") from error
        return []

    def completion(self) -> Completion:
        """The whole answer; raises MalformedResponseError where the stream ended before it did."""
        return self._decoder.completion()

    @property
    def is_empty(self) -> bool:
        """Whether the stream came to its end without a piece of an answer."""
        return not self._deltas

    def on_close(self, callback: Callable[[], None]) -> None:
        """Have this called when the stream is closed."""
        self._ends.callback(callback)

    def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        with self._ends:
            self._stream.close()
