"""Access logs of web servers and of what stands before them: Common, Combined, JSON, W3C, ALB, Logpush.

`--site HOST` says of which host a log is whose lines do not. `--set ranges=FILE` gives lists of the addresses that
operators of agents publish, newer than those shipped.
"""

from collections.abc import Generator, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from crawlers.base import DroppedFile, Import
from crawlers.logs import formats
from crawlers.logs.visitors import Visitors
from geo_flywheel import shipped, urls
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import LogFile
from geo_flywheel.store import access_logs
from geo_flywheel.store.access_logs import chunks

SITE, RANGES = "set.site", "set.ranges"


def refuse(file: DroppedFile) -> str | None:
    """Return None for an access log; else why it is none, or what must be said of it."""
    found = formats.found(file.head)
    if found is None:
        return "its lines are not those of an access log"
    return _lacks(found, file)


def read(file: DroppedFile) -> Iterator[LogFile]:
    """Yield the log, for the store to read.

    Raises:
        Unreadable: If it is none, its host is not known, or the person's list of addresses is none.
    """
    found = formats.found(file.head)
    problem = "its lines are not those of an access log that is known" if found is None else _lacks(found, file)
    if found is None or problem:
        raise Unreadable(f"{file.name}: {problem}")
    ranges = file.options.get(RANGES)
    try:
        visitors = Visitors(Path(ranges) if ranges else None)
    except ConfigError as error:
        raise Unreadable(f"{file.name}: {error}") from error
    yield LogFile(file.path, found.name, found.layout, visitors, _host(file), found.keys)


def begin(file: DroppedFile) -> Generator[LogFile]:
    """Yield the log, its lines being taken apart from then on; raises as `read`."""
    for log in read(file):
        with chunks.begun(log) as begun:
            yield replace(log, begun=begun)


@cache
def rules() -> str:
    """Return a name for the state of the lists and of the layouts that logs are read by."""
    lists = (shipped.folder("data") / f"{name}.toml" for name in ("agents", "agent_addresses", "referrers"))
    return sha256(b"".join(file.read_bytes() for file in lists) + access_logs.version().encode()).hexdigest()[:12]


IMPORT = Import(
    "access logs of web servers and CDNs, plain or gzip", refuse, read, keeps=False, rules=rules, begin=begin
)


def _lacks(found: formats.Format, file: DroppedFile) -> str | None:
    if not found.names_host and not file.options.get(SITE):
        return f"a log ({found.name}) whose lines do not say of which host they are; add --site example.com"
    if file.options.get(SITE) and not _host(file):
        return f"--site {file.options[SITE]} is no host; write it as --site example.com"
    return None


def _host(file: DroppedFile) -> str:
    """The host the person named, "" for none."""
    told = file.options.get(SITE, "").strip()
    page = urls.canonical(told if "://" in told else f"https://{told}/").url if told else ""
    return page.partition("://")[2].partition("/")[0].partition(":")[0] if urls.site(page) else ""
