"""Fetching a page: what is refused, what is followed, and that limits hold over real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from aiohttp import web
from web_pages import open_site, serve

from koderz.config.settings import WebSettings
from koderz.errors import FetchError, JobError
from koderz.jobs.web.addresses import PublicResolver, is_public
from koderz.jobs.web.fetching import check_url, fetch_page

OPEN = WebSettings(allow_private=True, timeout_s=5)


def change(**settings: Any) -> WebSettings:
    return msgspec.structs.replace(OPEN, **settings)


async def test_a_page_comes_with_its_type_charset_and_address() -> None:
    async with open_site(page=serve("prêt", "text/html; charset=UTF-8")) as site:
        page = await fetch_page(f"{site}/page#part", OPEN, environ={})
    assert page.body.decode() == "prêt"
    assert (page.url, page.content_type, page.charset) == (f"{site}/page", "text/html", "UTF-8")


async def test_loopback_is_refused_unless_allowed() -> None:
    async with open_site(page=serve("x")) as site:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::1]"):
            url = site.replace("127.0.0.1", host) + "/page"
            with pytest.raises(FetchError, match="private network|is no URL|no address") as caught:
                await fetch_page(url, WebSettings(), environ={})
            assert caught.value.exit_code == 1


async def test_a_redirect_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host is taken for public, and sends us on to an address of this machine."""
    async with open_site(secret=serve("the secret")) as inner:

        async def send_on(request: web.Request) -> web.Response:
            raise web.HTTPFound(f"{inner}/secret")

        async with open_site(page=send_on) as site:
            port = site.rpartition(":")[2]
            resolve = PublicResolver.resolve

            async def resolve_public(
                self: PublicResolver,
                host: str,
                port: int = 0,
                family: socket.AddressFamily = socket.AF_INET,
            ) -> Any:
                if host == "public.example":
                    return await self._resolver.resolve("127.0.0.1", port, family)
                return await resolve(self, host, port, family)

            monkeypatch.setattr(PublicResolver, "resolve", resolve_public)
            with pytest.raises(FetchError, match="127.0.0.1 is on a private network"):
                await fetch_page(f"http://public.example:{port}/page", WebSettings(), environ={})


