"""The server over real sockets: it marks, refuses, breaks and repeats itself as it should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientPayloadError, ClientSession, ServerDisconnectedError
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.errors import ConfigError, MalformedResponseError
from koderz.models.registry import get_model_info
from koderz.prompts.read import build_read_request
from koderz.simulator import Fault, Simulator, open_simulator, server
from koderz.simulator.faults import FaultKind
from koderz.simulator.tasks.read_findings import Reading
from koderz.types import Capabilities, Delta, Message, Request, Tool
from koderz.wire import get_wire

MODELS = {
    "anthropic": "claude-haiku-4-5",
    "openai": "gpt-4o-mini",
    "gemini": "gemini-2.5-flash",
    "ollama": "phi:2.7b",
}
KEYS = {
    "anthropic": {"x-api-key": "any", "anthropic-version": "2023-06-01"},
    "openai": {"authorization": "Bearer any"},
    "gemini": {"x-goog-api-key": "any"},
    "ollama": {},
}
WIRES = tuple(MODELS)
QUESTION = (Message.user("Why is the sky blue?"),)
LINES = ["INFO starting", "ERROR: disk full", "INFO closing"]


class Asked:
    """An answer as it came: status, headers, bytes."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as ready:
        yield ready


def build_request(wire: str, **fields: Any) -> Request:
    return Request(**{"messages": QUESTION, "model": MODELS[wire], "max_tokens": 500, **fields})


def get_path(wire: str, request: Request) -> str:
    return ("/v1" if wire == "openai" else "") + get_wire(wire).request_path(request)


async def ask(
    session: ClientSession, url: str, wire: str, request: Request, *, fault: str = ""
) -> Asked:
    info = get_model_info(request.model)
    body = get_wire(wire).encode_request(request, info.capabilities if info else Capabilities())
    return await post(session, url + get_path(wire, request), wire, body, fault=fault)


async def post(
    session: ClientSession, url: str, wire: str, body: bytes, *, fault: str = ""
) -> Asked:
    headers = {**KEYS[wire], **({"x-koderz-fault": fault} if fault else {})}
    async with session.post(url, data=body, headers=headers) as response:
        return Asked(response.status, dict(response.headers), await response.read())


@pytest.mark.parametrize("wire", WIRES)
async def test_every_answer_and_every_refusal_is_marked(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    for fields in ({}, {"is_stream": True}, {"model": "nowhere"}):
        request = build_request(wire, **fields)
        asked = await ask(session, simulator.base_url, wire, request)
        assert asked.headers["x-koderz-simulated"] == "1"
        assert asked.headers["request-id"].startswith("sim-")
    statuses = [exchange.status for exchange in simulator.requests]
    assert statuses == [200, 200, 404]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_is_the_whole_answer_in_pieces(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    whole = await ask(session, simulator.base_url, wire, build_request(wire))
    request = build_request(wire, is_stream=True)
    streamed = await ask(session, simulator.base_url, wire, request)
    decoder = get_wire(wire).StreamDecoder()
    assert len(decoder.feed(streamed.body)) > 3
    assert decoder.completion() == get_wire(wire).decode_response(whole.body)


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "ollama"])
async def test_without_a_key_nobody_answers(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    url = simulator.base_url + get_path(wire, build_request(wire))
    version = {"anthropic-version": "2023-06-01"}
    for headers in (version, {**version, "x-api-key": " "}, {**version, "authorization": "any"}):
        async with session.post(url, data=b"{}", headers=headers) as response:
            assert response.status == (403 if wire == "gemini" else 401)
            assert get_wire(wire).decode_error(await response.read()).message


async def test_anthropics_version_is_wanted(simulator: Simulator, session: ClientSession) -> None:
    url = f"{simulator.base_url}/v1/messages"
    async with session.post(url, data=b"{}", headers={"x-api-key": "any"}) as response:
        assert response.status == 400
        assert "anthropic-version" in await response.text()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"model": 3}', b'{"messages": 3}', b"[" * 100_000],
    ids=str,
)
async def test_a_malformed_body_is_a_400(
    wire: str, body: bytes, simulator: Simulator, session: ClientSession
) -> None:
    url = simulator.base_url + get_path(wire, build_request(wire))
    asked = await post(session, url, wire, body)
    assert asked.status == 400
    assert get_wire(wire).decode_error(asked.body).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
SCHEMA_WORDS = st.sampled_from(
    ["type", "properties", "items", "enum", "required", "anyOf", "$ref", "minItems", "minimum"]
)
SCHEMAS = st.dictionaries(SCHEMA_WORDS, JSON, max_size=3)
FIELDS = st.sampled_from(["messages", "contents", "tools", "max_tokens", "temperature", "format"])


