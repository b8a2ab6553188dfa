"""A page from its server, within limits of size, time, redirects and addresses.

Nothing of the person goes along: no cookies, no stored passwords, no referrer. Names are looked up
anew for every redirect, and every address is checked before it is connected to.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from koderz._version import __version__
from koderz.config.settings import WebSettings
from koderz.errors import FetchError, JobError
from koderz.models.proxies import get_proxy

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_ACCEPTED = "text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/pdf;q=0.8"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FAILED = 400
_CHUNK_BYTES = 1 << 16
_LONGEST_URL = 8192


class FetchedPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a server sent: `url` is where it came from in the end, `charset` as it was declared."""

    url: str
    body: bytes
    content_type: str
    charset: str


async def fetch_page(
    url: str, settings: WebSettings, *, environ: Mapping[str, str] | None = None
) -> FetchedPage:
    """The page at this URL.

    Raises:
        JobError: the URL is none that can be fetched.
        FetchError: no page came: no such host, a private address, no connection, too slow, too
            large, too many redirects, or an error status.
    """
    url = check_url(url)
    try:
        async with asyncio.timeout(settings.timeout_s):
            return await _follow(url, settings, os.environ if environ is None else environ)
    except TimeoutError:
        raise FetchError(
            f"{url} did not come within {settings.timeout_s:g} s: raise [koderz.web] timeout_s",
            url=url,
        ) from None


def is_url(source: str) -> bool:
    """Whether a source is meant as an address and not as a file."""
    return "://" in source.partition("?")[0]


def check_url(url: str) -> str:
    """The URL without its fragment; JobError where it is not one of a web page."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise JobError(f"{_shorten(url)} is no URL: give it as https://host/path") from None
    if parts.scheme.lower() not in {"http", "https"}:
        raise JobError(f"{parts.scheme}: is not fetched: only http and https are")
    if not host or len(url) > _LONGEST_URL or any(char.isspace() for char in url.strip()):
        raise JobError(f"{_shorten(url)} is no URL: give it as https://host/path")
    if "@" in parts.netloc:
        raise JobError(f"the URL of {host} holds a user name or password: give it without")
    return urlunsplit(parts._replace(fragment=""))


async def _follow(url: str, settings: WebSettings, environ: Mapping[str, str]) -> FetchedPage:
    visited = 0
    while True:
        page = await _fetch_once(url, settings, environ)
        if isinstance(page, FetchedPage):
            return page
        visited += 1
        if visited > settings.max_redirects:
            raise FetchError(
                f"{_shorten(url)} redirects on and on: stopped after {settings.max_redirects} "
                "([koderz.web] max_redirects)",
                url=url,
            )
        url = check_url(urljoin(url, page))


async def _fetch_once(
    url: str, settings: WebSettings, environ: Mapping[str, str]
) -> FetchedPage | str:
    """The page, or the address that the server sends us on to."""
    import aiohttp

    proxy = get_proxy(url, environ)
    await _check_host(url, settings, is_proxied=proxy is not None)
    async with _open_session(settings, is_proxied=proxy is not None) as session:
        try:
            async with session.get(url, allow_redirects=False, proxy=proxy) as response:
                return await _read(url, response, settings)
        except aiohttp.ClientError as error:
            raise FetchError(f"{_shorten(url)}: {_describe(error)}", url=url) from None
        except (OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchError(f"{_shorten(url)} cannot be fetched: {error}", url=url) from None


async def _check_host(url: str, settings: WebSettings, *, is_proxied: bool) -> None:
    """Check an address that stands in the URL itself, and a name that only a proxy looks up."""
    from koderz.jobs.web.addresses import PublicResolver, is_address, require_public

    host = urlsplit(url).hostname or ""
    if settings.allow_private:
        return
    if is_address(host):
        require_public(host, host)
    elif is_proxied:
        try:
            await PublicResolver().resolve(host)
        except OSError:
            raise FetchError(
                f"{host} is not known here, only to the proxy, so that its address cannot be "
                "checked: allow that with --allow-private",
                url=url,
            ) from None


def _open_session(settings: WebSettings, *, is_proxied: bool) -> ClientSession:
    import aiohttp

    from koderz.jobs.web.addresses import PublicResolver

    is_free = settings.allow_private or is_proxied
    connector = aiohttp.TCPConnector(
        resolver=None if is_free else PublicResolver(), use_dns_cache=False
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"user-agent": f"koderz/{__version__}", "accept": _ACCEPTED},
    )


async def _read(url: str, response: ClientResponse, settings: WebSettings) -> FetchedPage | str:
    if response.status in _REDIRECTS and (target := response.headers.get("location")):
        return target
    if response.status >= _FAILED:
        words = f"{response.status} {response.reason or ''}".strip()
        raise FetchError(f"{_shorten(url)} answered {words}", url=url, status=response.status)
    limit = settings.max_size_kb * 1024
    _check_size(url, response.content_length or 0, settings)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            _check_size(url, len(body), settings)
    return FetchedPage(
        url=url,
        body=bytes(body),
        content_type=response.content_type if "content-type" in response.headers else "",
        charset=response.charset or "",
    )


def _check_size(url: str, size_bytes: int, settings: WebSettings) -> None:
    if size_bytes > settings.max_size_kb * 1024:
        raise FetchError(
            f"{_shorten(url)} is larger than {settings.max_size_kb:,} KB: "
            "raise [koderz.web] max_size_kb",
            url=url,
        )


def _describe(error: Exception) -> str:
    import aiohttp

    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"no address is known for the host {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host} is not trusted"
        case aiohttp.ClientSSLError():
            return f"no TLS connection to {error.host} (is it http:// there?)"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}:{error.port}"
        case aiohttp.InvalidURL():
            return "is no URL"
        case _:
            return f"the connection broke before the page was whole ({type(error).__name__})"


def _shorten(url: str, most_chars: int = 200) -> str:
    """A URL fit for one line, without what may be secret in it."""
    cut = url.partition("?")[0].rpartition("@")[2] if "@" in url else url
    visible = "".join(char for char in cut if char.isprintable())
    return visible if len(visible) <= most_chars else f"{visible[:most_chars]}..."
