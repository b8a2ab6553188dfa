"""Leaving out what a model thought before it answered."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad"
_MARK: Final = re.compile(
    rf"<(?P<tag_end>/?)(?:{_NAMES})>|\[(?P<word_end>/?)THINK\]|◁(?P<sign_end>/?)think▷",
    re.IGNORECASE,
)
_FINAL_CHANNEL: Final = "<|channel|>final<|message|>"
_END_MARKS: Final = ("<|return|>", "<|end|>", "<|im_end|>", "<|eot_id|>", "</s>", "<|endoftext|>")


def drop_thoughts(answer: str) -> str:
    """The answer without its thoughts.

    A thought that is never closed reaches to the end; one whose beginning is missing (chat
    templates swallow it) begins with the answer. Marks within a line of code are left alone: a
    beginning stands at the start of a line, an end without one at either side of a line.
    """
    text = answer.rpartition(_FINAL_CHANNEL)[2]
    text = _drop_marked(text)
    for mark in _END_MARKS:
        text = text.removesuffix(mark).rstrip(" ")
    return text


def _drop_marked(text: str) -> str:
    kept: list[str] = []
    start, begun = 0, -1
    for mark in _MARK.finditer(text):
        is_end = any(mark.groups())
        if begun >= 0 and is_end:
            start, begun = mark.end(), -1
        elif begun < 0 and is_end and _is_at_side(text, mark):
            kept, start = [], mark.end()
        elif begun < 0 and not is_end and _is_at_start(text, mark.start()):
            kept.append(text[start : mark.start()])
            begun = mark.start()
    return "".join(kept) if begun >= 0 else "".join([*kept, text[start:]])


def _is_at_start(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _is_at_side(text: str, mark: re.Match[str]) -> bool:
    end = text.find("\n", mark.end())
    after = text[mark.end() : end if end >= 0 else len(text)]
    return not after.strip() or _is_at_start(text, mark.start())
