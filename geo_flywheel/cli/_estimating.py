"""What `geo-flywheel estimate` fits: the panel meant, and one estimator on it."""

from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from geo_flywheel.cli import Session
from geo_flywheel.errors import EstimateError
from geo_flywheel.estimate import Estimate, Estimator, Verdict
from geo_flywheel.panel import Panel, read_panel
from geo_flywheel.store.database import open_store
from geo_flywheel.store.panel import panel_of


def panel_meant(session: Session, file: Path | None, site: str | None, engine: str | None) -> Panel:
    """Return the panel of a file or of the store, narrowed as asked, with a note of it."""
    if file is not None:
        panel = read_panel(file)
        panel = panel.of(engine=engine) if engine else panel
    else:
        with open_store(session.workspace().store_path, read_only=True) as store:
            panel = panel_of(store, engine=engine)
    if site is None:
        return panel
    market = panel.around(site)
    note = f"this is the market of {site}: {_counted(market)}; one site alone has no gain that could be told"
    return replace(market, notes=(*market.notes, note))


def _counted(market: Panel) -> str:
    topics, sites = market.frame["topic"].nunique(), market.frame["site_id"].nunique()
    return f"{topics:,} topic{'s' if topics > 1 else ''}, {sites:,} sites"


def untold(name: str, reason: str) -> Estimate:
    """Return an estimate of which nothing can be told, and why."""
    return Estimate(name, None, "", None, Verdict.CANNOT_TELL, reason)


def estimated(name: str, panel: Panel, settings: dict[str, Any], *, strict: bool) -> Estimate:
    """Return what an estimator tells of a panel; among many a failure is an estimate that cannot be told.

    Raises:
        EstimateError: If it fails and `strict`.
    """
    found = import_module(f"geo_flywheel.estimators.{name}").ESTIMATOR
    known = {field.name for field in fields(found)}
    given = {key: value for key, value in settings.items() if key in known and value is not None}
    estimator: Estimator[Panel] = replace(found, **given)
    try:
        estimate = estimator.fit(panel)
    except EstimateError as error:
        if strict:
            raise
        return replace(untold(name, str(error)), input_digest=panel.digest)
    told = tuple(note for note in panel.notes if note not in estimate.assumptions)
    return replace(estimate, assumptions=(*estimate.assumptions, *told))
