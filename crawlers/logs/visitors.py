"""Who stands behind the requests of a log, as the store asks it."""

from collections.abc import Sequence
from pathlib import Path

from crawlers.logs.addresses import Verifier
from crawlers.logs.clients import client
from geo_flywheel.records import Client, Proof, Sender
from geo_flywheel.registry.agents import addresses
from geo_flywheel.registry.referrers import Assistant, by_host, by_utm_source


class Visitors:
    """Tells by the dated lists that are shipped, and by a person's own list of addresses."""

    def __init__(self, ranges: Path | None = None) -> None:
        """Take a person's own list, as `geo_flywheel.registry.agents.addresses` does."""
        self._verifier = Verifier(addresses(ranges))

    def clients(self, user_agents: Sequence[str]) -> list[Client]:
        """Return who each User-Agent line stands for."""
        return [client(line) for line in user_agents]

    def proofs(self, claims: Sequence[tuple[str, str | None, str | None]]) -> list[Proof]:
        """Return what each claim proves."""
        return self._verifier.verify(claims)

    def senders(self, hosts: Sequence[str]) -> list[list[Sender]]:
        """Return the assistants whose pages each host holds."""
        return [[_sender(assistant, path) for path, assistant in by_host(host)] for host in hosts]

    def campaigns(self, utm_sources: Sequence[str]) -> list[Sender | None]:
        """Return the assistant that adds each utm_source."""
        found = [by_utm_source(source) for source in utm_sources]
        return [_sender(assistant) if assistant else None for assistant in found]


def _sender(assistant: Assistant, path: str = "") -> Sender:
    return Sender(assistant.name, assistant.operator, path)