@settings(max_examples=30)
@given(changes=st.dictionaries(FIELDS, JSON, max_size=2), schema=SCHEMAS)
def test_odd_bodies_never_break_the_server(changes: dict[str, Any], schema: dict[str, Any]) -> None:
    base = {
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "a"}],
        "contents": [{"role": "user", "parts": [{"text": "a"}]}],
        "format": schema,
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": schema,
        },
    }

    async def check() -> None:
        async with open_simulator() as simulator, ClientSession() as session:
            for wire, model in MODELS.items():
                url = simulator.base_url + get_path(wire, build_request(wire))
                body = msgspec.json.encode({**base, "model": model, **changes})
                assert (await post(session, url, wire, body)).status in {200, 400}

    asyncio.run(check())


@pytest.mark.parametrize("path", ["/", "/v1/embeddings", "/v2/messages", "/api/pull"])
async def test_an_unknown_path_is_a_404(
    path: str, simulator: Simulator, session: ClientSession
) -> None:
    async with session.post(simulator.base_url + path) as response:
        assert response.status == 404
        assert path in await response.text()


async def test_a_body_beyond_the_limit_is_a_413(
    monkeypatch: pytest.MonkeyPatch, session: ClientSession
) -> None:
    monkeypatch.setattr(server, "MOST_BODY_BYTES", 1000)
    async with open_simulator() as simulator:
        for wire in WIRES:
            url = simulator.base_url + get_path(wire, build_request(wire))
            assert (await post(session, url, wire, b" " * 2000)).status == 413


