"""Which addresses a page may be fetched from, and the connection that goes to the address that was checked.

A name is looked up once, every address it stands for is checked, and the connection is made to one of those: between
the check and the connection nothing is asked again that a hostile name server could answer differently.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore

from geo_flywheel.errors import Refused

Resolve = Callable[[str, int], Awaitable[list[str]]]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_PORTS = {"http": 80, "https": 443}
_MOST_ADDRESSES = 4
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# What `ipaddress` of some Python 3.11 calls global, and is not to be fetched from.
# https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # what Azure tells its machines
        "192.0.0.0/24",  # protocols; 192.0.0.192 is what Oracle tells its machines
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # protocols, Teredo among them, which holds an IPv4 address
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Return whether a literal IP address lies in the open internet.

    Private, loopback, link-local, multicast, reserved and metadata addresses do not, nor does an IPv6 address that
    wraps an IPv4 one; that of a NAT64 gateway (RFC 6052) counts as what it wraps.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL)


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the resolver of the machine."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, and to the places that were named.

    Args:
        allow: Base URLs that may be reached wherever they are: a sandbox.
        look_up: Addresses of a host.
        network: Makes the connection to a literal address.
    """

    def __init__(
        self, allow: Iterable[str] = (), look_up: Resolve = resolve, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._allowed = {place(url) for url in allow}
        self._look_up = look_up
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the checked addresses that answers.

        Raises:
            Refused: If the host has an address outside the open internet, or the port is none of the web's.
            httpcore.ConnectError: If none answers.
        """
        failure: Exception = httpcore.ConnectError("no address")
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> list[str]:
        named = (host, port) in self._allowed
        if not named and port not in _PORTS.values():
            raise Refused(f"{host}:{port} is no port of the web (80, 443); pages elsewhere are not fetched")
        try:
            addresses = await self._look_up(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if not named and not all(map(is_public, addresses)):
            raise Refused(f"{host} leads into a private network; only pages of the open internet are fetched")
        return addresses[:_MOST_ADDRESSES]

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between its own attempts."""
        await self._network.sleep(seconds)


def place(url: str) -> tuple[str, int]:
    """Return host and port of a URL as they are connected to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
