"""Agents of AI operators, and the addresses they come from: `data/agents.toml` and `data/agent_addresses.toml`."""

import datetime as dt
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from geo_flywheel import shipped
from geo_flywheel.errors import ConfigError

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of an AI operator.

    Attributes:
        name: As it stands in every row, and its token in robots.txt.
        operator: Whose it is.
        purpose: training, search_index, user_fetch, agent, mixed, data_provider, archive or other.
        source: Where it is described.
        tokens: What its User-Agent line contains, in any case.
        addresses: Name of the list of the addresses it comes from; None where its operator publishes none.
        robots: Whether it keeps to robots.txt as its operator says: yes, no or unclear.
    """

    name: str
    operator: str
    purpose: str
    source: str
    tokens: tuple[str, ...]
    addresses: str | None = None
    robots: str = "unclear"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses an operator publishes.

    Attributes:
        date: Day the list is of, None when nobody says.
        is_whole: Whether these are all it publishes, so that who comes from elsewhere is somebody else.
    """

    networks: tuple[Network, ...]
    date: dt.date | None = None
    is_whole: bool = True


@cache
def agents() -> tuple[Agent, ...]:
    """Return the agents known; of several that one line names, the first holds."""
    return tuple(
        Agent(**entry | {"tokens": tuple(entry.get("tokens", (entry["name"],)))})
        for entry in _listed("agents", "agent")
    )


@cache
def control_tokens() -> tuple[str, ...]:
    """Return the names that stand in robots.txt only and that no request bears."""
    return tuple(entry["name"] for entry in _listed("agents", "control"))


@cache
def machine_words() -> frozenset[str]:
    """Return the words of a User-Agent line that mark a program, lower case."""
    return frozenset(word for entry in _listed("agents", "machine") for word in entry["words"])


@cache
def proxies() -> tuple[Network, ...]:
    """Return the networks of the proxies that stand before sites."""
    return tuple(ip_network(prefix) for entry in _listed("agent_addresses", "proxy") for prefix in entry["prefixes"])


@cache
def shipped_addresses() -> Mapping[str, Addresses]:
    """Return the lists of addresses that are shipped, by name."""
    return {
        entry["name"]: Addresses(
            tuple(ip_network(prefix) for prefix in entry["prefixes"]), entry["date"], entry["is_whole"]
        )
        for entry in _listed("agent_addresses", "list")
    }


def addresses(own: Path | None = None) -> Mapping[str, Addresses]:
    """Return the lists of addresses that are shipped, and in place of those of the same name a person's own.

    Args:
        own: TOML as in `data/agent_addresses.toml`; or JSON, an object of lists by their names or by an agent's, each
            as the operator publishes it: what is a network in it counts.

    Raises:
        ConfigError: If it is neither.
    """
    if own is None:
        return shipped_addresses()
    try:
        raw = own.read_bytes()
        given = _own_json(json.loads(raw)) if raw.lstrip()[:1] == b"{" else _own_toml(raw.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{own}: cannot be read ({error.strerror}); see to the file or its rights") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{own}: is no list of addresses ({error}); write it as data/agent_addresses.toml is written, or as JSON: "
            '{"gptbot": {"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}}'
        ) from error
    return {**shipped_addresses(), **given}


def _own_json(told: dict[str, Any]) -> dict[str, Addresses]:
    lists = {agent.name.lower(): agent.addresses or agent.name for agent in agents()}
    given: dict[str, Addresses] = {}
    for name, value in told.items():
        networks = tuple(_networks(value))
        if not networks:
            raise ValueError(f"{name} holds no network")
        given[lists.get(name.lower(), name)] = Addresses(networks, _day(value))
    return given


def _own_toml(text: str) -> dict[str, Addresses]:
    listed = tomllib.loads(text)["list"]
    return {
        entry["name"]: Addresses(tuple(_networks(entry["prefixes"])), entry.get("date"), entry.get("is_whole", True))
        for entry in listed
    }


def _networks(value: Any) -> Iterator[Network]:
    """Whatever is a network in a list as its operator publishes it."""
    if isinstance(value, str):
        try:
            yield ip_network(value, strict=True)
        except ValueError:
            return
    elif isinstance(value, list):
        for item in value:
            yield from _networks(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _networks(item)


def _day(value: Any) -> dt.date | None:
    """The day an operator says its list is of."""
    told = value.get("creationTime") if isinstance(value, dict) else None
    return dt.date.fromisoformat(told[:10]) if isinstance(told, str) else None


@cache
def _listed(name: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((shipped.folder("data") / f"{name}.toml").read_text("utf-8"))[kind]
    return found
