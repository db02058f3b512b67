"""What is configured, what is missing and who can be reached; nothing is asked, and no secret is told.

Everything is looked at in the same way whether it is configured or not, so that what is missing to use it is told too.
"""

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from crawlers.base import Http, Request, Service, Wanted
from crawlers.budget import refuse_unpriced, worst_case
from crawlers.leases import Leases
from crawlers.plan import Target
from crawlers.reaching.patience import Patience
from crawlers.reaching.secrecy import redact
from crawlers.schedule import slots
from crawlers.services import asking_of, lacking, options_of, services
from crawlers.services import sources as sources_of
from geo_flywheel import plugins
from geo_flywheel.config import Config
from geo_flywheel.crawl_config import GatheredFrom, Provider, ScheduledJob
from geo_flywheel.errors import ConfigError, CrawlError, StoreError
from geo_flywheel.registry import prices
from geo_flywheel.store.condition import archive_condition, store_condition

PATIENCE = Patience(attempts=1, waiting=0.0, answer=5.0, connect=5.0)  # for the way out that `reach` takes
SOURCE_KINDS: tuple[plugins.Kind, ...] = ("signals", "corpora")
LEAST_FREE = 1024**3  # bytes of disk, so that a sweep and a copy of the store fit; an estimate


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is.

    Attributes:
        about: Its kind: provider, source, plugin, store, published copy, archive, schedule, disk.
        facts: What was found, by name.
        to_do: What is wrong or missing, and what to do about it.
        used: Whether the workspace uses it.
    """

    about: str
    name: str
    facts: Mapping[str, object]
    to_do: tuple[str, ...] = ()
    used: bool = True

    @property
    def state(self) -> str:
        """One of "ready", "not ready" and "not used"."""
        if not self.used:
            return "not used"
        return "not ready" if self.to_do else "ready"


def providers(
    config: Config, environment: Mapping[str, str], day: date, replies: Mapping[str, int | CrawlError]
) -> Iterator[Finding]:
    """Yield how each provider is that can be asked or is configured.

    Args:
        config: Of the workspace.
        environment: Where secrets are; none of them stands in a finding.
        day: Whose prices hold.
        replies: What came of reaching for an address, by address; empty when nobody was reached for.
    """
    for provider, used in _meant(config):
        try:
            yield _provider(provider, config, environment, day, replies, used=used)
        except ConfigError as error:
            yield Finding("provider", provider.name, {}, (f"{error}",), used)


def sources(
    config: Config, environment: Mapping[str, str], day: date, replies: Mapping[str, int | CrawlError]
) -> Iterator[Finding]:
    """Yield how each source of signals and corpora is, those configured first.

    Args:
        config: Of the workspace.
        environment: Where secrets are; none of them stands in a finding.
        day: Last day that would be gathered.
        replies: As for `providers`.
    """
    tables = {table.name: table for table in config.sources}
    broken = {name for kind in SOURCE_KINDS for name in plugins.broken(kind)}
    for name in dict.fromkeys((*tables, *plugins.sources())):
        if name not in broken:
            yield _source(name, tables.get(name), config, environment, day, replies)


def addresses(config: Config) -> list[str]:
    """Return the base addresses of all providers and of the sources that are configured, each once."""
    found = []
    for provider, _ in _meant(config):
        try:
            found.append(provider.url or asking_of(provider).url)
        except ConfigError:
            continue  # `providers` tells of it
    known = plugins.sources()
    found += [table.url or known[table.name].url for table in config.sources if table.name in known]
    return [url for url in dict.fromkeys(found) if url]


async def reach(urls: Iterable[str], http: Http) -> dict[str, int | CrawlError]:
    """Return the HTTP status each address replies with, or why none came; all at once, nothing is paid for."""

    async def status(url: str) -> int | CrawlError:
        try:
            return (await http.send(Request("GET", url, follow=False))).status
        except CrawlError as error:
            return error

    wanted = list(urls)
    return dict(zip(wanted, await asyncio.gather(*map(status, wanted)), strict=True))


def broken_plugins(config: Config) -> Iterator[Finding]:
    """Yield the plugins that cannot be loaded."""
    configured = {provider.name for provider in config.providers}
    gathered = {table.name for table in config.sources}
    for name, error in plugins.broken("engines").items():
        yield Finding("plugin", name, {"kind": "engine"}, (f"{error}",), used=name in configured)
    for name, error in plugins.broken("imports").items():
        yield Finding("plugin", name, {"kind": "import"}, (f"{error}",))
    for kind in SOURCE_KINDS:
        for name, error in plugins.broken(kind).items():
            yield Finding("plugin", name, {"kind": "source"}, (f"{error}",), used=name in gathered)


def store(path: Path) -> Finding:
    """Return how the store is; one that is not there yet is not used."""
    if not path.exists():
        return Finding("store", path.name, {}, used=False)
    size: dict[str, object] = {"bytes": path.stat().st_size}
    try:
        found = store_condition(path)
    except StoreError as error:
        return Finding("store", path.name, size, (f"{error}",))
    facts = {
        "schema_current": found.current,
        "last_run": found.last_run,
        "captures": found.captures,
        "failed_readings": found.unread,
    }
    return Finding("store", path.name, size | facts)


def published(path: Path, now: datetime) -> Finding:
    """Return how old the published copy of the store is."""
    if not path.exists():
        return Finding("published copy", path.name, {}, used=False)
    about = path.stat()
    written = datetime.fromtimestamp(about.st_mtime, UTC).replace(tzinfo=None)
    return Finding("published copy", path.name, {"bytes": about.st_size, "age": f"{now - written}".split(".")[0]})


def archive(root: Path) -> Finding:
    """Return how the archive is."""
    if not root.exists():
        return Finding("archive", root.name, {}, used=False)
    try:
        found = archive_condition(root)
    except StoreError as error:
        return Finding("archive", root.name, {}, (f"{error}",))
    facts = {
        "bytes": found.size,
        "runs": found.runs,
        "running": found.running,
        "broken_off": found.broken_off,
        "files": found.files,
    }
    return Finding("archive", root.name, facts)


def schedule(jobs: Iterable[ScheduledJob], path: Path, now: datetime) -> Iterator[Finding]:
    """Yield when each job comes next, and what came of its latest slot.

    Args:
        jobs: Of the configuration.
        path: The leases; the file is not made where it is missing.
        now: Naive UTC.
    """
    for job in jobs:
        facts: dict[str, object] = {"next_slot": next(slots(job, now), None)}
        try:
            yield Finding("schedule", job.name, facts | _latest(job, path, now))
        except StoreError as error:
            yield Finding("schedule", job.name, facts, (f"{error}",))


def disk(root: Path) -> Finding:
    """Return how much of the disk is free."""
    free = shutil.disk_usage(root).free
    to_do = (f"{root}: {free / 1024**3:.2f} GiB are free; free some space",) if free < LEAST_FREE else ()
    return Finding("disk", root.name, {"bytes_free": free}, to_do)


def without_secrets(findings: Iterable[Finding], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings with every form of every secret replaced, wherever it got in."""
    names = {key for engine in plugins.engines().values() if engine.asking for key in engine.asking.keys}
    names |= {key for source in plugins.sources().values() for key in source.keys}
    secrets = tuple(environment[name] for name in sorted(names) if environment.get(name))
    for found in findings:
        facts = {name: _redacted(value, secrets) for name, value in found.facts.items()}
        to_do = tuple(redact(line, secrets) for line in found.to_do)
        yield replace(found, name=redact(found.name, secrets), facts=facts, to_do=to_do)


