"""What sites permit, asked over HTTP at the sandbox and by replies a test decides."""

from collections import Counter
from datetime import datetime

import pytest

from crawlers.base import Reply, Request, Service
from crawlers.corpora.robots import SOURCE
from crawlers.permissions.addressed import addressed
from crawlers.sandbox import site_files
from geo_flywheel.errors import NoReply, Refused, Throttled, Unreadable
from geo_flywheel.records import Capture, Permission
from geo_flywheel.simulate.scenery import host
from tests.crawlers.corpora.gathering import captured, sandbox, wanted
from tests.crawlers.corpora.open_web import OpenWeb, asked, at_the_sandbox

_NOW = datetime(2026, 3, 2, 12)
_HOST, _ORIGIN = "www.a.example", "https://www.a.example"


def permissions(capture: Capture) -> list[Permission]:
    return [fact for fact in SOURCE.read(capture) if isinstance(fact, Permission)]


def robots(status: int, body: bytes, *pages: str) -> list[Permission]:
    options = {"host": _HOST, "file": "/robots.txt", "pages": "\n".join(pages)}
    return permissions(Capture("robots", body, f"{_ORIGIN}/robots.txt", _NOW, status, options=options))


def states(said: list[Permission], signal: str = "robots") -> dict[str | None, str]:
    return {each.agent: each.state for each in said if each.signal == signal and each.unit_kind == "host"}


def test_every_agent_is_told_for_its_purpose_about_the_host() -> None:
    said = robots(200, b"User-agent: GPTBot\nDisallow: /\n")
    told = {each.agent: each for each in said if each.signal == "robots"}
    assert set(told) == {each.token for each in addressed()}
    assert told["GPTBot"] == Permission(
        "robots", _HOST, "host", "GPTBot", "training", "disallowed", "User-agent: GPTBot; Disallow: /", _NOW
    )
    assert (told["CCBot"].state, told["CCBot"].value) == (
        "allowed",
        "no group is for it: RFC 9309 allows everything",
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 301])
def test_a_robots_txt_that_is_not_there_allows_everything(status: int) -> None:
    said = robots(status, b"User-agent: *\nDisallow: /\n")
    assert set(states(said).values()) == {"allowed"}
    assert states(said, "content_signal") == {None: "not_stated"}
    assert said[0].value == f"HTTP {status}: no robots.txt; RFC 9309 allows everything"


@pytest.mark.parametrize(
    ("status", "told"), [(500, "HTTP 500"), (503, "HTTP 503"), (429, "HTTP 429"), (0, "could not be fetched")]
)
def test_one_that_cannot_be_read_is_unknown_and_forbids_by_the_standard(status: int, told: str) -> None:
    said = robots(status, b"")
    assert set(states(said).values()) == {"unknown"}
    assert states(said, "content_usage") == {None: "unknown"}
    assert said[0].value == f"{told}: RFC 9309 forbids everything until it can be read"


def test_pages_of_which_it_says_something_else_have_facts_of_their_own() -> None:
    body = b"User-agent: GPTBot\nDisallow: /\nAllow: /open/\n\nUser-agent: *\nContent-Signal: /open/ ai-train=yes\n"
    said = [each for each in robots(200, body, f"{_ORIGIN}/open/1", f"{_ORIGIN}/x") if each.unit_kind == "page"]
    assert {(each.unit, each.signal, each.agent, each.state) for each in said} == {
        (f"{_ORIGIN}/open/1", "robots", "GPTBot", "allowed"),
        (f"{_ORIGIN}/open/1", "content_signal", None, "allowed"),
    }


def test_each_file_is_read_by_its_own_rules() -> None:
    def file(path: str, body: bytes) -> tuple[str, str, str]:
        options = {"host": _HOST, "file": path}
        (said,) = permissions(Capture("robots", body, "x", _NOW, 200, options=options))
        return said.signal, said.purpose, said.state

    assert file("/.well-known/tdmrep.json", b'[{"location": "/", "tdm-reservation": 1}]') == (
        *("tdmrep", "training"),
        "disallowed",
    )
    assert file("/ai.txt", b"User-Agent: *\nDisallow: /") == ("ai_txt", "training", "disallowed")
    assert file("/llms.txt", b"# Us") == ("llms_txt", "discovery", "not_stated")


