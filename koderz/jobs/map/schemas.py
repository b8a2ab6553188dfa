"""A JSON schema that answers are held to: by the provider where it can, by code always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from koderz.errors import JobError
from koderz.prompts.map import ONE, build_pack_schema
from koderz.types import ResponseSchema

MOST_FAULTS = 3
WANTED_CHARS = 100

_LIFTED = ("#/$defs/", "#/definitions/")
_ANSWER = "answer"


class AnswerSchema:
    """A schema, and what an answer has to be for it.

    Answers are objects, as providers want them: one to a schema of anything else stands in an
    object under `answer`. Drafts up to 2020-12 are known, formats are held to, and no reference is
    followed out of the schema.

    Raises:
        JobError: it is no JSON schema.
    """

    def __init__(self, schema: Mapping[str, Any], name: str = "the schema") -> None:
        # One wheel of 15 MB without dependencies, MIT, 0.02 s to import (jsonschema: 0.17 s and
        # 350 times slower a check; fastjsonschema knows drafts up to 7 alone), and patterns cannot
        # run away.
        import jsonschema_rs

        self.schema = schema
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema), validate_formats=True, offline=True
            )
        except ValueError as error:
            said = str(error).splitlines()[0][:200]
            raise JobError(f"{name} is no JSON schema: {said}") from None
        self._is_whole = schema.get("type") == "object"
        self.can_be_wrapped = all(ref.startswith(_LIFTED) for ref in _list_references(schema))
        self.response = ResponseSchema(ONE, dict(schema)) if self._is_whole else _wrap(schema)

    @property
    def is_native(self) -> bool:
        """Whether a provider may be asked to hold an answer about one item to it."""
        return self._is_whole or self.can_be_wrapped

    def unwrap(self, document: Mapping[str, Any]) -> tuple[Any, str]:
        """The value that an answer about one item holds, and what is wrong with it, "" if fine."""
        if self._is_whole:
            return document, self.find_fault(document)
        if document.keys() != {_ANSWER}:
            return None, f"the object has the one name {_ANSWER!r}, and the answer under it"
        return document[_ANSWER], self.find_fault(document[_ANSWER])

    def find_fault(self, value: Any) -> str:
        """The words of the schema that a value breaks, "" where it fits; says nothing of it."""
        errors = islice(self._validator.iter_errors(value), MOST_FAULTS)
        return "; ".join(self._say(error.schema_path) for error in errors)

    def _say(self, path: Sequence[str | int]) -> str:
        wanted: Any = self.schema
        for step in path:
            wanted = wanted[step] if isinstance(wanted, dict | list) else None  # type: ignore[index] # a path of this schema
        said = msgspec.json.encode(wanted).decode()
        return f"{'/'.join(map(str, path))} wants {said[:WANTED_CHARS]}"


def load_answer_schema(path: Path) -> AnswerSchema:
    """The schema in a file of JSON. Raises JobError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise JobError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        schema = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JobError(f"{path}: not an object of JSON: {error}") from None
    return AnswerSchema(schema, str(path))


def _wrap(schema: Mapping[str, Any]) -> ResponseSchema:
    """An object with the answer under one name."""
    whole = build_pack_schema(schema).schema
    one = whole["properties"]["answers"]["items"]
    wrapped = {
        **whole,
        "properties": {_ANSWER: one["properties"][_ANSWER]},
        "required": [_ANSWER],
    }
    return ResponseSchema(ONE, wrapped)


def _list_references(schema: Any) -> Iterator[str]:
    """Every `$ref` in the schema."""
    if isinstance(schema, Mapping):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref
        for child in schema.values():
            yield from _list_references(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from _list_references(child)
