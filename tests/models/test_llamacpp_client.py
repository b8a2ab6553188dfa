"""Models inside Koderz: the real engine runs a tiny random model that the test writes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from fake_hub import open_fake_hub
from tiny_gguf import CONTEXT_TOKENS, write_tiny_gguf

from koderz import errors
from koderz.config.settings import LocalSettings, Settings
from koderz.models import ModelFactory
from koderz.models.gguf import load_gguf
from koderz.models.gguf_plan import choose_plan
from koderz.models.llamacpp_client import LlamaCppClient
from koderz.models.llamacpp_engine import LoadedModel
from koderz.models.llamacpp_worker import Order, _build_params
from koderz.models.machine import measure_machine
from koderz.prompts.experiments import IterationRecord
from koderz.types import Completion, Delta, FinishReason, Message, Request, ResponseSchema

pytest.importorskip("xllamacpp", exc_type=ImportError)

LONG_CONTEXT_TOKENS = 32_768
ENDLESS = ResponseSchema(
    name="long", schema={"type": "array", "items": {"enum": ["a" * 100]}, "minItems": 1500}
)
"""What keeps a model at it for seconds."""

PROMPT_TOKENS = len("user: hello\n") + 2


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can go on for long."""
    path = tmp_path_factory.mktemp("gguf") / "talker.gguf"
    return write_tiny_gguf(path, context_tokens=LONG_CONTEXT_TOKENS)


def build_settings(**local: Any) -> Settings:
    return msgspec.convert({"koderz": {"local": {"threads": 1, **local}}}, Settings)


def ask(path: Path, text: str = "hello", **fields: Any) -> Request:
    usual: dict[str, Any] = {"max_tokens": 12, "seed": 3, "temperature": 0.8}
    return Request(model=f"llamacpp/{path}", messages=(Message.user(text),), **{**usual, **fields})


def get_client(factory: ModelFactory, path: Path) -> LlamaCppClient:
    client = factory.get_client(f"llamacpp/{path}")
    assert isinstance(client, LlamaCppClient)
    return client


@pytest.fixture
async def factory() -> AsyncIterator[ModelFactory]:
    async with ModelFactory(settings=build_settings()) as factory:
        yield factory


@pytest.fixture
def client(factory: ModelFactory, tiny: Path) -> LlamaCppClient:
    return get_client(factory, tiny)


async def wait_until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    for _ in range(1000):
        held = holds()
        if held if isinstance(held, bool) else await held:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to hold")


def get_loaded(client: LlamaCppClient) -> LoadedModel:
    assert client.engine.loaded is not None
    return client.engine.loaded


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_answers_and_counts_with_the_models_own_tokens(
    client: LlamaCppClient, tiny: Path
) -> None:
    completion = await client.complete(ask(tiny))
    assert completion.provider == "llamacpp"
    assert completion.model == str(tiny)
    assert completion.finish in {FinishReason.LENGTH, FinishReason.STOP}
    assert 0 < completion.usage.output_tokens <= 12
    assert completion.usage.prompt_tokens == PROMPT_TOKENS
    assert not completion.usage.is_estimated
    assert completion.first_token_s is not None
    assert 0 < completion.first_token_s <= completion.latency_s
    assert client.calculate_cost(completion.usage, f"llamacpp/{tiny}") == 0


async def test_a_stream_gives_what_the_whole_answer_is(client: LlamaCppClient, tiny: Path) -> None:
    whole = await client.complete(ask(tiny))
    items = [item async for item in client.stream(ask(tiny))]
    last = items.pop()
    assert isinstance(last, Completion)
    assert len(items) > 1
    assert "".join(item.text for item in items if isinstance(item, Delta)) == last.text
    assert last.text == whole.text
    assert last.usage.total_tokens == whole.usage.total_tokens


