"""`sandbox`: a made-up market on loopback that answers as the real services do, to try everything without a key."""

import sys
from datetime import datetime

import click

from geo_flywheel.cli.output import say, write_rows
from geo_flywheel.errors import ConfigError

_DAY = click.DateTime(["%Y-%m-%d"])
_WORLDS = [
    *("loop", "fitness", "open", "reversed", "hidden", "hidden_some", "hidden_little", "hidden_loop"),
    *("turnover", "robots", "releases", "releases_without_effect"),
]


@click.group()
def command() -> None:
    """Serve a made-up market of answers on this machine, to try everything without keys and costs."""


@command.command()
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Everything is drawn from it.")
@click.option("--world", type=click.Choice(_WORLDS), default="loop", show_default=True, help="What drives what.")
@click.option("--gain", type=click.FloatRange(0, 1), help="True loop gain, where the world has a loop; default: .5.")
@click.option("--weeks", type=click.IntRange(1), default=52, show_default=True, help="Weeks that the market lasts.")
@click.option("--start", type=_DAY, default="2025-11-24", show_default=True, help="Its first day, a Monday.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; default: one that is free.")
def serve(seed: int, world: str, gain: float | None, weeks: int, start: datetime, port: int) -> None:
    """Serve the market until Ctrl-C; the first line on stdout is its address.

    Each provider has its API below that address, as in http://127.0.0.1:PORT/openai. POST /clock {"now": ...} moves
    the time of the market, POST /faults orders faults, GET /market tells the truth.
    """
    import asyncio
    from dataclasses import replace

    from crawlers.sandbox.addresses import Sandbox
    from crawlers.sandbox.serving import served
    from geo_flywheel.simulate.market import WORLDS

    if start.weekday():
        raise ConfigError(f"--start {start:%Y-%m-%d} is no Monday; weeks of the market begin on Mondays")
    known = WORLDS[world]
    drawn = replace(known, weeks=weeks, gain=known.gain if gain is None else gain)
    sandbox = Sandbox(drawn, seed, start)

    async def until_stopped() -> None:
        async with served(sandbox.respond, port) as address:
            click.echo(address)
            sys.stdout.flush()
            say(
                f"{world}, true gain {sandbox.market.world.true_gain:g}, seed {seed}, {weeks} weeks from {start.date()}"
            )
            await asyncio.Event().wait()

    try:
        asyncio.run(until_stopped())
    except OSError as error:
        raise ConfigError(f"port {port} cannot be had ({error.strerror}); name another, or none") from error


@command.command()
def prompts() -> None:
    """Write the prompts the market knows as CSV, ready for `geo-flywheel basket import`."""
    from geo_flywheel.simulate.market import World
    from geo_flywheel.simulate.scenery import prompts as known

    write_rows(("text", "topic"), [(prompt.text, prompt.topic) for prompt in known(World())], "csv")
