"""What the configuration says of the crawl: whom to ask, how, when, and for how much; and where to gather."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from geo_flywheel.errors import ConfigError
from geo_flywheel.toml_table import Table, amount, choice, kind, known, subtable, text, texts, whole

UnknownPrice = Literal["refuse", "allow"]
CatchUp = Literal["latest", "all", "skip"]
SourceKind = Literal["signals", "corpora"]
What = Literal["crawl", "gather"]

_SECRET_OPTION = re.compile(r"api_?key|secret|password|credential|authorization|(^|_)token$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CRON_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of answers that shall be asked: `[providers.NAME]`.

    Attributes:
        name: File name of its plugin.
        engines: Which of its engines; none named means all.
        model: Model to ask for; "" means the plugin's own choice.
        url: Base address; "" means the provider's own.
        options: Further settings, checked against what the plugin knows when it is to be asked.
    """

    name: str
    engines: tuple[str, ...] = ()
    model: str = ""
    url: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatheredFrom:
    """A source that shall be gathered from: `[signals.NAME]` or `[corpora.NAME]`.

    Attributes:
        name: File name of its plugin.
        url: Base address; "" means the source's own.
        options: All other keys, checked against what the plugin knows when it is to be asked.
    """

    kind: SourceKind
    name: str
    url: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent: `[budget]`.

    Attributes:
        run_usd: US dollars one run may cost; None means no limit.
        day_usd: US dollars one day (UTC) may cost; None means no limit.
        unknown_price: Whether an ask is refused or allowed whose price nothing tells.
    """

    run_usd: Decimal | None = None
    day_usd: Decimal | None = None
    unknown_price: UnknownPrice = "refuse"


@dataclass(frozen=True, slots=True)
class Crawl:
    """How to ask: `[crawl]`.

    Attributes:
        repeats: How often each prompt is asked per engine, locale and snapshot; even, so that it splits in halves.
        connections: How many asks may be in flight at once.
        locales: Where prompts are asked from that name no locale of their own.
    """

    repeats: int = 4
    connections: int = 10
    locales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A crawl, or a gathering from sources, that comes again: `[schedule.NAME]`.

    Attributes:
        cron: Five fields: minute, hour, day of month, month, day of week.
        timezone: IANA name of the zone the expression is meant in.
        catch_up: Which of the slots that passed unclaimed are still run: the latest, all, or only those within grace.
        grace_minutes: How late a slot may be run when the policy is "skip".
        providers: Which of the configured providers a crawl asks; none named means all.
        sources: Which of the configured sources a gathering asks, likewise.
    """

    name: str
    cron: str
    timezone: str = "UTC"
    catch_up: CatchUp = "latest"
    grace_minutes: int = 120
    providers: tuple[str, ...] = ()
    what: What = "crawl"
    sources: tuple[str, ...] = ()


def providers(root: Table) -> tuple[Provider, ...]:
    """Return the providers of `[providers]`, in the order of the file."""
    return tuple(_provider(name, table) for name, table in _named(root, "providers"))


def sources(root: Table) -> tuple[GatheredFrom, ...]:
    """Return the sources of `[signals]` and `[corpora]`, in the order of the file; no name twice."""
    found = [_source(kind, name, table) for kind in get_args(SourceKind) for name, table in _named(root, kind)]
    names = [source.name for source in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name} stands in [signals] and in [corpora]; take out the one it is not")
    return tuple(found)


def budget(root: Table) -> Budget:
    """Return what `[budget]` says."""
    table, where = subtable(root, "budget", "at the top"), "in [budget]"
    known(table, ("run_usd", "day_usd", "unknown_price"), where)
    unknown = choice(table, "unknown_price", where, get_args(UnknownPrice), "refuse")
    return Budget(amount(table, "run_usd", where), amount(table, "day_usd", where), cast("UnknownPrice", unknown))


def crawl(root: Table) -> Crawl:
    """Return what `[crawl]` says."""
    table, where = subtable(root, "crawl", "at the top"), "in [crawl]"
    known(table, ("repeats", "connections", "locales"), where)
    repeats = whole(table, "repeats", where, 2, 1000, 4)
    if repeats % 2:
        raise ConfigError(f"repeats ({where}) is {repeats}; write an even number, so that asks split in two halves")
    return Crawl(
        repeats,
        whole(table, "connections", where, 1, 100, 10),
        tuple(dict.fromkeys(texts(table, "locales", where, "en-US"))),
    )


