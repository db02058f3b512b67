import asyncio
from collections.abc import Iterable

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.reaching.addresses import Guard, SocketOption, is_public, place, resolve
from geo_flywheel.errors import Refused


class Wire(httpcore.AsyncNetworkBackend):
    """Notes whom it is asked to connect to; some do not answer."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.dialled = silent, list[str]()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        _ = port, timeout, local_address, socket_options
        self.dialled.append(host)
        if host in self.silent:
            raise httpcore.ConnectTimeout
        return httpcore.AsyncNetworkStream()


class Names:
    """A name server that answers each time anew."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def look_up(self, host: str, port: int) -> list[str]:
        _ = host, port
        self.asked += 1
        return self.answers.pop(0)


def dial(guard: Guard, host: str, port: int = 443) -> None:
    asyncio.run(guard.connect_tcp(host, port))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1"),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "203.0.113.9", "192.88.99.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "5f00::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a00:1", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378::"),
    ],
)
def test_what_lies_outside_the_open_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_what_lies_in_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_never_more_public_than_by_itself(inner: object) -> None:
    assert not is_public(f"::ffff:{inner}")
    assert is_public(f"64:ff9b::{inner}") == is_public(str(inner))


def test_the_connection_goes_to_the_address_that_was_checked_after_one_look_up() -> None:
    names, wire = Names(["93.184.216.34"], ["127.0.0.1"]), Wire()
    dial(Guard(look_up=names.look_up, network=wire), "rebinding.example")
    assert (names.asked, wire.dialled) == (1, ["93.184.216.34"])


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    wire = Wire()
    with pytest.raises(Refused, match="two-faced.example leads into a private network"):
        dial(Guard(look_up=Names(["93.184.216.34", "10.0.0.1"]).look_up, network=wire), "two-faced.example")
    assert wire.dialled == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0x7f000001", "localhost", "::1"])
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    wire = Wire()
    with pytest.raises(Refused):
        dial(Guard(network=wire), host)
    assert wire.dialled == []


def test_ports_that_are_none_of_the_webs_are_refused_before_any_look_up() -> None:
    names = Names()
    with pytest.raises(Refused, match="22"):
        dial(Guard(look_up=names.look_up, network=Wire()), "site.example", 22)
    assert names.asked == 0


def test_a_named_sandbox_is_reached_where_it_is_and_nothing_beside_it() -> None:
    wire = Wire()
    guard = Guard(["http://127.0.0.1:8080/openai"], network=wire)
    dial(guard, "127.0.0.1", 8080)
    assert wire.dialled == ["127.0.0.1"]
    for host, port in (("127.0.0.1", 8081), ("127.0.0.1", 80), ("127.0.0.2", 8080)):
        with pytest.raises(Refused):
            dial(guard, host, port)


def test_the_next_checked_address_is_tried_when_one_does_not_answer() -> None:
    wire = Wire("2606:4700::1")
    dial(Guard(look_up=Names(["2606:4700::1", "93.184.216.34"]).look_up, network=wire), "site.example")
    assert wire.dialled == ["2606:4700::1", "93.184.216.34"]


@pytest.mark.parametrize("addresses", [[], ["93.184.216.34"]])
def test_a_host_where_no_address_answers_is_a_failed_connection(addresses: list[str]) -> None:
    guard = Guard(look_up=Names(addresses).look_up, network=Wire("93.184.216.34"))
    with pytest.raises((httpcore.ConnectError, httpcore.ConnectTimeout)):
        dial(guard, "silent.example")


def test_a_name_nobody_knows_is_a_failed_connection() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError(-2, f"{host}:{port} not known")

    with pytest.raises(httpcore.ConnectError, match="not known"):
        dial(Guard(look_up=unknown, network=Wire()), "nowhere.example")


def test_the_resolver_of_the_machine_gives_literal_addresses() -> None:
    assert asyncio.run(resolve("2130706433", 80)) == ["127.0.0.1"]


def test_a_place_is_host_and_port_as_they_are_connected_to() -> None:
    assert place("https://API.example/v1") == ("api.example", 443)
    assert place("http://127.0.0.1:8080") == ("127.0.0.1", 8080)
