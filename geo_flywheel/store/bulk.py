"""Write the rows of bulk readers, as Arrow batches: dated observations, and facts about pages, hosts and sites."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.errors import StoreError
from geo_flywheel.records import Prompt, TableKind
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import number_links, number_prompts
from geo_flywheel.store.overlap import Overlap
from geo_flywheel.store.schema import SCHEMAS

_CHUNK_ROWS = 1_000_000
_CHUNK_BYTES = 256 * 1024**2

# The key of a row is its content, and for the second and later equal rows of one file their ordinal: so overlapping
# files add up to the most that one of them holds, never to their sum.
_TELL_APART = """
UPDATE {incoming} AS i
SET key = xor(again.key, md5_number('#' || again.ordinal))
FROM (
    SELECT rowid AS row, key, row_number() OVER (PARTITION BY key) AS ordinal
    FROM {incoming}
    WHERE key IN (SELECT key FROM {incoming} GROUP BY key HAVING count(*) > 1)
    QUALIFY ordinal > 1
) AS again
WHERE i.rowid = again.row
"""

# Joined to what is staged and never to a table: the planner takes a staged relation for one row, and so would lay a
# million of them into memory to look the few of the table up in them.
_OBSERVED = """
INSERT INTO incoming_observation
SELECT
    md5_number(concat_ws(chr(31), epoch_us(c.observed_at), c.provider, c.engine, c.surface, coalesce(c.model, ''),
        coalesce(c.topic, ''), coalesce(c.prompt, ''), coalesce(c.locale, ''), coalesce(c.raw_url, ''),
        coalesce(c.position, -1), c.cited, coalesce(c.asked, -1))),
    ?, c.observed_at, c.provider, c.engine, c.surface, c.model, n.prompt_no, c.topic, l.page_no, l.link_no,
    c.position, c.cited, c.asked
