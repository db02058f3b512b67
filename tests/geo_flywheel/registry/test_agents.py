import json
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest

from geo_flywheel.errors import ConfigError
from geo_flywheel.registry.agents import (
    addresses,
    agents,
    control_tokens,
    machine_words,
    proxies,
    shipped_addresses,
)

PURPOSES = {"training", "search_index", "user_fetch", "agent", "mixed", "data_provider", "archive", "other"}


def test_every_agent_has_one_purpose_and_a_source() -> None:
    assert {agent.purpose for agent in agents()} <= PURPOSES
    assert all(agent.source and agent.operator for agent in agents())
    assert {agent.robots for agent in agents()} <= {"yes", "no", "unclear"}


def test_no_name_and_no_token_stands_twice() -> None:
    names = [agent.name.lower() for agent in agents()]
    tokens = [token.lower() for agent in agents() for token in agent.tokens]
    assert len(names) == len(set(names))
    assert len(tokens) == len(set(tokens))


def test_tokens_of_robots_are_no_agents() -> None:
    assert {"Google-Extended", "Applebot-Extended"} == set(control_tokens())
    assert not set(control_tokens()) & {agent.name for agent in agents()}


def test_every_list_that_an_agent_names_is_there_and_every_list_is_named() -> None:
    assert {agent.addresses for agent in agents() if agent.addresses} == shipped_addresses().keys()


def test_the_lists_hold_public_networks_of_a_day() -> None:
    for name, listed in shipped_addresses().items():
        assert listed.networks, name
        assert listed.date is not None
        assert not [network for network in listed.networks if network.is_private and network.version == 4], name
        assert all(network.prefixlen >= (8 if network.version == 4 else 19) for network in listed.networks), name


def test_what_marks_a_program_is_written_in_lower_case() -> None:
    assert machine_words() == {word.lower() for word in machine_words()}


def test_proxies_are_no_agents() -> None:
    for listed in shipped_addresses().values():
        for network in listed.networks:
            assert not any(network.overlaps(proxy) for proxy in proxies() if proxy.version == network.version)


@pytest.mark.parametrize(
    "told",
    [
        {"GPTBot": {"creationTime": "2026-11-01T00:00:00.000000", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}},
        {"gptbot": {"creationTime": "2026-11-01", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": "?"}]}},
    ],
)
def test_a_list_as_its_operator_publishes_it_takes_the_place_of_the_shipped_one(
    told: dict[str, object], tmp_path: Path
) -> None:
    own = tmp_path / "ranges.json"
    own.write_text(json.dumps(told))
    found = addresses(own)
    assert found["gptbot"].networks == (ip_network("192.0.2.0/24"),)
    assert found["gptbot"].date == date(2026, 11, 1)
    assert found["bingbot"] == shipped_addresses()["bingbot"]


def test_an_own_list_may_be_written_as_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "ranges.toml"
    own.write_text('[[list]]\nname = "meta"\nprefixes = ["192.0.2.0/24"]\nis_whole = false\n')
    assert addresses(own)["meta"].networks == (ip_network("192.0.2.0/24"),)
    assert not addresses(own)["meta"].is_whole


@pytest.mark.parametrize(
    "text", ["{", '{"GPTBot": []}', "[]", "list = 1", "[[list]]\nname = 1\n", '{"GPTBot": "192.0.2.1/24"}']
)
def test_what_is_no_list_is_refused(text: str, tmp_path: Path) -> None:
    own = tmp_path / "ranges"
    own.write_text(text)
    with pytest.raises(ConfigError, match="is no list of addresses"):
        addresses(own)
    with pytest.raises(ConfigError, match="cannot be read"):
        addresses(tmp_path / "gone")
