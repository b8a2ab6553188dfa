"""Ollama: the models that are installed, and room for the whole prompt.

Sources: https://docs.ollama.com/api, https://docs.ollama.com/context-length and
https://docs.ollama.com/faq (keep_alive, the queue's 503).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec

from koderz.config.settings import Settings
from koderz.errors import (
    ContextLengthError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ServerError,
)
from koderz.models.base import LIST_TIMEOUT_S, Call, ModelClient
from koderz.models.faults import Refusals
from koderz.models.ollama_hosts import OllamaHost, OllamaHosts
from koderz.models.streams import AnswerStream
from koderz.models.transport import Stream, Transport
from koderz.models.usage import count_prompt_tokens
from koderz.types import Completion, FinishReason, ModelInfo, ProviderInfo, Request
from koderz.wire.codec import JSONDecoder, decode_answer
from koderz.wire.framing import LineReader

# A server's own context is at least this long; only a call that needs more asks for it, because
# another length makes the server load the model anew.
USUAL_CONTEXT_TOKENS = 4096
USUAL_ANSWER_TOKENS = 1024

# Other vocabularies than ours cut a text into up to so many times more tokens.
VOCABULARY_MARGIN = 1.3

PULL_TIMEOUT_S = 86_400.0
ONLY_LOADED = "the model was only loaded and gave no answer"


class Row(msgspec.Struct, frozen=True):
    """An installed model and its size in bytes; `remote_host` is who runs one that is not here."""

    name: str
    size: int = 0
    remote_host: str = ""


class Listing(msgspec.Struct, frozen=True):
    """The installed models."""

    models: list[Row] = []


class Description(msgspec.Struct, frozen=True):
    """What the server knows of a model; one of the keys ends in `.context_length`."""

    model_info: dict[str, Any] = {}

    @property
    def context_tokens(self) -> int | None:
        """The longest context that the model was made for."""
        lengths = (
            value for key, value in self.model_info.items() if key.endswith(".context_length")
        )
        return next((value for value in lengths if isinstance(value, int) and value > 0), None)


class PullLine(msgspec.Struct, frozen=True):
    """A line of the answer to a pull."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0
    error: str = ""


_LISTING: JSONDecoder[Listing] = msgspec.json.Decoder(Listing)
_DESCRIPTION: JSONDecoder[Description] = msgspec.json.Decoder(Description)
_PULL_LINE: JSONDecoder[PullLine] = msgspec.json.Decoder(PullLine)


