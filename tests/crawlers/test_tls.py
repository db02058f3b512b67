"""TLS against a real server: who shows a certificate nobody trusts, or somebody else's, gets no request."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from crawlers.base import Reply, Request
from crawlers.http import Client
from geo_flywheel.errors import Refused

KEY = "sk-very-long-and-mine"
_REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


@asynccontextmanager
async def serving(named: str, authority: trustme.CA, received: list[bytes]) -> AsyncIterator[str]:
    """A server that shows a certificate for this name; gives its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(named).configure_cert(context)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(_REPLY)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


def asked(named: str, authority: trustme.CA, received: list[bytes]) -> Reply:
    async def ask() -> Reply:
        async with serving(named, authority, received) as address, Client(allow=(address,)) as http:
            return await http.send(Request("GET", address, {"authorization": KEY}, secrets=(KEY,)))

    return asyncio.run(ask())


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority this machine trusts while the test runs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def test_a_server_whose_certificate_is_trusted_and_its_own_is_asked(trusted: trustme.CA) -> None:
    received: list[bytes] = []
    assert asked("localhost", trusted, received).body == b"{}"
    assert KEY.encode() in received[0]


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_an_authority_nobody_trusts_is_refused_before_anything_is_sent() -> None:
    received: list[bytes] = []
    with pytest.raises(Refused, match="localhost has no certificate to trust"):
        asked("localhost", trustme.CA(), received)
    assert not received


def test_a_trusted_certificate_of_somebody_else_is_refused_before_anything_is_sent(trusted: trustme.CA) -> None:
    received: list[bytes] = []
    with pytest.raises(Refused, match="localhost has no certificate to trust"):
        asked("other.example", trusted, received)
    assert not received