async def test_what_was_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose second look-up gives another address: there is no second look-up."""
    looked_up: list[str] = []

    async def look_up(self: object, host: str, *args: Any, **kwargs: Any) -> list[Any]:
        looked_up.append(host)
        address = "93.184.215.14" if len(looked_up) == 1 else "127.0.0.1"
        return [
            {
                "hostname": host,
                "host": address,
                "port": 9,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    connected: list[str] = []

    async def connect(self: object, sock: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", look_up)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(type(loop), "sock_connect", connect)
    with pytest.raises(FetchError, match="cannot connect to rebinding.example"):
        await fetch_page("http://rebinding.example/", WebSettings(timeout_s=5), environ={})
    assert set(connected) == {"93.184.215.14"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "no address",
    ],
)
def test_private_addresses_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.com/x", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("http://", "is no URL"),
        ("http://[::1", "is no URL"),
        ("http://a b/", "is no URL"),
        ("http://host:99999/", "is no URL"),
        ("https://user:secret@example.com/", "user name or password"),
    ],
)
def test_what_is_no_url_of_a_page_is_said_in_one_line(url: str, said: str) -> None:
    with pytest.raises(JobError, match="^[^\n]+$") as caught:
        check_url(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_redirects_are_followed_up_to_their_limit() -> None:
    async def go_on(request: web.Request) -> web.Response:
        left = int(request.query["left"])
        raise web.HTTPFound(f"/page?left={left - 1}" if left > 1 else "/end")

    async with open_site(page=go_on, end=serve("here")) as site:
        page = await fetch_page(f"{site}/page?left=2", change(max_redirects=2), environ={})
        assert (page.body, page.url) == (b"here", f"{site}/end")
        with pytest.raises(FetchError, match="redirects on and on: stopped after 1 "):
            await fetch_page(f"{site}/page?left=2", change(max_redirects=1), environ={})
        with pytest.raises(FetchError, match="redirects on and on"):
            await fetch_page(f"{site}/page?left=1000000", OPEN, environ={})


async def test_a_redirect_away_from_the_web_is_refused() -> None:
    async def send_away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "file:///etc/passwd"})

    async with open_site(page=send_away) as site:
        with pytest.raises(JobError, match="only http and https"):
            await fetch_page(f"{site}/page", OPEN, environ={})


async def test_an_endless_body_is_left_at_the_limit() -> None:
    sent = 0

    async def send_on(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-type": "text/html"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent += 65536

    async with open_site(page=send_on) as site:
        with pytest.raises(FetchError, match="larger than 64 KB: raise .koderz.web. max_size_kb"):
            await fetch_page(f"{site}/page", change(max_size_kb=64), environ={})
    assert sent < 50_000_000


async def test_a_size_that_is_declared_is_refused_before_it_comes() -> None:
    async def declare(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": str(5 << 30)})
        await response.prepare(request)
        await asyncio.sleep(30)
        return response

    async with open_site(page=declare) as site:
        with pytest.raises(FetchError, match="larger than 10,240 KB"):
            await fetch_page(f"{site}/page", OPEN, environ={})


async def test_a_compressed_page_counts_as_what_it_is() -> None:
    async def compress(request: web.Request) -> web.Response:
        response = web.Response(body=b"x" * 3_000_000, content_type="text/html")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with open_site(page=compress) as site:
        with pytest.raises(FetchError, match="larger than 1,024 KB"):
            await fetch_page(f"{site}/page", change(max_size_kb=1024), environ={})
        page = await fetch_page(f"{site}/page", OPEN, environ={})
        assert len(page.body) == 3_000_000


async def test_silence_is_left_after_the_time_limit() -> None:
    async def say_nothing(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with open_site(page=say_nothing) as site:
        with pytest.raises(FetchError, match="did not come within 0.2 s: raise .koderz.web. timeo"):
            await fetch_page(f"{site}/page", change(timeout_s=0.2), environ={})


async def test_error_statuses_and_broken_connections_are_said() -> None:
    async def break_off(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with open_site(broken=break_off) as site:
        with pytest.raises(FetchError, match="/missing answered 404 Not Found") as caught:
            await fetch_page(f"{site}/missing", OPEN, environ={})
        assert caught.value.status == 404
        with pytest.raises(FetchError, match="broke before the page was whole"):
            await fetch_page(f"{site}/broken", OPEN, environ={})
    with pytest.raises(FetchError, match="cannot connect to 127.0.0.1"):
        await fetch_page(f"{site}/page", OPEN, environ={})


async def test_a_host_that_nobody_knows_is_said() -> None:
    with pytest.raises(FetchError, match="no address is known for the host nowhere.invalid"):
        await fetch_page("http://nowhere.invalid/", WebSettings(), environ={})


async def test_no_cookies_and_no_passwords_go_along() -> None:
    seen: list[web.Request] = []

    async def bake(request: web.Request) -> web.Response:
        seen.append(request)
        if len(seen) == 1:
            response = web.Response(status=302, headers={"location": "/page"})
            response.set_cookie("id", "1")
            return response
        return web.Response(text="x")

    async with open_site(page=bake) as site:
        await fetch_page(f"{site}/page", OPEN, environ={})
    assert len(seen) == 2
    names = {name.lower() for request in seen for name in request.headers}
    assert not names & {"cookie", "authorization", "referer"}


async def test_a_proxy_is_used_and_the_name_still_checked() -> None:
    async def relay(request: web.Request) -> web.Response:
        return web.Response(text=f"by proxy: {request.url}")

    runner = web.ServerRunner(web.Server(relay))  # type: ignore[arg-type] # It takes plain requests.
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    environ = {"HTTP_PROXY": f"http://127.0.0.1:{runner.addresses[0][1]}"}
    try:
        page = await fetch_page("http://8.8.8.8/x", WebSettings(), environ=environ)
        assert page.body == b"by proxy: http://8.8.8.8/x"
        with pytest.raises(FetchError, match="10.0.0.1 is on a private network"):
            await fetch_page("http://10.0.0.1/x", WebSettings(), environ=environ)
        with pytest.raises(FetchError, match="inner.invalid is not known here, only to the proxy"):
            await fetch_page("http://inner.invalid/x", WebSettings(), environ=environ)
        assert (await fetch_page("http://inner.invalid/x", OPEN, environ=environ)).body
    finally:
        await runner.cleanup()
