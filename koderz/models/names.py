"""What a model's name says: its tier, family, generation and date, by rules and no list.

These rules serve models that the catalogue does not have, so that one released tomorrow still
gets a tier and a sibling. Every function takes any string.
"""

from __future__ import annotations

import re

from koderz.types import Tier

SMALL_WORDS = frozenset(
    ["flash", "haiku", "instant", "lite", "luna", "mini", "ministral", "nano", "small", "tiny"]
)
SMALLEST_WORDS = frozenset(["lite", "nano", "tiny"])

# Words of models that embed, listen, speak, draw, sort or guard instead of answering in text.
OTHER_WORK = re.compile(
    r"(?<![a-z])(?:all-minilm|asr|audio|banana|bge|dall|decisions|e5|embed|embedding|embeddings"
    r"|gte|guard|image|live|lyria|moderation|mxbai|nomic|ocr|omni|paraphrase|realtime|rerank"
    r"|reranker|robotics|safeguard|safety|search|sora|speech|stt|transcribe|translate|tts|veo"
    r"|video|voxtral|whisper)(?![a-z])"
)

# Open models up to this many billion parameters are sold at small models' prices.
SMALL_SIZE_B = 35

FAMILY_BY_WORD = {
    "chatgpt": "gpt",
    "codestral": "mistral",
    "devstral": "mistral",
    "magistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "pixtral": "mistral",
    "o": "gpt",
}

_SNAPSHOT = re.compile(
    r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|latest|preview(?:-\d{2}-\d{2}|-\d{2}-\d{4})?)$"
)
_WORDS = re.compile(r"[a-z]+")
_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])")
_ACTIVE = re.compile(r"(?<![a-z0-9])[ae]?\d+(?:\.\d+)?[bm](?![a-z0-9])")
_VERSION = re.compile(r"\d+o?")


def strip_snapshot(name: str) -> str:
    """The name without one date, `-latest` or `-preview` at its end (the name itself if none)."""
    return _SNAPSHOT.sub("", name)


def get_words(name: str) -> frozenset[str]:
    """The letters-only words of a name, in lower case, without its maker's prefix."""
    return frozenset(_WORDS.findall(get_base(name)))


def get_base(name: str) -> str:
    """The last part of a path-like name, in lower case."""
    return name.rstrip("/").rpartition("/")[2].lower()


def get_size_b(name: str) -> float | None:
    """Billions of parameters where the name says so: 32 for `qwen2.5-coder:32b`."""
    found = _SIZE.findall(get_base(name))
    return float(found[-1]) if found else None


def get_named_tier(name: str) -> Tier:
    """The tier of a model on a host that charges, by the words and the size in its name."""
    if get_words(name) & SMALL_WORDS:
        return Tier.SMALL_FRONTIER
    size_b = get_size_b(name)
    if size_b is not None and size_b <= SMALL_SIZE_B:
        return Tier.SMALL_FRONTIER
    return Tier.FRONTIER


def get_named_family(name: str) -> str:
    """The family by a name's first word (`claude`, `gpt`, `qwen`), "" if it has none."""
    base = get_base(name).removeprefix("meta-")
    if base.startswith("gpt-oss"):
        return "gpt-oss"
    word = _WORDS.search(base)
    return FAMILY_BY_WORD.get(word[0], word[0]) if word else ""


def get_generation(name: str) -> tuple[str, ...]:
    """The numbers of a name, without its date and size: ("4", "5") for `claude-opus-4-5`."""
    base = get_base(name).removeprefix("ft:").partition(":")[0]
    while (shorter := strip_snapshot(base)) != base:
        base = shorter
    return tuple(_VERSION.findall(_ACTIVE.sub("", base)))


def get_version(name: str) -> tuple[int, ...]:
    """A generation as numbers, so that later ones are larger."""
    return tuple(int(part.rstrip("o")) for part in get_generation(name))


def is_smallest(name: str) -> bool:
    """Whether the name says that it is the least of the small ones (nano, lite)."""
    return bool(get_words(name) & SMALLEST_WORDS)


def is_for_text(name: str) -> bool:
    """Whether nothing in the name says that the model does other work than answer in text."""
    return OTHER_WORK.search(get_base(name)) is None
