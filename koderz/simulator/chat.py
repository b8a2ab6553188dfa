"""One question over HTTP: read, let through or refused, answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from koderz.errors import ConfigError
from koderz.simulator.answers import Answer
from koderz.simulator.counting import complete_anthropic, complete_gemini
from koderz.simulator.faults import Fault
from koderz.simulator.hosts import Host
from koderz.simulator.prompts import build_prompt
from koderz.simulator.refusals import RefusedError
from koderz.simulator.sending import Sender, build_refusal, hang_up
from koderz.simulator.simulator import Exchange, Simulator
from koderz.simulator.validation import (
    check_headers,
    check_limits,
    check_model,
    check_request,
    is_usage_wanted,
    refuse,
)
from koderz.types import ModelInfo, Request
from koderz.wire import FormatError, Wire, get_wire

FAULT_HEADER = "x-koderz-fault"
DEFAULT_RETRY_AFTER_S = 1.0


class Chat:
    """One question on its way through the server, and what is known of it so far."""

    def __init__(self, simulator: Simulator, host: Host, http: web.Request) -> None:
        self._simulator, self._host, self._http = simulator, host, http
        self._wire: Wire = get_wire(host.provider.wire)
        self._fault: Fault | None = None
        self._model = ""
        self._is_stream = False

    async def respond(self) -> web.StreamResponse:
        """The answer, or the provider's refusal."""
        try:
            return await self._answer()
        except RefusedError as refused:
            self._record(refused.status)
            return build_refusal(self._wire, refused)

    async def count(self) -> int:
        """How many tokens the prompt has. Raises RefusedError."""
        body = await self._read_body()
        path = self._http.path_qs
        if self._host.provider.wire == "anthropic":
            body = complete_anthropic(body)
        else:
            body, path = complete_gemini(body), path.replace(":countTokens", ":generateContent")
        request, model = self._decode(body, path)
        check_request(self._host, model, request, body)
        return len(build_prompt(request).ids)

    async def _answer(self) -> web.StreamResponse:
        body = await self._read_body()
        request, model = self._decode(body, self._http.path_qs.removeprefix(self._host.prefix))
        check_request(self._host, model, request, body)
        prompt = build_prompt(request)
        check_limits(self._host, model, request, prompt)
        self._fault = fault = self._take_fault()
        if fault is not None and fault.kind == "silence":
            return await self._keep_silent(fault)
        await asyncio.sleep(self._simulator.latency_s)
        self._refuse_by_fault()
        answer = self._simulator.answer(self._host, model, request, prompt, fault)
        self._record(200, answer)
        sender = Sender(self._http, self._wire, fault=fault, rate=self._simulator.tokens_per_s)
        if request.is_stream:
            is_told = is_usage_wanted(self._host, body)
            return await sender.stream(answer.completion, is_usage_told=is_told)
        return await sender.send(answer.completion)

    async def _read_body(self) -> bytes:
        check_headers(self._host, self._http.headers, self._http.query)
        try:
            return await self._http.read()
        except web.HTTPRequestEntityTooLarge:
            raise refuse(self._host, "too_large") from None

    def _decode(self, body: bytes, path: str) -> tuple[Request, ModelInfo]:
        try:
            request = self._wire.decode_request(body, path)
        except FormatError as error:
            raise refuse(self._host, "malformed", reason=error) from None
        self._model, self._is_stream = request.model, request.is_stream
        return request, check_model(self._host, request.model)

    def _take_fault(self) -> Fault | None:
        header = self._http.headers.get(FAULT_HEADER, "")
        try:
            return self._simulator.take_fault(self._model, header)
        except ConfigError as error:
            raise refuse(self._host, "malformed", reason=error) from None

    def _refuse_by_fault(self) -> None:
        fault = self._fault
        if fault is None or fault.kind not in {"rate_limit", "server_error", "overloaded"}:
            return
        refused = refuse(self._host, fault.kind, model=self._model)
        if fault.kind != "server_error":
            is_unset = fault.wait_s is None
            refused.retry_after_s = DEFAULT_RETRY_AFTER_S if is_unset else fault.wait_s
        raise refused

    async def _keep_silent(self, fault: Fault) -> web.StreamResponse:
        """Say nothing until the other side gives up or the fault's time is over; then hang up."""
        self._record(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(fault.wait_s):
                await asyncio.Event().wait()
        return hang_up(self._http, web.Response())

    def _record(self, status: int, answer: Answer | None = None) -> None:
        usage = answer.completion.usage if answer else None
        self._simulator.record(
            Exchange(
                provider=self._host.provider.id,
                path=self._http.path,
                status=status,
                model=self._model,
                fault=self._fault.kind if self._fault else None,
                task=answer.task if answer else "",
                is_stream=self._is_stream,
                tokens_in=usage.prompt_tokens if usage else 0,
                tokens_out=usage.output_tokens if usage else 0,
            )
        )
