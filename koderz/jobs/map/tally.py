"""Who has an answer by now: equal prompts are asked once, and each row is told as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from koderz.extract.lists import ListItem
from koderz.jobs.map.results import MapRow
from koderz.prompts.map import Template

OnRows = Callable[[Sequence[MapRow]], None]

ID_CHARS = 16


class Tally:
    """The items and the rows that are known of them; `done` are rows of an earlier run."""

    def __init__(
        self,
        items: Sequence[ListItem],
        template: Template,
        schema: Mapping[str, Any] | None,
        on_rows: OnRows | None,
    ) -> None:
        self._items, self._on_rows = items, on_rows
        self._rows: dict[str, MapRow] = {}
        self._kept: frozenset[str] = frozenset()
        self._faults: dict[str, str] = {}
        self._groups: dict[str, list[ListItem]] = {}
        for item in items:
            fault = _find_fault(template, item)
            prompt_id = fault or build_prompt_id(template, item, schema)
            if fault:
                self._faults[item.id] = fault
            self._groups.setdefault(prompt_id, []).append(item)

    @property
    def distinct(self) -> int:
        """How many prompts there are where equal ones count once."""
        return len(self._groups) - len(set(self._faults.values()))

    @property
    def known(self) -> int:
        """How many items have a row."""
        return len(self._rows)

    @property
    def kept(self) -> int:
        """How many answers are those of an earlier run."""
        return len(self._kept)

    @property
    def prompt_ids(self) -> frozenset[str]:
        """Every prompt that is one of these items'."""
        return frozenset(self._groups)

    def adopt(self, done: Iterable[MapRow]) -> None:
        """Keep the answers of an earlier run, whatever ids their items had in it."""
        for row in done:
            if row.prompt_id in self._groups and not row.error:
                self._keep(row.prompt_id, value=row.value, by=row.answered_by)
        self._kept = frozenset(self._rows)

    def refuse_faulty(self) -> None:
        """Give items that cannot be asked about their error."""
        for fault in dict.fromkeys(self._faults.values()):
            self.settle(fault, error=fault)

    def list_open(self) -> list[tuple[str, ListItem]]:
        """The prompts without an answer, each with the first item that it is for, in order."""
        return [
            (prompt_id, group[0])
            for prompt_id, group in self._groups.items()
            if group[0].id not in self._rows and group[0].id not in self._faults
        ]

    def settle(self, prompt_id: str, *, value: Any = None, error: str = "", by: str = "") -> None:
        """Give the prompt's items their row; whoever listens is told before this returns."""
        rows = self._keep(prompt_id, value=value, error=error, by=by)
        if self._on_rows:
            self._on_rows(rows)

    def _keep(self, prompt_id: str, *, value: Any, error: str = "", by: str) -> list[MapRow]:
        first, *_ = group = self._groups[prompt_id]
        rows = [
            MapRow(
                id=item.id,
                value=value,
                error=error,
                answered_by=by,
                same_as="" if item is first or error else first.id,
                prompt_id="" if item.id in self._faults else prompt_id,
            )
            for item in group
        ]
        self._rows.update((row.id, row) for row in rows)
        return rows

    def list_fresh(self) -> Iterator[tuple[ListItem, MapRow]]:
        """The items that got their answer in this run."""
        for item in self._items:
            row = self._rows.get(item.id)
            if row and not row.error and item.id not in self._kept:
                yield item, row

    def list_rows(self) -> tuple[MapRow, ...]:
        """Every item's row, in the items' order."""
        return tuple(self._rows[item.id] for item in self._items)


def build_prompt_id(template: Template, item: ListItem, schema: Mapping[str, Any] | None) -> str:
    """What names a prompt as it is filled in: text, fields and schema."""
    fields = {name: item.fields[name] for name in template.names}
    whole = msgspec.json.encode((template.text, schema, fields), order="deterministic")
    return sha256(whole).hexdigest()[:ID_CHARS]


def _find_fault(template: Template, item: ListItem) -> str:
    """Why an item cannot be asked about, "" where it can."""
    if missing := template.find_missing(item.fields):
        return f"the item has no field {missing!r}"
    if not any(item.fields[name].strip() for name in template.names):
        return "the item is empty"
    return ""
