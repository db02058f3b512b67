"""`geo-flywheel plan`: what would be asked, and what it costs at most."""

from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from crawlers.base import Service
    from crawlers.plan import Line, Target
    from geo_flywheel.crawl_config import Budget

COLUMNS = ("provider", "engine", "model", "prompts", "repeats", "asks", "usd_per_ask_at_most", "usd_at_most")


@click.command()
@format_option()
@click.pass_obj
def command(session: Session, format_: Format) -> None:
    """Show what one sweep would ask and what it costs at most; nothing is asked.

    The cost is the worst case: an ask that reads and writes as much as its limits allow. Where no price is known the
    cost is empty, and [budget] unknown_price says whether such asks are refused or allowed.
    """
    import os

    from crawlers.basket import frozen, revise
    from crawlers.plan import Sweep, lines
    from crawlers.services import services

    workspace = session.workspace()
    config = workspace.config()
    revision = revise(config.prompts, frozen(workspace.basket_path))
    asked = services(config.providers, os.environ)
    sweep = Sweep(revision, tuple(asked), "", config.crawl.repeats, config.crawl.locales)
    found = lines(sweep, _price(asked))
    write_rows(COLUMNS, [_row(line) for line in found], format_)
    say(_summary(found, config.budget))
    if not config.providers:
        say("nobody is configured to be asked; write a table such as [providers.openai] into geo-flywheel.toml")


def _price(asked: "Mapping[Target, Service]") -> "Callable[[Target], Decimal | None]":
    """The most an ask of each target costs today."""
    from datetime import UTC, datetime

    from crawlers.budget import worst_case
    from crawlers.services import options_of
    from geo_flywheel.registry import prices

    today = prices().on(datetime.now(UTC).date())

    def at_most(target: "Target") -> "Decimal | None":
        options = options_of(target, asked[target])
        return worst_case(target.provider, target.engine, target.model, options, today)

    return at_most


def _row(line: "Line") -> list[object]:
    target = line.target
    who = [target.provider, target.engine, target.model or None]
    return [*who, line.questions, line.repeats, line.asks, line.usd_per_ask, line.usd]


def _summary(found: "Sequence[Line]", budget: "Budget") -> str:
    asks = sum(line.asks for line in found)
    priced = float(sum(line.usd or 0 for line in found))
    unpriced = sum(line.asks for line in found if line.usd is None)
    said = f"{asks:,} asks, at most {priced:.2f} USD"
    if unpriced:
        said += f" and {unpriced:,} asks whose price nothing tells (unknown_price is {budget.unknown_price})"
    if budget.run_usd is not None and priced > budget.run_usd:
        said += f"; a run stops asking at {budget.run_usd:.2f} USD (run_usd)"
    return said
