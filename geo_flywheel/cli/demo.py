"""`geo-flywheel demo`: a year of weekly sweeps over a made-up market, by the code that asks the live services."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="demo-workspace")
@click.option("--weeks", type=click.IntRange(1, 52), default=52, show_default=True, help="Weekly sweeps.")
@click.option("--full", is_flag=True, help="Ask every question four times a week, not twice: 33,280 asks a year.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The market is drawn from it.")
def command(folder: Path, weeks: int, seed: int, *, full: bool) -> None:
    """Crawl a made-up market on this machine for a year of weekly sweeps: no key, no cost, nobody else is asked.

    FOLDER becomes a workspace like any other: track, report and sql work on it afterwards.
    """
    from geo_flywheel.cli._demo import run

    run(folder, weeks, seed, full=full)