@pytest.mark.parametrize("wire", WIRES)
async def test_a_rate_limit_says_how_long_to_wait(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    request = build_request(wire)
    for fault, wait in (("rate_limit", "1"), ("rate_limit,wait_s=2.5", "2.5")):
        asked = await ask(session, simulator.base_url, wire, request, fault=fault)
        assert (asked.status, asked.headers["Retry-After"]) == (429, wait)
    asked = await ask(session, simulator.base_url, wire, request, fault="overloaded")
    assert asked.status == (529 if wire == "anthropic" else 503)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_cut_stream_breaks_off_in_the_middle(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    request = build_request(wire, is_stream=True)
    url = simulator.base_url + get_path(wire, request)
    body = get_wire(wire).encode_request(request, Capabilities())
    headers = {**KEYS[wire], "x-koderz-fault": "cut_stream"}
    decoder = get_wire(wire).StreamDecoder()
    seen: list[Delta] = []

    async def read() -> None:
        async with session.post(url, data=body, headers=headers) as response:
            async for chunk in response.content.iter_any():
                seen.extend(decoder.feed(chunk))

    with pytest.raises(ClientPayloadError):
        await read()
    assert len(seen) > 3
    with pytest.raises(MalformedResponseError):
        decoder.completion()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_malformed_json_cannot_be_read(
    wire: str, is_stream: bool, simulator: Simulator, session: ClientSession
) -> None:
    request = build_request(wire, is_stream=is_stream)
    asked = await ask(session, simulator.base_url, wire, request, fault="malformed_json")
    assert asked.status == 200
    speaks = get_wire(wire)
    read = speaks.StreamDecoder().feed if is_stream else speaks.decode_response
    with pytest.raises(MalformedResponseError):
        read(asked.body)


async def test_silence_holds_the_connection_until_it_is_given_up(session: ClientSession) -> None:
    async with open_simulator(faults=[Fault("silence")]) as simulator:
        request = build_request("openai")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(session, simulator.base_url, "openai", request)
        assert (await ask(session, simulator.base_url, "openai", request)).status == 200
        assert [exchange.status for exchange in simulator.requests] == [0, 200]


async def test_closing_ends_a_silence(session: ClientSession) -> None:
    asked = asyncio.Event()

    async with open_simulator(
        faults=[Fault("silence")], on_exchange=lambda exchange: asked.set()
    ) as simulator:
        request = build_request("openai")
        waiting = asyncio.create_task(ask(session, simulator.base_url, "openai", request))
        await asked.wait()
    with pytest.raises(ServerDisconnectedError):
        await waiting


async def test_slow_tokens_and_latency_take_their_time(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(delay: float, result: Any = None) -> None:
        pauses.append(delay)
        await sleep(0, result)

    async with open_simulator(latency_s=7, tokens_per_s=100) as simulator:
        monkeypatch.setattr(asyncio, "sleep", note)
        for fault in ("", "slow,wait_s=0.5"):
            request = build_request("openai", is_stream=True)
            await ask(session, simulator.base_url, "openai", request, fault=fault)
        await ask(session, simulator.base_url, "openai", build_request("openai"), fault="slow")
        tokens = simulator.requests[0].tokens_out
    assert pauses.count(7) == 3
    assert sum(pause for pause in pauses if pause < 0.1) == pytest.approx(tokens / 100, rel=0.2)
    assert pauses.count(0.5) > 5
    assert pytest.approx(tokens * 0.05) in pauses


@pytest.mark.parametrize("kind", ["empty", "refusal", "long", "invalid"])
@pytest.mark.parametrize("wire", WIRES)
async def test_faults_of_content_are_well_formed_answers(
    wire: str, kind: FaultKind, session: ClientSession
) -> None:
    async with open_simulator(faults=[Fault(kind, MODELS[wire])]) as simulator:
        asked = await ask(session, simulator.base_url, wire, build_request(wire))
        spoilt = get_wire(wire).decode_response(asked.body)
        whole = await ask(session, simulator.base_url, wire, build_request(wire))
        assert spoilt.text != get_wire(wire).decode_response(whole.body).text
        assert [exchange.fault for exchange in simulator.requests] == [kind, None]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_read_is_answered_from_its_lines(
    wire: str, simulator: Simulator, session: ClientSession
) -> None:
    request = msgspec.structs.replace(
        build_read_request("why did it fail?", 10, LINES), model=MODELS[wire]
    )
    readings = []
    for fault in ("", "misquote"):
        asked = await ask(session, simulator.base_url, wire, request, fault=fault)
        answer = get_wire(wire).decode_response(asked.body).text
        readings.append(msgspec.json.decode(answer, type=Reading))
    assert {exchange.task for exchange in simulator.requests} == {"read_findings"}
    assert readings[1].findings[0].quote not in "\n".join(LINES)


async def test_the_same_seed_gives_the_same_answers_and_another_one_others() -> None:
    answers = []
    for seed in (1, 1, 2):
        async with open_simulator(seed=seed) as simulator, ClientSession() as session:
            request = build_request("openai", temperature=0.5)
            for _ in range(2):
                asked = await ask(session, simulator.base_url, "openai", request)
                answers.append(get_wire("openai").decode_response(asked.body).text)
    assert answers[:2] == answers[2:4]
    assert len(set(answers)) == 4


@pytest.mark.parametrize("fields", [{}, {"temperature": 0.0}, {"temperature": 0.5, "seed": 3}])
async def test_a_repeat_differs_only_where_chance_was_asked_for(
    fields: dict[str, Any], simulator: Simulator, session: ClientSession
) -> None:
    request = build_request("openai", **fields)
    first = await ask(session, simulator.base_url, "openai", request)
    assert (await ask(session, simulator.base_url, "openai", request)).body == first.body


async def test_two_hundred_requests_at_once_are_all_answered(
    simulator: Simulator, session: ClientSession
) -> None:
    async def one(number: int) -> int:
        wire = WIRES[number % len(WIRES)]
        messages = (Message.user(f"Question {number}"),)
        request = build_request(wire, messages=messages, is_stream=number % 3 == 0)
        return (await ask(session, simulator.base_url, wire, request)).status

    assert await asyncio.gather(*map(one, range(200))) == [200] * 200
    assert len(simulator.requests) == 200


async def test_what_was_asked_is_on_record(simulator: Simulator, session: ClientSession) -> None:
    tools = (Tool("search", parameters={"type": "object"}),)
    request = build_request("anthropic", tools=tools, tool_choice="required")
    await ask(session, simulator.base_url, "anthropic", request)
    (exchange,) = simulator.requests
    assert (exchange.provider, exchange.model) == ("anthropic", MODELS["anthropic"])
    assert (exchange.path, exchange.task) == ("/v1/messages", "tool_call")
    assert exchange.tokens_in > 5
    assert exchange.tokens_out > 0


async def test_every_host_is_found_where_the_environment_says(
    simulator: Simulator, session: ClientSession
) -> None:
    environ = simulator.environ()
    assert environ["OPENAI_BASE_URL"] == f"{simulator.base_url}/v1"
    assert environ["ANTHROPIC_BASE_URL"] == simulator.base_url
    assert environ["OPENAI_API_KEY"] == "simulated"
    for host in simulator.hosts.values():
        base = environ[host.provider.base_url_var]
        path = {"gemini": "/v1beta/models", "ollama": "/api/tags", "openai": "/models"}
        url = base + path.get(host.provider.wire, "/v1/models")
        async with session.get(url, headers=KEYS[host.provider.wire]) as response:
            assert response.status == 200
    assert [exchange.provider for exchange in simulator.requests] == list(simulator.hosts)


async def test_a_server_of_ones_own_has_any_model(
    simulator: Simulator, session: ClientSession
) -> None:
    request = build_request("openai", model="my-own-model")
    url = f"{simulator.base_url}/vllm"
    assert (await ask(session, url, "openai", request)).status == 200
    assert (await ask(session, simulator.base_url, "openai", request)).status == 404


async def test_a_taken_port_is_one_clear_line(simulator: Simulator) -> None:
    port = int(simulator.base_url.rpartition(":")[2])
    for wrong, words in ((port, "is taken"), (70_000, "cannot be used")):
        with pytest.raises(ConfigError, match=words):
            async with open_simulator(port=wrong):
                pass
