"""Reading the head of a GGUF file: what the model is, and how much memory it will need.

Source of the layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import BinaryIO

import msgspec

from koderz.errors import ConfigError
from koderz.models.local_names import list_parts

Value = int | float | bool | str | tuple[int, ...]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STRING, ARRAY = 8, 9
_SCALARS = ("B", "b", "H", "h", "I", "i", "f", "?", "", "", "Q", "q", "d")
_MOST_DIMENSIONS = 8
_KEPT_ITEMS = 4096  # Longer arrays are vocabularies: their length is all that is wanted.

CACHE_BYTES = 2  # The engine keeps keys and values in 16 bits.
BATCH_TOKENS = 512  # So many tokens go through the model at once,
ACTIVATION_BYTES = 4  # in 32 bits each.
ACTIVATIONS = 8  # Rows of the model's width that are alive at once, about.


class GgufFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the head of a model's file says. Sizes are bytes; 0 is unknown.

    `size_bytes` counts all parts of a model that comes in several files.
    """

    path: Path
    size_bytes: int
    architecture: str
    name: str
    context_tokens: int
    vocabulary_tokens: int
    width: int
    cache_bytes_per_token: int
    has_chat_template: bool

    def estimate_memory(self, context_tokens: int) -> int:
        """Bytes that the loaded model takes, with this many tokens of context over all slots."""
        rows = self.vocabulary_tokens + ACTIVATIONS * self.width
        return (
            self.size_bytes
            + self.cache_bytes_per_token * context_tokens
            + rows * BATCH_TOKENS * ACTIVATION_BYTES
        )


class _Cut(Exception):  # noqa: N818 - a word for what was found, not for an error of ours.
    """The file is none, or ends within its head; the message says which."""


class _Reader:
    """Walks through the bytes of a file's head; every step checks that it stays within them."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at = content, 0

    def skip(self, count: int) -> int:
        start, self._at = self._at, self._at + count
        if count < 0 or self._at > len(self._content):
            raise _Cut("it ends within its head")
        return start

    def take(self, form: str) -> int | float | bool:
        start = self.skip(struct.calcsize(f"<{form}"))
        value: int | float | bool = struct.unpack_from(f"<{form}", self._content, start)[0]
        return value

    def count(self) -> int:
        return int(self.take("Q"))

    def text(self) -> str:
        size = self.count()
        start = self.skip(size)
        return self._content[start : start + size].decode(errors="replace")

    def value(self, kind: int) -> Value:
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            return self._array()
        if kind >= len(_SCALARS):
            raise _Cut(f"its head holds a value of the unknown kind {kind}")
        return self.take(_SCALARS[kind])

    def _array(self) -> Value:
        """The numbers of a short array; of any other one its length."""
        kind, length = int(self.take("I")), self.count()
        if kind == STRING:
            for _ in range(length):
                self.skip(self.count())
            return length
        if kind >= len(_SCALARS) or kind == ARRAY:
            raise _Cut(f"its head holds a list of the unknown kind {kind}")
        size = struct.calcsize(f"<{_SCALARS[kind]}")
        if length > _KEPT_ITEMS:
            self.skip(length * size)
            return length
        return tuple(int(self.take(_SCALARS[kind])) for _ in range(length))


def load_gguf(path: Path) -> GgufFile:
    """What a model's file says of itself; raises ConfigError for one that is no whole GGUF file."""
    try:
        with path.open("rb") as file, _map(file) as content:
            return _read(path, content)
    except (_Cut, struct.error) as error:
        again = "fetch it again: `koderz local remove` it, then `koderz local pull`"
        raise ConfigError(f"this model cannot be used: {error} ({again})", file=str(path)) from None
    except OSError as error:
        raise ConfigError(error.strerror or "it cannot be read", file=str(path)) from None


def _map(file: BinaryIO) -> mmap.mmap:
    if not os.fstat(file.fileno()).st_size:
        raise _Cut("it is empty")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def measure_parts(path: Path) -> int:
    """Bytes of a model, all of its parts counted that are there."""
    parts = (path.with_name(part) for part in list_parts(path.name))
    return sum(part.stat().st_size for part in parts if part.is_file())


def _read(path: Path, content: mmap.mmap) -> GgufFile:
    reader = _Reader(content)
    if content[: len(MAGIC)] != MAGIC:
        raise _Cut("it is no GGUF file")
    reader.skip(len(MAGIC))
    version = reader.take("I")
    if version not in VERSIONS:
        raise _Cut(f"its format is GGUF version {version}, which is not known")
    tensors, pairs = reader.count(), reader.count()
    values: dict[str, Value] = {}
    for _ in range(pairs):
        key = reader.text()
        values[key] = reader.value(int(reader.take("I")))
    _check_tensors(reader, tensors, len(content))
    return _describe(path, values)


def _check_tensors(reader: _Reader, tensors: int, size_bytes: int) -> None:
    """Walk over the list of tensors; each has to begin within the file."""
    for _ in range(tensors):
        reader.text()
        dimensions = int(reader.take("I"))
        if dimensions > _MOST_DIMENSIONS:
            raise _Cut("its head is damaged")
        reader.skip(dimensions * struct.calcsize("<Q") + struct.calcsize("<I"))
        if reader.count() >= size_bytes:
            raise _Cut("it is shorter than its head says")


def _describe(path: Path, values: dict[str, Value]) -> GgufFile:
    architecture = str(values.get("general.architecture", ""))
    if not architecture:
        raise _Cut("its head does not say what model it is")
    return GgufFile(
        path=path,
        size_bytes=measure_parts(path),
        architecture=architecture,
        name=str(values.get("general.name", "")),
        context_tokens=_get_count(values, f"{architecture}.context_length"),
        vocabulary_tokens=_get_count(values, "tokenizer.ggml.tokens"),
        width=_get_count(values, f"{architecture}.embedding_length"),
        cache_bytes_per_token=_get_cache_bytes(values, architecture),
        has_chat_template="tokenizer.chat_template" in values,
    )


def _get_cache_bytes(values: dict[str, Value], architecture: str) -> int:
    """Bytes of keys and values a token: heads that have them, over all layers, times their width.

    A model that keeps fewer (sliding windows, recurrent layers) needs less than this.
    """
    layers = _get_count(values, f"{architecture}.block_count")
    heads = _get_count(values, f"{architecture}.attention.head_count")
    usual = _get_count(values, f"{architecture}.embedding_length") // max(1, heads)
    key = _get_count(values, f"{architecture}.attention.key_length") or usual
    value = _get_count(values, f"{architecture}.attention.value_length") or usual
    kept = values.get(f"{architecture}.attention.head_count_kv", heads)
    cached_heads = sum(kept) if isinstance(kept, tuple) else _to_count(kept) * layers
    return cached_heads * (key + value) * CACHE_BYTES


def _get_count(values: dict[str, Value], key: str) -> int:
    value = values.get(key, 0)
    return max(value, default=0) if isinstance(value, tuple) else _to_count(value)


def _to_count(value: Value) -> int:
    return max(0, int(value)) if isinstance(value, int | float) else 0
