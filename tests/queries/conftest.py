"""Stores to run the reports on, and how they are run."""

from pathlib import Path

import pytest

from geo_flywheel import reports
from geo_flywheel.store.database import open_hardened
from tests.queries.markets import TODAY, Ask, Market, Rows, fill


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Return the rows of a report over a market, with parameters as keywords."""
    filled: dict[Market, Path] = {}

    def rows(market: Market, name: str, **values: object) -> Rows:
        path = filled.setdefault(market, tmp_path / f"store{len(filled)}.duckdb")
        if not path.exists():
            fill(path, market)
        report = reports.get(name)
        known = {parameter.name for parameter in report.parameters}
        given = {name: value for name, value in ({"today": TODAY} | values).items() if name in known}
        with open_hardened(path) as store:
            found: Rows = reports.run(store, report, given).to_pylist()
        return found

    return rows
