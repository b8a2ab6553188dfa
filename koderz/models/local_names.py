"""What names of embedded models mean: `llamacpp/PATH.gguf`, `llamacpp/REPO:FILE`. No I/O."""

from __future__ import annotations

import re
from functools import cache

import msgspec

EMBEDDED = "llamacpp"
"""The provider whose models run in llama.cpp inside Koderz."""

SERVED = "llamacpp-server"
"""The provider that is llama.cpp's own server, to which the other names of `llamacpp/` go."""

SUFFIX = ".gguf"
_HUB_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+):(?P<file>[^:]+)")
_FIRST_PART = re.compile(r"(?P<stem>.*)-00001-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model worth having, on the short list: its file, GB on disk and in memory, its licence."""

    name: str
    repo: str
    file: str
    size_gb: float
    memory_gb: float
    licence: str
    good_for: str

    @property
    def model(self) -> str:
        """The name that it is used by: `llamacpp/REPO:FILE`."""
        return f"{EMBEDDED}/{self.repo}:{self.file}"


class ShortList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    models: tuple[Offer, ...]


class HubFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file on the hub: `repo` is owner/name, `file` a path in it."""

    repo: str
    file: str

    def __str__(self) -> str:
        return f"{self.repo}:{self.file}"


def parse_hub_file(name: str) -> HubFile | None:
    """The hub's file that a name means: `REPO:FILE`, or the name of an offer; None for a path."""
    if name in (offers := get_offers()):
        return HubFile(repo=offers[name].repo, file=offers[name].file)
    found = _HUB_NAME.fullmatch(name)
    if not found or {".", ".."} & set(re.split("[/:]", name)):
        return None
    return HubFile(repo=found["repo"], file=found["file"])


def is_file_name(name: str) -> bool:
    """Whether a name behind `llamacpp/` is that of a file, here or on the hub."""
    return name.lower().endswith(SUFFIX) or parse_hub_file(name) is not None


def list_parts(file: str) -> tuple[str, ...]:
    """All files of a model that comes in several, named by its first; else the one."""
    found = _FIRST_PART.fullmatch(file)
    if not found:
        return (file,)
    count = int(found["count"])
    return tuple(f"{found['stem']}-{part:05}-of-{count:05}{SUFFIX}" for part in range(1, count + 1))


@cache
def get_offers() -> dict[str, Offer]:
    """The short list by name, smallest first: read from the package at first use, then kept."""
    from importlib import resources

    text = resources.files("koderz.models").joinpath("local_models.toml").read_text("utf-8")
    return {offer.name: offer for offer in msgspec.toml.decode(text, type=ShortList).models}
