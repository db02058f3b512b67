import asyncio
import gzip
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers import http
from crawlers.base import Reply, Request
from crawlers.http import USER_AGENT, Client
from crawlers.reaching.addresses import Guard
from crawlers.reaching.pace import Pace
from crawlers.reaching.patience import Patience
from geo_flywheel.errors import CrawlError, NoReply, Refused, Throttled, Unreadable
from tests.crawlers.loopback import NOW, Hands, Network, serving, written

KEY = "sk-very-secret"
ASK = Request("POST", "https://api.example/v1/ask", {"Authorization": f"Bearer {KEY}"}, b"{}", (KEY,), paid=True)
PAGE = Request("GET", "https://site.example/page", public=True)
BUSY, GOOD = httpx.Response(429, headers={"retry-after": "34"}), httpx.Response(200, content=b"{}")
NO_ROBOTS = httpx.Response(404)


def run(job: Coroutine[Any, Any, Reply]) -> Reply:
    return asyncio.run(job)


class Rerouted(httpcore.AnyIOBackend):
    """An internet whose every address is this machine."""

    def __init__(self, port: int) -> None:
        self.port, self.dialled = port, list[str]()

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        return await super().connect_tcp("127.0.0.1", self.port)


async def ask(request: Request, network: Network, hands: Hands | None = None, **settings: Any) -> Reply:
    settings = {"clock": (hands or Hands()).clock(), **settings}
    async with Client(network=network.transport(), **settings) as client:
        return await client.send(request)


def locally(
    serve: Callable[[bytes], bytes], request: Callable[[int], Request], *, allow: bool = True, **settings: Any
) -> Reply:
    """Ask a real server of this machine."""

    async def asked() -> Reply:
        async def write(head: bytes, writer: asyncio.StreamWriter) -> None:
            writer.write(serve(head))

        async with serving(write) as port:
            allowed = [f"http://127.0.0.1:{port}"] if allow else []
            async with Client(allow=allowed, clock=Hands().clock(), **settings) as client:
                return await client.send(request(port))

    return run(asked())


class TestSending:
    def test_a_reply_comes_back_whole_with_when_and_where(self) -> None:
        reply = run(ask(ASK, Network([httpx.Response(200, headers={"X-Request-Id": "7"}, content=b"{}")])))
        assert reply == Reply(200, (("x-request-id", "7"),), b"{}", ASK.url, NOW, 0.0)

    def test_what_is_sent_says_who_asks_and_asks_for_nothing_that_cannot_be_unpacked(self) -> None:
        network = Network([GOOD])
        run(ask(replace(ASK, headers={**ASK.headers, "Accept-Encoding": "br"}), network))
        sent = network.sent[0]
        assert (sent.method, sent.content, sent.headers["host"]) == ("POST", b"{}", "api.example")
        assert sent.headers["user-agent"] == USER_AGENT
        assert sent.headers["accept-encoding"] == "gzip"
        assert sent.headers["authorization"] == f"Bearer {KEY}"

    def test_a_packed_reply_is_unpacked_and_says_no_more_that_it_was_packed(self) -> None:
        body = gzip.compress(b'{"a": 1}')
        reply = locally(
            lambda _: written(body=body, Content_Encoding="gzip"),
            lambda port: Request("GET", f"http://127.0.0.1:{port}/"),
        )
        assert reply.body == b'{"a": 1}'
        assert "content-encoding" not in dict(reply.headers)

    def test_a_bomb_is_refused_by_its_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "MAX_BODY", 100_000)
        bomb = gzip.compress(bytes(50_000_000))
        with pytest.raises(Unreadable, match="127.0.0.1: the reply is larger than 100,000 bytes"):
            locally(
                lambda _: written(body=bomb, Content_Encoding="gzip"),
                lambda port: Request("GET", f"http://127.0.0.1:{port}/"),
            )

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://site.example/",
            "file:///etc/passwd",
            "//site.example",
            "",
            "http://",
            "http://a:b:c/",
            "http://[::1/",
            "http://a..b/",
            f"http://{64 * 'a'}.example/",
        ],
    )
    def test_what_is_no_address_of_the_web_is_refused(self, url: str) -> None:
        with pytest.raises(Refused):
            run(ask(Request("GET", url), Network([GOOD])))

    def test_a_password_in_an_address_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(Refused, match="api.example: a password stands in the address") as raised:
            run(ask(Request("GET", f"https://me:{KEY}@api.example/"), Network([GOOD])))
        assert KEY not in str(raised.value)

    @pytest.mark.parametrize("value", [f"Bearer {KEY}\n", f"Bearer {KEY}é", f" {KEY}", "a\x00b"])
    def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(self, value: str) -> None:
        with pytest.raises(Refused, match="the header x-api-key holds") as raised:
            run(ask(Request("GET", "https://api.example", {"x-api-key": value}), Network([GOOD])))
        assert KEY not in repr(raised.value)

    def test_every_certificate_is_verified(self) -> None:
        client = Client()
        for network in (client._to_apis, client._to_pages):
            assert isinstance(network, httpx.AsyncHTTPTransport)
            context = network._pool._ssl_context
            assert context is not None
            assert context.verify_mode == ssl.CERT_REQUIRED
            assert context.check_hostname

    def test_a_certificate_nobody_vouches_for_is_refused_at_once(self) -> None:
        untrusted = httpx.ConnectError("failed")
        untrusted.__cause__ = failure = ssl.SSLCertVerificationError()
        failure.verify_message = "self-signed certificate"
        network = Network([untrusted])
        with pytest.raises(Refused, match="api.example has no certificate to trust .self-signed"):
            run(ask(ASK, network))
        assert len(network.sent) == 1


