"""Whether a request that claims to be an agent comes from an address of that agent's operator.

A request counts as passed on where it comes from a proxy that is known or from a private network; then the address that
the proxy names last decides. Which address that is cannot be known where no such field stands in the log.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from ipaddress import IPv4Network, ip_address, ip_network
from socket import inet_aton
from typing import NamedTuple

from geo_flywheel.records import Proof
from geo_flywheel.registry.agents import Addresses, Network, agents, proxies

_PRIVATE = (
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
_MAPPED = "::ffff:"
_VERIFIED = Proof("verified")
Address = tuple[int, int]


class _Ranges(NamedTuple):
    """Networks of one IP version, joined: where each begins and where it ends, in order."""

    first: Sequence[int]
    last: Sequence[int]

    def hold(self, number: int) -> bool:
        place = bisect_right(self.first, number)
        return place > 0 and number <= self.last[place - 1]


class Verifier:
    """Verifies claims against lists of addresses."""

    def __init__(self, lists: Mapping[str, Addresses]) -> None:
        """Take the lists by name, as the agents name them."""
        self._ranges = {name: _ranges(addresses.networks) for name, addresses in lists.items()}
        self._lists = lists
        self._of_agent = {agent.name: agent.addresses or agent.name for agent in agents()}

    def verify(self, claims: Iterable[tuple[str, str | None, str | None]]) -> list[Proof]:
        """Return what the addresses prove.

        Args:
            claims: Agent, address the request came from, and those it was forwarded for as the log has them.
        """
        return [self._verify(*claim) for claim in claims]

    def _verify(self, agent: str, address: str | None, forwarded: str | None) -> Proof:
        name = self._of_agent.get(agent, agent)
        listed = self._lists.get(name)
        if listed is None:
            return Proof("unverifiable")
        ranges = self._ranges[name]
        direct = parsed(address or "")
        if direct is not None and _within(ranges, direct):
            return _VERIFIED
        others = [other for text in (forwarded or "").split(",") if (other := parsed(text)) and other != direct]
        if direct is None or _is_passed_on(direct):
            real = next((other for other in reversed(others) if not _is_passed_on(other)), None)
            if real is None:
                return Proof("unverifiable" if direct is None else "unknown_proxy")
            direct = real
            if _within(ranges, direct):
                return _VERIFIED
        elif any(_within(ranges, other) for other in others):
            return Proof("unknown_proxy")  # a proxy nobody told us of, or somebody who says that there is one
        return Proof("spoofed" if listed.is_whole else "unverifiable", listed.date)


def parsed(text: str) -> Address | None:
    """Return IP version and number of an address as logs write it, with or without port and brackets; else None."""
    text = text.strip(' "[]')
    try:
        if text.count(".") == 3:  # noqa: PLR2004 - the dots of an IPv4 address
            text = text.removeprefix(_MAPPED).partition(":")[0]
            return 4, int.from_bytes(inet_aton(text), "big")
        if ":" in text:
            return 6, int(ip_address(text.partition("]")[0].partition("%")[0]))
    except (OSError, ValueError):
        return None
    return None


def _within(ranges: Mapping[int, _Ranges], address: Address) -> bool:
    version, number = address
    return ranges[version].hold(number)


def _is_passed_on(address: Address) -> bool:
    return _within(_passing_on(), address)


@cache
def _passing_on() -> Mapping[int, _Ranges]:
    return _ranges((*proxies(), *map(ip_network, _PRIVATE)))


def _ranges(networks: Iterable[Network]) -> dict[int, _Ranges]:
    spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for network in networks:
        version = 4 if isinstance(network, IPv4Network) else 6
        spans[version].append((int(network.network_address), int(network.broadcast_address)))
    return {version: _joined(sorted(found)) for version, found in spans.items()}


def _joined(spans: list[tuple[int, int]]) -> _Ranges:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return _Ranges([first for first, _ in joined], [last for _, last in joined])
