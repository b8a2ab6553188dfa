"""Whoever has imported this has loaded what a benchmark takes longest to load."""

from __future__ import annotations

import aiohttp

import koderz.cli
import koderz.commands.benchmark_work
import koderz.runs.observing
import koderz.runs.running
from koderz.models.prices import get_default_prices
from koderz.models.registry import get_model_info
from koderz.tokens import count_tokens

LOADED = (aiohttp, koderz)
count_tokens("a")
if model := get_model_info("gpt-4o"):
    get_default_prices().get_price(model)
