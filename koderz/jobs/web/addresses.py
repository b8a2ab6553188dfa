"""Which addresses a page may come from."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from koderz.errors import FetchError

# RFC 6052: addresses that stand for the IPv4 address in their last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


class PublicResolver(AbstractResolver):
    """Looks names up and gives only public addresses, so that what was checked is connected to.

    A name with any address on a private network raises FetchError.
    """

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, each of them public."""
        results = await self._resolver.resolve(host, port, family)
        for result in results:
            require_public(host, result["host"])
        return results

    async def close(self) -> None:
        """Nothing is held open."""


def require_public(host: str, address: str) -> None:
    """Raise FetchError where the address of this host is no public one."""
    if not is_public(address):
        raise FetchError(
            f"{host} is on a private network ({address}): "
            "allow that with --allow-private or [koderz.web] allow_private"
        )


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also if it wraps an IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in _unwrap(found))


def is_address(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _unwrap(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and the IPv4 addresses that it stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner: list[IPv4Address | IPv6Address] = []
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner += address.teredo
    return [address, *inner]
