"""Which proxy stands between here and an address, by the usual environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from koderz.models.catalogue import is_loopback


def get_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that `environ` names for `url`, or None where there is none.

    `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` (lower case first) name it, `NO_PROXY` lists hosts
    that need none. This machine never does, so that a local server is reached whatever is set.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(url):
        return None
    proxy = _get(environ, f"{parts.scheme}_proxy") or _get(environ, "all_proxy")
    if not proxy or _is_exempt(parts.netloc.rpartition("@")[2], host, environ):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_exempt(address: str, host: str, environ: Mapping[str, str]) -> bool:
    for name in _get(environ, "no_proxy").lower().split(","):
        domain = name.strip().removeprefix("*").removeprefix(".")
        if name.strip() == "*" or (domain and domain in {host, address}):
            return True
        if domain and host.endswith(f".{domain}"):
            return True
    return False


def _get(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""
