"""Which proxy is used, by table, and what is said where no connection can be made."""

from __future__ import annotations

import pytest
from scripted_server import open_scripted_server, reply_json

from koderz.config.settings import HttpSettings
from koderz.errors import ConnectionFailedError
from koderz.models.proxies import get_proxy
from koderz.models.transport import Transport

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.example/v1", {}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://api.example/v1", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, PROXY),
        ("https://api.example/v1", {"ALL_PROXY": PROXY}, PROXY),
        ("https://api.example/v1", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ("https://api.example/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://api.example/v1", {"HTTP_PROXY": PROXY}, PROXY),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.b, api.example"}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY, "NO_PROXY": ".example"}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY, "no_proxy": "*.example"}, None),
        ("https://api.example:8443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "api.example:8443"}, None),
        ("https://myapi.example/v1", {"HTTPS_PROXY": PROXY, "NO_PROXY": "api.example"}, PROXY),
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY, "NO_PROXY": ","}, PROXY),
        ("http://localhost:11434", {"HTTP_PROXY": PROXY}, None),
        ("http://127.0.0.1:11434", {"ALL_PROXY": PROXY}, None),
        ("http://[::1]:11434", {"ALL_PROXY": PROXY}, None),
    ],
)
def test_the_proxy_is_the_one_the_environment_names(
    url: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert get_proxy(url, environ) == proxy


async def test_a_request_goes_through_its_proxy() -> None:
    async with open_scripted_server() as server:
        server.play(reply_json({"via": "proxy"}))
        transport = Transport(HttpSettings(), environ={"HTTP_PROXY": server.url})
        reply = await transport.send("http://api.example/v1", b"{}", {}, timeout_s=5)
        await transport.close()
    assert reply.body == b'{"via":"proxy"}'
    assert server.seen[0].path == "http://api.example/v1"


async def test_a_proxy_that_refuses_is_a_failed_connection_without_its_password() -> None:
    async with open_scripted_server() as server:
        server.play(reply_json({}, 407))
        proxy = server.url.replace("http://", "http://me:hunter2@")
        transport = Transport(HttpSettings(), environ={"HTTPS_PROXY": proxy})
        with pytest.raises(ConnectionFailedError, match="407") as caught:
            await transport.send("https://api.example/v1", b"{}", {}, timeout_s=5)
        await transport.close()
    assert "hunter2" not in repr(caught.value)
    assert server.seen[0].headers["proxy-authorization"].startswith("Basic ")


async def test_a_host_without_an_address_is_a_failed_connection() -> None:
    transport = Transport(HttpSettings(), environ={})
    with pytest.raises(ConnectionFailedError, match="no address is known"):
        await transport.send("http://nowhere.invalid/v1", b"{}", {}, timeout_s=5)
    await transport.close()


async def test_a_server_without_tls_is_a_failed_connection() -> None:
    async with open_scripted_server() as server:
        server.play(reply_json({}))
        transport = Transport(HttpSettings(), environ={})
        with pytest.raises(ConnectionFailedError, match="no TLS connection"):
            await transport.send(server.url.replace("http:", "https:"), b"{}", {}, timeout_s=5)
        await transport.close()
