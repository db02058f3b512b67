"""Put a crawl together from a workspace: what `crawl`, `schedule run` and the sandbox's demo share."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from crawlers.base import Http, Service
    from crawlers.budget import Budget
    from crawlers.http import Client
    from crawlers.plan import Target
    from crawlers.run import Asked, Crawl, Tally
    from geo_flywheel.config import Config
    from geo_flywheel.records import Prompt
    from geo_flywheel.workspace import Workspace

Told = Callable[["Asked"], None]
Planned = Callable[["Mapping[Target, int]"], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be asked.

    Attributes:
        snapshot: Its name; a crawl of the same name goes on where the last one ended.
        adhoc: Questions in place of the basket's; they enter no basket.
        providers: Those of the configured ones that are asked; none named means all.
    """

    snapshot: str
    adhoc: "tuple[Prompt, ...]" = ()
    providers: tuple[str, ...] = ()


async def crawl_once(
    workspace: "Workspace",
    order: Order,
    *,
    http: "Http",
    now: Callable[[], datetime],
    planned: Planned | None = None,
    told: Told = lambda _: None,
    stop: asyncio.Event | None = None,
) -> "Tally":
    """Ask what an order lacks, within the budget, and publish a closed copy of the store.

    Args:
        workspace: With providers in its configuration.
        order: What is to be asked.
        http: The way out.
        now: Naive UTC.
        planned: Called before the first ask with how many each target is left to be asked.
        told: Called with each ask that is over.
        stop: Set when nothing more shall be asked.

    Raises:
        ConfigError: If nobody is configured to be asked, a key is missing, or a price is unknown and not allowed.
        StoreError: If store or archive cannot be written.
    """
    from crawlers.basket import frozen, revise
    from crawlers.budget import refuse_unpriced
    from crawlers.plan import Sweep
    from crawlers.run import Crawl, Places, crawl, finish_dead_runs
    from crawlers.services import services
    from geo_flywheel.registry import prices
    from geo_flywheel.store.copies import publish

    config = workspace.config()
    meant = [provider for provider in config.providers if not order.providers or provider.name in order.providers]
    asked = services(meant, os.environ)
    _refuse_unasked(asked)
    table = prices().on(now().date())
    worst = _worst(asked, now().date())
    refuse_unpriced(
        {f"{target.provider}, {target.engine}": most for target, most in worst.items()}, config.budget.unknown_price
    )
    questions = order.adhoc or revise(config.prompts, frozen(workspace.basket_path))
    sweep: Sweep = Sweep(questions, tuple(asked), order.snapshot, config.crawl.repeats, config.crawl.locales)
    places = Places(workspace.store_path, workspace.archive_path)
    finished = await asyncio.to_thread(finish_dead_runs, places)  # before the budget looks at what the day has cost
    work = Crawl(
        places=places,
        sweep=sweep,
        services=asked,
        http=http,
        budget=_budget(config, workspace, now),
        worst=worst,
        price_table=table.digest,
        now=now,
        connections=config.crawl.connections,
        told=told,
        stop=stop or asyncio.Event(),
    )
    if planned:
        planned(_left(work))
    tally = await crawl(work)
    if tally.outcomes or finished:
        await asyncio.to_thread(publish, workspace.store_path, workspace.published_path)
    return tally


def sandboxes(config: "Config") -> tuple[str, ...]:
    """Return the configured addresses on loopback: a sandbox, whose pages may be fetched where they are."""
    from urllib.parse import urlsplit

    hosts = {"127.0.0.1", "localhost", "::1"}
    return tuple(provider.url for provider in config.providers if urlsplit(provider.url).hostname in hosts)


def way_out(config: "Config") -> "Client":
    """Return the client of a crawl; services that only redirect are asked faster than pages are fetched."""
    from crawlers.http import Client
    from crawlers.reaching.pace import Pace

    paces = {"vertexaisearch.cloud.google.com": Pace(interval=0.1, connections=4)}
    return Client(allow=sandboxes(config), paces=paces, connections=config.crawl.connections)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let the first Ctrl-C or SIGTERM set `stop`, and the second break off."""
    import signal

    from geo_flywheel.cli.output import say

    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def once() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)
        say("finishing what is in flight; once more breaks off")

    for number in signals:
        loop.add_signal_handler(number, once)


def _refuse_unasked(asked: "Mapping[Target, Service]") -> None:
    from geo_flywheel import plugins

    if not asked:
        raise ConfigError(
            "nobody is configured to be asked; write a table such as [providers.openai] in geo-flywheel.toml"
        )
    for target, service in asked.items():
        asking = plugins.engine(target.provider).asking
        missing = [name for name in (asking.keys if asking else ()) if name not in service.keys]
        if missing:
            raise ConfigError(
                f"{target.provider} needs {' and '.join(missing)} in the environment; set it, or take the table out"
            )


def _left(work: "Crawl") -> "dict[Target, int]":
    """Asks that are left, once what dead runs had archived is stored."""
    from crawlers.plan import lines
    from crawlers.run import answered, finish_dead_runs

    finish_dead_runs(work.places)
    done = answered(work.places.store, work.sweep.snapshot)
    return {line.target: line.asks for line in lines(work.sweep, work.worst.get, done)}


def _worst(asked: "Mapping[Target, Service]", day: date) -> "dict[Target, Decimal | None]":
    """The most one ask of each target costs."""
    from crawlers.budget import worst_case
    from crawlers.services import options_of
    from geo_flywheel.registry import prices

    table = prices().on(day)
    return {
        target: worst_case(target.provider, target.engine, target.model, options_of(target, service), table)
        for target, service in asked.items()
    }


def _budget(config: "Config", workspace: "Workspace", now: Callable[[], datetime]) -> "Budget":
    from crawlers.budget import Budget

    def today() -> date:
        return now().date()

    spent = _spent_on(workspace, today())
    return Budget(config.budget.run_usd, config.budget.day_usd, today, spent)


def _spent_on(workspace: "Workspace", day: date) -> Decimal:
    """What the answers of a day cost, estimates among them."""
    from geo_flywheel.store.database import open_store

    if not workspace.store_path.exists():
        return Decimal(0)
    with open_store(workspace.store_path, read_only=True) as store:
        [(spent,)] = store.rows("SELECT coalesce(sum(cost_usd), 0) FROM answers WHERE day = ?", [day])
    return Decimal(str(spent))
