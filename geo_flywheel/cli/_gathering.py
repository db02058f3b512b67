"""Put gathering together from a workspace: what `gather` and the schedule share."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from crawlers.base import Http, Wanted
    from crawlers.gather import Came
    from crawlers.http import Client
    from geo_flywheel.config import Config
    from geo_flywheel.workspace import Workspace

DAYS = 30
MOST_PAGES = 500  # of all sites; sources that are asked page by page are not asked about more


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be gathered.

    Attributes:
        names: Sources; none named means all that are configured.
        sites: None named means the configured ones, the person's own first.
        pages: None named means those of the sites that the store knows, the most cited first.
        since: First day, inclusive; None means 30 complete days, counted from `until`.
        until: Last day, inclusive; None means yesterday (UTC).
    """

    names: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


async def gather_once(
    workspace: "Workspace",
    order: Order,
    *,
    http: "Http",
    now: Callable[[], datetime],
    told: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> "list[Came]":
    """Gather what an order says and publish a closed copy of the store.

    Args:
        workspace: With sources in its configuration, unless the order names some.
        order: What is to be gathered.
        http: The way out.
        now: Naive UTC.
        told: Called with the name of a source whenever it has replied.
        stop: Set when nothing more shall be asked.

    Raises:
        ConfigError: If a source or an option is not known, none is meant, or the days are the wrong way round.
        StoreError: If store or archive cannot be written.
    """
    from crawlers.gather import Gathering, gather
    from crawlers.services import sources
    from geo_flywheel.store.copies import publish

    config = workspace.config()
    meant = sources(config.sources, os.environ, order.names)
    if not meant:
        raise ConfigError(
            "no source is configured; write a table such as [signals.hackernews] or [corpora.common_crawl_index] into "
            "geo-flywheel.toml, or name one"
        )
    work = Gathering(
        store=workspace.store_path,
        archive=workspace.archive_path,
        sources=meant,
        wanted=wanted(workspace, config, order, now().date()),
        http=http,
        now=now,
        told=told,
        stop=stop or asyncio.Event(),
    )
    came = await gather(work)
    if workspace.store_path.exists():
        await asyncio.to_thread(publish, workspace.store_path, workspace.published_path)
    return came


def wanted(workspace: "Workspace", config: "Config", order: Order, today: date) -> "Wanted":
    """Return what sources are asked about.

    Raises:
        ConfigError: If no site is known, or the days are the wrong way round.
    """
    from crawlers.base import Wanted

    sites = tuple(map(_host, order.sites)) or (*config.own, *config.rivals)
    if not sites:
        raise ConfigError('no site is known; write own = ["example.com"] under [site] in geo-flywheel.toml')
    until = order.until or today - timedelta(days=1)
    since = order.since or until - timedelta(days=DAYS - 1)
    if since > until:
        raise ConfigError(f"--since {since} comes after --until {until}; turn them round")
    return Wanted(sites, since, until, order.pages or tuple(_known_pages(workspace, sites)))


def _host(said: str) -> str:
    """A site or host as a person writes it on the command line."""
    from geo_flywheel.urls import site

    name = said.strip().lower()
    if "/" in name or not site(name):
        raise ConfigError(f"--site {said}: write a domain or a host, such as example.com")
    return name


def way_out(config: "Config") -> "Client":
    """Return the client that sources are asked with, each public service at its own pace."""
    from crawlers.gather import PACES
    from crawlers.http import Client

    return Client(allow=tuple(_sandboxes(config)), paces=PACES)


def _sandboxes(config: "Config") -> Iterator[str]:
    """The configured addresses on loopback, whose pages may be fetched where they are."""
    from urllib.parse import urlsplit

    for source in config.sources:
        if urlsplit(source.url).hostname in {"127.0.0.1", "localhost", "::1"}:
            yield source.url


def _known_pages(workspace: "Workspace", sites: tuple[str, ...]) -> list[str]:
    """Pages of the sites that the store knows, the most cited first."""
    from geo_flywheel.store.database import open_store

    if not workspace.store_path.exists():
        return []
    with open_store(workspace.store_path, read_only=True) as store:
        rows = store.rows(
            "SELECT g.url FROM page AS g LEFT JOIN citation AS c USING (page_no)"
            " WHERE g.resolved AND (list_contains($1, g.site) OR list_contains($1, g.site_key))"
            " GROUP BY g.url ORDER BY count(c.answer_no) DESC, g.url LIMIT $2",
            [list(sites), MOST_PAGES],
        )
    return [url for (url,) in rows]
