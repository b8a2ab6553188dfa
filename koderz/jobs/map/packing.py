"""Prompts over a list: each item by itself, or several together under codes of their own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from koderz.extract.lists import ListItem
from koderz.jobs.classify.packing import build_code, fit_prompt_tokens
from koderz.prompts.map import Template, encode_item
from koderz.routing.routes import Route
from koderz.tokens import count_tokens


class Entry(msgspec.Struct, frozen=True):
    """What is asked about: an item, and the name of its prompt; `code` and `line` where packed."""

    prompt_id: str
    item: ListItem
    code: str = ""
    line: str = ""


Pack = tuple[Entry, ...]


def pack_entries(
    entries: Sequence[tuple[str, ListItem]], template: Template, route: Route, most: int
) -> list[Pack]:
    """The items in prompts of at most `most` each, fewer where they are long.

    A code is made from the item itself, so that it can only be copied from the item's own line.
    """
    if most == 1:
        return [(Entry(prompt_id, item),) for prompt_id, item in entries]
    most_tokens = fit_prompt_tokens(route)
    packs: list[Pack] = []
    packed: dict[str, Entry] = {}
    tokens = 0
    for prompt_id, item in entries:
        entry = _build(prompt_id, item, template, packed)
        cost = count_tokens(entry.line) + 1
        if packed and (len(packed) >= most or tokens + cost > most_tokens):
            packs.append(tuple(packed.values()))
            packed, tokens = {}, 0
            entry = _build(prompt_id, item, template, packed)
        packed[entry.code] = entry
        tokens += cost
    return [*packs, tuple(packed.values())] if packed else packs


def _build(prompt_id: str, item: ListItem, template: Template, taken: dict[str, Entry]) -> Entry:
    code = build_code(prompt_id, taken)
    return Entry(prompt_id, item, code, encode_item(code, template, item.fields))