class TestPatience:
    def test_a_wait_that_is_named_is_kept_and_the_attempts_are_counted(self) -> None:
        hands = Hands()
        reply = run(ask(ASK, Network([BUSY, GOOD]), hands))
        assert (reply.status, reply.attempts, reply.unanswered) == (200, 2, 0)
        assert hands.slept == [34]

    def test_the_reply_that_came_tells_when_its_own_request_was_sent(self) -> None:
        assert (run(ask(ASK, Network([BUSY, GOOD]))).sent_at - NOW).total_seconds() == 34

    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 413])
    def test_a_final_error_is_returned_at_once(self, status: int) -> None:
        network, hands = Network([httpx.Response(status, content=b"why"), GOOD]), Hands()
        reply = run(ask(ASK, network, hands))
        assert (reply.status, reply.body, len(network.sent), hands.slept) == (status, b"why", 1, [])

    def test_spent_money_slows_no_other_request(self) -> None:
        spent = httpx.Response(429, content=b'{"error": {"code": "insufficient_quota"}}')

        async def two() -> Reply:
            async with Client(network=Network([spent]).transport(), clock=Hands().clock()) as client:
                await client.send(ASK)
                return await client.send(ASK)

        assert run(two()).sent_at == NOW

    def test_the_last_reply_is_evidence_when_patience_ends(self) -> None:
        network = Network([httpx.Response(503, content=b"overloaded")])
        reply = run(ask(ASK, network, patience=Patience(attempts=3)))
        assert (reply.status, reply.body, reply.attempts, len(network.sent)) == (503, b"overloaded", 3, 3)

    def test_a_wait_beyond_patience_is_not_begun_and_holds_up_nobody_else(self) -> None:
        hands = Hands()

        async def two() -> Reply:
            later = httpx.Response(429, headers={"retry-after": "3600"})
            async with Client(network=Network([later, GOOD]).transport(), clock=hands.clock()) as client:
                assert (await client.send(ASK)).status == 429
                return await client.send(ASK)

        assert run(two()).status == 200
        assert hands.seconds < 1

    def test_a_host_that_asks_for_patience_gets_it_from_every_request(self) -> None:
        hands, network = Hands(), Network([BUSY, GOOD])

        async def two() -> Reply:
            async with Client(network=network.transport(), clock=hands.clock()) as client:
                first = asyncio.create_task(client.send(ASK))
                await asyncio.sleep(0.001)
                second = await client.send(ASK)
                await first
                return second

        assert (run(two()).sent_at - NOW).total_seconds() >= 34

    def test_a_lost_attempt_that_may_have_been_billed_is_marked(self) -> None:
        reply = run(ask(ASK, Network([httpx.ReadTimeout("slow"), GOOD])))
        assert (reply.status, reply.attempts, reply.unanswered) == (200, 2, 1)

    @pytest.mark.parametrize("lost", [httpx.ConnectError("no"), httpx.ConnectTimeout("no")])
    def test_an_attempt_that_never_arrived_is_not_marked(self, lost: Exception) -> None:
        assert run(ask(ASK, Network([lost, GOOD]))).unanswered == 0

    def test_when_no_reply_comes_the_error_says_so_and_what_may_have_been_billed(self) -> None:
        network = Network([httpx.ReadError(f"while sending {KEY}")])
        with pytest.raises(
            NoReply, match="api.example gave no reply in 2 attempts, of which 2 may have been billed"
        ) as raised:
            run(ask(ASK, network))
        assert raised.value.unanswered == len(network.sent) == 2
        assert KEY not in str(raised.value)

    def test_a_request_that_costs_nothing_is_sent_as_often_as_allowed(self) -> None:
        network = Network([httpx.RemoteProtocolError("cut")])
        with pytest.raises(NoReply):
            run(ask(Request("GET", "https://api.example/"), network))
        assert len(network.sent) == 5

    def test_a_body_that_never_ends_is_given_up_in_time(self) -> None:
        async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")

        async def slow() -> Reply:
            patience = Patience(answer=0.05, unanswered=1)
            async with serving(drip) as port, Client(clock=Hands().clock(), patience=patience) as client:
                return await client.send(replace(ASK, url=f"http://127.0.0.1:{port}/"))

        with pytest.raises(NoReply, match="it took too long") as raised:
            run(slow())
        assert raised.value.unanswered == 1

    def test_a_connection_that_is_cut_inside_a_reply_is_no_reply(self) -> None:
        async def cut(_: bytes, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            writer.close()

        async def asked() -> Reply:
            async with serving(cut) as port, Client(clock=Hands().clock()) as client:
                return await client.send(replace(ASK, url=f"http://127.0.0.1:{port}/"))

        with pytest.raises(NoReply, match="RemoteProtocolError"):
            run(asked())

    def test_a_request_that_is_called_off_frees_its_connection(self) -> None:
        async def first_hangs(head: bytes, writer: asyncio.StreamWriter) -> None:
            if b"/hang" not in head:
                writer.write(written(body=b"{}"))

        async def asked() -> Reply:
            async with serving(first_hangs) as port, Client(connections=1, clock=Hands().clock()) as client:
                hanging = asyncio.create_task(client.send(replace(ASK, url=f"http://127.0.0.1:{port}/hang")))
                await asyncio.sleep(0.01)
                hanging.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await hanging
                return await client.send(replace(ASK, url=f"http://127.0.0.1:{port}/"))

        assert run(asked()).attempts == 1


class TestPace:
    def test_each_host_keeps_its_own_pace(self) -> None:
        hands, network = Hands(), Network([GOOD])

        async def six() -> list[Reply]:
            paces = {"api.example": Pace(2.0), "127.0.0.1:8080": Pace(5.0)}
            async with Client(network=network.transport(), clock=hands.clock(), paces=paces) as client:
                urls = ["https://api.example/", "http://127.0.0.1:8080/", "https://quick.example/"]
                return [await client.send(Request("GET", url)) for url in urls * 2]

        sent = [(reply.sent_at - NOW).total_seconds() for reply in asyncio.run(six())]
        assert sent == [0, 0, 0, 2, 5, 5]

    def test_pages_are_spared_more_than_apis_and_the_sandbox_not_at_all(self) -> None:
        async def sent(request: Request) -> float:
            hands, network = Hands(), Network([GOOD])
            allow = ["http://127.0.0.1:8080"]
            async with Client(network=network.transport(), clock=hands.clock(), allow=allow) as client:
                await client.send(request)
                return ((await client.send(request)).sent_at - NOW).total_seconds()

        assert asyncio.run(sent(ASK)) == 0
        assert asyncio.run(sent(replace(PAGE, url="http://127.0.0.1:8080/page"))) == 0
        assert asyncio.run(sent(PAGE)) == 2  # after robots.txt and the first page, one second each

    def test_no_more_connections_than_allowed_over_all_hosts(self) -> None:
        inside, most = 0, 0

        async def hold(_: httpx.Request) -> httpx.Response:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            return httpx.Response(200)

        async def many() -> None:
            async with Client(network=httpx.MockTransport(hold), connections=4, clock=Hands().clock()) as client:
                await asyncio.gather(*(client.send(Request("GET", f"https://h{n}.example/")) for n in range(20)))

        asyncio.run(many())
        assert most == 4


class TestRedirects:
    def test_an_api_never_sends_a_credential_to_another_host(self) -> None:
        network = Network([httpx.Response(307, headers={"location": "https://elsewhere.example/"}), GOOD])
        assert run(ask(ASK, network)).status == 307
        assert [sent.url.host for sent in network.sent] == ["api.example"]

    @pytest.mark.parametrize("elsewhere", ["http://api.example/v2", "https://api.example:8443/v2"])
    def test_nor_to_another_scheme_or_port_of_its_own(self, elsewhere: str) -> None:
        assert run(ask(ASK, Network([httpx.Response(307, headers={"location": elsewhere}), GOOD]))).status == 307

    def test_an_api_may_move_an_address_within_its_host(self) -> None:
        network = Network([httpx.Response(308, headers={"location": "/v2/ask"}), GOOD])
        reply = run(ask(ASK, network))
        assert (reply.status, reply.url) == (200, "https://api.example/v2/ask")
        assert (network.sent[1].method, network.sent[1].content) == ("POST", b"{}")

    def test_a_post_is_never_turned_into_a_get(self) -> None:
        assert run(ask(ASK, Network([httpx.Response(302, headers={"location": "/done"}), GOOD]))).status == 302

    def test_a_page_is_followed_and_says_where_it_was_found(self) -> None:
        moved = httpx.Response(301, headers={"location": "https://www.site.example/new"})
        reply = run(ask(PAGE, Network([NO_ROBOTS, moved, NO_ROBOTS, GOOD])))
        assert (reply.status, reply.url) == (200, "https://www.site.example/new")

    def test_a_page_that_is_not_to_be_followed_is_not(self) -> None:
        moved = httpx.Response(302, headers={"location": "https://source.example/"})
        reply = run(ask(replace(PAGE, method="HEAD", follow=False), Network([NO_ROBOTS, moved])))
        assert dict(reply.headers)["location"] == "https://source.example/"

    def test_a_page_with_a_credential_does_not_carry_it_away(self) -> None:
        network = Network([NO_ROBOTS, httpx.Response(302, headers={"location": "https://elsewhere.example/"}), GOOD])
        assert run(ask(replace(PAGE, secrets=(KEY,)), network)).status == 302

    def test_a_chain_without_end_is_given_up(self) -> None:
        network = Network([NO_ROBOTS, httpx.Response(302, headers={"location": "/again"})])
        with pytest.raises(Refused, match="site.example redirects more than 5 times"):
            run(ask(PAGE, network))
        assert len(network.sent) == 7

    @pytest.mark.parametrize(
        "location", ["file:///etc/passwd", "ftp://site.example/", "http://[::1/", "//me:pw@site.example/"]
    )
    def test_a_redirect_to_no_page_is_refused(self, location: str) -> None:
        with pytest.raises(Refused):
            run(ask(PAGE, Network([NO_ROBOTS, httpx.Response(302, headers={"location": location})])))

    @given(st.text(max_size=40).map(lambda rest: f"http:{rest}") | st.text(max_size=40))
    def test_no_redirect_breaks_the_way_out(self, location: str) -> None:
        async def literal(host: str, port: int) -> list[str]:
            return [str(found[4][0]) for found in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]

        async def serve(request: httpx.Request) -> httpx.Response:
            if request.url.host == "site.example":
                return httpx.Response(302, headers={b"location": location.encode("utf-8", "surrogatepass")})
            try:
                await Guard(look_up=literal)._checked(request.url.raw_host.decode(), 80)
            except httpcore.ConnectError as error:
                raise httpx.ConnectError(str(error)) from error
            return httpx.Response(200)

        async def fetch() -> Reply:
            async with Client(network=httpx.MockTransport(serve), clock=Hands().clock()) as client:
                return await client._send(PAGE, robots=False)

        with suppress(CrawlError):
            assert run(fetch()).status in {200, 302}

    def test_a_redirect_may_be_written_in_any_letters(self) -> None:
        moved = httpx.Response(301, headers={b"location": "/gr\u00f6\u00dfe".encode()})
        assert run(ask(PAGE, Network([NO_ROBOTS, moved, GOOD]))).url == "https://site.example/gr%C3%B6%C3%9Fe"


class TestGuard:
    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "localhost", "[::ffff:127.0.0.1]"]
    )
    def test_a_page_of_this_machine_is_refused_in_every_spelling(self, host: str) -> None:
        with pytest.raises(Refused):
            locally(
                lambda _: written(), lambda port: Request("GET", f"http://{host}:{port}/", public=True), allow=False
            )

    @pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "169.254.169.254", "[::1]"])
    def test_a_redirect_into_a_private_network_is_refused(self, host: str) -> None:
        seen: list[bytes] = []

        def serve(head: bytes) -> bytes:
            seen.append(head)
            return (
                written("404 Not Found")
                if b"robots.txt" in head
                else written("302 Found", Location=f"http://{host}/secret")
            )

        with pytest.raises(Refused, match="private network"):
            locally(serve, lambda port: Request("GET", f"http://127.0.0.1:{port}/", public=True))
        assert len(seen) == 2

    def test_the_sandbox_that_was_named_is_reached(self) -> None:
        reply = locally(
            lambda _: written(body=b"a page"), lambda port: Request("GET", f"http://127.0.0.1:{port}/p", public=True)
        )
        assert reply.body == b"a page"

    def test_a_name_that_changes_between_check_and_connection_gains_nothing(self) -> None:
        asked: list[str] = []
        heard: list[bytes] = []

        async def rebinding(host: str, _: int) -> list[str]:
            asked.append(host)
            return ["93.184.216.34" if len(asked) == 1 else "127.0.0.1"]

        async def serve(head: bytes, writer: asyncio.StreamWriter) -> None:
            heard.append(head)
            writer.write(written(body=b"a page"))

        async def fetch() -> tuple[Reply, list[str]]:
            async with serving(serve) as port:
                internet = Rerouted(port)
                network = http._Network(httpx.create_ssl_context(), 2, Guard(look_up=rebinding, network=internet))
                async with Client(network=network, clock=Hands().clock()) as client:
                    return await client.send(replace(PAGE, url="http://rebinding.example/page")), internet.dialled

        reply, dialled = asyncio.run(fetch())
        assert reply.body == b"a page"
        assert asked == ["rebinding.example"]
        assert dialled == ["93.184.216.34"]
        assert all(b"Host: rebinding.example\r\n" in head for head in heard)

    def test_an_api_on_this_machine_may_be_asked_since_a_person_named_it(self) -> None:
        asked = locally(
            lambda _: written(body=b"{}"), lambda port: replace(ASK, url=f"http://127.0.0.1:{port}"), allow=False
        )
        assert asked.status == 200


