"""A simulated provider's bill for its batches, added up from what it sent out and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import aiohttp

from koderz.simulator import Simulator

HAIKU, MINI = "claude-haiku-4-5", "gpt-4o-mini"
# USD a million tokens, half of what a call costs: input, cache read, cache written, output.
# OpenAI gives nothing more off for what its cache knows.
RATES = {
    HAIKU: ("0.5", "0.05", "0.625", "2.5"),
    "claude-sonnet-4-5": ("1.5", "0.15", "1.875", "7.5"),
    MINI: ("0.075", "0.075", "0.075", "0.3"),
    "gpt-4o": ("1.25", "1.25", "1.25", "5"),
}
HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01", "authorization": "Bearer any"}


async def fetch_bill(simulator: Simulator) -> Decimal:
    """What all batches that both providers have cost, in USD."""
    answers = [*await fetch_anthropic(simulator), *await fetch_openai(simulator)]
    return sum((reckon(answer) for answer in answers), Decimal(0))


async def fetch_anthropic(simulator: Simulator) -> list[Any]:
    """Every message of every batch."""
    async with aiohttp.ClientSession(simulator.base_url, headers=HEADERS) as session:
        rows = await fetch_rows(session, "/v1/messages/batches")
        lines = [
            line
            for row in rows
            if row["results_url"]
            for line in await fetch_lines(session, f"/v1/messages/batches/{row['id']}/results")
        ]
    return [line["result"]["message"] for line in lines if "message" in line["result"]]


async def fetch_openai(simulator: Simulator) -> list[Any]:
    """Every chat completion of every batch."""
    async with aiohttp.ClientSession(simulator.base_url, headers=HEADERS) as session:
        rows = await fetch_rows(session, "/v1/batches")
        lines = [
            line
            for row in rows
            if row["output_file_id"]
            for line in await fetch_lines(session, f"/v1/files/{row['output_file_id']}/content")
        ]
    return [line["response"]["body"] for line in lines]


async def fetch_rows(session: aiohttp.ClientSession, path: str) -> list[Any]:
    """The batches of a provider."""
    async with session.get(path, params={"limit": "1000"}) as reply:
        document = await reply.json()
    rows: list[Any] = document["data"]
    return rows


async def fetch_lines(session: aiohttp.ClientSession, path: str) -> Iterator[Any]:
    """The lines of a file."""
    async with session.get(path) as reply:
        return iter([json.loads(line) for line in (await reply.text()).splitlines()])


def reckon(answer: dict[str, Any]) -> Decimal:
    """What one answer cost, by the usage that it states."""
    usage = answer["usage"]
    if "prompt_tokens" in usage:
        read = usage["prompt_tokens_details"]["cached_tokens"]
        tokens = (usage["prompt_tokens"] - read, read, 0, usage["completion_tokens"])
    else:
        names = ("input", "cache_read_input", "cache_creation_input", "output")
        tokens = tuple(usage[f"{name}_tokens"] for name in names)
    rates = RATES[answer["model"]]
    total = sum(count * Decimal(rate) for count, rate in zip(tokens, rates, strict=True))
    return Decimal(total).scaleb(-6)
