import json
from datetime import date
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.logs.addresses import Verifier, parsed
from geo_flywheel.registry.agents import Addresses, addresses, agents, shipped_addresses
from tests import real_data

OPENAI = ip_network("192.0.2.0/24")
LISTS = {"gptbot": Addresses((OPENAI, ip_network("2001:db8::/32")), date(2026, 6, 1)),
         "anthropic": Addresses((OPENAI,), is_whole=False)}  # fmt: skip
CLOUDFLARE = "172.71.3.4"


def proof(agent: str, address: str | None, forwarded: str | None = None) -> str:
    (found,) = Verifier(LISTS).verify([(agent, address, forwarded)])
    return found.verification


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "192.0.2.1:443", "::ffff:192.0.2.9", "2001:db8::1", "[2001:db8::1]:80"]
)
def test_an_address_its_operator_publishes_verifies_an_agent(address: str) -> None:
    assert proof("GPTBot", address) == "verified"


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db9::1", "192.0.3.0", "192.0.1.255"])
def test_any_other_address_shows_that_it_is_somebody_else(address: str) -> None:
    assert proof("GPTBot", address) == "spoofed"


def test_where_the_list_is_not_whole_or_there_is_none_nobody_is_called_false() -> None:
    assert proof("ClaudeBot", "198.51.100.1") == "unverifiable"
    assert proof("ClaudeBot", "192.0.2.1") == "verified"
    assert proof("Bytespider", "198.51.100.1") == "unverifiable"
    assert proof("GPTBot", "crawl.openai.example") == "unverifiable"


@pytest.mark.parametrize("proxy", [CLOUDFLARE, "10.1.2.3", "127.0.0.1", "fd00::1"])
def test_behind_a_proxy_the_address_it_names_decides(proxy: str) -> None:
    assert proof("GPTBot", proxy) == "unknown_proxy"
    assert proof("GPTBot", proxy, "-") == "unknown_proxy"
    assert proof("GPTBot", proxy, "192.0.2.7") == "verified"
    assert proof("GPTBot", proxy, "198.51.100.9") == "spoofed"
    assert proof("GPTBot", proxy, "198.51.100.9, 192.0.2.7, 10.0.0.4") == "verified"


def test_what_a_client_says_of_itself_before_the_proxy_speaks_proves_nothing() -> None:
    assert proof("GPTBot", CLOUDFLARE, "192.0.2.7, 198.51.100.9") == "spoofed"


def test_a_forwarded_address_from_who_is_no_known_proxy_neither_proves_nor_disproves() -> None:
    assert proof("GPTBot", "198.51.100.1", "192.0.2.7") == "unknown_proxy"
    assert proof("GPTBot", "198.51.100.1", "198.51.100.2") == "spoofed"


@given(st.ip_addresses())
def test_the_verdict_is_that_of_the_standard_library(address: object) -> None:
    known = shipped_addresses()["google-crawlers"].networks
    (found,) = Verifier(shipped_addresses()).verify([("Googlebot", str(address), None)])
    is_listed = any(address in network for network in known)
    assert (found.verification == "verified") == is_listed


@given(st.ip_addresses() | st.text())
def test_an_address_is_parsed_as_the_standard_library_does(text: object) -> None:
    found = parsed(str(text))
    try:
        expected = ip_address(str(text))
    except ValueError:
        return
    number = int(expected.ipv4_mapped) if expected.version == 6 and expected.ipv4_mapped else int(expected)
    assert found is not None
    assert found[1] in {number, int(expected)}


def test_the_lists_agree_with_those_recorded() -> None:
    recorded = json.loads((real_data.folder("formats") / "ai_crawler_ip_ranges_clean.json").read_text())
    of_agent = {agent.name.lower(): agent.name for agent in agents()}
    verifier = Verifier(addresses())
    told: dict[str, int] = {}
    for name, networks in recorded.items():
        agent = of_agent.get(name, {"google-common-crawlers": "Googlebot"}.get(name, ""))
        if agent and agent not in {"Amazonbot", "Amzn-SearchBot", "Amzn-User", "ClaudeBot"}:
            proofs = verifier.verify([(agent, str(ip_network(network)[0]), None) for network in networks])
            assert {found.verification for found in proofs} == {"verified"}, name
            told[agent] = len(networks)
    assert {"GPTBot", "OAI-SearchBot", "PerplexityBot", "Googlebot", "bingbot", "Applebot", "CCBot"} <= told.keys()
