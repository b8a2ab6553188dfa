"""Models inside Koderz: llama.cpp runs a file of this machine, asked like any other provider.

The engine answers in OpenAI's format on this machine's own address, so that requests, answers and
streams are read and written by the same code as everywhere else.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event

import msgspec

from koderz.config.settings import Settings
from koderz.errors import (
    ConnectionFailedError,
    MalformedResponseError,
    ModelLoadError,
    ModelNotFoundError,
    ServerError,
)
from koderz.models.base import Call, ModelClient
from koderz.models.gguf_hub import Hub, OnProgress, fetch_hub_model, get_hub
from koderz.models.llamacpp_engine import Engine, LoadedModel
from koderz.models.local_models import check_installed, get_model_path, load_local_models
from koderz.models.local_names import HubFile, parse_hub_file
from koderz.models.openai_client import OpenAIClient
from koderz.models.streams import AnswerStream
from koderz.models.transport import Transport
from koderz.types import Completion, Delta, ModelInfo, ProviderInfo, Request

NONSENSE = "does not match the expected"
"""In the engine's words for an answer that is no answer in the format that was asked for."""


class EngineClient(OpenAIClient):
    """Speaks to the engine that has a model loaded.

    It asks to be told of the prompt's progress: a long prompt takes minutes on a slow machine, and
    what comes meanwhile tells slow from dead. An answer in which the engine cannot find what was
    asked for is a malformed one; the engine reports it as a fault of its own.
    """

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion, None]:
        """As any client's."""
        with naming_nonsense():
            async with aclosing(super().stream(request)) as items:
                async for item in items:
                    yield item

    async def _open(self, call: Call, left_s: float) -> AnswerStream:
        with naming_nonsense():
            return await super()._open(call, left_s)

    def _build_headers(self, key: str) -> dict[str, str]:
        # The engine's server ends connections after a stream without a word; each serves one call.
        return {**super()._build_headers(key), "connection": "close"}

    def _encode(self, request: Request, model: ModelInfo) -> bytes:
        body = msgspec.json.decode(super()._encode(request, model))
        return msgspec.json.encode({**body, "return_progress": True})


@contextmanager
def naming_nonsense() -> Iterator[None]:
    """Raise as MalformedResponseError what the engine says of an answer that it cannot read."""
    try:
        yield
    except ServerError as error:
        if NONSENSE not in error.message:
            raise
        raised = MalformedResponseError("the model's answer does not keep to the format asked for")
        raised.provider, raised.model, raised.tries = error.provider, error.model, error.tries
        raise raised from None


class LlamaCppClient(ModelClient):
    """Runs models inside Koderz (koderz[local]); a hub's file that is not here is fetched first.

    `on_progress` is told of a fetch. Answers are always read as streams. Raises ModelLoadError
    for a file that is damaged or too large, ConfigError where the part `local` is not installed,
    and the ProviderErrors of any other client.
    """

    def __init__(
        self,
        provider: ProviderInfo,
        transport: Transport,
        *,
        api_key: str = "",
        settings: Settings | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(provider, transport, api_key=api_key, settings=settings)
        environ = os.environ if environ is None else environ
        self.engine = Engine(self._settings.koderz.local, environ)
        self.on_progress: OnProgress | None = None
        self._hub: Hub = get_hub(environ)
        self._fetching = asyncio.Lock()
        self._peer: tuple[LoadedModel, EngineClient] | None = None

    async def complete(self, request: Request) -> Completion:
        """The whole answer of `request.model`; raises as the class says."""
        return await self._drain(request)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion, None]:
        """The answer in pieces as they come, and last of all the whole as a Completion.

        Closing the iterator stops the engine's work on it. Times count from the call's start, the
        wait for the engine included.
        """
        started = time.perf_counter()
        async with self._use(request.model) as peer:
            waited_s = time.perf_counter() - started
            async with aclosing(peer.stream(request)) as items:
                async for item in items:
                    yield _add_wait(item, waited_s) if isinstance(item, Completion) else item

    async def fetch_models(self) -> tuple[str, ...]:
        """The names of the files in the models' folder."""
        return tuple(await self.fetch_installed())

    async def fetch_installed(self) -> dict[str, int]:
        """The files in the models' folder, with their sizes in bytes; raises ConfigError."""
        check_installed()
        return load_local_models(self._settings)

    async def close(self) -> None:
        """Unload the model."""
        self.engine.close()

    @asynccontextmanager
    async def _use(self, name: str) -> AsyncIterator[EngineClient]:
        """A client of the engine with this model loaded, for as long as it is used."""
        check_installed()
        model = self._get_model(name)
        path = await self._find(model.api_name)
        async with self._load(path, model) as loaded:
            try:
                yield self._get_peer(loaded)
            except (ConnectionFailedError, MalformedResponseError) as error:
                if not await loaded.has_ended():
                    raise
                ended = ServerError(f"llama.cpp broke down ({loaded.describe_end()})")
                self._describe(ended, name)
                ended.tries = error.tries
                raise ended from None

    @asynccontextmanager
    async def _load(self, path: Path, model: ModelInfo) -> AsyncIterator[LoadedModel]:
        try:
            async with self.engine.use(path, model.api_name) as loaded:
                yield loaded
        except ModelLoadError as error:
            self._describe(error, model.name)
            raise

    def _get_peer(self, loaded: LoadedModel) -> EngineClient:
        if self._peer is None or self._peer[0] is not loaded:
            provider = msgspec.structs.replace(self.provider, base_url=f"{loaded.address}/v1")
            client = EngineClient(
                provider, self._transport, api_key=loaded.key, settings=self._settings
            )
            self._peer = (loaded, client)
        return self._peer[1]

    async def _find(self, name: str) -> Path:
        """The model's file, fetched from the hub if it is not here."""
        path = get_model_path(name, self._settings)
        if path.is_file():
            return path
        hub_file = parse_hub_file(name)
        if hub_file and self._settings.koderz.local.fetch:
            async with self._fetching:
                return await self._fetch_file(hub_file)
        hint = f"`koderz local pull {name}` fetches it" if hub_file else "check the path"
        error = ModelNotFoundError(f"there is no file {path}: {hint}")
        error.provider, error.model = self.provider.id, name
        raise error

    async def _fetch_file(self, hub_file: HubFile) -> Path:
        """Fetch in a thread, which ends soon after the wait for it is cancelled."""
        is_stopped = Event()

        def tell(what: str, done: int, total: int) -> None:
            if is_stopped.is_set():
                raise InterruptedError
            if self.on_progress:
                self.on_progress(what, done, total)

        try:
            return await asyncio.to_thread(
                fetch_hub_model, hub_file, self._settings, self._hub, tell
            )
        finally:
            is_stopped.set()


def _add_wait(completion: Completion, waited_s: float) -> Completion:
    first_token_s = completion.first_token_s
    return msgspec.structs.replace(
        completion,
        latency_s=completion.latency_s + waited_s,
        first_token_s=None if first_token_s is None else first_token_s + waited_s,
    )
