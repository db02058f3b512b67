"""What sites permit whom: robots.txt, tdmrep.json, ai.txt and llms.txt of each of their hosts.

Every fact is about a host, by what holds for its first page ("/"). Pages that are named and for which robots.txt says
something else have facts of their own beside it, of the same moment. A robots.txt that is not there (4xx) allows
everything. One that cannot be read (5xx, no reply) forbids everything by RFC 9309 for as long as that lasts: what the
site wants is unknown, and told so.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from crawlers.base import Gathered, Http, Reply, Request, Service, Source, Wanted
from crawlers.pages import address, hosts, permissions
from crawlers.permissions import tdmrep, text_files, usage
from crawlers.permissions.addressed import addressed, tokens
from crawlers.permissions.robots_rules import Robots, parse
from crawlers.permissions.said import Said, State
from geo_flywheel.errors import NoReply, Throttled, Unreadable
from geo_flywheel.records import Capture, Fact

ROBOTS = "/robots.txt"
OF_PATHS = frozenset({"robots", "content_signal"})
"""Signals that only robots.txt gives, so that no page says otherwise itself."""
_FILES = (ROBOTS, tdmrep.PATH, text_files.AI_TXT, text_files.LLMS_TXT)
_MOST_PAGES = 1_000


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield the files of every host that sites and pages name; that a known host is silent is a reply of status 0."""
    for site in wanted.sites:
        for host in (found := hosts(site, wanted.pages)):
            origin = f"https://{host}"
            pages = [page for page in wanted.pages if urlsplit(page).netloc.lower() == host][:_MOST_PAGES]
            silent = False
            for path in _FILES if not silent else ():
                reply = await _reply(http, address(service.url, origin + path))
                silent = reply.status == 0 and path == ROBOTS
                if silent and host != found[0]:  # a name with www that was only tried
                    break
                yield Gathered(reply, {"host": host, "file": path, "pages": "\n".join(pages)})


async def _reply(http: Http, url: str) -> Reply:
    try:
        return await http.send(Request("GET", url, public=True))
    except (NoReply, Throttled):
        now = datetime.now(UTC).replace(tzinfo=None)
        return Reply(0, (), b"", url, now, 0.0)


def read(capture: Capture) -> Iterator[Fact]:
    """Yield what a file of a host permits whom.

    Raises:
        Unreadable: If nothing says which file of which host it is, or when it was fetched.
    """
    host, file = capture.options.get("host"), capture.options.get("file")
    if not host or file not in _FILES or capture.asked_at is None:
        raise Unreadable(f"{capture.name}: no file of a host; gather it again")
    front = f"https://{host}/"
    about_host = list(_said(file, capture, front))
    yield from permissions(host, "host", about_host, capture.asked_at)
    held = {_apart_from_value(said) for said in about_host}
    for page in capture.options.get("pages", "").split() if file == ROBOTS else ():
        other = [said for said in _said(file, capture, page) if _apart_from_value(said) not in held]
        here = [said for said in other if said.signal in OF_PATHS]
        yield from permissions(page, "page", here, capture.asked_at)


def _apart_from_value(said: Said) -> Said:
    return said._replace(value=None)


def _said(file: str, capture: Capture, url: str) -> Iterable[Said]:
    status = capture.http_status or 0
    if file == tdmrep.PATH:
        return tdmrep.of_file(status, capture.body, url)
    if file == text_files.AI_TXT:
        return text_files.of_ai_txt(status, capture.body, url.rstrip("/"))
    if file == text_files.LLMS_TXT:
        return text_files.of_llms_txt(status, capture.body)
    if status == HTTPStatus.OK:
        robots = parse(capture.body)
        return [*_access(robots, url), *usage.of_robots(robots, tokens().values(), url)]
    return _without(status)


def _access(robots: Robots, url: str) -> Iterator[Said]:
    for token, purpose in addressed():
        state, value = robots.access(token, url)
        yield Said("robots", token, purpose, state, value)


def _without(status: int) -> Iterator[Said]:
    """What holds where there is no robots.txt, or none that can be read."""
    state: State = "unknown"
    value = f"{f'HTTP {status}' if status else 'no reply'}: RFC 9309 forbids everything until it can be read"
    if (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.TOO_MANY_REQUESTS
    ):
        state, value = "allowed", f"HTTP {status}: no robots.txt; RFC 9309 allows everything"
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
