"""What a store holds, in a form that two stores can be compared by."""

from collections import Counter
from pathlib import Path
from typing import Any

from geo_flywheel import reports
from geo_flywheel.store.database import Store, open_hardened, open_store

Rows = Counter[str]

_PAGE = "(SELECT concat_ws(' ', url, site, site_key, resolved) FROM page AS n WHERE n.page_no = v.{})"
# What a number local to one store stands for.
_MEANINGS = {
    "answer_no": "(SELECT CAST(key AS VARCHAR) FROM answer AS n WHERE n.answer_no = v.answer_no)",
    **{name: _PAGE.format(name) for name in ("page_no", "target_page_no", "from_page_no", "to_page_no")},
    "site_no": "(SELECT site FROM page AS n WHERE n.page_no = v.site_no)",
    "prompt_no": "(SELECT prompt_id FROM prompt AS n WHERE n.prompt_no = v.prompt_no)",
    "log_page_no": "(SELECT concat_ws(' ', host, path) FROM log_page AS n WHERE n.log_page_no = v.log_page_no)",
    "kind_no": "(SELECT concat_ws('|', method, agent, verification, assistant, attribution, utm_source)"
    " FROM visit_kind AS n WHERE n.kind_no = v.kind_no)",
}
_READ = "(SELECT n.identity FROM capture AS n JOIN reading AS m USING (capture_no) WHERE m.reading_no = v.{})"
_ORIGINS = {
    "link_no": "(SELECT concat_ws(' ', raw_url, domain) FROM link AS n WHERE n.link_no = v.link_no)",
    "capture_no": "(SELECT identity FROM capture AS n WHERE n.capture_no = v.capture_no)",
    "reading_no": _READ.format("reading_no"),
    "on_reading_no": _READ.format("on_reading_no"),
}
_LOCAL = {"reading_no", "capture_no", "link_no"}
_OF_ITS_RUN = {"ingested_at", "run_id"}
_NO_FACTS = {"current_reading", "page_sites"}  # numbers alone; pages that no current reading need hold


def tables(path: Path) -> dict[str, list[str]]:
    """Every table row for row, but for the time a row came in."""
    with open_store(path, read_only=True) as store:
        return {name: _table(store, name) for name in _names(store, "SELECT table_name FROM duckdb_tables()")}


def meanings(path: Path) -> dict[str, tuple[int, int]]:
    """Rows and a sum of their digests for every table but that of the runs.

    Each number is replaced by what it stands for, and it counts for nothing which run brought a row.
    """
    with open_store(path, read_only=True) as store:
        names = _names(store, "SELECT table_name FROM duckdb_tables()")
        return {name: _meant(store, name) for name in names if name != "run"}


def views(path: Path) -> dict[str, Rows]:
    """Every view of facts, each number replaced by what it stands for."""
    with open_store(path, read_only=True) as store:
        names = _names(store, "SELECT view_name FROM duckdb_views() WHERE NOT internal")
        return {name: _view(store, name) for name in names if name not in _NO_FACTS}


def report_rows(path: Path, site: str) -> dict[str, list[dict[str, Any]]]:
    """Every shipped report about the facts, on one site where it takes one."""
    with open_hardened(path) as store:
        return {
            report.name: [_rounded(row) for row in _run(store, report, site)]
            for report in reports.find()
            if report.name != "crawl_health"  # tells of the runs and readings themselves
        }


def _run(store: Store, report: reports.Report, site: str) -> list[dict[str, Any]]:
    named = {parameter.name: site for parameter in report.parameters if parameter.name == "site"}
    rows: list[dict[str, Any]] = reports.run(store, report, named).to_pylist()
    return rows


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """The order in which floats are summed is nobody's promise."""
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}


def problems(path: Path) -> list[str]:
    """What was recorded of captures that could not be read, in order."""
    with open_store(path, read_only=True) as store:
        found = store.rows("SELECT problem FROM reading WHERE problem IS NOT NULL ORDER BY reading_no")
        return [problem for (problem,) in found]


def one(path: Path, sql: str) -> Any:
    """The one value a statement returns."""
    with open_store(path, read_only=True) as store:
        return store.rows(sql)[0][0]


def _names(store: Store, sql: str) -> list[str]:
    return sorted(name for (name,) in store.rows(sql))


def _table(store: Store, name: str) -> list[str]:
    return sorted(_selected(store, [c for c in _columns(store, name) if c != "ingested_at"], name))


def _meant(store: Store, name: str) -> tuple[int, int]:
    own = {"page": "page_no", "link": "link_no", "prompt": "prompt_no"}.get(name)  # says what it stands for itself
    known = _MEANINGS | _ORIGINS
    columns = [known.get(c, f"v.{c}") for c in _columns(store, name) if c not in _OF_ITS_RUN and c != own]
    select = f"SELECT count(*), sum(hash({', '.join(columns)})) FROM {name} AS v"  # noqa: S608 - names of the store's own
    [(rows, digests)] = store.rows(select)
    return rows, digests


def _view(store: Store, name: str) -> Rows:
    return Counter(
        _selected(store, [_MEANINGS.get(c, f"v.{c}") for c in _columns(store, name) if c not in _LOCAL], name)
    )


def _selected(store: Store, columns: list[str], name: str) -> list[str]:
    select = f"SELECT {', '.join(columns)} FROM {name} AS v"  # noqa: S608 - names of the store's own
    return [repr(row) for row in store.rows(select)]


def _columns(store: Store, name: str) -> list[str]:
    return [row[0] for row in store.rows(f"DESCRIBE {name}")]
