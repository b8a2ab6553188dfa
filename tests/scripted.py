"""A router over clients that answer as a test tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from koderz.config.settings import Settings
from koderz.ledger.store import Ledger
from koderz.models.factory import ModelFactory
from koderz.models.prices import PriceBook
from koderz.routing.router import Router
from koderz.types import Completion, Message, Request, Text, Usage

Step = Completion | BaseException | Callable[[Request], Awaitable[Completion]]

ASK = Request(messages=(Message.user("What is the answer?"),))


def say(text: str, *, is_simulated: bool = False) -> Completion:
    """A completion of plain text that used 100 tokens in and 10 out."""
    usage = Usage(input_tokens=100, output_tokens=10)
    return Completion(model="", parts=(Text(text),), usage=usage, is_simulated=is_simulated)


class ScriptedClient:
    """Takes one step of its script a call; the last step stays."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Completion):
            return msgspec.structs.replace(step, model=request.model)
        return await step(request)


class ScriptedFactory:
    """Gives each model the client of its script; a model without one raises what is given."""

    def __init__(self, scripts: dict[str, ScriptedClient | Exception]) -> None:
        self.scripts = scripts

    def get_client(self, model: str) -> ScriptedClient:
        script = self.scripts[model]
        if isinstance(script, Exception):
            raise script
        return script


def build_settings(main: str = "gpt-4o", small_model: str = "", **koderz: Any) -> Settings:
    """gpt-4o and its sibling gpt-4o-mini, at 10 and at 1 dollar a million tokens."""
    prices = {
        "gpt-4o-mini": {"input": 1, "output": 1},
        "gpt-4o": {"input": 10, "output": 10},
    }
    agent = {"default_model": main, "small_model": {"model": small_model}}
    document = {"agent": agent, "koderz": {"prices": prices, **koderz}}
    return msgspec.convert(document, Settings, strict=False)


def build_router(
    path: Path, scripts: dict[str, Any], settings: Settings | None = None
) -> tuple[Router, Ledger]:
    """A router over scripted clients and a real ledger."""
    settings = settings or build_settings()
    ledger = Ledger(path / "ledger.sqlite")
    factory = ScriptedFactory(scripts)
    router = Router(
        settings=settings,
        factory=cast("ModelFactory", factory),
        prices=PriceBook(settings.koderz.prices),
        ledger=ledger,
        inventory=None,
    )
    return router, ledger


async def hang(request: Request) -> Completion:
    """Never answer."""
    del request
    await asyncio.sleep(3600)
    raise AssertionError
