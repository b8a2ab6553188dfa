"""What every format offers, so that clients and servers need not know which one they speak."""

from __future__ import annotations

from typing import Protocol

from koderz.types import Capabilities, Completion, Delta, Request
from koderz.wire.faults import WireError


class Decoder(Protocol):
    """The client's side of a stream: pieces of an answer out of bytes."""

    def feed(self, chunk: bytes, /) -> list[Delta]:
        """The pieces that these bytes complete, however the stream is cut.

        Raises the `ProviderError` that an error in the stream stands for, and
        `MalformedResponseError` for what is not in the format.
        """

    def completion(self) -> Completion:
        """The whole answer; raises `MalformedResponseError` if the stream ended early."""


class Encoder(Protocol):
    """The server's side of a stream: bytes out of pieces of an answer."""

    def start(self) -> bytes:
        """What goes before the first piece; some formats need nothing."""

    def delta(self, delta: Delta, /) -> bytes:
        """One piece; nothing yet where the format sends a tool call only whole."""

    def finish(self) -> bytes:
        """What is still held back, the finish reason, the usage and the end mark."""


class Wire(Protocol):
    """One provider's format, in both directions, without I/O."""

    STREAM_CONTENT_TYPE: str

    def request_path(self, request: Request, /) -> str:
        """What goes behind the base URL."""

    def encode_request(self, request: Request, capabilities: Capabilities, /) -> bytes:
        """The request's body; raises `RequestRejectedError` for what the model cannot be asked."""

    def decode_request(self, body: bytes, path: str = "") -> Request:
        """The request that a body (and its path) holds; raises `FormatError`."""

    def encode_response(self, completion: Completion, /) -> bytes:
        """The answer's body. Formats want times and ids: absent ones are the epoch and empty."""

    def decode_response(self, body: bytes, /) -> Completion:
        """The answer that a body holds; raises `MalformedResponseError`."""

    def StreamDecoder(self) -> Decoder:  # noqa: N802 - in each format it is a class.
        """A reader for one stream."""

    def StreamEncoder(self, completion: Completion, /) -> Encoder:  # noqa: N802 - as above.
        """A writer for one stream, given the answer's model, id, finish reason and usage."""

    def decode_error(self, body: bytes, /) -> WireError:
        """What an error body says; never raises."""

    def encode_error(self, status: int, message: str, kind: str = "") -> bytes:
        """An error body; an empty kind is the format's own word for the status."""
