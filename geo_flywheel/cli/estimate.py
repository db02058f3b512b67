"""`geo-flywheel estimate`: run an estimator on the store's panel or on a file; every estimator found is a NAME."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say
from geo_flywheel.errors import ConfigError, EstimateError

if TYPE_CHECKING:
    from geo_flywheel.estimate import Estimate


@click.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Run every estimator: one screen to act on.")
@click.option("--panel", "file", type=click.Path(path_type=Path), help="Parquet or CSV file; default: the store's.")
@click.option("--site", help="The market of this site: all pages of the topics it has pages in.")
@click.option("--engine", help="Only this engine's answers; default: all that were asked throughout, pooled.")
@format_option("table", ("table", "json"))
@click.option("--seed", type=click.IntRange(0), help="Seed of the random draws; default: each estimator's own.")
@click.option("--thorough", is_flag=True, help="Add permutations, rolling windows and spells; takes minutes.")
@click.pass_obj
def command(  # noqa: PLR0913 - as many as there are options
    session: Session,
    *,
    name: str | None,
    every: bool,
    file: Path | None,
    site: str | None,
    engine: str | None,
    format_: Format,
    seed: int | None,
    thorough: bool,
) -> None:
    """Estimate NAME, such as loop_gain: value, 95% interval, verdict, why, and what data would tell more.

    Every estimator needs a site's rivals: a gain or an exponent is one of a market, never of one site's own pages.
    So --site narrows the panel to the market that the site is in, its rivals' pages included.

    A panel in a file has one row per page and period with the columns page_id, site_id, topic, period, asked_a,
    cited_a, asked_b, cited_b, engagement_a, engagement_b, presence_a, presence_b and, where known, further ones; its
    pages should come from sitemaps, crawl indexes or logs, so that pages never cited are in it.
    """
    if every == (name is not None):
        raise ConfigError(f"give one NAME, or --all; there are {', '.join(_names())}")
    from geo_flywheel.cli._estimating import estimated, panel_meant, untold

    wanted = _names() if every else [_known(name or "")]
    settings = {"seed": seed, "thorough": thorough or None, "tell": say}
    try:
        panel = panel_meant(session, file, site, engine)
    except EstimateError as error:
        if not every:
            raise
        found = [untold(one, str(error)) for one in wanted]
    else:
        found = [estimated(one, panel, settings, strict=not every) for one in wanted]
    _write(found, format_, every=every)


def _names() -> list[str]:
    """Modules of the folder that hold an ESTIMATOR, told by their text so that none is imported to list them."""
    from geo_flywheel import estimators

    files = [file for folder in estimators.__path__ for file in Path(folder).glob("[!_]*.py")]
    return sorted(file.stem for file in files if "\nESTIMATOR" in file.read_text(encoding="utf-8"))


def _known(name: str) -> str:
    from difflib import get_close_matches

    wanted, names = name.replace("-", "_"), _names()
    if wanted not in names:
        near = get_close_matches(wanted, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"no estimator is called {name}; {hint}")
    return wanted


def _write(found: "list[Estimate]", format_: Format, *, every: bool) -> None:
    if format_ == "json":
        import json

        from geo_flywheel.cli._formats import plain

        told = [plain(estimate.told()) for estimate in found]
        click.echo(json.dumps(told if every else told[0], ensure_ascii=False, allow_nan=False, indent=2))
        return
    from geo_flywheel.cli._estimates import show, show_all

    if every:
        show_all(found)
    else:
        show(found[0])
