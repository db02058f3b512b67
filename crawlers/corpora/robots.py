"""What sites permit whom: robots.txt, tdmrep.json, ai.txt and llms.txt of each of their hosts.

Every fact is about a host, by what holds for its first page ("/"). Pages that are named and for which robots.txt says
something else have facts of their own beside it, of the same moment. A robots.txt that is not there (4xx) allows
everything. One that cannot be read (5xx, no reply) forbids everything by RFC 9309 for as long as that lasts: what the
site wants is unknown, and told so.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.pages import address, host_of, hosts, permissions
from crawlers.permissions import tdmrep, text_files, usage
from crawlers.permissions.addressed import addressed, tokens
from crawlers.permissions.robots_rules import Robots, parse
from crawlers.permissions.said import Said, State, as_told
from geo_flywheel.errors import CrawlError, Unreadable
from geo_flywheel.records import Capture, Fact

ROBOTS = "/robots.txt"
OF_PATHS = frozenset({"robots", "content_signal"})
"""Signals that only robots.txt gives, so that no page says otherwise itself."""
_FILES = (ROBOTS, tdmrep.PATH, text_files.AI_TXT, text_files.LLMS_TXT)
_MOST_PAGES = 1_000


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the files of every host that sites and pages name; what cannot be had is a reply of status 0."""
    for site in wanted.sites:
        first, *others = hosts(site, wanted.pages)
        async for gathered in _files(http, service.url, first, wanted.pages):
            yield gathered
        for host in others:
            tried = [each async for each in _files(http, service.url, host, wanted.pages)]
            if tried[0].reply.status:  # else a name that hardly anybody uses
                for gathered in tried:
                    yield gathered


async def _files(http: Http, base: str, host: str, pages: Iterable[str]) -> AsyncIterator[Gathered]:
    """The files of one host; of one whose robots.txt cannot be had nothing else is asked for."""
    named = "\n".join([page for page in pages if host_of(page) == host][:_MOST_PAGES])
    for path in _FILES:
        options = {"host": host, "file": path, "pages": named}
        url = address(base, f"https://{host}{path}")
        try:
            yield Gathered(await http.send(Request("GET", url, public=True)), options)
        except CrawlError as error:
            nothing = Reply(0, (), b"", url, datetime.now(UTC).replace(tzinfo=None), 0.0)
            yield Gathered(nothing, options | {"problem": str(error)})
            if path == ROBOTS:
                return


def read(capture: Capture) -> Iterator[Fact]:
    """Yield what a file of a host permits whom.

    Raises:
        Unreadable: If nothing says which file of which host it is, or when it was fetched.
    """
    host, file = capture.options.get("host"), capture.options.get("file")
    if not host or file not in _FILES or capture.asked_at is None:
        raise Unreadable(f"{capture.name}: no file of a host; gather it again")
    front, status, pages = f"https://{host}/", capture.http_status or 0, capture.options.get("pages", "").split()
    if file == tdmrep.PATH:
        said = tdmrep.of_file(status, capture.body, front)
    elif file == text_files.AI_TXT:
        said = text_files.of_ai_txt(status, capture.body, front)
    elif file == text_files.LLMS_TXT:
        said = text_files.of_llms_txt(status, capture.body)
    elif status == HTTPStatus.OK:
        yield from _of_robots(parse(capture.body), host, pages, capture.asked_at)
        return
    else:
        said = list(_without(status))
    yield from permissions(host, "host", said, capture.asked_at)


def _of_robots(robots: Robots, host: str, pages: Iterable[str], now: datetime) -> Iterator[Fact]:
    """What a robots.txt says of a host, and of each page of which it says something else."""
    front = f"https://{host}/"
    usages = usage.of_robots(robots, tokens().values(), front)
    yield from permissions(host, "host", [*_access(robots, front, {}), *usages], now)
    held = {token: robots.state(token, front) for token in tokens().values()}
    stated = {_apart_from_value(said) for said in usages}
    for page in pages:
        yield from permissions(page, "page", _access(robots, page, held), now)
        here = [said for said in usage.of_robots(robots, tokens().values(), page) if said.signal in OF_PATHS]
        yield from permissions(page, "page", (said for said in here if _apart_from_value(said) not in stated), now)


def _access(robots: Robots, url: str, held: Mapping[str, State]) -> Iterator[Said]:
    """What each agent may fetch, but for what is held of it already."""
    for token, purpose in addressed():
        state = robots.state(token, url)
        if state != held.get(token):
            yield Said("robots", token, purpose, state, robots.says(token, url))


def _apart_from_value(said: Said) -> Said:
    return said._replace(value=None)


def _without(status: int) -> Iterator[Said]:
    """What holds where there is no robots.txt, or none that can be read."""
    state: State = "unknown"
    value = f"{as_told(status)}: RFC 9309 forbids everything until it can be read"
    if (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.TOO_MANY_REQUESTS
    ):
        state, value = "allowed", f"{as_told(status)}: no robots.txt; RFC 9309 allows everything"
    for token, purpose in addressed():
        yield Said("robots", token, purpose, state, value)
    for signal in usage.SIGNALS:
        yield Said(signal, None, "any", "unknown" if state == "unknown" else "not_stated", None)


SOURCE = Source(
    describe="robots.txt, tdmrep.json, ai.txt and llms.txt of each site: who may use it for what",
    gather=gather,
    read=read,
    url="",
)