class OllamaClient(ModelClient):
    """Speaks to Ollama, to the least busy of several servers where the address lists several.

    No prompt is cut silently: one that does not fit the model's context is refused before it is
    sent. A full queue and a server that only loaded the model are asked again.
    """

    refusals: ClassVar[Refusals] = Refusals(
        context=r"context (length|window|size)|exceed_context_size",
    )
    models_path: ClassVar[str] = "/api/tags"
    missing_hint: ClassVar[str] = "get it with `ollama pull {model}`"

    def __init__(
        self,
        provider: ProviderInfo,
        transport: Transport,
        *,
        api_key: str = "",
        settings: Settings | None = None,
    ) -> None:
        super().__init__(provider, transport, api_key=api_key, settings=settings)
        self._hosts = OllamaHosts(provider.base_url.split(","))
        self._contexts: dict[str, int | None] = {}

    async def fetch_models(self) -> tuple[str, ...]:
        """The names of the installed models; asked for once."""
        return tuple(await self.fetch_installed())

    async def fetch_installed(self) -> dict[str, int]:
        """The models installed on any host and their bytes; 0 for what a server passes on.

        Raises a ProviderError where no host answers.
        """
        found = await asyncio.gather(
            *(self._fetch_host(host) for host in self._hosts.hosts), return_exceptions=True
        )
        installed: dict[str, int] = {}
        for models in found:
            if isinstance(models, BaseException) and not isinstance(models, ProviderError):
                raise models
            if not isinstance(models, BaseException):
                installed = {**models, **installed}
        if isinstance(found[0], ProviderError) and all(
            isinstance(models, ProviderError) for models in found
        ):
            raise found[0]
        return installed

    async def fetch_context(self, name: str) -> int | None:
        """The longest context in tokens of an installed model, None where the server is silent."""
        model = self._get_model(name)
        if model.api_name not in self._contexts:
            body = msgspec.json.encode({"model": model.api_name})
            host = self._hosts.choose(model.api_name)
            try:
                said = await self._fetch("/api/show", _DESCRIPTION, body=body, base_url=host.url)
            except ProviderError:
                # Whatever is wrong, the call itself will say it better; nothing was learned.
                return model.context_tokens
            self._contexts[model.api_name] = said.context_tokens or model.context_tokens
        return self._contexts[model.api_name]

    async def pull(self, name: str, on_progress: Callable[[str, int, int], None]) -> None:
        """Have the first host fetch a model; raises a ProviderError.

        `on_progress` is told what is being fetched, and its bytes here and in all. A pull that
        broke off goes on where it was.
        """
        body = msgspec.json.encode({"model": name, "stream": True})
        url = self._hosts.hosts[0].url + "/api/pull"
        stream: Stream | None = None
        try:
            stream = await self._transport.start(url, body, self._headers, timeout_s=PULL_TIMEOUT_S)
            if stream.status != HTTPStatus.OK:
                raise self._build_error(await stream.read_all())
            await _follow_pull(stream, on_progress)
        except ProviderError as error:
            self._describe(error, name)
            raise
        finally:
            if stream is not None:
                stream.close()

    async def remove(self, name: str) -> None:
        """Delete a model from every host that has it; raises a ProviderError."""
        body = msgspec.json.encode({"model": name})
        installed = await self.fetch_installed()
        hosts = [host for host in self._hosts.hosts if installed and host.has_model(name)]
        for host in hosts or self._hosts.hosts[:1]:
            try:
                reply = await self._transport.send(
                    host.url + "/api/delete",
                    body,
                    self._headers,
                    timeout_s=LIST_TIMEOUT_S,
                    method="DELETE",
                )
                if reply.status != HTTPStatus.OK:
                    raise self._build_error(reply)
            except ProviderError as error:
                self._describe(error, name)
                raise

    async def _prepare(self, request: Request) -> None:
        """Learn who has what, and refuse a prompt that is longer than the model's context."""
        if len(self._hosts.hosts) > 1 and all(host.models is None for host in self._hosts.hosts):
            await self.fetch_installed()
        prompt_tokens = count_prompt_tokens(request)
        if choose_context(prompt_tokens, request, None) <= USUAL_CONTEXT_TOKENS:
            return
        longest = await self.fetch_context(request.model)
        if longest and prompt_tokens >= longest:
            error = ContextLengthError(
                f"the prompt has about {prompt_tokens:,} tokens and the model's context {longest:,}"
            )
            self._describe(error, request.model)
            raise error

    def _encode(self, request: Request, model: ModelInfo) -> bytes:
        body = msgspec.json.decode(super()._encode(request, model))
        options = body.setdefault("options", {})
        longest = self._contexts.get(model.api_name) or model.context_tokens
        # The format's own estimate has room for images, which are not counted here.
        wanted = max(
            options.pop("num_ctx", 0),
            choose_context(count_prompt_tokens(request), request, longest),
        )
        if wanted > USUAL_CONTEXT_TOKENS:
            options["num_ctx"] = min(wanted, longest or wanted)
        kept_s = self._settings.koderz.local.keep_loaded_s
        kept = {} if kept_s is None else {"keep_alive": kept_s}
        return msgspec.json.encode({**body, "truncate": False, "shift": False, **kept})

    async def _complete(self, call: Call, left_s: float) -> tuple[Completion, Mapping[str, str]]:
        host = self._hosts.choose(call.request.model)
        with host.busy():
            completion, headers = await super()._complete(self._place(call, host), left_s)
        if not completion.parts and completion.finish is FinishReason.OTHER:
            raise ServerError(ONLY_LOADED)
        return completion, headers

    async def _open(self, call: Call, left_s: float) -> AnswerStream:
        host = self._hosts.choose(call.request.model)
        with ExitStack() as busy:
            busy.enter_context(host.busy())
            answer = await super()._open(self._place(call, host), left_s)
            if answer.is_empty and answer.completion().finish is FinishReason.OTHER:
                answer.close()
                raise ServerError(ONLY_LOADED)
            answer.on_close(busy.pop_all().close)
        return answer

    def _place(self, call: Call, host: OllamaHost) -> Call:
        """The call as it goes to one host."""
        url = host.url + self._wire.request_path(call.request)
        return msgspec.structs.replace(call, url=url)

    async def _fetch_host(self, host: OllamaHost) -> dict[str, int]:
        listing = await self._fetch(self.models_path, _LISTING, base_url=host.url)
        models = {row.name: 0 if row.remote_host else row.size for row in listing.models}
        host.models = models
        return models


async def _follow_pull(stream: Stream, on_progress: Callable[[str, int, int], None]) -> None:
    """Read a pull's lines to the one that says that it succeeded."""
    async for line in _read_lines(stream):
        if line.error:
            raise ModelNotFoundError(line.error)
        if line.total:
            on_progress(line.status, line.completed, line.total)
        if line.status == "success":
            return
    raise MalformedResponseError("the pull ended before the model was whole: try again")


async def _read_lines(stream: Stream) -> AsyncIterator[PullLine]:
    reader = LineReader()
    while chunk := await stream.read_chunk():
        for line in reader.feed(chunk):
            if line.strip():
                yield decode_answer(_PULL_LINE, line)
    if (rest := reader.close()).strip():
        yield decode_answer(_PULL_LINE, rest)


def choose_context(prompt_tokens: int, request: Request, longest: int | None) -> int:
    """A context in tokens that prompt and answer fit into: a power of two, or the model's longest.

    Steps of two keep the lengths few, so that the model is seldom loaded anew.
    """
    needed = prompt_tokens * VOCABULARY_MARGIN + (request.max_tokens or USUAL_ANSWER_TOKENS)
    context_tokens = USUAL_CONTEXT_TOKENS
    while context_tokens < needed:
        context_tokens *= 2
    return min(context_tokens, longest or context_tokens)
