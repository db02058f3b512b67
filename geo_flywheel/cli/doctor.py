"""`geo-flywheel doctor`: what is configured, what can be reached, and what is missing."""

from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawlers.doctor import Finding
    from geo_flywheel.config import Config
    from geo_flywheel.errors import CrawlError
    from geo_flywheel.workspace import Workspace

COLUMNS = ("about", "name", "state", "facts", "to_do")


@click.command()
@click.option("--offline", is_flag=True, help="Do not try whether anybody can be reached.")
@format_option()
@click.pass_context
def command(ctx: click.Context, format_: Format, *, offline: bool) -> None:
    """Show what is configured, what can be reached and what is missing; nothing is asked, nothing is paid for.

    Each provider, and each source that is configured, gets one request without a key to its base address: any reply
    means that it can be reached. Of keys only the names are told. Exit code 0: everything the workspace uses is ready;
    1: something is not.
    """
    import os

    from crawlers.doctor import without_secrets

    session: Session = ctx.obj
    found = list(without_secrets(_findings(session.workspace(), offline=offline), os.environ))
    as_data = format_ in {"json", "ndjson"}
    write_rows(COLUMNS, [_data(each) if as_data else _text(each) for each in found], format_)
    unready = [each for each in found if each.used and each.to_do]
    say(f"{len(unready)} not ready: {', '.join(each.name for each in unready)}" if unready else "all is ready")
    ctx.exit(int(bool(unready)))


def _findings(workspace: "Workspace", *, offline: bool) -> "Iterator[Finding]":
    import os
    from datetime import UTC, datetime

    from crawlers import doctor

    config, now = workspace.config(), datetime.now(UTC).replace(tzinfo=None)
    replies = {} if offline else _reached(config)
    yield from doctor.providers(config, os.environ, now.date(), replies)
    yield from doctor.sources(config, os.environ, now.date(), replies)
    yield from doctor.broken_plugins(config)
    yield doctor.store(workspace.store_path)
    yield doctor.published(workspace.published_path, now)
    yield doctor.archive(workspace.archive_path)
    yield from doctor.schedule(config.schedule, workspace.schedule_path, now)
    yield doctor.disk(workspace.root)


def _reached(config: "Config") -> "Mapping[str, int | CrawlError]":
    import asyncio

    from crawlers.doctor import PATIENCE, addresses, reach
    from crawlers.http import Client

    async def all_of_them() -> "dict[str, int | CrawlError]":
        async with Client(patience=PATIENCE) as http:
            return await reach(addresses(config), http)

    return asyncio.run(all_of_them())


def _data(found: "Finding") -> list[object]:
    return [found.about, found.name, found.state, found.facts, found.to_do]


def _text(found: "Finding") -> list[object]:
    """For people: facts that say something, in words."""
    facts = "; ".join(f"{name} {_said(value)}" for name, value in found.facts.items() if value not in (None, []))
    return [found.about, found.name, found.state, facts, "; ".join(found.to_do) or None]


def _said(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(map(str, value))
    return f"{value}"
