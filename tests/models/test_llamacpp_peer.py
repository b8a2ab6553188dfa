"""Our clients against llama.cpp's own server, which runs a tiny random model in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from tiny_gguf import CONTEXT_TOKENS, write_tiny_gguf

from koderz import errors
from koderz.models import ModelFactory
from koderz.models.anthropic_client import FrontierClient
from koderz.models.base import ModelClient
from koderz.models.transport import Transport
from koderz.types import (
    Capabilities,
    Completion,
    Delta,
    FinishReason,
    Message,
    ProviderInfo,
    Request,
    ResponseSchema,
)

MODEL = "llamacpp/tiny"
HELLO = Request(
    model=MODEL, messages=(Message.user("hello"),), max_tokens=12, seed=3, temperature=0.8
)


@pytest.fixture(scope="session")
def peer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp", exc_type=ImportError)
    params = xllamacpp.CommonParams()
    params.model.path = str(write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf"))
    params.model_alias = {"tiny"}
    params.n_ctx = 2 * CONTEXT_TOKENS
    params.n_parallel = 2
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server  # It ends with its last reference.


@pytest.fixture
async def client(peer_url: str) -> AsyncIterator[ModelClient]:
    async with ModelFactory(environ={"LLAMACPP_BASE_URL": f"{peer_url}/v1"}) as factory:
        yield factory.get_client(MODEL)


async def test_a_whole_answer_with_its_usage(client: ModelClient) -> None:
    completion = await client.complete(HELLO)
    assert completion.model == "tiny"
    assert completion.provider == "llamacpp-server"
    assert completion.finish in {FinishReason.LENGTH, FinishReason.STOP}
    assert completion.usage.output_tokens <= 12
    assert completion.usage.prompt_tokens == len("user: hello\n") + 2
    assert not completion.usage.is_estimated
    assert client.calculate_cost(completion.usage, MODEL) == 0


async def test_the_limit_of_the_answer_is_kept(client: ModelClient) -> None:
    one = await client.complete(msgspec.structs.replace(HELLO, max_tokens=1))
    assert (one.usage.output_tokens, one.finish) == (1, FinishReason.LENGTH)


async def test_a_seed_repeats_and_a_stream_gives_the_same(client: ModelClient) -> None:
    whole = await client.complete(HELLO)
    again = await client.complete(HELLO)
    assert again.text == whole.text
    items = [item async for item in client.stream(HELLO)]
    last = items.pop()
    assert isinstance(last, Completion)
    assert "".join(item.text for item in items if isinstance(item, Delta)) == last.text
    assert last.text == whole.text
    assert last.usage.total_tokens == whole.usage.total_tokens
    assert last.first_token_s is not None


async def test_a_cached_prefix_is_counted_apart(client: ModelClient) -> None:
    request = msgspec.structs.replace(HELLO, messages=(Message.user("a prefix of some length"),))
    first, second = [await client.complete(request) for _ in range(2)]
    assert second.usage.cache_read_tokens > 0
    assert second.usage.prompt_tokens == first.usage.prompt_tokens


async def test_a_stop_sequence_ends_the_answer_before_it(client: ModelClient) -> None:
    whole = await client.complete(msgspec.structs.replace(HELLO, max_tokens=40))
    mark = next(sign for sign in whole.text if sign.isascii() and sign.isalnum())
    stopped = await client.complete(msgspec.structs.replace(HELLO, max_tokens=40, stop=(mark,)))
    assert stopped.text == whole.text.partition(mark)[0]
    assert stopped.finish is FinishReason.STOP


async def test_a_schema_binds_even_a_random_model(client: ModelClient) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"enum": ["red", "blue"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    completion = await client.complete(
        msgspec.structs.replace(
            HELLO, max_tokens=200, response_schema=ResponseSchema(name="label", schema=schema)
        )
    )
    assert msgspec.json.decode(completion.text)["label"] in {"red", "blue"}


async def test_too_long_a_prompt_is_said_to_be_one(client: ModelClient) -> None:
    request = msgspec.structs.replace(HELLO, messages=(Message.user("x" * 5 * CONTEXT_TOKENS),))
    with pytest.raises(errors.ContextLengthError):
        await client.complete(request)
    with pytest.raises(errors.ContextLengthError):
        await anext(client.stream(request))


async def test_its_models_are_listed(client: ModelClient) -> None:
    assert await client.fetch_models() == ("tiny",)


async def test_it_speaks_anthropics_format_too(peer_url: str) -> None:
    provider = ProviderInfo(
        id="peer",
        title="Peer",
        wire="anthropic",
        base_url=peer_url,
        capabilities=Capabilities(temperature=True),
    )
    transport = Transport(environ={})
    client = FrontierClient(provider, transport)
    request = msgspec.structs.replace(HELLO, model="tiny", seed=None, temperature=0)
    try:
        completion = await client.complete(request)
        items = [item async for item in client.stream(request)]
    finally:
        await transport.close()
    assert 0 < completion.usage.output_tokens <= 12
    last = items.pop()
    assert isinstance(last, Completion)
    assert "".join(item.text for item in items if isinstance(item, Delta)) == last.text