FROM chunk AS c
LEFT JOIN linked AS l ON l.raw_url = c.raw_url
LEFT JOIN numbered AS n ON n.prompt = c.prompt AND n.locale = coalesce(c.locale, '')
"""

# A presence's key is written as by every release before; its page came later.
_KEYS: dict[TableKind, str] = {
    "presence": (
        "md5_number(concat_ws(chr(31), corpus, unit, unit_kind, state, method, coalesce(captures, -1),"
        " coalesce(documents, -1), coalesce(tokens, -1), coalesce(observed_on, DATE '0001-01-01')))"
    )
}


class Writer:
    """Writes the bulk rows of one reading; equal ones inside it are told apart by their ordinal."""

    def __init__(self, overlap: Overlap) -> None:
        """Start for the reading of `overlap`."""
        self._store = overlap.store
        self._overlap = overlap
        self._begun: list[TableKind] = []

    def add(self, kind: TableKind, batches: Iterable[pa.RecordBatch]) -> None:
        """Take rows in.

        Args:
            kind: Table they go to.
            batches: With the schema of that table in `schema`.

        Raises:
            StoreError: If a batch has another schema.
        """
        if kind not in self._begun:
            self._begun.append(kind)
            self._store.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE incoming_{kind} AS SELECT * FROM {kind} LIMIT 0"
            )
        for chunk in _chunks(batches, SCHEMAS[kind]):
            with self._store.staged("chunk", chunk):
                if kind == "observation":
                    _resolve_observations(self._store, self._overlap.reading_no)
                else:
                    _resolve_placed(self._store, self._overlap.reading_no, kind)

    def finish(self) -> Counter[str]:
        """Store the rows that no other current reading holds and return how many they are, per table."""
        return Counter({kind: self._store_fresh(kind) for kind in self._begun})

    def _store_fresh(self, kind: TableKind) -> int:
        run, incoming = self._store.connection.execute, f"incoming_{kind}"
        run(_TELL_APART.format(incoming=incoming))
        rows = int(self._store.rows(f"SELECT count(*) FROM {incoming}")[0][0])
        held = self._overlap.held(kind, incoming)
        if held < rows:
            fresh = "WHERE key NOT IN (SELECT key FROM held)" if held else ""
            run(f"INSERT INTO {kind} SELECT * FROM {incoming} {fresh}")
        run(f"DROP TABLE {incoming}")
        return rows - held


def _chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.schema.equals(schema):
            raise StoreError(f"rows of schema {batch.schema} do not fit the table; the import has a bug: report it")
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _CHUNK_ROWS or size >= _CHUNK_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)


def _resolve_observations(store: Store, reading_no: int) -> None:
    """From chunk: number pages and prompts, key the rows, and add them to the incoming ones."""
    linked = number_links(store, "(SELECT raw_url, CAST(NULL AS VARCHAR) AS domain FROM chunk)")
    distinct = store.rows(
        "SELECT DISTINCT prompt, coalesce(locale, '') FROM chunk WHERE prompt IS NOT NULL ORDER BY ALL"
    )
    prompts = [Prompt(text, locale=locale) for text, locale in distinct]
    numbers = number_prompts(store, prompts)
    asked = pa.table(
        {
            "prompt": pa.array([p.text for p in prompts], pa.string()),
            "locale": pa.array([p.locale for p in prompts], pa.string()),
            "prompt_no": pa.array([numbers[p.id] for p in prompts], pa.int32()),
        }
    )
    with store.staged("linked", linked), store.staged("numbered", asked):
        store.connection.execute(_OBSERVED, [reading_no])


def _resolve_placed(store: Store, reading_no: int, kind: TableKind) -> None:
    """From chunk: find the site of each unit and the number of each page, key the rows, add them to the incoming."""
    names = SCHEMAS[kind].names
    linked = number_links(store, f"({_addresses(kind)})")
    units = store.table("SELECT DISTINCT unit, unit_kind FROM chunk")
    pages = [unit if "://" in unit else f"https://{unit}/" for unit in units.column("unit").to_pylist()]
    places = units.append_column("site", pa.array([urls.site(page) for page in pages], pa.string())).append_column(
        "site_key", pa.array([urls.site_key(page) for page in pages], pa.string())
    )
    columns = {name: f"c.{name}" for name in names}
    columns |= {"key": _KEYS.get(kind) or _key(names), "reading_no": "?", "page_no": "l.page_no"}
    columns |= {"site": "p.site", "site_key": "p.site_key"}
    target = "LEFT JOIN linked AS t ON t.raw_url = c.target" if kind == "page_link" else ""
    if target:
        columns["target_page_no"] = "t.page_no"
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with store.staged("linked", linked), store.staged("place", places):
        store.connection.execute(
            f"INSERT INTO incoming_{kind} BY NAME SELECT {selected} FROM chunk AS c"
            " JOIN place AS p USING (unit, unit_kind)"
            f" LEFT JOIN linked AS l ON c.unit_kind = 'page' AND l.raw_url = {_address('c.unit')} {target}",
            [reading_no],
        )


def _address(unit: str) -> str:
    """The address of a page that may be written without its scheme."""
    return f"CASE WHEN contains({unit}, '://') THEN {unit} ELSE 'https://' || {unit} END"


def _addresses(kind: TableKind) -> str:
    """The addresses of a chunk that are pages."""
    units = f"SELECT {_address('unit')} AS raw_url, CAST(NULL AS VARCHAR) AS domain FROM chunk WHERE unit_kind = 'page'"
    targets = " UNION ALL SELECT target, CAST(NULL AS VARCHAR) FROM chunk"
    return units + (targets if kind == "page_link" else "")


def _key(names: list[str]) -> str:
    parts = (f"coalesce(CAST(c.{name} AS VARCHAR), chr(0))" for name in names)
    return f"md5_number(concat_ws(chr(31), {', '.join(parts)}))"
