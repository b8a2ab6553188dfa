"""What stands between the fences of a prompt (see `koderz.prompts.texts.fence`)."""

from __future__ import annotations

import re

import msgspec

from koderz.types import Request

_FENCED = re.compile(r"^<<<(\w+) ([0-9a-f]{12})\n(.*?)\n\1 \2>>>$", re.DOTALL | re.MULTILINE)


class Fenced(msgspec.Struct, frozen=True):
    """A labelled part of a prompt."""

    label: str
    text: str


def list_fenced(request: Request) -> tuple[Fenced, ...]:
    """The fenced parts of what a user said, in order."""
    text = "\n".join(message.text for message in request.messages if message.role == "user")
    return tuple(Fenced(match[1], match[3]) for match in _FENCED.finditer(text))


def get_last(fenced: tuple[Fenced, ...], label: str) -> str:
    """The last part of that label, "" without one."""
    return next((each.text for each in reversed(fenced) if each.label == label), "")
