"""`geo-flywheel plan`: what would be asked, and what it costs at most."""

from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from crawlers.base import Service
    from crawlers.plan import Line, Target
    from geo_flywheel.crawl_config import Budget
    from geo_flywheel.estimate.detectable import Prompts
    from geo_flywheel.store.database import Store

COLUMNS = ("provider", "engine", "model", "prompts", "repeats", "asks", "usd_per_ask_at_most", "usd_at_most")
_PATIENCE = 2.0
_HISTORY = """
WITH cell AS (
    SELECT prompt_no, week, sum(asked) AS asked FROM asked
    WHERE provider = $1 AND engine = $2 AND surface IN ('api', 'serp_provider')
        AND prompt_no IS NOT NULL AND week IS NOT NULL
    GROUP BY prompt_no, week
), hit AS (
    SELECT prompt_no, week, sum(cited) AS cited FROM site_citations
    WHERE provider = $1 AND engine = $2 AND surface IN ('api', 'serp_provider') AND site = $3
    GROUP BY prompt_no, week
)
SELECT coalesce(hit.cited, 0) AS cited, cell.asked, cell.prompt_no, cell.week
FROM cell LEFT JOIN hit ON hit.prompt_no = cell.prompt_no AND hit.week = cell.week
ORDER BY ALL
"""


@click.command()
@format_option()
@click.pass_obj
def command(session: Session, format_: Format) -> None:
    """Show what one sweep would ask and what it costs at most; nothing is asked.

    The cost is the worst case: an ask that reads and writes as much as its limits allow. Where no price is known the
    cost is empty, and [budget] unknown_price says whether such asks are refused or allowed.

    Beside it stands the smallest change of a site's citation rate that two such sweeps tell from none, four times in
    five: from how the prompts answered before, where the store has two sweeps with repeats, else from assumptions.
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
    for sentence in _outlook(found, config.own, workspace.store_path):
        say(sentence)
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


def _outlook(found: "Sequence[Line]", sites: "Sequence[str]", store: "Path") -> "Iterator[str]":
    """What two sweeps like this one can tell, for each target and own site; what is only assumed is told once."""
    from geo_flywheel.estimate.detectable import ASSUMED

    asked = [line for line in found if line.questions]
    seen = _seen(asked, sites, store)
    for (line, site), prompts in seen.items():
        yield (
            f"{line.target.engine}, {site}: two such sweeps tell a change of"
            f" {_points(prompts, line)} of its citation rate ({prompts.rate:.1%}) from none, four times in five, if"
            f" {_behaviour(prompts)} as before"
        )
    unseen = [line for line in asked if not any((line, site) in seen for site in sites)]
    for line in {(line.questions, line.repeats): line for line in unseen}.values():
        yield (
            f"{line.questions} prompts x {line.repeats} repeats: two such sweeps of an engine tell a change of"
            f" {_points(ASSUMED, line)} of a site's citation rate from none, four times in five, if the rate is"
            f" {ASSUMED.rate:.0%} and {_behaviour(ASSUMED)}: assumed, until two weeks with repeats are in the store"
        )


def _points(prompts: "Prompts", line: "Line") -> str:
    change = prompts.change(line.questions, line.repeats)
    return f"{100 * change:.1f} points" if change < 1 else "no size (too few asks)"


def _behaviour(prompts: "Prompts") -> str:
    spread = prompts.prompt_variance**0.5
    return f"prompts differ by an sd of {spread:.2f} and keep {prompts.correlation:.2f} of it from sweep to sweep"


def _seen(asked: "Sequence[Line]", sites: "Sequence[str]", path: "Path") -> "dict[tuple[Line, str], Prompts]":
    """How the prompts of each target answered about each site, where there were sweeps enough and the store is free."""
    from geo_flywheel.errors import StoreError
    from geo_flywheel.store.database import open_store

    if not path.exists():
        return {}
    try:
        with open_store(path, read_only=True, patience=_PATIENCE) as store:
            answered = {(line, site): _answered(store, line.target, site) for line in asked for site in sites}
    except StoreError as error:
        say(f"how prompts answered before cannot be read: {error}")
        return {}
    return {key: prompts for key, prompts in answered.items() if prompts is not None}


def _answered(store: "Store", target: "Target", site: str) -> "Prompts | None":
    from geo_flywheel.errors import EstimateError
    from geo_flywheel.estimate.detectable import prompts_seen

    cells = store.rows(_HISTORY, [target.provider, target.engine, site])
    if not cells:
        return None
    try:
        return prompts_seen(*zip(*cells, strict=True))
    except EstimateError:
        return None
