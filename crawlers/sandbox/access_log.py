"""The access log of a site of the market, one week, in the Combined format.

Fetches are those of AI crawlers and visits those of people who came out of an answer, each as many as the market
draws for page and day. Client addresses are of the blocks for documentation (RFC 5737); `RANGES` are those of the
crawlers, as their operators publish them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from geo_flywheel.simulate.market import Counts, Market
from geo_flywheel.simulate.scenery import host, path

_SECONDS_A_DAY = 86_400
_SEED_OF_LOGS = 101
_MOZILLA = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; "


class _Client(NamedTuple):
    """Who sends a request.

    Attributes:
        network: The first three octets of the addresses it comes from.
        tag: What is added to the address of the page.
    """

    network: str
    agent: str
    referrer: str = "-"
    tag: str = ""


_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
_CRAWLERS = (
    _Client("192.0.2", f"{_MOZILLA}GPTBot/1.3; +https://openai.com/gptbot)"),
    _Client("192.0.2", f"{_MOZILLA}OAI-SearchBot/1.3; +https://openai.com/searchbot)"),
    _Client("192.0.2", f"{_MOZILLA}ClaudeBot/1.0; +claudebot@anthropic.com)"),
    _Client("192.0.2", f"{_MOZILLA}PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)"),
    _Client("192.0.2", "CCBot/2.0 (https://commoncrawl.org/faq/)"),
)
RANGES = {
    agent: {"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}
    for agent in ("GPTBot", "OAI-SearchBot", "ClaudeBot", "PerplexityBot", "CCBot")
}
_PEOPLE = (
    _Client("198.51.100", _CHROME, "https://chatgpt.com/", "?utm_source=chatgpt.com"),
    _Client("198.51.100", _CHROME, "https://chatgpt.com/"),
    _Client("203.0.113", _CHROME, "https://www.perplexity.ai/"),
    _Client("203.0.113", _CHROME, "https://claude.ai/"),
    _Client("203.0.113", _CHROME, "https://gemini.google.com/"),
)


def access_log(market: Market, site: int, week: int, monday: datetime) -> bytes:
    """Return the log of a site in a week, one line per request in the order of time.

    Args:
        market: What is seen.
        site: Number of the site.
        week: Number of the week.
        monday: The week's first moment, naive UTC.
    """
    pages = np.flatnonzero(market.site == site)
    paths = [path(market, int(page)) for page in pages]
    rng = np.random.default_rng((market.seed, _SEED_OF_LOGS, site, week))
    lines = [
        *_lines(rng, market.fetched(week)[pages], paths, _CRAWLERS),
        *_lines(rng, market.visited(week)[pages], paths, _PEOPLE),
    ]
    lines.sort(key=lambda line: line[0])
    return "".join(text.format((monday + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000"))
                   for second, text in lines).encode()  # fmt: skip


def market_log(market: Market, week: int, monday: datetime) -> bytes:
    """Return the logs of all sites in a week, one after the other, each line behind its host and port."""
    sites = ((f"{host(site)}:443 ", access_log(market, site, week, monday)) for site in range(market.world.sites))
    return b"".join(name.encode() + line for name, log in sites for line in log.splitlines(keepends=True))


def _lines(
    rng: np.random.Generator, counts: Counts, paths: Sequence[str], clients: Sequence[_Client]
) -> list[tuple[int, str]]:
    """The second in the week of each request, and its line with a gap for the time.

    Args:
        rng: Chance.
        counts: Requests, shape (page, day).
        paths: Path of each page.
        clients: Who may have sent them, each as likely.
    """
    number, day = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    seconds = day * _SECONDS_A_DAY + rng.integers(_SECONDS_A_DAY, size=day.size)
    who = rng.integers(len(clients), size=day.size)
    last = rng.integers(1, 255, size=day.size)
    return [
        (int(second), _line(clients[client], octet, paths[page]))
        for second, client, octet, page in zip(seconds, who, last, number, strict=True)
    ]


def _line(client: _Client, octet: int, where: str) -> str:
    request = f'"GET {where}{client.tag} HTTP/1.1" 200 {4000 + len(where)}'
    return f'{client.network}.{octet} - - [{{}}] {request} "{client.referrer}" "{client.agent}"\n'
