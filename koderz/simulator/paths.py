"""Which path of which provider leads to what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from koderz.simulator import listings
from koderz.simulator.batch_anthropic import AnthropicDesk
from koderz.simulator.batch_openai import OpenAIDesk
from koderz.simulator.chat import Chat
from koderz.simulator.hosts import Host
from koderz.simulator.refusals import RefusedError
from koderz.simulator.sending import build_refusal
from koderz.simulator.simulator import Exchange, Simulator
from koderz.simulator.validation import check_headers, check_model, refuse
from koderz.types import ModelInfo
from koderz.wire import get_wire

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handle]

_ENCODER = msgspec.json.Encoder()
_LISTINGS: dict[str, Callable[[Sequence[ModelInfo]], dict[str, Any]]] = {
    "anthropic": listings.list_anthropic,
    "openai": listings.list_openai,
    "gemini": listings.list_gemini,
    "ollama": listings.list_ollama,
}
_DESCRIPTIONS: dict[str, Callable[[ModelInfo], dict[str, Any]]] = {
    "anthropic": listings.describe_anthropic,
    "openai": listings.describe_openai,
    "gemini": listings.describe_gemini,
    "ollama": listings.describe_ollama,
}


# Headers or query fields that tell whose `/v1/models` is meant.
_SHARING = {
    "anthropic-version": "anthropic",
    "x-goog-api-key": "google",
    "key": "google",
    "authorization": "openai",
}


class _ShowRequest(msgspec.Struct):
    model: str = ""
    name: str = ""


def list_routes(simulator: Simulator) -> Iterator[Route]:
    """Method, path and what answers there: every provider's own, then a 404 for all others."""
    hosts = simulator.hosts
    for host in hosts.values():
        endpoint = Endpoint(simulator, host)
        for method, path, handle in endpoint.list_routes():
            yield method, host.prefix + path, handle
        yield from list_batch_routes(simulator, host)
    shared = _Shared({name: Endpoint(simulator, hosts[name]) for name in _SHARING.values()})
    yield "GET", "/v1/models", shared.list_models
    yield "GET", "/v1/models/{model:.+}", shared.describe_model
    yield "*", "/{path:.*}", Endpoint(simulator, hosts["openai"]).refuse_path


def list_batch_routes(simulator: Simulator, host: Host) -> Iterator[Route]:
    """The paths of the batches of those providers whose batches are simulated."""
    match host.provider.id:
        case "anthropic":
            yield from AnthropicDesk(simulator, host).list_routes()
        case "openai":
            yield from OpenAIDesk(simulator, host).list_routes()


class Endpoint:
    """What one provider answers on its paths."""

    def __init__(self, simulator: Simulator, host: Host) -> None:
        self._simulator, self._host = simulator, host

    def list_routes(self) -> Iterator[Route]:
        """The provider's own paths, without its prefix."""
        match self._host.provider.wire:
            case "openai":
                yield "POST", "/v1/chat/completions", self.chat
                if self._host.prefix:
                    yield "GET", "/v1/models", self.list_models
                    yield "GET", "/v1/models/{model:.+}", self.describe_model
            case "anthropic":
                yield "POST", "/v1/messages", self.chat
                yield "POST", "/v1/messages/count_tokens", self.count_anthropic
            case "gemini":
                for version in ("v1", "v1beta"):
                    yield "POST", f"/{version}/models/{{model}}:generateContent", self.chat
                    yield "POST", f"/{version}/models/{{model}}:streamGenerateContent", self.chat
                    yield "POST", f"/{version}/models/{{model}}:countTokens", self.count_gemini
                yield "GET", "/v1beta/models", self.list_models
                yield "GET", "/v1beta/models/{model}", self.describe_model
            case "ollama":
                yield "POST", "/api/chat", self.chat
                yield "GET", "/api/tags", self.list_models
                yield "GET", "/api/ps", self.list_models
                yield "POST", "/api/show", self.show
                yield "GET", "/api/version", self.tell_version

    async def chat(self, http: web.Request) -> web.StreamResponse:
        """The answer to a question."""
        return await Chat(self._simulator, self._host, http).respond()

    async def count_anthropic(self, http: web.Request) -> web.StreamResponse:
        """The tokens of a prompt, as Anthropic tells them."""
        return await self._count(http, "input_tokens")

    async def count_gemini(self, http: web.Request) -> web.StreamResponse:
        """The tokens of a prompt, as Gemini tells them."""
        return await self._count(http, "totalTokens")

    async def list_models(self, http: web.Request) -> web.StreamResponse:
        """The provider's models."""
        models = tuple(self._host.models.values())
        return self._tell(http, lambda: _LISTINGS[self._host.provider.wire](models))

    async def describe_model(self, http: web.Request) -> web.StreamResponse:
        """One model."""
        return self._tell(http, lambda: self._describe(http.match_info["model"]))

    async def show(self, http: web.Request) -> web.StreamResponse:
        """One model, as Ollama shows it."""
        body = await http.read()
        return self._tell(http, lambda: self._describe(self._parse_show(body)))

    async def tell_version(self, http: web.Request) -> web.StreamResponse:
        """The version, which is none of Ollama's."""
        return self._tell(http, lambda: {"version": listings.OLLAMA_VERSION})

    async def refuse_path(self, http: web.Request) -> web.StreamResponse:
        """A 404 for a path that no provider has."""
        error = refuse(self._host, "unknown_path", path=f"{http.method} {http.path}")
        return self._refuse(http, error)

    async def _count(self, http: web.Request, field: str) -> web.StreamResponse:
        try:
            tokens = await Chat(self._simulator, self._host, http).count()
        except RefusedError as refused:
            return self._refuse(http, refused)
        return self._tell(http, lambda: {field: tokens})

    def _tell(self, http: web.Request, build: Callable[[], dict[str, Any]]) -> web.Response:
        try:
            check_headers(self._host, http.headers, http.query)
            body = _ENCODER.encode(build())
        except RefusedError as refused:
            return self._refuse(http, refused)
        self._record(http, 200)
        return web.Response(body=body, content_type="application/json")

    def _refuse(self, http: web.Request, refused: RefusedError) -> web.Response:
        self._record(http, refused.status)
        return build_refusal(get_wire(self._host.provider.wire), refused)

    def _record(self, http: web.Request, status: int) -> None:
        provider = self._host.provider.id
        self._simulator.record(Exchange(provider=provider, path=http.path, status=status))

    def _describe(self, name: str) -> dict[str, Any]:
        model = check_model(self._host, name)
        return _DESCRIPTIONS[self._host.provider.wire](model)

    def _parse_show(self, body: bytes) -> str:
        try:
            asked = msgspec.json.decode(body, type=_ShowRequest)
        except msgspec.MsgspecError as error:
            raise refuse(self._host, "malformed", reason=error) from None
        return asked.model or asked.name


class _Shared:
    """Paths that several providers have, told apart by what their clients send along."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    def _choose(self, http: web.Request) -> Endpoint:
        sent = {*http.headers.keys(), *http.query}
        names = (name for sign, name in _SHARING.items() if sign in {key.lower() for key in sent})
        return self._endpoints[next(names, "openai")]

    async def list_models(self, http: web.Request) -> web.StreamResponse:
        return await self._choose(http).list_models(http)

    async def describe_model(self, http: web.Request) -> web.StreamResponse:
        return await self._choose(http).describe_model(http)