@pytest.mark.parametrize("options", [{}, {"host": _HOST}, {"host": _HOST, "file": "/other.txt"}])
def test_a_reply_of_which_nobody_knows_what_it_is_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match="gather it again"):
        permissions(Capture("robots", b"", "x", _NOW, 200, options=options))


def test_the_files_of_every_host_are_asked_for_as_pages_of_the_open_web() -> None:
    web = OpenWeb({f"{_ORIGIN}/robots.txt": (200, b"")})
    came = asked(SOURCE, web, wanted("a.example", pages=(f"{_ORIGIN}/x", "https://b.example/")))
    assert [request.url.removeprefix(_ORIGIN) for request in web.sent] == [
        *("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt", "/llms.txt")
    ]
    assert all(request.public for request in web.sent)
    assert [(one.reply.status, one.options["host"]) for one in came] == [(200, _HOST), *[(404, _HOST)] * 3]
    assert came[0].options["pages"] == f"{_ORIGIN}/x"


@pytest.mark.parametrize("trouble", [NoReply("nobody"), Throttled("later"), Refused("no certificate to trust")])
def test_a_host_that_cannot_be_asked_is_told_as_that_and_one_that_was_only_tried_is_left_out(
    trouble: Exception,
) -> None:
    web = OpenWeb({}, trouble)
    (one,) = asked(SOURCE, web, wanted("a.example"))
    assert (one.reply.status, one.reply.body, one.options["problem"]) == (0, b"", str(trouble))
    assert set(states(permissions(captured("robots", one))).values()) == {"unknown"}
    assert [request.url for request in web.sent] == [f"https://{name}a.example/robots.txt" for name in ("", "www.")]


def test_a_file_that_robots_txt_keeps_from_us_is_unknown_and_stops_nothing() -> None:
    web = OpenWeb({f"{_ORIGIN}/robots.txt": (200, b"User-agent: *\nDisallow: /")}, Refused("robots.txt does not allow"))
    came = asked(SOURCE, web, wanted("www.a.example"))
    said = [fact for one in came for fact in permissions(captured("robots", one)) if fact.signal != "robots"]
    unknown = {(each.signal, each.value) for each in said if each.state == "unknown"}
    assert unknown == {(signal, "could not be fetched") for signal in ("tdmrep", "ai_txt", "llms_txt")}


def test_a_page_is_judged_in_no_time_however_many_agents_there_are() -> None:
    agents = "".join(f"User-agent: {each.token}\n" for each in addressed())
    body = agents + "".join(f"Disallow: /{n}/*x\n" for n in range(4_000)) + "Disallow: /p/1\n"
    said = robots(200, body.encode(), *(f"{_ORIGIN}/p/{n}" for n in range(30)))
    told = [each for each in said if each.unit_kind == "page"]
    assert {each.unit for each in told} == {f"{_ORIGIN}/p/{n}" for n in range(30) if str(n).startswith("1")}


def test_the_sites_of_the_sandbox_say_what_they_were_made_to_say() -> None:
    market = sandbox(0)
    came = at_the_sandbox(market, SOURCE, wanted(*(host(site) for site in range(site_files.WAYS))))
    said = [fact for one in came for fact in permissions(captured("robots", one))]
    forbidden = {(each.unit, each.signal, each.purpose) for each in said if each.state == "disallowed"}
    assert forbidden == {
        (host(1), "robots", "training"),
        (host(2), "content_signal", "training"),
        (host(2), "content_usage", "training"),
        (host(4), "tdmrep", "training"),
        (host(5), "ai_txt", "training"),
    }
    assert Counter(each.state for each in said)["unknown"] == 0
    (guide,) = [each for each in said if each.signal == "llms_txt" and each.value]
    assert (guide.unit, guide.state, guide.value) == (host(5), "not_stated", "# What we tested")


def test_a_service_may_stand_for_the_whole_web() -> None:
    web = OpenWeb({})
    asked(SOURCE, web, wanted("shop.a.example"), Service("robots", "http://127.0.0.1:9/sites"))
    assert web.sent[0].url == "http://127.0.0.1:9/sites/shop.a.example/robots.txt"
    assert isinstance(web.sent[0], Request)
    assert Reply(404, (), b"", "", _NOW, 0.0).attempts == 1
