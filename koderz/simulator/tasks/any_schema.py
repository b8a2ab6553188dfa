"""Any answer with a JSON schema: a value that fits it."""

from __future__ import annotations

from random import Random

import msgspec

from koderz.simulator.schemas import build_value
from koderz.types import Request


def is_asked(request: Request) -> bool:
    """Whether the answer has to fit a schema."""
    return request.response_schema is not None


def answer(request: Request, _skill: float, rng: Random) -> str:
    """A JSON value that fits the schema whatever the skill, as providers enforce it."""
    schema = request.response_schema.schema if request.response_schema else {}
    return msgspec.json.encode(build_value(schema, rng)).decode()