class TestRobots:
    RULES = httpx.Response(200, content=b"User-agent: *\nDisallow: /private\nCrawl-delay: 9")

    def test_a_page_a_site_keeps_from_robots_is_refused(self) -> None:
        network = Network([self.RULES, GOOD])
        with pytest.raises(Refused, match="https://site.example/robots.txt does not allow"):
            run(ask(replace(PAGE, url="https://site.example/private/a"), network))
        assert [str(sent.url) for sent in network.sent] == ["https://site.example/robots.txt"]

    def test_the_delay_a_site_asks_for_is_kept(self) -> None:
        assert (run(ask(PAGE, Network([self.RULES, GOOD]))).sent_at - NOW).total_seconds() == 1

        async def two() -> Reply:
            async with Client(network=Network([self.RULES, GOOD]).transport(), clock=Hands().clock()) as client:
                await client.send(PAGE)
                return await client.send(PAGE)

        assert (run(two()).sent_at - NOW).total_seconds() == 10

    @pytest.mark.parametrize("rules", [RULES, httpx.Response(404), httpx.Response(410)])
    def test_the_rules_themselves_are_fetched_as_they_are_whatever_they_say(self, rules: httpx.Response) -> None:
        network = Network([rules])
        reply = run(ask(replace(PAGE, url="https://site.example/robots.txt"), network))
        assert (reply.status, len(network.sent)) == (rules.status_code, 1)

    def test_a_redirect_is_checked_by_the_rules_of_where_it_leads(self) -> None:
        moved = httpx.Response(301, headers={"location": "https://other.example/private"})
        with pytest.raises(Refused, match="other.example/robots.txt"):
            run(ask(PAGE, Network([NO_ROBOTS, moved, self.RULES, GOOD])))

    def test_rules_that_point_at_each_other_are_given_up(self) -> None:
        def ring(request: httpx.Request) -> httpx.Response:
            other = "b" if request.url.host.startswith("a") else "a"
            return httpx.Response(302, headers={"location": f"https://{other}.example/robots.txt"})

        async def fetch() -> Reply:
            async with asyncio.timeout(5), Client(network=httpx.MockTransport(ring), clock=Hands().clock()) as client:
                return await client.send(replace(PAGE, url="https://a.example/"))

        with pytest.raises(Refused, match="more than 5 times"):
            run(fetch())

    def test_a_site_in_trouble_is_left_alone_for_now(self) -> None:
        with pytest.raises(Throttled, match="try again later"):
            run(ask(PAGE, Network([httpx.Response(503)])))

    def test_an_api_has_no_robots(self) -> None:
        network = Network([GOOD])
        run(ask(ASK, network))
        assert len(network.sent) == 1


