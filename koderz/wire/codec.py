"""Bytes to typed values and back, with the one error that each direction documents."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Protocol, TypeVar

import msgspec

from koderz.errors import MalformedResponseError, RequestRejectedError
from koderz.types import Image
from koderz.wire.faults import FormatError

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_UNREADABLE = (ValueError, RecursionError)  # msgspec's errors and Unicode's are ValueErrors.


class JSONDecoder(Protocol[T_co]):
    """A msgspec decoder of one type."""

    def decode(self, body: bytes | str, /) -> T_co:
        """The value that the JSON holds; raises ValueError where it holds none."""


OBJECT: JSONDecoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


def decode_question(decoder: JSONDecoder[T], body: bytes | str) -> T:
    """A request, or a piece of one, as a typed value; raises `FormatError`."""
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        raise FormatError(f"the request is not in this format: {error}") from error


def decode_answer(decoder: JSONDecoder[T], body: bytes | str) -> T:
    """An answer, or a piece of one, as a typed value; raises `MalformedResponseError`."""
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        start = body[:200] if isinstance(body, str) else body[:200].decode("utf-8", "replace")
        if start.lstrip().startswith("<"):
            raise MalformedResponseError("a web page, not JSON: is the base URL right?") from error
        raise MalformedResponseError(f"the answer is not in its format: {error}") from error


def encode_json(value: Any) -> bytes:
    """The value as JSON."""
    return _ENCODER.encode(value)


def encode_question(value: Any) -> bytes:
    """A request as JSON; raises `RequestRejectedError` for text that UTF-8 cannot carry."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        reason = "the text holds half a surrogate pair: read it with errors='replace'"
        raise RequestRejectedError(reason) from error


def dump_object(value: dict[str, Any]) -> str:
    """An object as JSON text, as some formats carry it inside JSON."""
    return _ENCODER.encode(value).decode()


def encode_base64(content: bytes) -> str:
    """Bytes in base64, in one line."""
    return base64.b64encode(content).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Bytes out of base64, also in its URL-safe alphabet; raises `FormatError`."""
    try:
        return base64.b64decode(text.encode("ascii").translate(_TO_STANDARD), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise FormatError(f"an image is not in base64: {error}") from error


_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def image_url(image: Image) -> str:
    """The image's address, or its bytes as a data URL."""
    return image.url or f"data:{image.media_type};base64,{encode_base64(image.data)}"


def parse_image_url(url: str) -> Image:
    """The image that an address or a data URL stands for; raises `FormatError`."""
    if not url.startswith("data:"):
        return Image(url=url)
    head, comma, content = url.removeprefix("data:").partition(",")
    media_type, _, encoding = head.partition(";")
    if not comma or encoding.rpartition(";")[2] != "base64":
        raise FormatError("an image's data URL is not in base64")
    return Image(media_type or "image/png", decode_base64(content))
