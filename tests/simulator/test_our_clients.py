"""Our own clients against the simulator: they notice that it is one, and what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from koderz.config.settings import HttpSettings, KoderzSettings, Settings
from koderz.errors import (
    ContextLengthError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
)
from koderz.models import ModelFactory
from koderz.simulator import Fault, Simulator, open_simulator
from koderz.simulator.faults import FaultKind
from koderz.types import Completion, Message, Request

MODELS = ("claude-haiku-4-5", "gpt-4o-mini", "gemini-2.5-flash", "phi:2.7b", "mistral-small")
NO_REPEATS = Settings(koderz=KoderzSettings(http=HttpSettings(retries=0, read_timeout_s=0.2)))


def build_request(model: str, text: str = "Why is the sky blue?") -> Request:
    return Request(model=model, messages=(Message.user(text),), max_tokens=300)


@pytest.fixture
async def factory(simulator: Simulator) -> AsyncIterator[ModelFactory]:
    async with ModelFactory(environ=simulator.environ(), settings=NO_REPEATS) as ready:
        yield ready


@pytest.mark.parametrize("model", MODELS)
async def test_answers_are_known_to_be_simulated(model: str, factory: ModelFactory) -> None:
    client = factory.get_client(model)
    whole = await client.complete(build_request(model))
    assert whole.is_simulated
    assert "simulated" in whole.text
    assert whole.usage.input_tokens > 0
    *deltas, last = [item async for item in client.stream(build_request(model))]
    assert isinstance(last, Completion)
    assert last.is_simulated
    assert (last.text, last.usage) == (whole.text, whole.usage)
    assert len(deltas) > 3


@pytest.mark.parametrize("model", MODELS)
async def test_models_are_listed(model: str, factory: ModelFactory) -> None:
    client = factory.get_client(model)
    assert await client.fetch_models()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limit", RateLimitError),
        ("server_error", ServerError),
        ("overloaded", ServerError),
        ("malformed_json", MalformedResponseError),
        ("silence", ProviderTimeoutError),
    ],
)
async def test_faults_are_the_errors_they_look_like(
    model: str, kind: FaultKind, error: type[Exception]
) -> None:
    async with (
        open_simulator(faults=[Fault(kind, times=None)]) as simulator,
        ModelFactory(environ=simulator.environ(), settings=NO_REPEATS) as factory,
    ):
        with pytest.raises(error):
            await factory.get_client(model).complete(build_request(model))


@pytest.mark.parametrize("model", MODELS)
async def test_a_cut_stream_is_a_malformed_answer(model: str) -> None:
    async with (
        open_simulator(faults=[Fault("cut_stream", times=None)]) as simulator,
        ModelFactory(environ=simulator.environ(), settings=NO_REPEATS) as factory,
    ):
        with pytest.raises(MalformedResponseError):
            [item async for item in factory.get_client(model).stream(build_request(model))]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4o-mini", "mistral-small"])
async def test_a_prompt_over_the_context_is_known_as_such(
    model: str, factory: ModelFactory
) -> None:
    with pytest.raises(ContextLengthError):
        await factory.get_client(model).complete(build_request(model, "word " * 300_000))


async def test_a_model_that_is_not_installed_is_known_as_such(factory: ModelFactory) -> None:
    with pytest.raises(ModelNotFoundError):
        await factory.get_client("nowhere:1b").complete(build_request("nowhere:1b"))