def schedule(root: Table) -> tuple[ScheduledJob, ...]:
    """Return the jobs of `[schedule]`, in the order of the file."""
    return tuple(_job(name, table, root) for name, table in _named(root, "schedule"))


def _named(root: Table, key: str) -> Iterator[tuple[str, Table]]:
    """The tables under [key.NAME], each with its name."""
    for name in (tables := subtable(root, key, "at the top")):
        if not _NAME.fullmatch(name):
            raise ConfigError(f'"{name}" (in [{key}]) is no name; use letters, digits, - and _')
        if not isinstance(tables[name], dict):
            raise ConfigError(f"{name} (in [{key}]) is {kind(tables[name])}, not a table; write [{key}.{name}]")
        yield name, subtable(tables, name, f"in [{key}]")


def _provider(name: str, table: Table) -> Provider:
    where = f"in [providers.{name}]"
    known(table, ("engines", "model", "url", "options"), where)
    options = subtable(table, "options", where)
    _without_secrets(options, f"in options of [providers.{name}]")
    return Provider(
        name,
        tuple(dict.fromkeys(texts(table, "engines", where, "google_ai_mode"))),
        text(table.get("model", ""), "model", where),
        _address(text(table.get("url", ""), "url", where), where),
        options,
    )


def _source(kind_: SourceKind, name: str, table: Table) -> GatheredFrom:
    where = f"in [{kind_}.{name}]"
    _without_secrets(table, where)
    url = _address(text(table.get("url", ""), "url", where), where)
    return GatheredFrom(kind_, name, url, {key: value for key, value in table.items() if key != "url"})


def _without_secrets(value: object, where: str) -> None:
    """Refuse, however deep, a key that looks like a secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            if _SECRET_OPTION.search(key):
                raise ConfigError(
                    f"{key} ({where}) looks like a secret; take it out of the file and set it in the environment"
                )
            _without_secrets(item, where)
    elif isinstance(value, list):
        for item in value:
            _without_secrets(item, where)


def _address(url: str, where: str) -> str:
    """A base address: http or https, with a host, and nothing in it that could be a secret."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        right = False
    if not right:
        raise ConfigError(f'url ({where}) is no address; write url = "https://host/path"')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"url ({where}) holds more than host and path; take out what follows ? or # and stands before @"
        )
    return url.rstrip("/")


def _job(name: str, table: Table, root: Table) -> ScheduledJob:
    where = f"in [schedule.{name}]"
    what = cast("What", choice(table, "what", where, get_args(What), "crawl"))
    whom = {"crawl": "providers", "gather": "sources"}[what]
    known(table, ("cron", "timezone", "catch_up", "grace_minutes", "what", whom), where)
    if "cron" not in table:
        raise ConfigError(f'there is no cron {where}; write cron = "0 6 * * 1"')
    asked = tuple(dict.fromkeys(texts(table, whom, where, "openai" if what == "crawl" else "ga4")))
    tables = ("providers",) if what == "crawl" else get_args(SourceKind)
    configured = [name for key in tables for name in subtable(root, key, "at the top")]
    for one in asked:
        known({one: None}, configured, f"in [{'] or ['.join(tables)}], though it stands {where}")
    return ScheduledJob(
        name,
        _cron(text(table["cron"], "cron", where), where),
        _zone(text(table.get("timezone", "UTC"), "timezone", where), where),
        cast("CatchUp", choice(table, "catch_up", where, get_args(CatchUp), "latest")),
        whole(table, "grace_minutes", where, 1, 527_040, 120),
        providers=asked if what == "crawl" else (),
        what=what,
        sources=asked if what == "gather" else (),
    )


def _cron(expression: str, where: str) -> str:
    from cronsim import CronSim, CronSimError

    remedy = f'cron ({where}) is "{expression}": %s; write minute, hour, day, month and weekday, such as "0 6 * * 1"'
    if len(expression.split()) != _CRON_FIELDS:
        raise ConfigError(remedy % f"{len(expression.split())} fields, not {_CRON_FIELDS}")
    try:
        first = next(CronSim(expression, datetime(2026, 1, 1)), None)  # noqa: DTZ001 - the zone does not matter here
    except (CronSimError, ValueError) as error:
        raise ConfigError(remedy % f"{error}".lower()) from error
    if first is None:
        raise ConfigError(remedy % "no day is such a day")
    return " ".join(expression.split())


def _zone(name: str, where: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"did you mean {near[0]}?" if near else 'write one such as "Europe/Berlin" or "UTC"'
        raise ConfigError(f'timezone ({where}): no zone is called "{name}"; {hint}') from error
    return name
