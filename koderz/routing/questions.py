"""One question on its way through the router: what is asked, of whom, and what was tried so far."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import msgspec

from koderz.errors import AllRoutesFailedError, ConfigError
from koderz.ledger.records import Attempt
from koderz.routing.checks import Check
from koderz.routing.routes import Route
from koderz.routing.sampling import BuildFacts
from koderz.types import Completion, Request

T = TypeVar("T")


class Answers(Protocol):
    """Answers requests, as a model's client does."""

    async def complete(self, request: Request, /) -> Completion:
        """The whole answer; raises a ProviderError."""


class ClientSource(Protocol):
    """Gives the client for a model's name, as `ModelFactory` does."""

    def get_client(self, model: str, /) -> Answers:
        """The client that can ask the model; raises ConfigError where there is none."""
        ...


class Question(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What is asked, how the answer is judged, and how often one model may try."""

    request: Request
    check: Check[T]
    route: Route
    job_id: str
    tries_per_model: int
    limit_usd: Decimal | None
    build_facts: BuildFacts | None = None


class Trail:
    """What has been tried for one question so far."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.reasons: list[str] = []
        self.config_error: ConfigError | None = None
        self.too_small_tokens = 0

    def build_error(self, *more: str) -> Exception:
        """The error that ends a question nobody could answer."""
        if self.config_error and not self.attempts:
            return self.config_error
        return AllRoutesFailedError([*self.reasons, *more], attempts=self.attempts)
