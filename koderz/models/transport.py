"""The one door to the network: a pool of connections, its timeouts, and what can break.

aiohttp is imported with the first call, not before: a command that asks no model pays nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from koderz._version import __version__
from koderz.config.settings import HttpSettings
from koderz.errors import ConnectionFailedError, ProviderError, ProviderTimeoutError
from koderz.models.proxies import get_proxy

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

LARGE_BODY_BYTES = 1 << 20  # From here on aiohttp wants a file: bytes would block the loop.


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a server sent back; header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream:
    """A reply under way: status and headers are there, the body is read whole or in pieces."""

    def __init__(self, response: ClientResponse, http: HttpSettings) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response, self._http = response, http

    async def read_all(self) -> Reply:
        """The whole reply."""
        with naming_faults(self._http):
            body = await self._response.read()
        return Reply(status=self.status, headers=self.headers, body=body)

    async def read_chunk(self) -> bytes:
        """What has come since, at least one byte; none at the end."""
        with naming_faults(self._http):
            return await self._response.content.readany()

    def close(self) -> None:
        """Close the connection, unless the reply was read to its end and it serves again."""
        self._response.close()


class Transport:
    """One pool of connections, kept open and used again, for all clients of one event loop.

    The pool is made with the first request and lives until `close()`. Redirects are not followed,
    so that a key goes to the address it was meant for. Proxies are those that `environ` (unset:
    this process's environment) names. Requests raise ConnectionFailedError or
    ProviderTimeoutError; what a status means is the caller's to say.
    """

    def __init__(
        self, http: HttpSettings | None = None, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self.http = http or HttpSettings()
        self._environ = os.environ if environ is None else environ
        self._session: ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    async def close(self) -> None:
        """Close every connection; a later request would open new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(
        self,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        method: str = "",
    ) -> Reply:
        """Post `body` (None: get what stands there) and read the reply within `timeout_s`."""
        stream = await self.start(url, body, headers, timeout_s=timeout_s, method=method)
        try:
            return await stream.read_all()
        finally:
            stream.close()

    async def start(
        self,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        method: str = "",
    ) -> Stream:
        """As `send`, up to the headers; the caller reads the body and closes the stream."""
        import aiohttp

        if timeout_s <= 0:
            raise ProviderTimeoutError("no whole answer in the time there was")
        with naming_faults(self.http):
            response = await self._get_session().request(
                method or ("GET" if body is None else "POST"),
                url,
                data=BytesIO(body) if body and len(body) > LARGE_BODY_BYTES else body,
                headers=headers,
                proxy=self._get_proxy(url),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=timeout_s,
                    sock_connect=self.http.connect_timeout_s,
                    sock_read=self.http.read_timeout_s,
                ),
            )
        return Stream(response, self.http)

    def _get_session(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": f"koderz/{__version__}"},
            )
        return self._session

    def _get_proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._proxies:
            self._proxies[origin] = get_proxy(origin, self._environ)
        return self._proxies[origin]


@contextmanager
def naming_faults(http: HttpSettings) -> Iterator[None]:
    """Raise what breaks on the way as a ProviderError.

    Its cause is left out: some of aiohttp's errors hold the request's headers, the key included.
    """
    import aiohttp

    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise build_fault(error, http) from None


def build_fault(error: Exception, http: HttpSettings) -> ProviderError:
    """What a broken connection means, in words that name the host but nothing secret."""
    import aiohttp

    match error:
        case aiohttp.ConnectionTimeoutError():
            return ConnectionFailedError(f"no connection within {http.connect_timeout_s:g} s")
        case aiohttp.SocketTimeoutError():
            return ProviderTimeoutError(f"silent for {http.read_timeout_s:g} s")
        case TimeoutError():
            return ProviderTimeoutError("no whole answer in the time there was")
        case _:
            return ConnectionFailedError(_describe_break(error))


def _describe_break(error: Exception) -> str:
    import aiohttp

    match error:
        case aiohttp.ClientConnectorDNSError():
            reason = f"no address is known for the host {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            reason = f"the certificate of {error.host} is not trusted"
        case aiohttp.ClientSSLError():
            reason = f"no TLS connection to {error.host}:{error.port} (is it https:// there?)"
        case aiohttp.ClientConnectorError():
            why = os.strerror(error.os_error.errno) if error.os_error.errno else "refused"
            reason = f"cannot connect to {error.host}:{error.port}: {why}"
        case aiohttp.ClientHttpProxyError():
            reason = f"the proxy refused to connect (HTTP {error.status})"
        case _:
            reason = f"the connection was cut before the answer was whole ({type(error).__name__})"
    return reason