async def test_a_schema_binds_even_a_random_model(client: LlamaCppClient, tiny: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"enum": ["red", "blue"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    wanted = ResponseSchema(name="label", schema=schema)
    completion = await client.complete(ask(tiny, max_tokens=200, response_schema=wanted))
    assert msgspec.json.decode(completion.text)["label"] in {"red", "blue"}


async def test_an_answer_that_the_engine_cannot_read_is_a_malformed_one(
    factory: ModelFactory, talker: Path
) -> None:
    """A random model writes characters into its strings that the engine's own reader refuses."""
    text = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    wanted = ResponseSchema(name="text", schema=text)
    client = get_client(factory, talker)
    request = ask(talker, max_tokens=300, response_schema=wanted)
    asked = [msgspec.structs.replace(request, seed=seed) for seed in range(10)]
    with pytest.raises(errors.MalformedResponseError, match="not keep to the format") as raised:
        await asyncio.gather(*map(client.complete, asked))
    assert raised.value.tries == 1


async def test_specifications_and_reviews_are_asked_as_of_any_client(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "wide.gguf", context_tokens=4096)
    async with ModelFactory(settings=build_settings()) as factory:
        client = get_client(factory, path)
        assert (await client.generate_spec("add", model=f"llamacpp/{path}")).usage.output_tokens
        tried = IterationRecord(number=1, code="def add(a, b): ...", error="no answer")
        review = await client.checkpoint_review([tried], model=f"llamacpp/{path}")
    assert review.usage.output_tokens


async def test_too_long_a_prompt_is_said_to_be_one(client: LlamaCppClient, tiny: Path) -> None:
    with pytest.raises(errors.ContextLengthError, match="512 tokens"):
        await client.complete(ask(tiny, "x" * 5 * CONTEXT_TOKENS))
    assert (await client.complete(ask(tiny))).text


@pytest.mark.parametrize("parallel", [1, 3])
async def test_many_questions_at_once_are_all_answered(tiny: Path, parallel: int) -> None:
    async with ModelFactory(settings=build_settings(parallel=parallel)) as factory:
        client = get_client(factory, tiny)
        one = await client.complete(ask(tiny))
        answers = await asyncio.gather(*(client.complete(ask(tiny)) for _ in range(6)))
        plan = get_loaded(client).plan
    assert plan is not None
    assert (plan.parallel, plan.context_tokens) == (parallel, CONTEXT_TOKENS)
    assert {answer.usage.prompt_tokens for answer in answers} == {PROMPT_TOKENS}
    if parallel == 1:  # Several in one batch are added up in another order, and may differ.
        assert {answer.text for answer in answers} == {one.text}


async def test_a_model_is_loaded_once_and_another_takes_its_place(
    client: LlamaCppClient, tiny: Path, talker: Path
) -> None:
    await asyncio.gather(*(client.complete(ask(tiny)) for _ in range(3)))
    first = get_loaded(client)
    await client.complete(ask(tiny))
    assert get_loaded(client) is first
    await asyncio.gather(
        client.complete(ask(talker)), client.complete(ask(tiny)), client.complete(ask(talker))
    )
    assert not is_alive(first.process_id)
    assert is_alive(get_loaded(client).process_id)


async def test_an_idle_model_is_unloaded_and_loaded_again(tiny: Path) -> None:
    async with ModelFactory(settings=build_settings(keep_loaded_s=0.05)) as factory:
        client = get_client(factory, tiny)
        whole = await client.complete(ask(tiny))
        process_id = get_loaded(client).process_id
        await wait_until(lambda: client.engine.loaded is None)
        assert not is_alive(process_id)
        assert (await client.complete(ask(tiny))).text == whole.text


async def test_closing_unloads(tiny: Path) -> None:
    async with ModelFactory(settings=build_settings()) as factory:
        client = get_client(factory, tiny)
        await client.complete(ask(tiny))
        process_id = get_loaded(client).process_id
    assert not is_alive(process_id)


async def is_busy(loaded: LoadedModel) -> bool:
    headers = {"authorization": f"Bearer {loaded.key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{loaded.address}/slots", headers=headers) as reply,
    ):
        return any(slot["is_processing"] for slot in await reply.json())


async def is_free(loaded: LoadedModel) -> bool:
    return not await is_busy(loaded)


async def test_a_cancelled_call_frees_the_engine(factory: ModelFactory, talker: Path) -> None:
    client = get_client(factory, talker)
    endless = ask(
        talker,
        max_tokens=LONG_CONTEXT_TOKENS,
        response_schema=ENDLESS,
    )
    stream = client.stream(endless)
    assert isinstance(await anext(stream), Delta)
    loaded = get_loaded(client)
    assert await is_busy(loaded)
    await stream.aclose()
    await wait_until(lambda: is_free(loaded))
    task = asyncio.create_task(client.complete(endless))
    await wait_until(lambda: is_busy(loaded))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until(lambda: is_free(loaded))
    assert (await client.complete(ask(talker))).text
    assert get_loaded(client) is loaded


async def test_a_cancelled_load_leaves_nothing_behind(client: LlamaCppClient, tiny: Path) -> None:
    task = asyncio.create_task(client.complete(ask(tiny)))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.engine.loaded is None
    assert (await client.complete(ask(tiny))).text


def damage(raw: bytes) -> dict[str, bytes]:
    """What may have become of a file, by what is said of it."""
    return {
        "it is empty": b"",
        "no GGUF file": b"<html>sign in first</html>",
        "version 99": raw[:4] + (99).to_bytes(4, "little") + raw[8:],
        "ends within its head": raw[:2000],
        "shorter than its head says": raw[: len(raw) // 2],
        "not within the file bounds": raw[:-100],
        "cannot load this model": raw.replace(b"blk.1.ffn_norm", b"blk.1.xxx_norm"),
    }


@pytest.fixture
def damaged(tiny: Path, tmp_path: Path) -> dict[str, Path]:
    """Damaged files, by what is said of them."""
    paths = {}
    for number, (said, content) in enumerate(damage(tiny.read_bytes()).items()):
        paths[said] = tmp_path / f"{number}.gguf"
        paths[said].write_bytes(content)
    return paths


async def test_a_damaged_file_is_said_to_be_one(
    client: LlamaCppClient, tiny: Path, damaged: dict[str, Path]
) -> None:
    for said, path in damaged.items():
        with pytest.raises(errors.ModelLoadError) as raised:
            await client.complete(ask(path))
        assert said in str(raised.value)
        assert raised.value.message.startswith(str(path))
        assert (raised.value.provider, raised.value.model) == ("llamacpp", str(path))
        assert "\n" not in str(raised.value)
    assert (await client.complete(ask(tiny))).text


async def test_a_missing_file_says_how_to_get_it(client: LlamaCppClient, tmp_path: Path) -> None:
    with pytest.raises(errors.ModelNotFoundError, match="check the path"):
        await client.complete(ask(tmp_path / "none.gguf"))
    settings = build_settings(fetch=False, folder=str(tmp_path))
    async with ModelFactory(settings=settings) as factory:
        request = msgspec.structs.replace(ask(tmp_path), model="llamacpp/acme/tiny:tiny.gguf")
        with pytest.raises(errors.ModelNotFoundError) as raised:
            await factory.get_client(request.model).complete(request)
    assert "koderz local pull acme/tiny:tiny.gguf" in str(raised.value)
    assert str(tmp_path / "acme" / "tiny" / "tiny.gguf") in str(raised.value)


async def test_too_little_memory_is_said_with_what_is_needed(tiny: Path) -> None:
    async with ModelFactory(settings=build_settings(memory_mb=1)) as factory:
        with pytest.raises(errors.ModelLoadError) as raised:
            await get_client(factory, tiny).complete(ask(tiny))
    assert "needs about 2 MB of memory" in str(raised.value)
    assert "[koderz.local] memory_mb allows 1 MB" in str(raised.value)


async def test_a_shorter_context_can_be_set(tiny: Path) -> None:
    async with ModelFactory(settings=build_settings(context_tokens=256)) as factory:
        client = get_client(factory, tiny)
        with pytest.raises(errors.ContextLengthError, match="256 tokens"):
            await client.complete(ask(tiny, "x" * 300))


async def test_an_engine_that_breaks_down_is_said_to_and_started_again(
    factory: ModelFactory, talker: Path
) -> None:
    client = get_client(factory, talker)
    stream = client.stream(ask(talker, max_tokens=LONG_CONTEXT_TOKENS, response_schema=ENDLESS))
    await anext(stream)
    os.kill(get_loaded(client).process_id, 9)
    with pytest.raises(errors.ServerError, match="broke down.*SIGKILL"):
        async for _ in stream:
            pass
    assert (await client.complete(ask(talker))).text


async def test_only_who_has_the_key_is_answered(client: LlamaCppClient, tiny: Path) -> None:
    await client.complete(ask(tiny))
    loaded = get_loaded(client)
    assert loaded.address.startswith("http://127.0.0.1:")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{loaded.address}/v1/chat/completions", json={"messages": []}) as reply,
    ):
        assert reply.status == 401


def read_environ(process_id: int) -> str:
    """What a process was given, where the system tells."""
    place = Path(f"/proc/{process_id}/environ")
    return place.read_text() if place.exists() else ""


async def test_secrets_are_not_handed_to_the_engine(tiny: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-secret", "HF_TOKEN": "hf-secret", "LANG": "C.UTF-8"}
    async with ModelFactory(settings=build_settings(), environ=environ) as factory:
        client = get_client(factory, tiny)
        await client.complete(ask(tiny))
        given = read_environ(get_loaded(client).process_id)
    assert "secret" not in given
    assert not given or "LANG" in given


async def test_a_file_of_the_hub_is_fetched_when_it_is_first_used(
    tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub")
    name, content = "acme/tiny-GGUF:tiny.gguf", await asyncio.to_thread(tiny.read_bytes)
    told: list[tuple[str, int, int]] = []
    request = msgspec.structs.replace(ask(tiny), model=f"llamacpp/{name}")
    with open_fake_hub() as hub:
        hub.files[name] = content
        async with ModelFactory(
            settings=build_settings(folder=str(tmp_path)),
            environ={"HF_ENDPOINT": hub.url},
            on_fetch=lambda *what: told.append(what),
        ) as factory:
            client = factory.get_client(request.model)
            answers = await asyncio.gather(*(client.complete(request) for _ in range(2)))
            assert await client.fetch_installed() == {name: len(content)}
            assert await client.fetch_models() == (name,)
    assert answers[0].model == name
    assert len(hub.asked) == 1
    assert told[-1][1] == told[-1][2] == len(content)


def test_the_plan_is_what_the_engine_is_told(tiny: Path) -> None:
    import xllamacpp

    file = load_gguf(tiny)
    local = LocalSettings(threads=3, gpu_layers=0, parallel=2, context_tokens=128)
    plan = choose_plan(file, measure_machine(), local)
    order = Order(path=str(tiny), alias="tiny", key="key", local=local)
    params = _build_params(xllamacpp.CommonParams(), order, file, plan)
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads) == (3, 3)
    assert (params.n_gpu_layers, params.n_parallel, params.n_ctx) == (0, 2, 256)
    assert (params.api_keys, params.hostnames) == (["key"], ["127.0.0.1"])


PROGRAM = """
import asyncio, msgspec, sys
from koderz.config.settings import Settings
from koderz.models import ModelFactory
from koderz.types import Message, Request

async def main():
    request = Request(model=sys.argv[1], messages=(Message.user("hello"),), max_tokens=12, seed=3)
    settings = msgspec.convert({"koderz": {"local": {"threads": 1}}}, Settings)
    async with ModelFactory(settings=settings) as factory:
        client = factory.get_client(request.model)
        for _ in range(3):
            print((await client.complete(request)).usage.prompt_tokens)

asyncio.run(main())
"""


def test_two_processes_at_once_each_have_their_engine(tiny: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, f"llamacpp/{tiny}"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert out.split() == [str(PROMPT_TOKENS)] * 3
        assert not err


ABANDONED = """
import asyncio, os, sys
from koderz.models import ModelFactory
from koderz.types import Message, Request

async def main():
    request = Request(model=sys.argv[1], messages=(Message.user("hello"),), max_tokens=2)
    client = ModelFactory().get_client(request.model)
    await client.complete(request)
    print(client.engine.loaded.process_id, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_the_engine_ends_with_a_process_that_is_killed(tiny: Path) -> None:
    command = [sys.executable, "-c", ABANDONED, f"llamacpp/{tiny}"]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )
    process_id = int(done.stdout)
    await wait_until(lambda: not is_alive(process_id))
