"""The client's side of every stream: bytes to frames, frames to pieces, pieces to the whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from koderz.types import AnswerToken, Completion, Delta, FinishReason, Usage
from koderz.wire.assembly import Assembly, cut_short, settle_finish

F = TypeVar("F")


class StreamReading(ABC, Generic[F]):
    """What the decoders of all formats do alike; a format says what a frame means.

    `cut` gives the frames that some bytes complete, `close` those left at the stream's end. While
    a format reads frames it fills `_model`, `_id`, `_usage`, `_finish` and `_tokens`, and says by
    `_is_ended` that its end mark came.
    """

    def __init__(
        self, cut: Callable[[bytes], Iterable[F]], close: Callable[[], Iterable[F]]
    ) -> None:
        self._cut, self._close = cut, close
        self._assembly = Assembly()
        self._model = self._id = ""
        self._usage = Usage(is_estimated=True)
        self._finish = FinishReason.OTHER
        self._tokens: list[AnswerToken] = []
        self._is_ended = False

    def feed(self, chunk: bytes) -> list[Delta]:
        """The pieces that these bytes complete; raises as `protocol.Decoder.feed` says."""
        return self._read(self._cut(chunk))

    def completion(self) -> Completion:
        """The whole answer; raises `MalformedResponseError` if the stream ended early."""
        self._read(self._close())
        if not self._is_whole():
            raise cut_short()
        parts = self._assembly.parts()
        return Completion(
            model=self._model,
            parts=parts,
            finish=settle_finish(self._finish, parts),
            usage=self._usage,
            id=self._id,
            tokens=tuple(self._tokens),
        )

    def _read(self, frames: Iterable[F]) -> list[Delta]:
        deltas: list[Delta] = []
        for frame in frames:
            deltas.extend(self._read_frame(frame))
        for delta in deltas:
            self._assembly.add(delta)
        return deltas

    @abstractmethod
    def _read_frame(self, frame: F) -> Iterable[Delta]:
        """The pieces that a frame holds; raises the error that it states."""

    def _is_whole(self) -> bool:
        """Whether nothing of the answer is missing at the end of the stream."""
        return self._is_ended