class TestCache:
    FRESH = httpx.Response(
        200, headers={"cache-control": "max-age=3600", "content-type": "text/html"}, content=b"a page"
    )

    def twice(self, request: Request, folder: Path) -> tuple[list[Reply], int]:
        network = Network([NO_ROBOTS, self.FRESH] if request.public else [self.FRESH])

        async def two() -> list[Reply]:
            async with Client(network=network.transport(), clock=Hands().clock(), cache=folder) as client:
                return [await client.send(request), await client.send(request)]

        return asyncio.run(two()), sum("robots" not in str(sent.url) for sent in network.sent)

    def test_a_page_that_is_fresh_is_not_fetched_again(self, tmp_path: Path) -> None:
        replies, fetched = self.twice(PAGE, tmp_path)
        assert [reply.body for reply in replies] == [b"a page"] * 2
        assert fetched == 1

    @pytest.mark.parametrize(
        "request_",
        [
            replace(PAGE, secrets=(KEY,), url=f"https://site.example/?key={KEY}"),
            replace(PAGE, headers={"Authorization": f"Bearer {KEY}"}),
            Request("GET", "https://api.example/", secrets=(KEY,)),
            Request("GET", "https://api.example/"),
        ],
    )
    def test_nothing_with_a_credential_and_no_api_is_kept(self, request_: Request, tmp_path: Path) -> None:
        _, fetched = self.twice(request_, tmp_path)
        assert fetched == 2
        assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    def test_a_page_that_is_too_large_is_not_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "MAX_BODY", 5)
        with pytest.raises(Unreadable):
            self.twice(PAGE, tmp_path)


class TestSecrecy:
    def test_no_log_holds_a_secret_however_much_is_logged(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        caplog.set_level(logging.DEBUG)
        headers = {"Authorization": f"Bearer {KEY}"}
        reply = locally(
            lambda _: written("401 Unauthorized", b"bad key " + KEY.encode(), Location=f"/?key={KEY}"),
            lambda port: Request("GET", f"http://127.0.0.1:{port}/?api_key={KEY}", headers, secrets=(KEY,)),
            cache=tmp_path,
        )
        assert KEY not in caplog.text
        assert KEY not in repr(reply)
        assert reply.body == b"bad key REDACTED"
        assert reply.url.endswith("/?api_key=REDACTED")

    @pytest.mark.parametrize(
        "lost", [httpx.ReadError(KEY), httpx.LocalProtocolError(f"Illegal header value b'{KEY}\\n'")]
    )
    def test_no_error_holds_a_secret_nor_what_it_came_from(self, lost: Exception) -> None:
        with pytest.raises(CrawlError) as raised:
            run(ask(ASK, Network([lost])))
        assert KEY not in str(raised.value)
        assert raised.value.__cause__ is None
