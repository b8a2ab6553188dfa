"""Prompt texts from the package, and fences around what others wrote."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

FENCE_CHARS = 12


@cache
def load_prompt(name: str) -> str:
    """The text of `koderz/prompts/NAME.md`, read once."""
    return resources.files("koderz.prompts").joinpath(f"{name}.md").read_text("utf-8").strip()


def fence(label: str, content: str) -> str:
    """`content` between two lines that it cannot contain, so that it ends where it ends.

    The lines carry a mark taken from the content itself: a text that holds its own mark cannot be
    written, and the same content is always fenced the same way, as prompt caches want it.
    """
    mark = hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:FENCE_CHARS]
    return f"<<<{label} {mark}\n{content}\n{label} {mark}>>>"


def cut_middle(text: str, max_chars: int) -> str:
    """`text` if it is short enough, else its start and its end with a note of what is left out."""
    if len(text) <= max_chars:
        return text
    head, tail = max_chars // 4, max_chars - max_chars // 4
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[{left_out} characters left out]\n{text[len(text) - tail :]}"
