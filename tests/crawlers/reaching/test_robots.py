import asyncio
from time import process_time

import pytest

from crawlers.base import Reply
from crawlers.reaching.robots import Robots, parse
from geo_flywheel.errors import NoReply, Refused, Throttled
from tests.crawlers.loopback import Hands, reply

SITE = "https://site.example"
RULES = b"""\xef\xbb\xbfUser-agent: other
Disallow: /

User-agent: *
Disallow: /all

User-agent: Geo-Flywheel
User-agent: others
Disallow: /ours
Allow: /ours/open
Crawl-delay: 4
"""


class Site:
    def __init__(self, *replies: Reply) -> None:
        self.replies, self.fetched = list(replies), list[str]()

    async def fetch(self, url: str) -> Reply:
        self.fetched.append(url)
        await asyncio.sleep(0)
        return self.replies.pop(0)


@pytest.mark.parametrize(
    ("path", "allowed"), [("/", True), ("/all", True), ("/ours", False), ("/ours/shut", False), ("/ours/open", True)]
)
def test_the_group_that_names_us_decides(path: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    rules = parse(200, RULES)
    assert rules
    assert rules.can_fetch(f"{SITE}{path}", "geo-flywheel") is allowed


def test_without_such_a_group_the_one_for_all_decides() -> None:
    rules = parse(200, b"User-agent: bot\nDisallow: /\nUser-agent: *\nDisallow: /all")
    assert rules
    assert [rules.can_fetch(SITE + path, "geo-flywheel") for path in ("/", "/all")] == [True, False]


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 410, 451])
def test_a_file_that_is_not_there_allows_all(status: int) -> None:
    rules = parse(status, RULES)
    assert rules
    assert rules.can_fetch(f"{SITE}/ours", "geo-flywheel")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_site_in_trouble_allows_nothing_until_it_can_say_so(status: int) -> None:
    hands, site = Hands(), Site(reply(status), reply(404))
    robots = Robots(site.fetch, hands.clock())
    for _ in range(2):
        with pytest.raises(Throttled, match="site.example/robots.txt cannot be read now"):
            asyncio.run(robots.permit(SITE, f"{SITE}/a"))
    assert len(site.fetched) == 1
    hands.seconds = 600
    asyncio.run(robots.permit(SITE, f"{SITE}/a"))


def test_a_site_that_does_not_answer_allows_nothing() -> None:
    async def silent(url: str) -> Reply:
        raise NoReply(url)

    with pytest.raises(Throttled):
        asyncio.run(Robots(silent, Hands().clock()).permit(SITE, SITE))


def test_what_is_forbidden_is_refused_and_what_is_allowed_tells_its_delay() -> None:
    robots = Robots(Site(reply(200, RULES)).fetch, Hands().clock())
    with pytest.raises(Refused, match="does not allow geo-flywheel"):
        asyncio.run(robots.permit(SITE, f"{SITE}/ours"))
    assert asyncio.run(robots.permit(SITE, f"{SITE}/")).delay == 4


def test_rules_are_fetched_once_a_day_however_many_ask_at_once() -> None:
    hands, site = Hands(), Site(reply(404), reply(404))
    robots = Robots(site.fetch, hands.clock())

    async def many() -> None:
        await asyncio.gather(*(robots.permit(SITE, f"{SITE}/{number}") for number in range(20)))

    async def two_days() -> list[int]:
        fetched = []
        for hands.seconds in (0, 86_399, 86_400):
            await many()
            fetched.append(len(site.fetched))
        return fetched

    assert asyncio.run(two_days()) == [1, 1, 2]


def test_no_more_than_500_kib_are_read() -> None:
    rules = parse(200, b"User-agent: *\n" + b"#" * 500 * 1024 + b"\nDisallow: /")
    assert rules
    assert rules.can_fetch(SITE, "geo-flywheel")


@pytest.mark.parametrize("name", ["bot{}", "g{}", "geo-flywheel{}", "***"])
def test_many_names_times_many_rules_exhaust_nobody(name: str) -> None:
    agents = "".join(f"User-agent: {name.format(n)}{'*' * (n % 40)}\n" for n in range(10_000))
    body = (agents + "Disallow: /x\n" * 18_000).encode()
    start = process_time()
    assert parse(200, body)
    assert process_time() - start < 10  # seconds; without the guard it takes gigabytes and minutes