def _meant(config: Config) -> Iterator[tuple[Provider, bool]]:
    """The configured providers, then the others that could be; and whether they are. Broken plugins are left out."""
    named = {provider.name for provider in config.providers}
    broken = plugins.broken("engines")
    yield from ((provider, True) for provider in config.providers if provider.name not in broken)
    for name, engine in plugins.engines().items():
        if engine.asking and name not in named:
            yield Provider(name), False


def _provider(
    provider: Provider,
    config: Config,
    environment: Mapping[str, str],
    day: date,
    replies: Mapping[str, int | CrawlError],
    *,
    used: bool,
) -> Finding:
    found, keys = services([provider], environment), asking_of(provider).keys
    service = next(iter(found.values()))
    missing = [key for key in keys if key not in service.keys]
    worst, reply = _worst(found, day), replies.get(service.url)
    facts = {
        "engines": [target.engine for target in found],
        "model": service.model or None,
        "url": service.url,
        "keys_set": [key for key in keys if key in service.keys],
        "keys_missing": missing,
        "price_known": None not in worst.values(),
        "status": reply if isinstance(reply, int) else None,
    }
    to_do = [f"set {' and '.join(missing)} in the environment"] if missing else []
    to_do += [f"{reply}"] if isinstance(reply, CrawlError) else []
    to_do += _unpriced(worst, config.budget.unknown_price)
    return Finding("provider", provider.name, facts, tuple(to_do), used)


def _source(
    name: str,
    table: GatheredFrom | None,
    config: Config,
    environment: Mapping[str, str],
    day: date,
    replies: Mapping[str, int | CrawlError],
) -> Finding:
    used = table is not None
    try:
        service = sources_of(config.sources, environment, [name])[name]
    except ConfigError as error:
        return Finding("source", name, {}, (f"{error}",), used)
    keys, reply = plugins.source(name).keys, replies.get(service.url)
    facts = {
        "url": service.url,
        "keys_set": [key for key in keys if key in service.keys],
        "keys_missing": [key for key in keys if key not in service.keys],
        "status": reply if isinstance(reply, int) else None,
    }
    missing = asyncio.run(lacking(service, Wanted(config.own or ("example.com",), day, day)))
    to_do = [missing] if missing else []
    to_do += [f"{reply}"] if isinstance(reply, CrawlError) else []
    return Finding("source", name, facts, tuple(to_do), used)


def _worst(found: Mapping[Target, Service], day: date) -> dict[str, Decimal | None]:
    """The most one ask costs, by what a person calls whom is asked."""
    table = prices().on(day)
    return {
        f"{target.provider}, {target.engine}": worst_case(
            target.provider, target.engine, target.model, options_of(target, service), table
        )
        for target, service in found.items()
    }


def _unpriced(worst: Mapping[str, Decimal | None], unknown_price: str) -> list[str]:
    try:
        refuse_unpriced(worst, unknown_price)
    except ConfigError as error:
        return [f"{error}"]
    return []


def _latest(job: ScheduledJob, path: Path, now: datetime) -> dict[str, object]:
    if not path.exists():
        return {"latest_slot": None, "outcome": None}
    with Leases(path, lambda: now) as leases:
        latest = leases.latest(job.name)
    if latest is None:
        return {"latest_slot": None, "outcome": None}
    unfinished = "running" if latest.expires_at > now else "broken off"
    return {"latest_slot": latest.slot, "outcome": latest.outcome or unfinished}


def _redacted(value: object, secrets: Iterable[str]) -> object:
    match value:
        case str():
            return redact(value, secrets)
        case list():
            return [_redacted(item, secrets) for item in value]
    return value
