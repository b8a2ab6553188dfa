"""What all clients share: one request to one model, whole or as a stream, with its repeats."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import ClassVar, TypeVar

import msgspec

from koderz.config.settings import Settings
from koderz.errors import MalformedResponseError, ProviderError
from koderz.models.faults import (
    Refusals,
    build_error,
    describe_error,
    get_request_id,
    is_page,
    is_simulated,
    marking_errors,
    redact_body,
)
from koderz.models.prices import PriceBook
from koderz.models.registry import get_model_info
from koderz.models.retry import ask_with_retries
from koderz.models.streams import AnswerStream
from koderz.models.transport import Reply, Transport
from koderz.models.usage import estimate_usage
from koderz.prompts.experiments import (
    IterationRecord,
    build_review_request,
    build_spec_request,
)
from koderz.types import Completion, Delta, ModelInfo, ProviderInfo, Request, Tier, Usage
from koderz.wire import Wire, get_wire
from koderz.wire.codec import JSONDecoder, decode_answer

T = TypeVar("T")

LIST_TIMEOUT_S = 5.0


class Row(msgspec.Struct, frozen=True):
    """A model in a provider's list."""

    id: str


class Listing(msgspec.Struct, frozen=True):
    """A provider's list of its models."""

    data: list[Row]


_LISTING: JSONDecoder[Listing | list[Row]] = msgspec.json.Decoder(Listing | list[Row])


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes out: `model` is the name that was asked for, `started` when."""

    model: str
    request: Request
    url: str
    body: bytes
    started: float

    @property
    def elapsed_s(self) -> float:
        """Seconds since the call was made."""
        return time.perf_counter() - self.started


class ModelClient:
    """Speaks to one provider; made by `ModelFactory`, or directly over a `Transport`.

    A subclass says how the key is sent, how refusals are worded and where models are listed; the
    format itself is `koderz.wire`'s. `settings` bring hosts and prices of your own.
    """

    refusals: ClassVar[Refusals] = Refusals()
    models_path: ClassVar[str] = "/models"
    missing_hint: ClassVar[str] = "`koderz models` lists those known"

    def __init__(
        self,
        provider: ProviderInfo,
        transport: Transport,
        *,
        api_key: str = "",
        settings: Settings | None = None,
    ) -> None:
        self.provider = provider
        self._transport, self._key = transport, api_key
        self._settings = settings or Settings()
        self._prices = PriceBook(self._settings.koderz.prices)
        self._models: dict[str, ModelInfo] = {}
        self._wire: Wire = get_wire(provider.wire)
        self._headers = {"content-type": "application/json", **self._build_headers(api_key)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.provider.id!r}, {self.provider.base_url!r})"

    async def complete(self, request: Request) -> Completion:
        """The whole answer of `request.model`, asked again after passing faults.

        Where `request.is_stream` it is read as a stream, so that its `first_token_s` is known.
        Raises a ProviderError; its `tries` says how often the provider was asked.
        """
        if request.is_stream:
            return await self._drain(request)
        await self._prepare(request)
        call = self._build_call(request, is_stream=False)
        (completion, headers), tries = await self._ask(call, self._complete)
        return self._finish(call, completion, headers, tries=tries)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion, None]:
        """The answer in pieces as they come, and last of all the whole as a Completion.

        Asked again after passing faults until the first piece is there; cut after it, it raises
        MalformedResponseError. Closing the iterator closes the connection.
        """
        await self._prepare(request)
        call = self._build_call(request, is_stream=True)
        answer, tries = await self._ask(call, self._open)
        first_token_s = call.elapsed_s
        try:
            with marking_errors(answer.headers, tries):
                async for delta in answer:
                    yield delta
                completion = answer.completion()
        except ProviderError as error:
            self._describe(error, call.model)
            raise
        finally:
            answer.close()
        yield self._finish(
            call, completion, answer.headers, tries=tries, first_token_s=first_token_s
        )

    async def generate_spec(self, problem: str, *, model: str) -> Completion:
        """A specification of `problem` that says what a solution does, not how."""
        return await self.complete(build_spec_request(problem, model=model))

    async def checkpoint_review(
        self, iterations: Sequence[IterationRecord], *, model: str
    ) -> Completion:
        """A review of failed attempts: failing test, root cause, proposed fix, edge cases."""
        return await self.complete(build_review_request(iterations, model=model))

    def calculate_cost(self, usage: Usage, model: str) -> Decimal | None:
        """What `usage` costs in USD; None where the model's price is unknown."""
        return self._prices.get_price(self._get_model(model)).cost_usd(usage)

    async def fetch_models(self) -> tuple[str, ...]:
        """The names of the models that the provider has now, in its order; asked for once."""
        listing = await self._fetch(self.models_path, _LISTING)
        rows = listing.data if isinstance(listing, Listing) else listing
        return tuple(row.id for row in rows)

    async def fetch_installed(self) -> dict[str, int]:
        """The models that the provider has now with their bytes, 0 where it does not say."""
        return dict.fromkeys(await self.fetch_models(), 0)

    async def close(self) -> None:
        """Let go of what the client itself holds; connections are the transport's."""

    async def _drain(self, request: Request) -> Completion:
        """The whole answer, read as a stream."""
        items = [item async for item in self.stream(request)]
        if items and isinstance(items[-1], Completion):
            return items[-1]
        raise MalformedResponseError("the stream ended early")

    async def _prepare(self, request: Request) -> None:
        """Learn what has to be known before a request can be written."""

    def _build_headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def _encode(self, request: Request, model: ModelInfo) -> bytes:
        return self._wire.encode_request(request, model.capabilities)

    def _get_model(self, name: str) -> ModelInfo:
        if name not in self._models:
            self._models[name] = _resolve_model(name, self.provider, self._settings)
        return self._models[name]

    def _build_call(self, request: Request, *, is_stream: bool) -> Call:
        started = time.perf_counter()
        model = self._get_model(request.model)
        sent = msgspec.structs.replace(request, model=model.api_name, is_stream=is_stream)
        try:
            url = self.provider.base_url + self._wire.request_path(sent)
            body = self._encode(sent, model)
        except ProviderError as error:
            self._describe(error, request.model)
            raise
        return Call(model=request.model, request=sent, url=url, body=body, started=started)

    async def _ask(self, call: Call, ask: Callable[[Call, float], Awaitable[T]]) -> tuple[T, int]:
        async def ask_once(left_s: float) -> T:
            try:
                return await ask(call, left_s)
            except ProviderError as error:
                self._describe(error, call.model)
                raise

        return await ask_with_retries(ask_once, self._transport.http)

    async def _complete(self, call: Call, left_s: float) -> tuple[Completion, Mapping[str, str]]:
        reply = await self._transport.send(call.url, call.body, self._headers, timeout_s=left_s)
        with marking_errors(reply.headers):
            if reply.status != HTTPStatus.OK:
                raise self._build_error(reply)
            return self._wire.decode_response(reply.body), reply.headers

    async def _open(self, call: Call, left_s: float) -> AnswerStream:
        stream = await self._transport.start(call.url, call.body, self._headers, timeout_s=left_s)
        answer = AnswerStream(stream, self._wire.StreamDecoder())
        try:
            with marking_errors(stream.headers):
                if stream.status != HTTPStatus.OK or is_page(stream.headers):
                    raise self._build_error(await stream.read_all())  # noqa: TRY301 - see below.
                await answer.read_first()
        except BaseException:  # Whatever happens, a cancellation too, the connection is not kept.
            answer.close()
            raise
        return answer

    async def _fetch(
        self, path: str, decoder: JSONDecoder[T], *, base_url: str = "", body: bytes | None = None
    ) -> T:
        """What stands at `path` of the provider, waited for briefly; raises a ProviderError."""
        url = (base_url or self.provider.base_url) + path
        try:
            reply = await self._transport.send(url, body, self._headers, timeout_s=LIST_TIMEOUT_S)
            if reply.status != HTTPStatus.OK:
                raise self._build_error(reply)
            return decode_answer(decoder, reply.body)
        except ProviderError as error:
            self._describe(error, "")
            raise

    def _finish(
        self,
        call: Call,
        completion: Completion,
        headers: Mapping[str, str],
        *,
        tries: int,
        first_token_s: float | None = None,
    ) -> Completion:
        usage = completion.usage
        return msgspec.structs.replace(
            completion,
            model=completion.model or call.request.model,
            provider=self.provider.id,
            usage=estimate_usage(call.request, completion) if usage.is_estimated else usage,
            request_id=get_request_id(headers) or completion.id,
            is_simulated=is_simulated(headers),
            latency_s=call.elapsed_s,
            first_token_s=first_token_s,
            tries=tries,
        )

    def _build_error(self, reply: Reply) -> ProviderError:
        body = redact_body(reply.body, self._key)
        return build_error(
            msgspec.structs.replace(reply, body=body),
            self._wire.decode_error(body),
            provider=self.provider,
            refusals=self.refusals,
        )

    def _describe(self, error: ProviderError, model: str) -> None:
        describe_error(
            error,
            model=model,
            key=self._key,
            provider=self.provider,
            missing_hint=self.missing_hint,
        )


def _resolve_model(name: str, provider: ProviderInfo, settings: Settings) -> ModelInfo:
    """What is known of a model of `provider`, or else what holds for all of its models."""
    for known_as in (name, f"{provider.id}/{name}"):
        model = get_model_info(known_as, settings)
        if model is not None and model.provider == provider.id:
            return model
    return ModelInfo(
        name=name,
        api_name=name,
        provider=provider.id,
        tier=Tier.LOCAL if provider.is_local else Tier.FRONTIER,
        capabilities=provider.capabilities,
    )
