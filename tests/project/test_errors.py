"""Errors go from process to process as they are."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest

from koderz.errors import (
    AllRoutesFailedError,
    AnswerLostError,
    BudgetExceededError,
    ClusterError,
    ConfigError,
    FetchError,
    JobError,
    KoderzError,
    MissingAPIKeyError,
    ProviderError,
    RateLimitError,
    SandboxUnavailableError,
    StoreError,
    UnknownModelError,
)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("is not a number", file="koderz.toml", key="koderz.read.min_size_kb"),
        MissingAPIKeyError("OpenAI", "OPENAI_API_KEY"),
        UnknownModelError("gpt-5o", ["gpt-5"]),
        ProviderError("broke", provider="openai", model="gpt-4o", status=500),
        RateLimitError("slow down", retry_after_s=3.0),
        AnswerLostError("gone", model="gpt-4o"),
        BudgetExceededError("run", spent_usd=Decimal(1), limit_usd=Decimal(2), advice="wait"),
        AllRoutesFailedError(["one", "two"], attempts=["an attempt"]),
        JobError("no such file", paid_usd=Decimal("0.5")),
        FetchError("not found", url="https://example.org", status=404),
        SandboxUnavailableError("no namespaces"),
        ClusterError("the scheduler is lost"),
        StoreError("full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error: KoderzError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.exit_code == error.exit_code
